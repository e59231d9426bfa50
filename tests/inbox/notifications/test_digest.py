"""The digest by mail: to confirmed addresses, of what waits, once a day, until one click ends it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bridge.inbox import keys
from bridge.inbox.admission import ADMISSION
from bridge.inbox.notifications.digest import MOST_CONFIRMATIONS, TRIES, DigestPlan, DigestSender
from bridge.inbox.notifications.mail import Mail, MailServer
from bridge.inbox.notifications.preferences import Preferences
from bridge.inbox.pages.mail import DIGESTS
from scripts.sandbox.mail_server import Mailbox, mail_server
from tests.inbox.conftest import Team, open_team
from tests.inbox.threads.test_messages import content
from tests.kits.controls import unguarded
from tests.kits.push import bridges

ADDRESS = "bob@example.com"
FORM = {"address": ADDRESS, "hour": "08:00"}


@dataclass(kw_only=True)
class Scene:
    """The team, and everybody's mail."""

    team: Team
    box: Mailbox

    @property
    def sender(self) -> DigestSender:
        return self.team.app[DIGESTS]

    async def confirmed(self, nick: str = "bob") -> None:
        """Somebody asks for a digest, and confirms the address; it was due a minute ago."""
        assert (await self.team.visit(nick, "POST", "/inbox/settings/mail", FORM)).status == 303
        link = self.link()
        assert "Confirm" in (await self.team.visit(nick, "GET", link)).text
        assert (await self.team.visit(nick, "POST", link, {})).status == 303
        self.box.mails.clear()
        await self.a_day_later()

    async def a_day_later(self) -> None:
        plan = await self.sender.store.of(1002)
        assert plan
        await self.sender.store.keep(1002, replace(plan, last=time.time() - 25 * 3600))
        await self.all_due()

    async def all_due(self) -> None:
        redis: Any = self.team.services.redis
        for member in await redis.zrange(keys.DIGESTS, 0, -1):
            await redis.zadd(keys.DIGESTS, {member: 0})

    async def sent(self) -> list[str]:
        """The plain texts of what is sent now."""
        self.box.mails.clear()
        while await self.sender.send_due():
            pass
        return [next(mail.iter_parts()).get_content().replace("\r\n", "\n") for mail in self.box.mails]

    def link(self) -> str:
        """The path of the link in the newest mail."""
        text = str(self.box.mails[-1].get_content())
        found = re.search(rf"{re.escape(self.team.url)}(/inbox/mail/\S+)", text)
        assert found
        return found[1]

    async def posted(self, number: int, *, turn: str = "", **fields: Any) -> None:
        if not await self.team.inbox.sources.of(self.team.flow.id):
            await self.team.source()
        member = bridges(number, turn={"bob": 1002}.get(turn, 0), login=turn)
        thread = {**content(number)["thread"], **({"bridge": member} if turn else {})}
        message = content(number, **fields, thread=thread)
        await self.team.inbox.messages.post(self.team.flow.id, 1, message)


@pytest.fixture
async def scene(redis_url: str) -> AsyncIterator[Scene]:
    async with mail_server() as (box, port):
        more = {"SMTP_URL": f"smtp://127.0.0.1:{port}", "MAIL_FROM": "bridge@example.com"}
        async with open_team(redis_url, more=more) as team:
            yield Scene(team=team, box=box)


async def test_waiting_threads_are_mailed_once_a_day_and_none_send_no_mail(scene: Scene) -> None:
    await scene.confirmed()
    assert await scene.sent() == [], "nothing waits"
    await scene.posted(1, turn="bob")
    await scene.posted(2, body="Look, @bob: <b>why</b>?", tags=[":user:1002", ":unread:1002"])
    await scene.posted(3)
    await scene.all_due()
    assert await scene.sent() == [], "it was due a moment ago"
    await scene.a_day_later()
    [text] = await scene.sent()
    assert re.sub(r"http\S+", "URL", text) == (
        "Your turn\n\n- #1 Pull 1\n  to review\n  URL\n\n"
        "You were mentioned\n\n- Pull 2\n  Ann: Look, @bob: why?\n  URL\n\n"
        "Change the time: URL\nUnsubscribe: URL\n"
    )
    [mail] = scene.box.mails
    assert (mail["Subject"], mail["To"]) == ("2 threads wait for you", ADDRESS)
    html = list(mail.iter_parts())[1].get_content()
    thread = re.search(r'<a href="(\S+)">#1 Pull 1</a>', html)
    assert thread
    assert (await scene.team.visit("bob", "GET", thread[1].removeprefix(scene.team.url))).status == 200
    assert "&lt;b&gt;" not in html


async def test_an_address_gets_nothing_before_its_person_confirms_it(scene: Scene) -> None:
    team = scene.team
    await scene.posted(1, turn="bob")
    await team.visit("bob", "POST", "/inbox/settings/mail", {**FORM, "zone": "Asia/Kolkata"})
    assert (await scene.sender.preferences.of(1002)).zone == "Asia/Kolkata", "8 by Bob's own clock"
    [mail] = scene.box.mails
    assert (mail["To"], "@bob asked" in str(mail.get_content())) == (ADDRESS, True)
    page = await team.visit("bob", "GET", "/inbox/settings")
    assert "bridge has sent a mail to bob@example.com" in page.text
    link = scene.link()
    await scene.sender.store.schedule(1002)
    assert await scene.sent() == []
    for visitor in ("", "ann"):
        answer = await team.visit(visitor, "POST", link, {})
        assert answer.status == (403 if visitor else 401)
    plan = await scene.sender.store.of(1002)
    assert plan == DigestPlan(address=ADDRESS, hour="08:00"), "only its person confirms it"
    # Another address replaces it, with the link.
    await team.visit("bob", "POST", "/inbox/settings/mail", {**FORM, "address": "b@example.com"})
    assert (await team.visit("bob", "POST", link, {})).status == 403


