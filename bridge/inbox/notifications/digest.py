"""The daily digest by mail: what waits for a person, once a day at their hour.

A process claims a person while it sends; if it dies, another one sends again, under the same message id.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import orjson
import structlog

from bridge.core.errors import BridgeError, RequestRefused
from bridge.core.security.encryption import Undecryptable, Vault
from bridge.inbox import keys
from bridge.inbox.context import PAGES, Inbox
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.notifications import clock
from bridge.inbox.notifications.loops import repeat
from bridge.inbox.notifications.mail import Mail, MailServer
from bridge.inbox.notifications.preferences import PreferenceStore
from bridge.inbox.people.memberships import MembershipStore
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads import placing
from bridge.inbox.threads.extension import pull_of
from bridge.inbox.threads.stored import InboxThread
from bridge.inbox.views import said_in, title_of
from bridge.storage.due_queue import DueQueue
from bridge.storage.lua_scripts import load_script
from bridge.storage.redis import Redis

CLAIM_SECONDS = 300
TRIES = 4
MOST_CONFIRMATIONS = 5
"""Mails a day that ask one person to confirm an address: they may lead to anybody."""
MOST = 50
"""Threads of each kind in a digest."""
LONGEST_WORDS = 200

log = structlog.get_logger()


class LinkGone(RequestRefused):
    """A link in a mail is cut, or sealed with a key that was replaced since, or another person's."""

    status = 403
    advice = "Open your settings instead: you can stop the mail there."
    sentence = "this link is incomplete, has expired, or belongs to someone else"


@dataclass(frozen=True, kw_only=True)
class DigestPlan:
    """A person's plan for a digest: its address and time of day; `last` is when it was last due."""

    address: str
    hour: str
    is_confirmed: bool = False
    last: float = 0


class DigestStore:
    """Everybody's plans in Redis, and the links in mails: sealed, so that Redis need not keep them."""

    def __init__(self, redis: Redis, vault: Vault) -> None:
        self._redis, self._vault = redis, vault
        self._compare_and_set = load_script(redis, "bridge.storage", "compare_and_set")
        self.queue = DueQueue(redis, keys.DIGESTS, keys.DIGEST_NOTES)

    async def of(self, person_id: int) -> DigestPlan | None:
        """Return a person's plan."""
        found = await self._redis.get(keys.personal("mail", person_id))
        return msgspec.json.decode(found, type=DigestPlan) if found else None

    async def keep(self, person_id: int, plan: DigestPlan) -> None:
        """Keep a person's plan."""
        await self._redis.set(keys.personal("mail", person_id), orjson.dumps(plan))

    async def note_sent(self, person_id: int, *, at: float) -> None:
        """Note when a digest was sent, in the plan as it is now: the person may have changed or ended it."""
        key = keys.personal("mail", person_id)
        while found := await self._redis.get(key):
            plan = replace(msgspec.json.decode(found, type=DigestPlan), last=at)
            if await self._compare_and_set(keys=[key], args=[found, orjson.dumps(plan)]):
                return

    async def schedule(self, person_id: int) -> None:
        """Have the sender look when a person's next digest is due."""
        await self.queue.add([str(person_id)], delay=0, note="0")

    async def may_ask(self, person_id: int) -> bool:
        """Count a mail that asks for a confirmation; False if a person caused enough of them today."""
        key = keys.confirmations(person_id)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, 24 * 3600)
            count, _ = await pipe.execute()
        return bool(count <= MOST_CONFIRMATIONS)

    async def end(self, person_id: int) -> None:
        """Send a person no more mail."""
        await self._redis.delete(keys.personal("mail", person_id))

    def link(self, person_id: int, plan: DigestPlan) -> str:
        """Return the end of a link that only the owner of the mailbox has."""
        return self._vault.encrypt(orjson.dumps([person_id, plan.address]), aad="inbox-mail").decode()

    async def linked(self, link: str) -> tuple[int, DigestPlan] | None:
        """Return a link's person and plan; None once the address has changed or gone. Raises `LinkGone`."""
        try:
            person_id, address = orjson.loads(self._vault.decrypt(link.encode(), aad="inbox-mail"))
        except (Undecryptable, ValueError):
            raise LinkGone from None
        plan = await self.of(person_id)
        return (person_id, plan) if plan and plan.address == address else None


