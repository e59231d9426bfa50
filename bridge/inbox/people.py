"""The people of the inbox. A person is a GitHub account's numeric id; nick, name and picture follow it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import orjson

from bridge.core.errors import RequestRefused
from bridge.inbox import keys
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

MOST = 2000
"""People at most."""

AdmittedBy = Literal["operator", "invitation", "organization"]


class LastOwner(RequestRefused):
    """The last owner cannot go: nobody could invite or remove anybody any more."""

    status = 409
    advice = "Make somebody else an owner first."

    def __init__(self) -> None:
        super().__init__("the inbox needs an owner, and this is its last one")


class NoRoom(RequestRefused):
    """The inbox has as many people as it takes."""

    status = 409

    def __init__(self) -> None:
        super().__init__(f"the inbox has {MOST} people, and takes no more")


@dataclass(frozen=True, kw_only=True)
class InboxPerson:
    """Somebody who may use the inbox; the times are Unix seconds."""

    id: int
    """GitHub's numeric id: in the protocol it is the user's id."""
    nick: str
    """The login at GitHub."""
    name: str
    avatar: str
    admitted_by: AdmittedBy
    joined: int
    owner: bool = False
    seen: int = 0
    """The last request; 0: none yet."""


class PeopleStore:
    """All people, in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._put = load_script(redis, "bridge.inbox", "put_person")
        self._drop = load_script(redis, "bridge.inbox", "drop_person")

    async def get(self, person_id: int) -> InboxPerson | None:
        """Return a person by id, None if there is none."""
        return (await self._read([str(person_id)]))[0]

    async def find(self, nick: str) -> InboxPerson | None:
        """Return a person by nick, None if nobody has it; case does not count."""
        found = await self._redis.hget(keys.NICKS, nick.lower())
        return await self.get(int(found)) if found else None

    async def all(self) -> list[InboxPerson]:
        """Return everybody, by nick."""
        ids = [person_id.decode() for person_id in await self._redis.hgetall(keys.PEOPLE)]
        found = [person for person in await self._read(ids) if person]
        return sorted(found, key=lambda person: person.nick.lower())

    async def _read(self, ids: list[str]) -> list[InboxPerson | None]:
        if not ids:
            return []
        async with self._redis.pipeline(transaction=True) as pipe:
            for one in ids:
                pipe.hget(keys.PEOPLE, one)
            pipe.smembers(keys.OWNERS)
            pipe.hgetall(keys.SEEN)
            *people, owners, seen = await pipe.execute()
        return [
            loaded(data, owner=one.encode() in owners, seen=seen.get(one.encode())) if data else None
            for one, data in zip(ids, people, strict=True)
        ]

    async def put(
        self, person_id: int, *, nick: str, name: str, avatar: str, admitted_by: AdmittedBy
    ) -> InboxPerson:
        """Add a person, or follow a new nick, name and picture; raises `NoRoom`.

        Somebody else who had the nick gets another one: GitHub gave the login away.
        """
        fields = {"nick": nick, "name": name or nick, "avatar": avatar, "admitted_by": admitted_by}
        put = await self._put(
            keys=[keys.PEOPLE, keys.NICKS],
            args=[person_id, nick, orjson.dumps({"id": str(person_id), **fields}), int(time.time()), MOST],
        )
        person = await self.get(person_id)
        if not put or person is None:
            raise NoRoom
        return person

    async def make_owner(self, person_id: int) -> None:
        """Make a person an owner."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(keys.OWNERS, str(person_id))
            await pipe.execute()

    async def make_member(self, person_id: int) -> None:
        """Take a person's ownership; raises `LastOwner`."""
        await self._dropped(person_id, ownership_alone=True)

    async def remove(self, person_id: int) -> None:
        """Delete a person with everything about them alone, sessions included; raises `LastOwner`.

        Succeeds if there is no such person.
        """
        await self._dropped(person_id, ownership_alone=False)

    async def _dropped(self, person_id: int, *, ownership_alone: bool) -> None:
        personal = [keys.personal(kind, person_id) for kind in keys.PERSONAL]
        outcome = await self._drop(
            keys=[keys.PEOPLE, keys.NICKS, keys.OWNERS, keys.SEEN, *personal],
            args=[person_id, int(ownership_alone)],
        )
        if outcome == b"last":
            raise LastOwner


def loaded(data: bytes, *, owner: bool, seen: bytes | None) -> InboxPerson:
    """Read a person as `PeopleStore` keeps them."""
    fields: Mapping[str, str] = orjson.loads(data)
    return InboxPerson(**{**fields, "id": int(fields["id"]), "owner": owner, "seen": int(seen or 0)})  # type: ignore[arg-type]
