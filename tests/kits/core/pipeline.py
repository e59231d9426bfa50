"""bridge's core put together as the worker does it, without a network; and what Flowdock takes."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bridge.core.messages import thread, translate
from bridge.core.messages.addressing import Outgoing
from bridge.core.messages.translation import Translation
from bridge.core.model import Connection, Delivery, Message
from bridge.core.options import Options
from bridge.core.pulls import checks, extract, own_events, snapshot
from bridge.core.pulls.gathering import DUE
from bridge.core.pulls.lww import LwwRegister
from bridge.core.pulls.model import PullRequest
from bridge.core.pulls.push import Push
from bridge.core.pulls.snapshot import Snapshot
from bridge.inbox.threads.validation import check_message
from tests.kits.core import page

WEB_URL = "https://bridge.example.com"
NUMBER = 2
STATUSES = {
    "open": "green",
    "draft": "grey",
    "approved": "lime",
    "changes requested": "orange",
    "queued": "yellow",
    "merged": "purple",
    "closed": "red",
}
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(\[bot\])?")


def delivery(event: str, payload: dict[str, Any], delivery_id: str = "72d3162e") -> Delivery:
    return Delivery(id=delivery_id, event=event, payload=payload, body=b"")


def connection(connection_id: str = "main", **options: Any) -> Connection:
    return Connection(
        id=connection_id,
        repository="acme/component",
        repository_id=1296269,
        name="acme/component",
        flow_token="flow-token",
        created_at=0,
        options=Options(**options),
    )


def tagged(message: Message) -> tuple[str, ...]:
    """The logins of those a message tags."""
    return tuple(one.login for one in message.mentions)


class Bridge:
    """Handles a repository's deliveries as the worker does, with a dictionary for its memory."""

    def __init__(self, *connections: Connection) -> None:
        self.connections = connections or (connection(),)
        self.snapshots: dict[int, bytes] = {}
        self._checks: dict[str, bytes] = {}
        self._heads: defaultdict[str, set[int]] = defaultdict(set)
        self._count = 0
        self.now = 1_000_000.0
        self.waits = False
        """Whether reviews wait for the rest of their parts, until `settle`."""
        self.due: list[dict[str, Any]] = []

    def tell(self, event: str, payload: dict[str, Any]) -> list[Outgoing]:
        """A delivery comes; what goes out."""
        self._count += 1
        one = delivery(event, payload, f"delivery-{self._count}")
        if event in checks.EVENTS:
            return self._tell_checks(one)
        number = NUMBER if event == own_events.RULES else translate.subject(one)
        if number is None:
            return self._tell_push(one, push) if event == "push" and (push := Push.read(one)) else []
        known = self.snapshot(number)
        merged = known.merge(extract.delta(one))
        result = translate.translate_pull(
            one, known, merged, checks.view(self._of(merged.head_sha)), self.connections, now=self.now
        )
        self._keep(result)
        if result.due is not None:
            self.due.append(result.due)
        return [*result.outgoing, *([] if self.waits else self.settle())]

    def _tell_push(self, one: Delivery, push: Push) -> list[Outgoing]:
        for number in [*self._heads[push.before]]:
            noted = push.note(self.snapshot(number))
            self.snapshots[number] = snapshot.dump(noted)
            for sha in noted.heads:
                self._heads[sha].add(number)
        results = []
        for number in sorted(self._heads[push.after]) if push.forced else ():
            if push.is_late(known := self.snapshot(number)):
                found = checks.view(self._of(known.head_sha))
                results.append(
                    translate.translate_late_push(one, push, known, found, self.connections, now=self.now)
                )
                self._keep(results[-1])
        return [out for result in results for out in result.outgoing]

    def settle(self) -> list[Outgoing]:
        """Nothing more comes for a while; what goes out of the reviews that waited."""
        due, self.due = self.due, []
        return [out for payload in due for out in self.tell(DUE, payload)]

    def says(self, event: str, payload: dict[str, Any]) -> Message | None:
        """The same, for the first connection: its message, if there is one."""
        out = [one.message for one in self.tell(event, payload) if one.connection == self.connections[0]]
        assert len(out) <= 1
        return out[0] if out else None

    def play(self, deliveries: Sequence[tuple[str, dict[str, Any]]]) -> "Bridge":
        """Many deliveries, one after the other."""
        for event, payload in deliveries:
            self.tell(event, payload)
        return self

    def snapshot(self, number: int = NUMBER) -> Snapshot:
        return snapshot.load(self.snapshots.get(number))

    def pull(self, number: int = NUMBER) -> PullRequest:
        known = self.snapshot(number)
        return snapshot.view(known, checks.view(self._of(known.head_sha)))

    def thread(self, number: int = NUMBER) -> dict[str, Any]:
        return thread.render(self.pull(number), web_url=WEB_URL)

    def fields(self, number: int = NUMBER) -> dict[str, str]:
        """The thread's fields as a reader sees them."""
        return {field["label"]: page.text(field["value"]) for field in self.thread(number)["fields"]}

    def _tell_checks(self, one: Delivery) -> list[Outgoing]:
        news = checks.delta(one)
        if news is None:
            return []
        registers = checks.merge(self._of(news.sha), news.checks)
        self._checks[news.sha] = checks.dump(registers)
        out: list[Outgoing] = []
        for number in sorted({*news.numbers, *self._heads[news.sha]}):
            known = self.snapshot(number)
            if known.is_known and known.head_sha == news.sha:
                result = translate.translate_checks(
                    one, known, checks.view(registers), self.connections, now=self.now
                )
                self._keep(result)
                out += result.outgoing
        return out

    def _keep(self, result: Translation) -> None:
        self.snapshots[result.number] = snapshot.dump(result.snapshot)
        self._heads[result.snapshot.head_sha].add(result.number)

    def _of(self, sha: str) -> dict[str, LwwRegister]:
        return checks.load(self._checks.get(sha))


def satisfies_flowdock(message: Message | None, drawn: dict[str, Any]) -> None:
    """Fail unless Flowdock takes them and bridge keeps its own promises about them."""
    if message is not None:
        _check_words(message)
    content = {
        "event": message.event if message else "activity",
        "title": message.title if message else "x",
        "body": message.body if message else "",
        "author": {"name": message.author.name, "avatar": message.author.avatar or None}
        if message
        else {"name": "x"},
        "external_thread_id": "x",
        "thread": drawn,
    }
    assert check_message(content, thread_known=False) == {}
    page.check_line(drawn["title"])
    page.check_body(drawn["body"])
    assert page.text(drawn["title"]).strip()
    assert drawn["status"]["color"] == STATUSES[drawn["status"]["value"]]
    labels = [field["label"] for field in drawn["fields"]]
    assert len(set(labels)) == len(labels)
    for field in drawn["fields"]:
        page.check_line(field["value"])
        assert page.text(field["value"]).strip(), field
        assert re.fullmatch(r"[A-Z][a-z-]+( [a-z]+)?", field["label"])


def _check_words(message: Message) -> None:
    page.check_line(message.title)
    page.check_body(message.body)
    assert page.text(message.title).strip()
    assert message.author.name
    assert message.author.avatar == "" or message.author.avatar.startswith(("http://", "https://"))
    names = tagged(message)
    assert len(set(names)) == len(names)
    assert all(_LOGIN.fullmatch(login) for login in names), names
    assert message.author.name not in names
