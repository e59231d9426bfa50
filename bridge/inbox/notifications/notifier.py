"""Delivery of notifications that are due. Each process with the inbox takes part; Redis holds what waits.

A process claims a notification while it delivers it. If it dies meanwhile, another one delivers it again, and
the browser shows it once, since it has the same tag.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import orjson
import structlog
from redis.exceptions import RedisError

from bridge.core.errors import BridgeError, reason_of
from bridge.inbox import keys
from bridge.inbox.context import PAGES, Inbox
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.notifications.loops import repeat
from bridge.inbox.notifications.preferences import PreferenceStore
from bridge.inbox.notifications.subscriptions import SubscriptionStore
from bridge.inbox.notifications.web_push import Pushed, WebPush
from bridge.inbox.people.memberships import MembershipStore
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads import placing
from bridge.inbox.threads.extension import PullTurn, pull_of
from bridge.inbox.threads.stored import InboxThread
from bridge.inbox.views import number_of, said_in, title_of
from bridge.storage.due_queue import DueQueue

AT_ONCE = 16
CLAIM_SECONDS = 60
TRIES = 5
LONGEST_TITLE, LONGEST_BODY = 150, 300

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Due:
    """A notification that is due, as `accept.lua` queues it; `left` are the browsers that failed before."""

    person: int
    flow: str
    thread: str
    message: int
    why: str
    """Letters: `t`, the turn has become theirs; `m`, a message mentions them."""
    tries: int
    left: tuple[str, ...]

    @classmethod
    def read(cls, member: str, note: str) -> Self:
        """Read a member of the queue and its note."""
        person, flow, thread = member.split(":")
        *before, message, why = note.split(":")
        tries, left = before or ("0", "")
        return cls(
            person=int(person),
            flow=flow,
            thread=thread,
            message=int(message),
            why=why,
            tries=int(tries),
            left=tuple(filter(None, left.split(","))),
        )

    def again(self, left: Sequence[str]) -> str:
        """Return the note for another attempt, at these browsers."""
        return f"{self.tries + 1}:{','.join(left)}:{self.message}:{self.why}"


@dataclass(frozen=True, kw_only=True)
class Notifier:
    """The delivery; `count` counts the attempts by their outcome."""

    inbox: Inbox
    memberships: MembershipStore
    preferences: PreferenceStore
    browsers: SubscriptionStore
    web_push: WebPush
    count: Callable[[str], None]

    @cached_property
    def _queue(self) -> DueQueue:
        return DueQueue(self.inbox.redis, keys.NOTIFICATIONS, keys.NOTIFICATION_NOTES)

    async def run(self) -> None:
        """Deliver what is due until cancelled."""
        await repeat(self.deliver_due, doing="sending notifications")

    async def deliver_due(self) -> bool:
        """Deliver some notifications that are due; False if none is."""
        found: list[tuple[str, str]] = []
        while len(found) < AT_ONCE and (claimed := await self._queue.claim(seconds=CLAIM_SECONDS)):
            found.append(claimed)
        await asyncio.gather(*(self._handle(*one) for one in found))
        return bool(found)

    async def _handle(self, member: str, note: str) -> None:
        due = Due.read(member, note)
        again = None
        try:
            if wait := (await self.preferences.of(due.person)).quiet_seconds(time.time()):
                await self._queue.settle(member, note, delay=wait, new_note=note)
                return
            if left := await self._deliver(due):
                again = due.again(left)
        except (RedisError, OSError):
            raise
        except Exception as error:
            is_odd = not isinstance(error, BridgeError)
            log.warning("notification_failed", person=due.person, reason=reason_of(error), exc_info=is_odd)
            again = due.again(due.left)
        if again and due.tries + 1 < TRIES:
            await self._queue.settle(member, note, delay=60 * 4**due.tries, new_note=again)
        else:
            await self._queue.settle(member, note)

    async def _deliver(self, due: Due) -> list[str]:
        """Push to the person's browsers; returns those to try again. Raises as `MembershipStore.holds`."""
        browsers = [one for one in await self.browsers.of(due.person) if not due.left or one.name in due.left]
        message = await self._message(due) if browsers else None
        if message is None:
            return []
        outcomes = await asyncio.gather(
            *(self.web_push.push(one, message, topic=due.thread) for one in browsers)
        )
        left = []
        for one, outcome in zip(browsers, outcomes, strict=True):
            self.count(outcome.name.lower())
            if outcome is Pushed.GONE:
                await self.browsers.remove(due.person, one.name)
            elif outcome is Pushed.FAILED:
                left.append(one.name)
        return left

    async def _message(self, due: Due) -> bytes | None:
        """Return what to show; None if the person read or triaged it, may not see it, or wants none."""
        inbox = self.inbox
        person, flow = await inbox.people.get(due.person), await inbox.flows.get(due.flow)
        thread = await inbox.messages.thread(due.flow, due.thread)
        if not (person and flow and thread) or flow.is_archived:
            return None
        if not (await inbox.flows.may_see(flow.id, person.id) and await self.memberships.holds(person)):
            return None
        is_read = (await inbox.marks.of(person.id, [thread.id]))[thread.id] >= due.message
        if is_read or (await inbox.lists.triage_of(person.id, [thread.id]))[thread.id]:
            return None
        chosen, pull = await self.preferences.of(person.id), pull_of(thread.state)
        turn = pull.turn if pull and chosen.turn and "t" in due.why else None
        if turn and turn.of(person.id):
            return await self._shown(person, flow, thread, due, turn=turn)
        return await self._shown(person, flow, thread, due) if chosen.mentions and "m" in due.why else None

    async def _shown(
        self, person: InboxPerson, flow: TeamFlow, thread: InboxThread, due: Due, turn: PullTurn | None = None
    ) -> bytes | None:
        messages = self.inbox.messages
        news = await messages.message(flow.id, due.message)
        found = await messages.subject(news) if news else None
        if found is None or not (turn or placing.does_mention(found.content, person.id)):
            return None
        author, said = said_in(found, person, await self.inbox.people.get(found.author))
        if turn and thread.passed_by:
            words = f"{thread.passed_by} passed you the turn on {number_of(thread)}"
        elif turn:
            words = f"Your turn: {turn.why or turn.who}\n{author}: {said}"
        else:
            words = f"{author} mentions you\n{said}"
        return orjson.dumps(
            {
                "title": title_of(thread)[:LONGEST_TITLE],
                "body": words[:LONGEST_BODY],
                "tag": thread.id,
                "url": f"{PAGES}/flows/{flow.path}/threads/{thread.id}#new",
            }
        )
