"""The client for a Redis Cluster: redis-py's, made to behave like the one for a single Redis.

Connections are bounded by waiting instead of refusing; what an unsettled cluster refuses for a moment is
asked again; a pipeline may hold scripts, and a transaction is one script.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from redis.asyncio.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.commands.core import AsyncScript
from redis.exceptions import (
    ClusterError,
    NoScriptError,
    RedisClusterException,
    SlotNotCoveredError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

TURN_SECONDS = 5
"""How long a command waits for one of the connections."""

PATIENCE = 4
"""Seconds for which a slot that is being moved, or a node that is being replaced, is waited for: within the
ten that GitHub waits for an answer."""

PAUSE = 0.1

LOST = 3
"""How often a command may lose its connection before it is given up: with each that is lost, redis-py closes
others of the same node, and tries again without a pause."""

_ALL = """
local found, at = {}, 1
while at <= #ARGV do
    found[#found + 1] = redis.call(unpack(ARGV, at + 1, at + ARGV[at]))
    at = at + ARGV[at] + 1
end
return found
"""


class Cluster(RedisCluster):
    """A cluster's client, by whatever node it is reached; raises redis-py's `RedisError` like the single one.

    Takes redis-py's arguments, and `commands`: how many are under way at a time. Blocking reads come on top,
    each with a connection of its own.
    """

    def __init__(self, *, commands: int, **options: Any) -> None:
        super().__init__(**options)
        # Of one node they would be no answer.
        self.command_flags |= dict.fromkeys(("DBSIZE", "KEYS"), self.PRIMARIES)
        self._turns = asyncio.Semaphore(commands)
        self._scripts: dict[str, str] = {}
        self._importing: dict[str, _Importing] = {}
        self._all = self.register_script(_ALL)

    # redis-py's own pipeline refuses EVALSHA, and its transaction starts a thread for each command.
    def pipeline(self, transaction: Any = True, shard_hint: Any = None) -> ClusterPipeline:  # noqa: ARG002  (redis-py's signature)
        """Commands to be sent together; in a transaction, all or none, of keys with the same hash tag."""
        return _Together(self, atomic=bool(transaction))

    # Its annotation says a blocking client's script.
    def register_script(self, script: Any) -> AsyncScript:  # type: ignore[override]
        """A script to call; known here, so that a node that does not know it is told."""
        made: AsyncScript = super().register_script(script)
        self._scripts[made.sha] = script
        return made

    async def initialize(self, *args: Any, **options: Any) -> "Cluster":
        """Ask for the nodes, if need be."""
        try:
            await super().initialize(*args, **options)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error
        return self

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Have the node execute it that holds the keys; XREAD is for one stream."""
        if args[0] == "XREAD":
            await self.initialize()
            return await self._patiently(args, {"target_nodes": self.get_node_from_key(args[-2])})
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise RedisConnectionError("all connections are in use") from None
        try:
            return await self._patiently(args, options)
        finally:
            self._turns.release()

    async def _patiently(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        until, lost = time.monotonic() + PATIENCE, 0
        while True:
            try:
                return await super().execute_command(*args, **options)
            except NoScriptError:
                if args[0] != "EVALSHA" or args[1] not in self._scripts:
                    raise
                args = ("EVAL", self._scripts[args[1]], *args[2:])
            except RedisConnectionError:
                lost += 1
                if lost == LOST:
                    raise
                await asyncio.sleep(PAUSE)
            except SlotNotCoveredError as error:
                raise RedisConnectionError(str(error)) from error
            except (ClusterError, TryAgainError):
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(PAUSE)
            except (AttributeError, RuntimeError) as error:
                if not _is_closed(error):
                    raise
                if time.monotonic() > until:
                    raise RedisConnectionError("the connection was closed") from error
                await asyncio.sleep(PAUSE)

    async def atomically(self, commands: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Do commands all at once, each with its key behind its name; returns Redis's bare answers."""
        chosen = list(commands)
        flat = [part for command in chosen for part in (len(command), *command)]
        found: list[Any] = await self._all(keys=[command[1] for command in chosen], args=flat)
        return found

    def get_node(
        self, host: str | None = None, port: int | None = None, node_name: str | None = None
    ) -> ClusterNode | None:
        """A node. By its name redis-py asks for the one that is importing a slot, which it may not know.

        https://github.com/redis/redis-py/issues/4015
        """
        if node_name is None:
            return super().get_node(host, port)
        if node_name not in self._importing:
            at, _, number = node_name.rpartition(":")
            self._importing[node_name] = _Importing(at, int(number), **self.connection_kwargs)
        return self._importing[node_name]

    async def aclose(self) -> None:
        """Close all connections; they are opened again when one is needed."""
        importing, self._importing = self._importing, {}
        await asyncio.gather(*(node.disconnect() for node in importing.values()))
        await super().aclose()
        # redis-py leaves them open where it was about to ask for the nodes anew.
        for nodes in ("nodes_cache", "startup_nodes"):
            await self.nodes_manager.aclose(nodes)


def _is_closed(error: AttributeError | RuntimeError) -> bool:
    """Whether a connection was closed under the task that uses it.

    Where one task loses its connection, redis-py closes all of that node's, also those that others have or
    are just taking: they find their streams to be None, or (with uvloop) closed.
    """
    return error.obj is None if isinstance(error, AttributeError) else "handler is closed" in str(error)


class _Importing(ClusterNode):
    """A node asked about a slot that it does not hold yet.

    redis-py sends ASKING and the command one after the other, each on a connection that is free: two of them.
    """

    async def execute_command(self, *args: Any, asking: bool = False, **options: Any) -> Any:  # noqa: ARG002
        if args == ("ASKING",):
            return None
        connection = self.acquire_connection()
        try:
            await connection.send_packed_command(connection.pack_commands([("ASKING",), args]))
            await connection.read_response()
            return await self.parse_response(connection, args[0], **options)
        finally:
            self.release(connection)


class _Together(ClusterPipeline):
    """Commands that are sent side by side, in no order; or, if `atomic`, as one."""

    _event_dispatcher: Any = None

    def __init__(self, client: Cluster, *, atomic: bool) -> None:
        super().__init__(client)
        self._client = client
        self._atomic = atomic
        self._commands: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def execute_command(self, *args: Any, **options: Any) -> "_Together":
        self._commands.append((args, options))
        return self

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: Any) -> "_Together":
        return self.execute_command("EVALSHA", sha, numkeys, *keys_and_args)

    async def initialize(self) -> "_Together":
        return self

    async def execute(
        self,
        raise_on_error: bool = True,
        allow_redirections: bool = True,  # noqa: ARG002
    ) -> list[Any]:
        commands, self._commands = self._commands, []
        if self._atomic:
            return await self._client.atomically(args for args, _ in commands)
        found = await asyncio.gather(
            *(self._client.execute_command(*args, **options) for args, options in commands),
            return_exceptions=True,
        )
        if raise_on_error and (errors := [one for one in found if isinstance(one, BaseException)]):
            raise errors[0]
        return found

    async def reset(self) -> None:  # type: ignore[override]
        self._commands = []

    def __len__(self) -> int:
        return len(self._commands)
