"""Who is notified of what, in which browser, and once."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bridge.inbox import keys
from bridge.inbox.admission import ADMISSION
from bridge.inbox.notifications.notifier import TRIES, Notifier
from bridge.inbox.notifications.preferences import Preferences
from bridge.inbox.notifications.subscriptions import PushSubscription
from bridge.inbox.pages.mail import DIGESTS
from bridge.inbox.pages.notifications import NOTIFIER
from bridge.inbox.threads.messages import thread_id
from bridge.storage.due_queue import DueQueue
from bridge.web.app import serving
from scripts.sandbox.house import free_port
from scripts.sandbox.push_service import PushService, SubscribedBrowser
from tests.conftest import eventually
from tests.inbox.conftest import Team, open_team
from tests.inbox.threads.test_messages import content
from tests.kits.controls import unguarded, yes
from tests.kits.push import bridges, push_service

PERSON = {"ann": 1001, "bob": 1002, "cy": 1003}
THREAD = thread_id(1, "pr:1")


@dataclass(kw_only=True)
class Scene:
    """The team, its push service, and a notifier that the test drives."""

    team: Team
    service: PushService
    notifier: Notifier

    async def subscribed(self, nick: str) -> SubscribedBrowser:
        """A browser in which somebody is signed in and turned notifications on."""
        team = self.team
        browser = self.service.subscribe(await self.notifier.web_push.vapid.public_key())
        answer = await team.visit(nick, "POST", "/inbox/settings/browsers", browser.form)
        assert (answer.status, answer.headers["Location"]) == (303, "/inbox/settings#notifications")
        return browser

    async def posted(self, *, turn: str = "", since: int = 1, **fields: Any) -> None:
        """A message of bridge's, by Cy; the turn is that of the person named."""
        member = bridges(1, turn=PERSON.get(turn, 0), login=turn, since=since)
        state = {**content(1)["thread"], "bridge": member}
        body = {"author": {"name": "cy"}, **fields, "thread": state}
        if not await self.team.inbox.sources.of(self.team.flow.id):
            await self.team.source()
        await self.team.inbox.messages.post(self.team.flow.id, 1, content(1, **body))

    async def delivered(self) -> None:
        """All that is due now is delivered."""
        while await self.notifier.deliver_due():
            pass

    async def waiting(self) -> int:
        redis: Any = self.team.services.redis
        assert await redis.zcard(keys.NOTIFICATIONS) == await redis.hlen(keys.NOTIFICATION_NOTES)
        return int(await redis.zcard(keys.NOTIFICATIONS))

    async def all_due(self) -> None:
        """What waits for a later attempt is due now."""
        redis: Any = self.team.services.redis
        for member in await redis.zrange(keys.NOTIFICATIONS, 0, -1):
            await redis.zadd(keys.NOTIFICATIONS, {member: 0})


@pytest.fixture
async def scene(redis_url: str) -> AsyncIterator[Scene]:
    async with push_service() as (service, outside), open_team(redis_url, outside=outside) as team:
        yield Scene(team=team, service=service, notifier=team.app[NOTIFIER])


def shown(browser: SubscribedBrowser) -> list[str]:
    """The bodies of the notifications that a browser showed."""
    return [one["body"] for one in browser.shown]


async def test_the_person_who_gets_the_turn_is_notified_once_and_the_sender_is_not(scene: Scene) -> None:
    bob, ann = await scene.subscribed("bob"), await scene.subscribed("ann")
    other = await scene.subscribed("bob")
    await scene.posted(turn="bob", title="asked for a review")
    await scene.delivered()
    assert bob.shown == other.shown
    assert bob.shown == [
        {
            "title": "#1 Pull 1",
            "body": "Your turn: to review\ncy: asked for a review",
            "tag": THREAD,
            "url": f"/inbox/flows/team/main/threads/{THREAD}#new",
            "topic": THREAD,
        }
    ]
    await scene.posted(turn="bob", title="pushed")
    await scene.delivered()
    assert len(bob.shown) == 1, "it was his turn already"
    await scene.posted()
    await scene.posted(turn="bob", since=2, title="pushed")
    await scene.posted(turn="ann", author={"name": "ANN"}, title="opened it")
    await scene.posted(turn="bob", since=3, title="asked again")
    await scene.delivered()
    assert shown(bob)[1:] == ["Your turn: to review\ncy: asked again"], "one a thread"
    assert (ann.shown, await scene.waiting()) == ([], 0)


