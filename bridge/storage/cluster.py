"""The client for a Redis Cluster: a client for each node, and the routing of keys to nodes.

https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import ConnectionPool
from redis.asyncio import Redis as RedisClient
from redis.asyncio.client import Pipeline
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, RedisError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError

from bridge.storage.availability import Availability
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

PATIENCE = 4
"""Seconds to wait for a slot that moves or a node that is replaced: GitHub waits ten for an answer."""

PAUSE = 0.1

LOST = 3
"""Lost connections that a command survives."""


class Cluster(RedisClient):
    """redis-py's client, with each command sent to the node that holds its first key."""

    def __init__(self, url: str, connect: Callable[[str], Redis]) -> None:
        """Take the URL of any node; `connect` makes the client of a single node."""
        super().__init__(connection_pool=ConnectionPool.from_url(url))
        self._url = urlsplit(url)
        self._connect = connect
        self._availability = Availability(self._url.netloc.rpartition("@")[2])
        self._clients: dict[str, Redis] = {}
        """By `host:port`."""
        self._slots: list[tuple[int, int, str]] = []
        """First and last slot, and the node that holds them."""
        self._finding = asyncio.Lock()
        self.all_at_once = load_script(self, "bridge.storage", "all_at_once")

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command to the node that holds its key; XREAD reads one stream."""
        # By redis-py's locks; bridge's own scripts are sent with their text where a node lacks them.
        if args[0] == "SCRIPT LOAD":
            return await self._load(args)
        until, lost, importing = time.monotonic() + PATIENCE, 0, ""
        while True:
            try:
                if importing:
                    return await self._ask(importing, args, options)
                node = await self._holder(args)
                return await node.execute_command(*args, **options)
            except MovedError as moved:
                if time.monotonic() > until:
                    self._availability.refused(moved)
                    raise
                await self._find(_address(moved.host, moved.port))
            except AskError as ask:
                importing = _address(ask.host, ask.port)
                continue
            except (ClusterDownError, TryAgainError) as refusal:
                if time.monotonic() > until:
                    self._availability.refused(refusal)
                    raise
                await asyncio.sleep(PAUSE)
            except RedisConnectionError:
                lost += 1
                if lost == LOST:
                    raise
                self._slots = []
                await asyncio.sleep(PAUSE)
            importing = ""

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Make a pipeline; the keys of a transaction share a hash tag."""
        pipe = _Together(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipe.owner = self
        return pipe

    async def nodes(self) -> list[Redis]:
        """Return the clients of the nodes that hold slots."""
        if not self._slots:
            await self._find()
        return [self._client(address) for address in dict.fromkeys(one[2] for one in self._slots)]

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close all connections."""
        clients, self._clients, self._slots = self._clients.values(), {}, []
        await asyncio.gather(*(client.aclose() for client in clients))
        await super().aclose(close_connection_pool)

    def _client(self, address: str) -> Redis:
        if address not in self._clients:
            user, at, _ = self._url.netloc.rpartition("@")
            url = self._url._replace(netloc=f"{user}{at}{address}").geturl()
            self._clients[address] = self._connect(url)
        return self._clients[address]

    async def _holder(self, args: tuple[Any, ...]) -> Redis:
        if not self._slots:
            await self._find()
        slot = _slot(args)
        for first, last, address in self._slots:
            if slot is None or first <= slot <= last:
                return self._client(address)
        error = RedisConnectionError(f"no node of the cluster holds slot {slot}")
        self._availability.refused(error)
        raise error

    async def _find(self, told: str = "") -> None:
        """Ask which node holds which slots: the node `told`, or any that answers."""
        async with self._finding:
            if self._slots and not told:
                return
            failure = RedisConnectionError("no node of the cluster is known")
            seed = self._url.netloc.rpartition("@")[2]
            for address in filter(None, dict.fromkeys([told, *self._clients, seed])):
                try:
                    found = await self._client(address).execute_command("CLUSTER SLOTS")
                except (RedisError, OSError) as error:
                    failure = RedisConnectionError(f"{address} cannot list the cluster's nodes: {error}")
                    continue
                own = address.rpartition(":")[0]
                self._slots = [
                    (first, last, _address(at[0].decode() if at[0] else own, at[1]))
                    for first, last, at, *_ in found
                ]
                return
            raise failure

    async def _ask(self, address: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Send a command to a node that is just importing its slot."""
        async with self._client(address).pipeline(transaction=False) as pipe:
            pipe.execute_command("ASKING")
            pipe.execute_command(*args, **options)
            _, answer = await pipe.execute()
        return answer

    async def _load(self, args: tuple[Any, ...]) -> Any:
        """Load a script into every known node, importing ones included."""
        await self.nodes()
        found = await asyncio.gather(
            *(client.execute_command(*args) for client in self._clients.values()),
            return_exceptions=True,
        )
        loaded = [one for one in found if not isinstance(one, BaseException)]
        if not loaded:
            raise RedisConnectionError("no node of the cluster answers")
        return loaded[0]


class _Together(Pipeline):
    """A pipeline whose commands are sent side by side, in no order; a transaction is one script."""

    owner: Cluster

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send the commands and return their answers, a transaction's as Redis gives them."""
        commands = [(args, options) for args, options in self.command_stack]
        await self.reset()  # type: ignore[no-untyped-call]
        if self.is_transaction:
            flat = [part for args, _ in commands for part in (len(args), *args)]
            names = [args[1] for args, _ in commands]
            found: list[Any] = await self.owner.all_at_once(keys=names, args=flat)
            return found
        answers = await asyncio.gather(
            *(self.owner.execute_command(*args, **options) for args, options in commands),
            return_exceptions=True,
        )
        if raise_on_error:
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
        return answers


def _slot(args: tuple[Any, ...]) -> int | None:
    """Return the slot of a command's first key, None if it has no key."""
    if args[0] in ("EVAL", "EVALSHA"):
        key = args[3] if int(args[2]) else None
    elif args[0] == "XREAD":
        key = args[-2]
    else:
        key = args[1] if len(args) > 1 else None
    return None if key is None else key_slot(key if isinstance(key, bytes) else str(key).encode())


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host.strip("[]") else f"{host}:{port}"
