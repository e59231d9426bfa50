"""Sessions of the inbox: the browser has a cookie, everything else is in Redis.

A cookie names the person and carries a secret of its own. Redis keeps the secret's hash, with the person's
other sessions in one hash: all of them end at once, and a removed person's next request is refused.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import msgspec
import orjson
from aiohttp import web

from bridge.core.digits import whole_number
from bridge.core.errors import SignedOut
from bridge.core.security import signing
from bridge.inbox import keys
from bridge.inbox.people.memberships import MembershipStore
from bridge.inbox.people.people import InboxPerson, load_person
from bridge.storage.keys import hash_of
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis
from bridge.web.http import cookies, once
from bridge.web.http.forms import FormRefused, csrf_of_page, is_csrf, is_of_this_site
from bridge.web.http.paths import local_path
from bridge.web.http.visits import VISITOR, Visitor

COOKIE = "bridge_inbox"
IDLE_SECONDS = 7 * 24 * 3600
LONGEST_SECONDS = 30 * 24 * 3600
MOST = 50
"""Sessions of a person; the one used longest ago makes room."""

_WAY_BACK = 1000
"""Characters of an address to come back to after the sign-in: an application's authorization has some 300."""

_BROWSER = 200
"""Characters of a browser's name that are kept."""


@dataclass(frozen=True, kw_only=True)
class PersonSession:
    """A browser at which somebody is signed in; the times are Unix seconds."""

    name: str
    """A hash: it opens nothing."""
    began: int
    used: int
    """Its last use, to the minute."""
    browser: str


@dataclass(frozen=True, kw_only=True)
class Cookie:
    """The cookie of a session."""

    person_id: int
    secret: str = field(repr=False)

    @property
    def name(self) -> str:
        """Return the name of its session."""
        return hash_of(self.secret)

    @property
    def csrf(self) -> str:
        """Return a value that each form of the session must bring, another for each page."""
        return csrf_of_page(self._csrf)

    @property
    def _csrf(self) -> str:
        """It reveals nothing of the secret."""
        return hash_of(f"csrf:{self.secret}")

    def accepts(self, csrf: str) -> bool:
        """Tell whether a form's value was made for this session."""
        return is_csrf(csrf, self._csrf)

    def __str__(self) -> str:
        return f"{self.person_id}.{self.secret}"


class SessionStore:
    """All sessions, in Redis."""

    def __init__(self, redis: Redis, *, signed_by: Sequence[str] = ()) -> None:
        """Take the secrets that sign cookies; the first signs new ones."""
        self._redis = redis
        self._signed_by = signed_by
        self._use = load_script(redis, "bridge.inbox", "use_session")

    async def begin(self, person_id: int, *, browser: str) -> Cookie:
        """Begin a session, with a secret that nobody had before."""
        chance = secrets.token_urlsafe(32)
        signature = next(iter(self._signatures(person_id, chance)), "")
        cookie = Cookie(person_id=person_id, secret=f"{chance}.{signature}")
        now, key = int(time.time()), keys.personal("sessions", person_id)
        others = await self.of(person_id)
        value = {"began": now, "used": now, "browser": browser[:_BROWSER]}
        async with self._redis.pipeline(transaction=True) as pipe:
            for one in others[MOST - 1 :]:
                pipe.hdel(key, one.name)
            pipe.hset(key, cookie.name, orjson.dumps(value))
            pipe.expire(key, LONGEST_SECONDS)
            await pipe.execute()
        return cookie

    def is_signed(self, cookie: Cookie) -> bool:
        """Tell whether bridge made a cookie, though its session may be over: for rate limits alone."""
        chance, _, given = cookie.secret.rpartition(".")
        return any(signing.equal(given, one) for one in self._signatures(cookie.person_id, chance))

    def _signatures(self, person_id: int, chance: str) -> list[str]:
        return signing.signatures(f"inbox session:{person_id}:{chance}", self._signed_by)

    async def use(self, cookie: Cookie) -> InboxPerson | None:
        """Return the person of a session, None if it is over or the person was removed."""
        found = await self._use(
            keys=[keys.personal("sessions", cookie.person_id), keys.PEOPLE, keys.OWNERS, keys.SEEN],
            args=[cookie.name, cookie.person_id, int(time.time()), IDLE_SECONDS, LONGEST_SECONDS],
        )
        if not found:
            return None
        person, owner, seen = found
        return load_person(person, owner=bool(owner), seen=seen)

    async def of(self, person_id: int) -> list[PersonSession]:
        """Return a person's sessions, the newest use first."""
        found = await self._redis.hgetall(keys.personal("sessions", person_id))
        every = [
            msgspec.convert(orjson.loads(data) | {"name": name.decode()}, PersonSession)
            for name, data in found.items()
        ]
        return sorted(every, key=lambda one: one.used, reverse=True)

    async def lasts(self, person_id: int, name: str) -> bool:
        """Tell whether a session was not ended."""
        return await self._redis.hget(keys.personal("sessions", person_id), name) is not None

    async def end(self, cookie: Cookie) -> None:
        """End the session of a cookie."""
        await self.end_named(cookie.person_id, cookie.name)

    async def end_named(self, person_id: int, name: str) -> None:
        """End one session by its name, and the notifications in its browser."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(keys.personal("sessions", person_id), name)
            pipe.hdel(keys.personal("browsers", person_id), name)
            await pipe.execute()

    async def replace(self, old: Cookie, new: Cookie) -> None:
        """End the session that a browser had before; a person's new one goes on with their notifications."""
        subscription = await self._redis.hget(keys.personal("browsers", old.person_id), old.name)
        if subscription and old.person_id == new.person_id:
            await self._redis.hset(keys.personal("browsers", new.person_id), new.name, subscription)
        await self.end(old)

    async def end_all(self, person_id: int) -> None:
        """Sign a person out everywhere."""
        await self._redis.delete(*(keys.personal(kind, person_id) for kind in ("sessions", "browsers")))