async def test_a_mentioned_person_is_notified_with_the_words(scene: Scene) -> None:
    bob, ann = await scene.subscribed("bob"), await scene.subscribed("ann")
    await scene.posted()
    path = f"/inbox/flows/team/main/threads/{THREAD}/messages"
    await scene.team.visit("ann", "POST", path, {"content": "Look, @bob and @ann and @cy:\n<b>why</b>?"})
    await scene.delivered()
    assert shown(bob) == ["ann mentions you\nLook, @bob and @ann and @cy: <b>why</b>?"]
    assert (ann.shown, await scene.waiting()) == ([], 0)
    await scene.team.visit("ann", "POST", path, {"content": "@bob, no"})
    [thread] = await scene.team.inbox.messages.threads(scene.team.flow.id)
    await scene.team.visit("ann", "POST", f"{path}/{thread.newest.id}", {"delete": "1"})
    await scene.delivered()
    assert (len(bob.shown), await scene.waiting()) == (1, 0), "she took it back"
    people = scene.team.inbox.people
    await people.put(1002, nick="bob_acme", name="", avatar="", admitted_by="invitation")
    await scene.team.visit("ann", "POST", path, {"content": "@bob_acme?"})
    await scene.delivered()
    assert shown(bob)[1:] == ["ann mentions you\n@bob_acme?"], "an enterprise's managed user"


async def test_a_mention_that_an_edit_adds_notifies_once_until_it_is_read(scene: Scene) -> None:
    team, bob = scene.team, await scene.subscribed("bob")
    await scene.posted()
    path = f"/inbox/flows/team/main/threads/{THREAD}"

    async def edited(text: str) -> None:
        await team.visit("ann", "POST", f"{path}/messages/2", {"content": text})

    await team.visit("ann", "POST", f"{path}/messages", {"content": "Why?"})
    await team.visit("bob", "GET", path)
    for text in ("Why, @bob and @ann?", "Why then, @bob and @ann?"):
        await edited(text)
        await scene.delivered()
    assert shown(bob) == ["ann mentions you\nWhy, @bob and @ann?"]
    for text in ("Why?", "@bob?"):
        await edited(text)
    await team.visit("bob", "GET", path)
    await scene.delivered()
    for text in ("Why?", "@bob?", "Why?"):
        await edited(text)
    await scene.delivered()
    assert (len(bob.shown), await scene.waiting()) == (1, 0), "he read it, and then she took it back"


async def test_the_person_who_passed_the_turn_is_named_to_the_one_who_gets_it(scene: Scene) -> None:
    bob, ann = await scene.subscribed("bob"), await scene.subscribed("ann")
    path = f"/inbox/flows/team/main/threads/{THREAD}"
    await scene.posted(turn="ann")
    await scene.team.visit("bob", "GET", path)
    await scene.team.visit("ann", "POST", f"{path}/turn", {"to": "1002"})
    await scene.delivered()
    assert shown(bob) == ["ann passed you the turn on #1"]
    redis: Any = scene.team.services.redis
    assert await redis.zcard(keys.mentions(1002)) == 0, "the digest lists it as his turn alone"
    await scene.notifier.preferences.keep(1001, Preferences(turn=False))
    await scene.team.visit("bob", "POST", f"{path}/turn", {"to": "1001"})
    await scene.delivered()
    assert (ann.shown, await scene.waiting()) == ([], 0), "she no longer wants any about turns"


@unguarded("bridge.inbox.flows.flows.FlowStore.may_see", yes, row="left the flow-turn")
@pytest.mark.parametrize("why", ["turn", "call"])
@pytest.mark.parametrize(
    "silenced",
    [
        "read",
        "left the flow",
        "archived",
        "removed",
        "switched off",
        "signed out",
        "passed on",
        "mute",
        "activity",
    ],
)
async def test_nobody_is_notified_of_threads_they_read_may_not_read_or_silenced(
    scene: Scene, why: str, silenced: str
) -> None:
    team, bob = scene.team, await scene.subscribed("bob")
    await scene.posted(**{"turn": "bob"} if why == "turn" else {"tags": [":user:1002", ":unread:1002"]})
    assert await scene.waiting() == 1
    match silenced:
        case "read":
            await team.visit("bob", "GET", f"/inbox/flows/team/main/threads/{THREAD}")
        case "left the flow":
            await team.inbox.flows.leave(team.flow.id, 1002)
        case "archived":
            await team.inbox.flows.change(team.flow.id, is_archived=True)
        case "removed":
            await team.app[ADMISSION].remove(1002)
            assert await scene.notifier.browsers.of(1002) == []
        case "switched off":
            chosen = Preferences(turn=why != "turn", mentions=why != "call")
            await scene.notifier.preferences.keep(1002, chosen)
        case "signed out":
            await team.visit("bob", "POST", "/inbox/settings/sign-out-everywhere", {})
        case "passed on":
            await scene.posted(turn="ann")
        case "mute" | "activity":
            await team.visit("bob", "POST", "/inbox/triage", {silenced: THREAD})
    await scene.delivered()
    assert len(bob.shown) == (1 if (why, silenced) == ("call", "passed on") else 0)


