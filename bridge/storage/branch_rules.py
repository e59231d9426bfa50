"""Rules of branches in Redis: GitHub's last answer, and the time to ask again."""

import time
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from bridge.core.pulls.lww import ABOUT, LwwRegister, moment
from bridge.core.pulls.rules import BranchRules
from bridge.storage import keys
from bridge.storage.redis import Redis
from bridge.storage.watches import Watch, Watches

SECONDS = 24 * 3600
"""The time after which rules are read again, as an organization's rules may change without an event."""

UNKNOWN_SECONDS = 3600
"""The same, where no linked account could read them."""

ASK_SECONDS = 60
"""The least time between two questions about the same branch."""


class BranchRulesStore:
    """Keeps rules by branch, and questions about them in the queue of what GitHub is asked."""

    def __init__(self, redis: Redis, watches: Watches) -> None:
        self._redis = redis
        self._watches = watches

    async def current(self, branches: Iterable[tuple[int, str]]) -> dict[tuple[int, str], LwwRegister | None]:
        """Return the rules of branches as snapshots keep them, read at once; None: ask GitHub."""
        wanted = list(branches)
        async with self._redis.pipeline(transaction=False) as pipe:
            for repository_id, branch in wanted:
                pipe.hget(keys.rules(repository_id), branch)
            found = await pipe.execute()
        return {one: _fresh(data) for one, data in zip(wanted, found, strict=True)}

    async def keep(self, repository_id: int, rules: BranchRules, *, at: float) -> None:
        """Keep what GitHub answered."""
        place = keys.rules(repository_id)
        register = LwwRegister(moment(at), ABOUT, msgspec.to_builtins(rules))
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(place, rules.branch, msgspec.json.encode(register))
            pipe.expire(place, SECONDS)
            await pipe.execute()

    async def unknown(self, repository_id: int) -> set[str]:
        """Return the branches whose rules no linked account could read."""
        found = await self._redis.hgetall(keys.rules(repository_id))
        return {
            branch.decode()
            for branch, data in found.items()
            if not msgspec.json.decode(data, type=LwwRegister).value.get("is_known", True)
        }

    async def forget(self, repository_id: int) -> None:
        """Forget the rules of all branches, since some changed."""
        await self._redis.delete(keys.rules(repository_id))

    async def ask(self, repository_id: int, number: int, branch: str) -> None:
        """Schedule a question about the branch that a pull request goes into, one a minute."""
        await self._watches.once(_question(repository_id, number, branch), every=ASK_SECONDS)

    async def ask_all(self, repository_id: int, branches: Iterable[tuple[str, int]]) -> None:
        """Schedule a question about each branch, with a pull request into it: now, and then once a minute."""
        for branch, number in branches:
            question = _question(repository_id, number, branch)
            await self._watches.once(question, every=ASK_SECONDS, mark="changed-rules", or_later=True)


def _question(repository_id: int, number: int, branch: str) -> Watch:
    return Watch(repository_id=repository_id, about="rules", number=number, branch=branch)


def _fresh(data: bytes | None) -> LwwRegister | None:
    register = msgspec.json.decode(data, type=LwwRegister) if data else None
    return register if register and is_fresh(register) else None


def is_fresh(register: LwwRegister) -> bool:
    """Tell whether rules need not be read again yet."""
    seconds = SECONDS if register.value.get("is_known", True) else UNKNOWN_SECONDS
    return register.at > _moment_before(int(time.time()), seconds)


@lru_cache(maxsize=2)
def _moment_before(now: int, seconds: int) -> str:
    # Each delivery asks: to write a moment takes longer than all else here.
    return moment(now - seconds)
