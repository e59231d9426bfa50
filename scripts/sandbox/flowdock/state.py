"""Everything the stand-in remembers between requests, in memory: sources, threads and messages."""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.inbox.messages import thread_id
from scripts.sandbox.flowdock.people import Flow, User, find_nick


@dataclass(frozen=True, kw_only=True)
class Source:
    """An application tied to a flow. `creator` is a user id, None for a source made without OAuth."""

    id: int
    flow: Flow
    name: str
    external_url: str
    flow_token: str
    creator: int | None
    created: float
    updated: float
    error_message: str = ""
    configuration_url: str = ""
    removed: bool = False


@dataclass(frozen=True, kw_only=True)
class Message:
    """An accepted message; `content` is what was sent, without the token. A `repeat` changed nothing."""

    id: int
    flow: Flow
    source: int
    thread: str
    sent: float
    content: Mapping[str, Any]
    repeat: bool


@dataclass(frozen=True, kw_only=True)
class Thread:
    """An item of the other service; `state` is the `thread` of the last message that carried one.

    `last` is its newest message, repeats left out.
    """

    id: str
    external_id: str
    source: int
    flow: Flow
    state: Mapping[str, Any]
    last: Message
    activities: int = 0
    discussions: int = 0


@dataclass(kw_only=True)
class World:
    """The state. `clock` returns seconds since 1970."""

    clock: Callable[[], float] = time.time
    sources: dict[int, Source] = field(default_factory=dict)
    threads: dict[str, Thread] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    # The user ids of each flow whose members changed, by the flow's path.
    members: dict[str, frozenset[int]] = field(default_factory=dict)
    _last_source: int = 0
    _last_message: int = 0
    _by_token: dict[str, int] = field(default_factory=dict)
    _uuids: set[tuple[str, str]] = field(default_factory=set)

    def has(self, flow: Flow, user: User) -> bool:
        """Tell whether the user is in the flow."""
        return user.id in self.members.get(flow.path, flow.members)

    def user_tags(self, flow: Flow, tags: Iterable[str]) -> list[str]:
        """Resolve tags: `@nick` becomes `:user:ID` for a member of the flow, and stays text for others."""
        called = [find_nick(tag.removeprefix("@")) for tag in tags if tag.startswith("@")]
        return [f":user:{user.id}" for user in called if user and self.has(flow, user)]

    def set_member(self, flow: Flow, user: User, *, member: bool) -> None:
        """Let the user into the flow, or take them out of it."""
        others = self.members.get(flow.path, flow.members) - {user.id}
        self.members[flow.path] = others | {user.id} if member else others

    def add_source(self, flow: Flow, *, name: str, external_url: str, creator: int | None) -> Source:
        """Tie an application to the flow; the answer holds the new `flow_token`."""
        self._last_source += 1
        now = self.clock()
        source = Source(
            id=self._last_source,
            flow=flow,
            name=name,
            external_url=external_url,
            flow_token=secrets.token_hex(16),
            creator=creator,
            created=now,
            updated=now,
        )
        return self._keep(source)

    def change_source(self, source: Source, **changes: Any) -> Source:
        """Store the source with the changes; `removed=True` makes its token answer 410 from now on."""
        return self._keep(replace(source, updated=self.clock(), **changes))

    def source_of_token(self, flow_token: str) -> Source | None:
        """Return the source, removed or not, that was given this token."""
        return self.sources.get(self._by_token.get(flow_token, 0))

    def live_sources(self, flow: Flow) -> list[Source]:
        """Return the flow's sources that were not removed, oldest first."""
        return [one for one in self.sources.values() if one.flow == flow and not one.removed]

    def threads_of(self, flow: Flow) -> list[Thread]:
        """Return the flow's threads, the one with the newest activity first."""
        mine = [thread for thread in self.threads.values() if thread.flow == flow]
        return sorted(mine, key=lambda thread: thread.last.id, reverse=True)

    def accept(self, source: Source, content: Mapping[str, Any]) -> Message:
        """Store a valid message and bring its thread up to date.

        A `uuid` seen before in the flow marks the message a repeat, which is kept but changes nothing
        that anyone sees (Flowdock's API documents, "Messages": a client can recognise a repeat by it).
        """
        self._last_message += 1
        message = Message(
            id=self._last_message,
            flow=source.flow,
            source=source.id,
            thread=thread_id(source.id, content["external_thread_id"]),
            sent=self.clock(),
            content={key: value for key, value in content.items() if key != "flow_token"},
            repeat=self._seen(source.flow, content.get("uuid")),
        )
        self.messages.append(message)
        if not message.repeat:
            self._bring_up_to_date(message)
        return message

    def reset(self) -> None:
        """Forget all but the ids: they go on, so that none ever means two things."""
        self.members.clear()
        self.sources.clear()
        self.threads.clear()
        self.messages.clear()
        self._by_token.clear()
        self._uuids.clear()

    def _keep(self, source: Source) -> Source:
        self.sources[source.id] = source
        self._by_token[source.flow_token] = source.id
        return source

    def _seen(self, flow: Flow, uuid: str | None) -> bool:
        if uuid is None:
            return False
        seen = (flow.path, uuid) in self._uuids
        self._uuids.add((flow.path, uuid))
        return seen

    def _bring_up_to_date(self, message: Message) -> None:
        known = self.threads.get(message.thread)
        thread = known or Thread(
            id=message.thread,
            external_id=message.content["external_thread_id"],
            source=message.source,
            flow=message.flow,
            state={},
            last=message,
        )
        spoken = message.content["event"] == "discussion"
        self.threads[thread.id] = replace(
            thread,
            state=message.content.get("thread") or thread.state,
            last=message,
            activities=thread.activities + (not spoken),
            discussions=thread.discussions + spoken,
        )