async def test_quiet_hours_put_off_and_do_not_lose(scene: Scene) -> None:
    bob, preferences = await scene.subscribed("bob"), scene.notifier.preferences
    await preferences.keep(1002, Preferences(quiet_from="00:00", quiet_until="23:59"))
    now = time.gmtime()
    if (now.tm_hour, now.tm_min) == (23, 59):
        await preferences.keep(1002, Preferences(quiet_from="12:00", quiet_until="11:59"))
    await scene.posted(turn="bob")
    await scene.delivered()
    assert (bob.shown, await scene.waiting()) == ([], 1)
    await preferences.keep(1002, Preferences())
    await scene.all_due()
    await scene.delivered()
    assert (len(bob.shown), await scene.waiting()) == (1, 0)


async def test_a_failed_push_is_repeated_a_few_times_for_its_browser_alone(
    scene: Scene,
) -> None:
    good, bad = await scene.subscribed("bob"), await scene.subscribed("bob")
    bad.answers = [503, 429]
    await scene.posted(turn="bob")
    for _ in range(3):
        await scene.all_due()
        await scene.delivered()
    assert (len(good.shown), len(bad.shown), await scene.waiting()) == (1, 1, 0)
    bad.answers = [500] * (TRIES + 1)
    await scene.posted(turn="bob", since=2)
    for _ in range(TRIES):
        assert await scene.waiting() == 1
        await scene.all_due()
        await scene.delivered()
    assert (len(good.shown), bad.answers, await scene.waiting()) == (2, [500], 0)


async def test_a_browser_that_is_gone_is_forgotten(scene: Scene) -> None:
    kept, gone = await scene.subscribed("bob"), await scene.subscribed("bob")
    gone.is_gone = True
    await scene.posted(turn="bob")
    await scene.delivered()
    endpoints = [one.endpoint for one in await scene.notifier.browsers.of(1002)]
    assert (endpoints, len(kept.shown), await scene.waiting()) == ([kept.endpoint], 1, 0)


async def test_several_processes_deliver_once_and_one_that_died_is_replaced(scene: Scene) -> None:
    bob = await scene.subscribed("bob")
    await scene.posted(turn="bob")
    await asyncio.gather(*(scene.notifier.deliver_due() for _ in range(5)))
    assert (len(bob.shown), await scene.waiting()) == (1, 0)
    await scene.posted(turn="bob", since=2)
    queue = DueQueue(scene.team.services.redis, keys.NOTIFICATIONS, keys.NOTIFICATION_NOTES)
    assert await queue.claim(seconds=60), "a process claims it and dies"
    assert not await scene.notifier.deliver_due()
    await scene.all_due()
    await scene.delivered()
    assert (len(bob.shown), await scene.waiting()) == (2, 0)


async def test_a_person_keeps_their_notifications_when_their_browser_signs_in_again(scene: Scene) -> None:
    sessions, browsers = scene.team.app_sessions, scene.notifier.browsers
    old, new, anns = [await sessions.begin(person, browser="") for person in (1002, 1002, 1001)]
    form = scene.service.subscribe("").form
    await browsers.add(1002, PushSubscription.read(form, name=old.name, browser="Firefox"))
    await sessions.replace(old, new)
    assert [one.name for one in await browsers.of(1002)] == [new.name]
    assert await sessions.use(old) is None
    await sessions.replace(new, anns)
    assert await browsers.of(1002) + await browsers.of(1001) == [], "another person is signed in there now"


async def test_each_process_that_serves_the_inbox_delivers_by_itself(scene: Scene) -> None:
    services, redis = scene.team.services, scene.team.services.redis
    services.settings = replace(services.settings, port=free_port())
    bob, digests = await scene.subscribed("bob"), scene.team.app[DIGESTS].store
    await scene.posted(turn="bob")
    await digests.schedule(1002)

    async def is_done() -> bool:
        return bool(bob.shown) and await redis.hlen(keys.DIGEST_NOTES) == 0

    async with serving(services):
        await eventually(is_done)
    await scene.posted(turn="bob", since=2)
    assert await scene.waiting() == 1, "with the process its loops end"
