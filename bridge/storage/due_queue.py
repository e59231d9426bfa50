"""A queue of what is due at a time, by Redis's own clock: any process adds, one of them pops."""

from collections.abc import Iterable
from typing import TypeVar

import msgspec
import structlog

from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

T = TypeVar("T")

log = structlog.get_logger()


class DueQueue:
    """The queue at `key`. With a `notes_key`, in the same slot of a cluster, each member carries a note."""

    def __init__(self, redis: Redis, key: str, notes_key: str = "") -> None:
        self._keys = [key, notes_key] if notes_key else [key]
        self._add = load_script(redis, "bridge.storage", "due_add")
        self._pop = load_script(redis, "bridge.storage", "due_pop")
        self._settle = load_script(redis, "bridge.storage", "due_settle")

    async def add(self, members: Iterable[str], *, delay: float, note: str = "") -> None:
        """Make members due `delay` seconds from now; one that waits may only become due earlier.

        Its note is replaced.
        """
        await self._put("add", members, delay, note)

    async def put_back(self, member: str, *, delay: float, note: str = "") -> None:
        """Make a member that was popped due again; one that was added meanwhile stays as it is."""
        await self._put("put_back", [member], delay, note)

    async def pop(self) -> tuple[str, str] | None:
        """Remove a member that is due and return it with its note; None if none is."""
        return await self.claim(seconds=0)

    async def claim(self, *, seconds: float) -> tuple[str, str] | None:
        """Return a member that is due with its note; None if none is.

        Unless its taker settles it before, it is due again once `seconds` are over.
        """
        found = await self._pop(keys=self._keys, args=[seconds])
        return None if found is None else (found[0].decode(), found[1].decode())

    async def claim_as(self, kind: type[T], *, seconds: float = 0) -> T | None:
        """Return a member that is due, decoded from JSON, as `claim` does.

        One that another version of bridge wrote, and this one cannot read, is dropped.
        """
        while found := await self.claim(seconds=seconds):
            try:
                return msgspec.json.decode(found[0], type=kind)
            except msgspec.DecodeError as error:
                log.warning("queued_entry_unreadable", kind=kind.__name__, reason=str(error))
                if seconds:
                    await self.settle(*found)
        return None

    async def settle(self, member: str, note: str, *, delay: float | None = None, new_note: str = "") -> None:
        """Remove a member that was claimed with a note, or make it due again, with another note.

        One that was added meanwhile with another note stays as it is.
        """
        await self._settle(keys=self._keys, args=[member, note, "" if delay is None else delay, new_note])

    async def _put(self, how: str, members: Iterable[str], delay: float, note: str) -> None:
        if chosen := list(members):
            await self._add(keys=self._keys, args=[delay, how, note, *chosen])