@dataclass(frozen=True, kw_only=True)
class DigestLine:
    """A thread in a digest, and the reason for it."""

    title: str
    url: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DigestSender:
    """The sender; `render` makes HTML of a template, `count` counts the attempts by their outcome."""

    inbox: Inbox
    memberships: MembershipStore
    preferences: PreferenceStore
    store: DigestStore
    server: MailServer
    render: Callable[[str, dict[str, Any]], str]
    count: Callable[[str], None]

    async def run(self) -> None:
        """Send what is due until cancelled."""
        await repeat(self.send_due, doing="sending digests")

    async def send_due(self) -> bool:
        """Send a digest that is due; False if none is."""
        claimed = await self.store.queue.claim(seconds=CLAIM_SECONDS)
        if claimed is None:
            return False
        member, note = claimed
        delay, tries = await self._handle(int(member), int(note))
        await self.store.queue.settle(member, note, delay=delay, new_note=str(tries))
        return True

    async def _handle(self, person_id: int, tries: int) -> tuple[float | None, int]:
        """Send a digest if it is time; returns the seconds until the next attempt, and its number."""
        plan, chosen = await self.store.of(person_id), await self.preferences.of(person_id)
        if plan is None or not plan.is_confirmed:
            return None, 0
        now = time.time()
        if (due := clock.next_at(plan.hour, chosen.zone, plan.last)) > now:
            return due - now, 0
        try:
            person = await self.inbox.people.get(person_id)
            if person is None or not await self.memberships.holds(person):
                return None, 0
            self.count("sent" if await self._send(person, plan, due) else "empty")
        except BridgeError as error:
            self.count("failed")
            log.warning("digest_failed", person=person_id, attempt=tries + 1, reason=str(error))
            if tries + 1 < TRIES:
                return 300 * 4**tries, tries + 1
        await self.store.note_sent(person_id, at=now)
        return clock.next_at(plan.hour, chosen.zone, now) - now, 0

    async def _send(self, person: InboxPerson, plan: DigestPlan, due: float) -> bool:
        """Send what waits for a person; False if nothing does."""
        flows = {one.id: one for one in await self.inbox.flows.of(person.id) if not one.is_archived}
        chosen = await self.preferences.of(person.id)
        turn = await self._turn(person, flows) if chosen.turn else []
        mentions = await self._mentions(person, flows, since=plan.last) if chosen.mentions else []
        if not (turn or mentions):
            return False
        link = f"{self.inbox.web_url}/inbox/mail/unsubscribe/{self.store.link(person.id, plan)}"
        sections = [("Your turn", turn), ("You were mentioned", mentions)]
        settings = f"{self.inbox.web_url}/inbox/settings#mail"
        context = {"sections": sections, "settings": settings, "unsubscribe": link}
        count = len(turn) + len(mentions)
        await self.server.send(
            Mail(
                to=plan.address,
                subject=f"{count} {'threads wait' if count > 1 else 'thread waits'} for you",
                text=as_text(sections, settings=settings, unsubscribe=link),
                html=self.render("inbox/mail_digest.html", context),
                unsubscribe=link,
                name=f"digest.{person.id}.{int(due)}",
            )
        )
        return True

    async def _turn(self, person: InboxPerson, flows: dict[str, TeamFlow]) -> list[DigestLine]:
        """List the threads in which it is a person's turn, but for done and snoozed ones."""
        await self.inbox.lists.wake(person.id)
        listed, _ = await self.inbox.lists.on(person.id, list(flows), ["turn"], MOST)
        threads = await self.inbox.messages.get_many(listed["turn"][:MOST])
        found = [(one, pull.turn) for one in threads if (pull := pull_of(one.state)) and pull.turn]
        return [self._line(flows, thread, turn.why or turn.who) for thread, turn in found]

    async def _mentions(
        self, person: InboxPerson, flows: dict[str, TeamFlow], *, since: float
    ) -> list[DigestLine]:
        """List threads that mentioned a person since a Unix time, neither read nor triaged."""
        inbox, key = self.inbox, keys.mentions(person.id)
        newest = await inbox.redis.execute_command("ZREVRANGE", key, 0, MOST - 1, "WITHSCORES")
        mentioned = {name.decode(): int(score) for name, score in newest}
        read = await inbox.marks.of(person.id, list(mentioned))
        triage = await inbox.lists.triage_of(person.id, list(mentioned))
        found = []
        for thread in await inbox.messages.get_many([one for one, id in mentioned.items() if id > read[one]]):
            if thread.flow_id not in flows or triage[thread.id]:
                continue
            message = await inbox.messages.message(thread.flow_id, mentioned[thread.id])
            if not message or message.sent / 1000 <= since:
                continue
            message = await inbox.messages.subject(message)
            if message and placing.does_mention(message.content, person.id):
                author, said = said_in(message, person, await inbox.people.get(message.author))
                found.append(self._line(flows, thread, f"{author}: {said}"[:LONGEST_WORDS]))
        return found

    def _line(self, flows: dict[str, TeamFlow], thread: InboxThread, reason: str) -> DigestLine:
        url = f"{self.inbox.web_url}{PAGES}/flows/{flows[thread.flow_id].path}/threads/{thread.id}"
        return DigestLine(title=title_of(thread), url=url, reason=reason)


def as_text(sections: Sequence[tuple[str, Sequence[DigestLine]]], *, settings: str, unsubscribe: str) -> str:
    """Write a digest as plain text."""
    parts = [
        f"{heading}\n\n" + "\n".join(f"- {one.title}\n  {one.reason}\n  {one.url}" for one in lines)
        for heading, lines in sections
        if lines
    ]
    return "\n\n".join([*parts, f"Change the time: {settings}\nUnsubscribe: {unsubscribe}\n"])
