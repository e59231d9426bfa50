"""The client for a single Redis: redis-py's, which sends commands that come at the same time together.

A command costs redis-py more time than Redis, most of it once a round trip. So the commands of one moment
share a round trip (a pipeline, no transaction); each caller gets its own answer or error.

A round trip is bounded as a whole: redis-py's own `socket_timeout` sets a clock for each answer of it. And
transactions wait for one another here: redis-py's pool that waits takes twice as long.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import hiredis
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeout

from bridge.storage.availability import Availability
from bridge.storage.group_commit import GroupCommit

MAX_GROUP = 128
"""Commands of one round trip at most."""

ANSWER_SECONDS = 6
"""Seconds that Redis has for a round trip, besides the time that a read may block."""

_ALONE = frozenset({"XREAD"})
"""Blocking commands. They are sent alone, so that nothing waits with them."""

_Command = tuple[tuple[Any, ...], Mapping[str, Any]]


def packing(connection_class: type[AbstractConnection]) -> type[AbstractConnection]:
    """Make a class of connections that pack commands with hiredis, as redis-py's blocking ones do."""

    def pack_command(_: AbstractConnection, *args: Any) -> list[bytes]:
        # A command's name may be of two words.
        return [hiredis.pack_command((*args[0].split(), *args[1:]))]

    return type(f"Packing{connection_class.__name__}", (connection_class,), {"pack_command": pack_command})


class _Grouped(Pipeline):
    """A pipeline that is no transaction: its commands share a round trip with those of other callers."""

    owner: "GroupingRedis"

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send the commands and return their answers; raises redis-py's errors."""
        commands, self.command_stack = self.command_stack, []
        answers = await self.owner.answers(commands)
        if raise_on_error:
            self.raise_first_error(commands, answers)
        return answers


class _Waiting(Pipeline):
    """A transaction: only a few run at a time."""

    owner: "GroupingRedis"

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send the commands and return their answers; raises redis-py's errors."""
        return await self.owner.transaction_answers(partial(super().execute, raise_on_error))


class GroupingRedis(Redis):
    """redis-py's client; each caller's commands stay in order."""

    def __init__(
        self,
        *,
        connection_pool: ConnectionPool,
        pipelines: int,
        address: str = "",
        is_node: bool = False,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Run at most `pipelines` at a time; the pool needs one connection more, and one for each reader.

        The log names the server by its `address`; `is_node`: it is a cluster's.
        """
        super().__init__(connection_pool=connection_pool)
        self._availability = Availability(address, is_node=is_node)
        self._answer_seconds = answer_seconds
        self._places = asyncio.Semaphore(pipelines)
        self._kept: AbstractConnection | None = None
        self._commands: GroupCommit[Sequence[_Command], list[Any]]
        self._commands = GroupCommit(self._exchange, most=MAX_GROUP)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command and return its answer; raises redis-py's errors."""
        if args[0] in _ALONE:
            answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
            return await self._bounded(self._answer_seconds + _block_seconds(args), answer)
        [answer] = await self._commands.add([(args, options)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def answers(self, commands: Sequence[_Command]) -> list[Any]:
        """Send commands in this order, and return their answers, Redis's errors among them."""
        return await self._commands.add(commands) if commands else []

    async def transaction_answers(self, send: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
        """Wait for a place, then send a transaction and return its answers; raises redis-py's errors."""
        async with self._places:
            answers: list[Any] = await self._bounded(self._answer_seconds, send())
        return answers

    async def nodes(self) -> "list[GroupingRedis]":
        """Return the clients of all nodes: this one."""
        return [self]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Make a pipeline; a transaction waits for others if many run."""
        kind = _Waiting if transaction else _Grouped
        pipe = kind(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipe.owner = self
        return pipe

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        """Close the client."""
        if self._kept is not None:
            kept, self._kept = self._kept, None
            await self.connection_pool.release(kept)
        await super().aclose(close_connection_pool)
        await self.connection_pool.disconnect()

    async def _exchange(self, together: Sequence[Sequence[_Command]]) -> list[list[Any]]:
        """Send the commands of all callers and return their answers, errors among them."""
        answers: list[list[Any]] = await self._bounded(self._answer_seconds, self._send(together))
        return answers

    async def _bounded(self, seconds: float, trip: Awaitable[Any]) -> Any:
        """Await a round trip within a time; raises redis-py's errors, which close the connection."""
        try:
            async with asyncio.timeout(seconds):
                answer = await trip
        except TimeoutError:
            late = RedisTimeout(f"Redis did not answer within {seconds:g} s")
            self._availability.failed(late)
            raise late from None
        except (RedisError, OSError) as error:
            self._availability.failed(error)
            raise
        self._availability.answered()
        return answer

    async def _send(self, together: Sequence[Sequence[_Command]]) -> Any:
        """Send over one connection that is kept: to take it from the pool each time takes twice as long."""
        if self._kept is None:
            # redis-py's own annotations are not whole.
            pool: Any = self.connection_pool
            self._kept = await pool.get_connection()
        kept: Any = self._kept
        return await kept.retry.call_with_retry(
            lambda: self._once(kept, together), lambda _: kept.disconnect()
        )

    async def _once(self, connection: Any, together: Sequence[Sequence[_Command]]) -> list[list[Any]]:
        packed = connection.pack_commands([args for commands in together for args, _ in commands])
        await connection.send_packed_command(packed)
        answers: list[list[Any]] = []
        for commands in together:
            answers.append([])
            for args, options in commands:
                try:
                    answers[-1].append(await self.parse_response(connection, args[0], **options))
                except ResponseError as error:
                    self._availability.failed(error)
                    answers[-1].append(error)
        return answers


def _block_seconds(args: tuple[Any, ...]) -> float:
    """Return the seconds that a command lets Redis block."""
    names = [str(one, "ascii") if isinstance(one, bytes) else one for one in args[:5]]
    return float(args[names.index("BLOCK") + 1]) / 1000 if "BLOCK" in names else 0
