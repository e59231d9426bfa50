"""A Redis Cluster on loopback: real servers, each with an append-only file of its own."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import RedisError

from bridge.storage import embedded
from scripts.sandbox.house import free_port, until

HOST = "127.0.0.1"
NODE_TIMEOUT_MS = 1500


@dataclass(kw_only=True)
class Node:
    """One server; `bus` is the port by which nodes speak to each other."""

    data: Path
    port: int
    bus: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its data of before is there again."""
        options = {
            **{"port": self.port, "cluster-port": self.bus, "bind": HOST, "dir": self.data},
            **{"cluster-enabled": "yes", "cluster-node-timeout": NODE_TIMEOUT_MS},
            **{"appendonly": "yes", "appendfsync": "always", "save": "", "logfile": self.data / "node.log"},
        }
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self.process = subprocess.Popen([embedded.server_program(), *arguments], stdin=subprocess.DEVNULL)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def ask(self, *command: Any) -> Any:
        """This very node's answer, redirections and errors included."""
        with Redis(host=HOST, port=self.port, socket_timeout=10) as client:
            return client.execute_command(*command)

    @property
    def id(self) -> str:
        """Its name among the nodes."""
        return str(self.ask("CLUSTER MYID").decode())

    def names(self) -> set[str]:
        """The keys that lie on it."""
        return {name.decode() for name in self.ask("KEYS", "*")}


@dataclass(kw_only=True)
class RedisCluster:
    """The nodes, those that hold slots first."""

    nodes: list[Node] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address of its first node."""
        return f"redis://{HOST}:{self.nodes[0].port}"

    def owner(self, name: str) -> Node:
        """The node that has a key's slot now."""
        slot = key_slot(name.encode())
        port = next(
            at[1] for first, last, at, *_ in self.nodes[0].ask("CLUSTER SLOTS") if first <= slot <= last
        )
        return next(node for node in self.nodes if node.port == port)

    async def settled(self) -> None:
        """Wait until every node knows every other, and that all slots have one."""

        async def agreed() -> bool:
            with suppress(RedisError):
                told = [node.ask("CLUSTER INFO") for node in self.nodes]
                known = str(len(self.nodes))
                return all(
                    one["cluster_state"] == "ok" and one["cluster_known_nodes"] == known for one in told
                )
            return False

        await until(agreed, "the nodes do not agree")

    def take(self, source: Redis) -> None:
        """Move all that a single Redis holds, as `redis-cli --cluster import` does."""
        for name in source.scan_iter():
            source.migrate(HOST, self.owner(name.decode()).port, [name], 0, 5000)

    async def begin_move(self, name: str, to: Node) -> None:
        """From now on a key's slot is being moved: what is new in it goes to `to`."""
        slot, source = key_slot(name.encode()), self.owner(name)
        to.ask("CLUSTER SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER SETSLOT", slot, "MIGRATING", to.id)

    async def end_move(self, name: str, to: Node) -> None:
        """Move what is left of the slot, as `redis-cli --cluster reshard` does."""
        slot, source = key_slot(name.encode()), self.owner(name)
        while names := source.ask("CLUSTER GETKEYSINSLOT", slot, 10):
            source.ask("MIGRATE", HOST, to.port, "", 0, 5000, "KEYS", *names)
            await asyncio.sleep(0)
        for node in (to, source, *self.nodes):
            node.ask("CLUSTER SETSLOT", slot, "NODE", to.id)


@contextmanager
def started(data: Path, count: int) -> Iterator[list[Node]]:
    """That many servers, which do not know each other yet."""
    nodes = []
    try:
        for number in range(count):
            folder = data / f"node-{number}"
            folder.mkdir()
            nodes.append(Node(data=folder, port=free_port(), bus=free_port()))
            nodes[-1].start()
        yield nodes
    finally:
        for node in nodes:
            node.kill()


@asynccontextmanager
async def open_cluster(data: Path, *, holders: int = 3, spare: int = 0) -> AsyncIterator[RedisCluster]:
    """A cluster whose slots lie on `holders` nodes; the `spare` ones have none."""
    with started(data, holders + spare) as nodes:
        for node in nodes:
            await running(node)
        for number, node in enumerate(nodes):
            node.ask("CLUSTER SET-CONFIG-EPOCH", number + 1)
            if number < holders:
                first, end = (REDIS_CLUSTER_HASH_SLOTS * at // holders for at in (number, number + 1))
                node.ask("CLUSTER ADDSLOTSRANGE", first, end - 1)
            # Every other, as gossip takes its time.
            for other in nodes[:number]:
                node.ask("CLUSTER MEET", HOST, other.port, other.bus)
        cluster = RedisCluster(nodes=nodes)
        await cluster.settled()
        yield cluster


async def running(node: Node) -> None:
    """Wait until a node has read its data."""

    async def asked() -> bool:
        if node.process is not None and node.process.poll() is not None:
            # Somebody had one of its ports just then: a test beside this one, or a connection to the outside.
            node.start()
        with suppress(RedisError):
            return bool(node.ask("PING"))
        return False

    await until(asked, f"the node at {node.port} does not answer", every=0.1)