async def test_one_click_ends_the_digest_without_a_sign_in(scene: Scene) -> None:
    await scene.confirmed()
    await scene.posted(1, turn="bob")
    assert len(await scene.sent()) == 1
    [mail] = scene.box.mails
    url = str(mail["List-Unsubscribe"]).strip("<>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    async with scene.team.http.get(url) as response:
        assert (response.status, await scene.sender.store.of(1002) is None) == (200, False)
    async with scene.team.http.post(url[:-2] + "xx", data={"List-Unsubscribe": "One-Click"}) as response:
        assert (response.status, await scene.sender.store.of(1002) is None) == (403, False)
    async with scene.team.http.post(url, data={"List-Unsubscribe": "One-Click"}) as response:
        assert (response.status, await scene.sender.store.of(1002)) == (200, None)
    await scene.all_due()
    assert await scene.sent() == []


@pytest.mark.parametrize(
    "silenced", ["read", "muted", "left the flow", "archived", "removed", "switched off"]
)
async def test_no_mail_lists_threads_that_its_person_read_may_not_read_or_silenced(
    scene: Scene, silenced: str
) -> None:
    team = scene.team
    await scene.confirmed()
    await scene.posted(1, tags=[":user:1002"])
    match silenced:
        case "read":
            [thread] = await team.inbox.messages.threads(team.flow.id)
            await team.visit("bob", "GET", f"/inbox/flows/team/main/threads/{thread.id}")
        case "muted":
            [thread] = await team.inbox.messages.threads(team.flow.id)
            await team.inbox.lists.move(1002, thread, "mute")
        case "left the flow":
            await team.inbox.flows.leave(team.flow.id, 1002)
        case "archived":
            await team.inbox.flows.change(team.flow.id, is_archived=True)
        case "removed":
            await team.app[ADMISSION].remove(1002)
        case "switched off":
            await scene.sender.preferences.keep(1002, Preferences(mentions=False))
    assert await scene.sent() == []


async def test_a_failed_mail_is_sent_again_a_few_times_and_then_the_next_day(scene: Scene) -> None:
    await scene.confirmed()
    await scene.posted(1, turn="bob")
    scene.box.answers = ["451 later"] * (TRIES + 1)
    for _ in range(TRIES + 2):
        assert await scene.sent() == []
        await scene.all_due()
    assert scene.box.answers == ["451 later"], "it is given up for today"
    scene.box.answers = []
    await scene.a_day_later()
    assert len(await scene.sent()) == 1


async def test_one_of_several_processes_sends(scene: Scene) -> None:
    await scene.confirmed()
    await scene.posted(1, turn="bob")
    await asyncio.gather(*(scene.sender.send_due() for _ in range(4)))
    assert len(scene.box.mails) == 1


@pytest.mark.parametrize("plan", [None, DigestPlan(address="b@example.com", hour="19:00")])
async def test_a_plan_that_changes_while_a_mail_is_sent_stays_changed(
    scene: Scene, plan: DigestPlan | None
) -> None:
    store = scene.sender.store

    class Meanwhile(MailServer):
        async def send(self, mail: Mail) -> None:
            await super().send(mail)
            await (store.keep(1002, plan) if plan else store.end(1002))

    await scene.confirmed()
    await scene.posted(1, turn="bob")
    server = scene.sender.server
    assert await replace(scene.sender, server=Meanwhile(url=server.url, sender=server.sender)).send_due()
    found = await store.of(1002)
    assert len(scene.box.mails) == 1
    assert (found and replace(found, last=0)) == plan


@unguarded("bridge.inbox.notifications.digest.MOST_CONFIRMATIONS", 100)
async def test_nobody_has_bridge_mail_strangers_all_day(scene: Scene) -> None:
    for number in range(MOST_CONFIRMATIONS + 1):
        form = {**FORM, "address": f"stranger{number}@example.com"}
        answer = await scene.team.visit("bob", "POST", "/inbox/settings/mail", form)
        assert answer.status == (303 if number < MOST_CONFIRMATIONS else 422)
    assert len(scene.box.mails) == MOST_CONFIRMATIONS


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "bob"},
        {"address": "b@example.com\r\nBcc: x@example.com"},
        {"hour": "late"},
        {"hour": ""},
        {"zone": "Mars"},
    ],
)
async def test_a_form_without_a_mailbox_or_an_hour_changes_nothing(
    scene: Scene, wrong: dict[str, str]
) -> None:
    answer = await scene.team.visit("bob", "POST", "/inbox/settings/mail", FORM | wrong)
    assert (answer.status, await scene.sender.store.of(1002), scene.box.mails) == (422, None, [])


async def test_without_a_mail_server_there_is_no_form(team: Team) -> None:
    assert "This bridge sends no mail" in (await team.visit("bob", "GET", "/inbox/settings")).text
    answer = await team.visit("bob", "POST", "/inbox/settings/mail", FORM)
    assert (answer.status, "SMTP_URL" in answer.text) == (422, True)
