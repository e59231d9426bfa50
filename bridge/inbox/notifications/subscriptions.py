"""Browsers in which people are notified: a push subscription belongs to a session, ended by its sign-out.

https://www.w3.org/TR/push-api/
"""

import base64
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
import orjson

from bridge.core.errors import RequestRefused
from bridge.inbox import keys
from bridge.storage.redis import Redis

MOST = 10
"""Browsers of a person; the oldest makes room."""
LONGEST_ENDPOINT = 1000
SECONDS = 400 * 24 * 3600
"""Seconds after a person's last change at which their subscriptions end."""


class SubscriptionRefused(RequestRefused):
    """No push service would give a browser such a subscription."""

    status = 422
    advice = "Reload the page and try again, or use another browser."


@dataclass(frozen=True, kw_only=True)
class PushSubscription:
    """A browser's subscription at its push service; `name` is its session's."""

    name: str
    endpoint: str = field(repr=False)
    p256dh: str
    """The browser's public key, 65 bytes as URL-safe base64."""
    auth: str = field(repr=False)
    """The secret that browser and sender share, 16 bytes likewise."""
    browser: str
    added: int

    @classmethod
    def read(cls, form: Mapping[str, Any], *, name: str, browser: str) -> Self:
        """Read the subscription that a browser sends; raises `SubscriptionRefused`."""
        endpoint, p256dh, auth = (str(form.get(one, "")) for one in ("endpoint", "p256dh", "auth"))
        if not _is_endpoint(endpoint):
            raise SubscriptionRefused("the browser named no push service with an https address")
        if not _is_point(decoded(p256dh)) or len(decoded(auth)) != 16:
            raise SubscriptionRefused("the browser sent no encryption keys")
        return cls(
            name=name, endpoint=endpoint, p256dh=p256dh, auth=auth, browser=browser, added=int(time.time())
        )


def decoded(text: str) -> bytes:
    """Decode URL-safe base64 without padding; empty if it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""


def _is_endpoint(url: str) -> bool:
    """Tell whether an address may be a push service's: https, at the usual port of a host with a name."""
    if not (url.isascii() and url.isprintable() and len(url) <= LONGEST_ENDPOINT) or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_named = "." in host.strip(".") and not host.replace(".", "").isdigit() and ":" not in host
    return parts.scheme == "https" and is_named and "@" not in parts.netloc and port in (None, 443)


def _is_point(data: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
    except ValueError:
        return False
    return len(data) == 65


@dataclass(frozen=True, kw_only=True)
class SubscriptionStore:
    """Everybody's subscriptions, in Redis."""

    redis: Redis

    async def of(self, person_id: int) -> list[PushSubscription]:
        """Return a person's subscriptions, the oldest first."""
        found = await self.redis.hgetall(keys.personal("browsers", person_id))
        every = [
            msgspec.convert(orjson.loads(data) | {"name": name.decode()}, PushSubscription)
            for name, data in found.items()
        ]
        return sorted(every, key=lambda one: (one.added, one.name))

    async def add(self, person_id: int, added: PushSubscription) -> None:
        """Keep a subscription, in place of an earlier one of its session or browser."""
        key, others = keys.personal("browsers", person_id), await self.of(person_id)
        same = [one for one in others if one.endpoint == added.endpoint]
        left = [one for one in others if one not in same and one.name != added.name]
        value = {name: value for name, value in asdict(added).items() if name != "name"}
        async with self.redis.pipeline(transaction=True) as pipe:
            for one in (*same, *left[: max(0, len(left) - MOST + 1)]):
                pipe.hdel(key, one.name)
            pipe.hset(key, added.name, orjson.dumps(value))
            pipe.expire(key, SECONDS)
            await pipe.execute()

    async def remove(self, person_id: int, name: str) -> None:
        """Forget the subscription of a session."""
        await self.redis.hdel(keys.personal("browsers", person_id), name)
