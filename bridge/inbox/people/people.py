"""The people of the inbox. A person is a GitHub account's numeric id; nick, name and picture follow it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import msgspec
import orjson

from bridge.core.errors import RequestRefused
from bridge.core.printable import visible
from bridge.inbox import keys
from bridge.inbox.limits import LimitReached
from bridge.inbox.people.invitations import Invitation, InvitationGone
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

MOST = 2000
"""People at most."""

AdmittedBy = Literal["operator", "invitation", "organization"]


class LastOwner(RequestRefused):
    """The last owner cannot leave: nobody could invite or remove anybody."""

    status = 409
    advice = "Make someone else an owner first."
    sentence = "the inbox needs an owner, and this is its last one"


@dataclass(frozen=True, kw_only=True)
class InboxPerson:
    """Somebody who may use the inbox; the times are Unix seconds."""

    id: int
    """GitHub's numeric id: in the protocol it is the user's id."""
    nick: str
    """The login on GitHub."""
    name: str
    """The name on GitHub, or one of their own choice."""
    avatar: str
    admitted_by: AdmittedBy
    joined: int
    valid_from: float
    """Grants to applications from before count no more."""
    owner: bool = False
    seen: int = 0
    """The last request; 0: none yet."""


class PeopleStore:
    """All people, in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._put = load_script(redis, "bridge.inbox", "put_person")
        self._change = load_script(redis, "bridge.inbox", "change_person")
        self._drop = load_script(redis, "bridge.inbox", "drop_person")

    async def get(self, person_id: int) -> InboxPerson | None:
        """Return a person by id, None if there is none."""
        return (await self.get_many([person_id])).get(person_id)

    async def get_many(self, ids: Iterable[int]) -> dict[int, InboxPerson]:
        """Return people by their ids; there may be none of some."""
        wanted = dict.fromkeys(ids)
        if not wanted:
            return {}
        async with self._redis.pipeline(transaction=False) as pipe:
            for one in map(str, wanted):
                pipe.hget(keys.PEOPLE, one)
                pipe.sismember(keys.OWNERS, one)
                pipe.hget(keys.SEEN, one)
            found = await pipe.execute()
        rows = zip(wanted, found[::3], found[1::3], found[2::3], strict=True)
        return {
            one: load_person(data, owner=bool(owner), seen=seen) for one, data, owner, seen in rows if data
        }

    async def find(self, nick: str) -> InboxPerson | None:
        """Return a person by nick, None if nobody has it; case does not count."""
        found = await self._redis.hget(keys.NICKS, nick.lower())
        return await self.get(int(found)) if found else None

    async def all(self) -> list[InboxPerson]:
        """Return everybody, by nick."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.PEOPLE)
            pipe.smembers(keys.OWNERS)
            pipe.hgetall(keys.SEEN)
            people, owners, seen = await pipe.execute()
        found = [load_person(data, owner=one in owners, seen=seen.get(one)) for one, data in people.items()]
        return sorted(found, key=lambda person: person.nick.lower())

    async def put(
        self,
        person_id: int,
        *,
        nick: str,
        name: str,
        avatar: str,
        admitted_by: AdmittedBy,
        invitation: Invitation | None = None,
        is_known: bool = False,
    ) -> InboxPerson:
        """Add a person, or follow a new nick, name and picture; the invitation is used up in the same step.

        A former holder of the nick gets another one: GitHub gave the login away. Raises `LimitReached`, or
        `InvitationGone`, also where an owner has just removed a person who is known or of an organization.
        """
        fields = {
            "id": str(person_id),
            "nick": nick,
            "name": visible(name) or nick,
            "avatar": avatar,
            "admitted_by": admitted_by,
        }
        places = [keys.PEOPLE, keys.NICKS, keys.OWNERS, keys.BARRED, keys.INVITATIONS, keys.MEMBERS]
        used = (invitation.name, int(invitation.owner)) if invitation else ("", 0)
        outcome = await self._put(
            keys=[*places, keys.invitation(invitation.name)] if invitation else places,
            args=[person_id, nick, orjson.dumps(fields), time.time(), MOST, *used, int(is_known)],
        )
        if outcome == b"gone":
            raise InvitationGone
        person = await self.get(person_id)
        if outcome == b"full" or person is None:
            raise LimitReached(
                f"the inbox already has {MOST} people", advice="Ask an owner to remove someone who has left."
            )
        return person

    async def is_barred(self, person_id: int) -> bool:
        """Tell whether an owner removed them and nobody invited them since."""
        return str(person_id).encode() in await self._redis.smembers(keys.BARRED)

    async def leaving(self) -> list[int]:
        """Return the ids of removed people who may still be in flows."""
        return [int(one) for one in await self._redis.smembers(keys.LEAVING)]

    async def left(self, person_id: int) -> None:
        """Note that a removed person has left all flows."""
        await self._redis.srem(keys.LEAVING, str(person_id))

    async def rename(self, person_id: int, name: str) -> None:
        """Give a person a name of their own choice; empty: the one on GitHub, from the next sign-in on."""
        changes = {"name": name, "renamed": True} if name else {"renamed": False}
        await self._change(keys=[keys.PEOPLE], args=[person_id, orjson.dumps(changes)])

    async def end_grants(self, person_id: int) -> None:
        """End all grants that applications have in a person's name."""
        await self._change(keys=[keys.PEOPLE], args=[person_id, orjson.dumps({"valid_from": time.time()})])

    async def has_owner(self) -> bool:
        """Tell whether anybody owns the inbox."""
        return bool(await self._redis.smembers(keys.OWNERS))

    async def make_owner(self, person_id: int) -> None:
        """Make a person an owner, unless they were removed meanwhile."""
        await self._change(keys=[keys.PEOPLE, keys.OWNERS], args=[person_id, b"{}"])

    async def make_member(self, person_id: int) -> None:
        """Take a person's ownership; raises `LastOwner`."""
        await self._dropped(person_id, ownership_alone=True)

    async def remove(self, person_id: int, *, bar: bool = False) -> None:
        """Delete a person with everything about them alone, sessions included; raises `LastOwner`.

        With `bar`, their organization does not let them in again. Succeeds if there is no such person.
        """
        await self._dropped(person_id, ownership_alone=False, bar=bar)

    async def _dropped(self, person_id: int, *, ownership_alone: bool, bar: bool = False) -> None:
        personal = [keys.personal(kind, person_id) for kind in keys.PERSONAL]
        outcome = await self._drop(
            keys=[
                *(keys.PEOPLE, keys.NICKS, keys.OWNERS, keys.SEEN, keys.MEMBERS, keys.BARRED, keys.LEAVING),
                *personal,
            ],
            args=[person_id, int(ownership_alone), int(bar)],
        )
        if outcome == b"last":
            raise LastOwner


def load_person(data: bytes, *, owner: bool, seen: bytes | None) -> InboxPerson:
    """Read a person as `PeopleStore` keeps them."""
    fields = orjson.loads(data)
    known = {"id": int(fields["id"]), "owner": owner, "seen": int(seen or 0)}
    return msgspec.convert(fields | known, InboxPerson)
