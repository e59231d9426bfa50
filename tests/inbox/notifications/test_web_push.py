"""Web Push on the wire: the stand-in service takes it as a real one would, a browser of its decrypts it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from bridge.clients.session import open_session
from bridge.core.security.encryption import Vault
from bridge.inbox import keys
from bridge.inbox.notifications.subscriptions import PushSubscription
from bridge.inbox.notifications.vapid import Vapid
from bridge.inbox.notifications.web_push import Pushed, WebPush
from bridge.storage import key_rotation
from scripts.sandbox.push_service import PushService, SubscribedBrowser
from tests.kits.push import push_service

MESSAGE = orjson.dumps({"title": "#1 Fix it", "body": "Your turn: to review"})


@pytest.fixture
def vapid(redis: Any) -> Vapid:
    return Vapid(redis=redis, vault=Vault(["k" * 32]), contact="https://bridge.example.com")


@pytest.fixture
async def there(vapid: Vapid) -> AsyncIterator[tuple[PushService, WebPush]]:
    async with push_service() as (service, http), http:
        yield service, WebPush(http=http, vapid=vapid)


def subscription(browser: SubscribedBrowser, **changes: str) -> PushSubscription:
    return PushSubscription.read(browser.form | changes, name="n", browser="")


async def test_a_browser_is_shown_what_was_pushed(there: tuple[PushService, WebPush], redis: Any) -> None:
    service, web_push = there
    browser = service.subscribe(await web_push.vapid.public_key())
    long = orjson.dumps({"title": "T" * 3900})
    for message in (MESSAGE, long, b'{"title":"\\u0002"}'):
        assert await web_push.push(subscription(browser), message, topic="thread-1") is Pushed.TAKEN
    assert browser.shown[0] == {"title": "#1 Fix it", "body": "Your turn: to review", "topic": "thread-1"}
    assert len(browser.shown) == 3
    kept = await redis.get(keys.VAPID)
    assert Vault(["k" * 32]).decrypt(kept, aad=keys.VAPID), "the private key lies sealed"


async def test_all_processes_have_one_key_pair_also_after_a_rotation(vapid: Vapid, redis: Any) -> None:
    made = await vapid.public_key()
    assert await replace(vapid, contact="").public_key() == made
    await key_rotation.rotate(redis, Vault(["n" * 32, "k" * 32]), dry_run=False, progress=lambda *_: None)
    assert await replace(vapid, vault=Vault(["n" * 32])).public_key() == made


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (201, Pushed.TAKEN),
        *((status, Pushed.GONE) for status in (404, 410)),
        *((status, Pushed.FAILED) for status in (406, 429, 500, 503)),
        *((status, Pushed.REFUSED) for status in (301, 307, 400, 401, 403, 413)),
    ],
)
async def test_an_answer_says_whether_to_try_again(
    there: tuple[PushService, WebPush], answer: int, outcome: Pushed
) -> None:
    service, web_push = there
    browser = service.subscribe(await web_push.vapid.public_key())
    browser.answers = [answer]
    assert await web_push.push(subscription(browser), MESSAGE, topic="t") is outcome
    assert browser.shown == [], "a redirect is not followed"


async def test_a_push_for_another_browser_or_by_another_sender_is_refused(
    there: tuple[PushService, WebPush],
) -> None:
    service, web_push = there
    key = await web_push.vapid.public_key()
    mine, other = service.subscribe(key), service.subscribe(key)
    swapped = subscription(mine, p256dh=other.form["p256dh"])
    assert await web_push.push(swapped, MESSAGE, topic="t") is Pushed.REFUSED
    foreign = service.subscribe("of somebody else")
    assert await web_push.push(subscription(foreign), MESSAGE, topic="t") is Pushed.REFUSED
    too_long = b'"' + b"x" * 4096 + b'"'
    assert await web_push.push(subscription(mine), too_long, topic="t") is Pushed.REFUSED
    assert (mine.shown, foreign.shown) == ([], [])
    assert await web_push.push(subscription(mine), MESSAGE, topic="t") is Pushed.TAKEN, "the control"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_nothing_is_pushed_to_this_machine_under_any_name(vapid: Vapid, host: str) -> None:
    """Where the look at the address that a browser sent did not find it out."""
    reached: list[object] = []
    server = await asyncio.start_server(lambda *streams: reached.append(streams), "127.0.0.1", 0)
    browser = PushService(url=f"https://{host}:{server.sockets[0].getsockname()[1]}").subscribe("")
    to = replace(subscription(browser, endpoint="https://x.example/"), endpoint=browser.endpoint)
    async with server, open_session(public_only=True) as outside:
        assert await WebPush(http=outside, vapid=vapid).push(to, MESSAGE, topic="t") is Pushed.FAILED
    assert reached == []
