"""The client for a single Redis: redis-py's, which sends commands that come at the same time together.

To send a command and read its answer takes redis-py longer than Redis takes to execute it, and most of that
is once for each round trip. So one round trip is under way at a time, and what comes meanwhile shares the
next (a pipeline, no transaction): each caller still gets its own answer, or its own error.
"""

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.connection import HiredisRespSerializer

MAX_GROUP = 128
"""Commands of one round trip at most."""

_ALONE = frozenset({"XREAD"})
"""They wait at Redis for what is to come: nobody shall wait with them."""

_SERIALIZER = HiredisRespSerializer()

_Command = tuple[tuple[Any, ...], dict[str, Any], "asyncio.Future[Any]"]


def packing(connection_class: type[AbstractConnection]) -> type[AbstractConnection]:
    """A class of connections that pack commands with hiredis, as redis-py's blocking ones do."""

    def pack_command(_: AbstractConnection, *args: Any) -> list[bytes]:
        packed: list[bytes] = _SERIALIZER.pack(*args)
        return packed

    return type(f"Packing{connection_class.__name__}", (connection_class,), {"pack_command": pack_command})


class GroupingRedis(Redis):
    """As redis-py's client; a caller's own commands stay in their order."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._waiting: list[_Command] = []
        self._under_way = False
        self._sending: asyncio.Task[None] | None = None

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """A command's answer; raises redis-py's errors."""
        if args[0] in _ALONE:
            return await self._by_itself(*args, **options)
        if self._under_way:
            answer = asyncio.get_running_loop().create_future()
            self._waiting.append((args, options, answer))
            return await answer
        self._under_way = True
        try:
            return await self._by_itself(*args, **options)
        finally:
            self._send_waiting()

    async def _by_itself(self, *args: Any, **options: Any) -> Any:
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def _send_waiting(self) -> None:
        if self._waiting:
            self._sending = asyncio.create_task(self._send())
        else:
            self._under_way, self._sending = False, None

    async def _send(self) -> None:
        group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
        # Whoever gave up waiting wants nothing done any more.
        group = [command for command in group if not command[2].done()]
        try:
            await self._together(group)
        finally:
            for _, _, answer in group:
                answer.cancel()
            self._send_waiting()

    async def _together(self, group: list[_Command]) -> None:
        pipe = self.pipeline(transaction=False)
        for args, options, _ in group:
            pipe.execute_command(*args, **options)
        found: list[Any]
        try:
            found = await pipe.execute(raise_on_error=False)
        except Exception as error:
            # redis-py has tried more than once: those who wait would wait as long for the same.
            behind, self._waiting = self._waiting, []
            group += behind
            found = [error] * len(group)
        for (_, _, answer), one in zip(group, found, strict=True):
            if answer.done():
                continue
            if isinstance(one, Exception):
                answer.set_exception(one)
            else:
                answer.set_result(one)