SESSIONS = web.AppKey("inbox_sessions", SessionStore)
MEMBERSHIPS = web.AppKey("inbox_memberships", MembershipStore)


def cookie_of(request: web.Request) -> Cookie | None:
    """Return the cookie that the browser sent, None if it sent none that a session could have."""
    person, _, secret = cookies.read(request, COOKIE).partition(".")
    person_id = whole_number(person, longest=19)
    return Cookie(person_id=person_id, secret=secret) if person_id is not None and secret else None


def session_name(request: web.Request) -> str:
    """Return the name of the session of this browser's cookie; empty without a cookie."""
    cookie = cookie_of(request)
    return cookie.name if cookie else ""


async def signed_in(request: web.Request) -> InboxPerson | None:
    """Return the person who is signed in at this browser, None if nobody is.

    Redis is asked each time, and GitHub about members of organizations: raises as `MembershipStore.holds`.
    """
    cookie = cookie_of(request)
    person = await request.app[SESSIONS].use(cookie) if cookie else None
    if person and not await request.app[MEMBERSHIPS].holds(person):
        await request.app[SESSIONS].end_all(person.id)
        return None
    if person and cookie:
        request[VISITOR] = Visitor(nick=person.nick, csrf=cookie.csrf)
    return person


async def required(request: web.Request) -> InboxPerson:
    """Return the person who is signed in; sends anybody else to the sign-in, and back from there."""
    person = await signed_in(request)
    if person is None:
        raise web.HTTPSeeOther(sign_in_url(request.path_qs))
    return person


async def posted(request: web.Request) -> InboxPerson:
    """Return the person who sent a form of their own session; raises `FormRefused` or `SignedOut`."""
    person, cookie = await signed_in(request), cookie_of(request)
    if person is None:
        raise SignedOut("You are no longer signed in.")
    given = str((await request.post()).get("csrf", ""))
    if cookie is None or not cookie.accepts(given):
        raise FormRefused("This form does not belong to your session.")
    if not is_of_this_site(request):
        raise FormRefused("Another site sent this form.")
    await once.claim(request)
    return person


def way_back(then: str) -> str:
    """Return `then` if it leads to a page of bridge's own, else the front page; a sealed cookie holds it."""
    return local_path(then, "/inbox", longest=_WAY_BACK)


def sign_in_url(then: str) -> str:
    """Return where to sign in, and come back from to `then`, a path of bridge's own."""
    return f"/inbox/sign-in?{urlencode({'then': way_back(then)})}"


def keep(request: web.Request, response: web.StreamResponse, cookie: Cookie) -> None:
    """Give the browser the cookie of a session that began."""
    cookies.keep(request, response, COOKIE, str(cookie), seconds=LONGEST_SECONDS)
