"""Take messages that a flow gets at the same time in one step of Redis; each has an answer of its own."""

from asyncio import Future
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from weakref import WeakValueDictionary

import orjson

from bridge.inbox import keys
from bridge.storage.group_commit import GroupCommit
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

MOST_TOGETHER = 16
"""Messages of one step: bridge answers one group while Redis takes the next."""

Arguments = Sequence[object]
"""A message's own, in the order of `accept.lua`."""
Answer = tuple[int, int]


class Acceptance:
    """Runs `accept.lua`, each flow's by itself."""

    def __init__(self, redis: Redis, bounds: Callable[[], bytes]) -> None:
        self._accept = load_script(redis, "bridge.inbox", "accept")
        self._bounds = bounds
        # A flow is here while a step of its messages runs.
        self._flows = WeakValueDictionary[str, GroupCommit[Arguments, Answer]]()

    def add(self, flow_id: str, message: Arguments) -> Future[Answer]:
        """Return the message's answer to await."""
        flow = self._flows.get(flow_id) or GroupCommit(partial(self._take, flow_id), most=MOST_TOGETHER)
        self._flows[flow_id] = flow
        return flow.add(message)

    async def _take(self, flow_id: str, group: Sequence[Arguments]) -> Sequence[Answer]:
        named = flow_id, self._bounds(), orjson.dumps(keys.THREAD_PARTS), keys.LISTS, keys.MENTIONS
        answers: Sequence[Answer] = await self._accept(
            keys=keys.of_messages(flow_id), args=[*named, *chain.from_iterable(group)]
        )
        return answers
