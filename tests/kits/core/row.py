"""A row of the tables of events: a delivery, what is said about it, and what its thread then shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.core.messages.updates import SECONDS
from bridge.core.options import GROUPS
from tests.kits.core import page
from tests.kits.core.pipeline import Bridge, connection, satisfies_flowdock, tagged
from tests.kits.core.samples import checked, on_pull

Told = tuple[str, dict[str, Any]]
OPENED: Told = ("pull_request", on_pull("opened"))


@dataclass(frozen=True, kw_only=True)
class Row:
    """`before` came first; `title` and `thread` are as a reader sees them, `links` the title's addresses.

    A thread's field that must not be there is None, its status stands under `Status`. Without a `title`
    nothing is said. `is_newer`: GitHub's OpenAPI description has it so, Octokit's schemas do not.
    """

    told: Told
    title: str = ""
    group: str = "other"
    kind: str = "activity"
    body: str = ""
    mentions: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    before: Sequence[Told] = (OPENED,)
    thread: Mapping[str, str | None] = field(default_factory=dict)
    is_newer: bool = False


def hold(row: Row) -> None:
    """Fail unless bridge does with the row's delivery what it says."""
    groups = tuple(group for group in GROUPS if group != row.group)
    bridge = Bridge(
        connection("all", labels=True),
        connection("only", groups=(row.group,), labels=row.group == "labels"),
        connection("others", groups=groups, labels=row.group != "labels"),
    ).play(row.before)
    event, payload = row.told
    bridge.now += SECONDS
    out = bridge.tell(event, payload if row.is_newer else checked(event, payload))
    if not row.title:
        assert out == []
    else:
        # A change of status is always told, and of labels at least in short.
        others = ["others"] if row.group in ("status", "labels") else []
        assert [one.connection.id for one in out] == ["all", "only", *others]
        _hold_message(row, out[0].message)
    satisfies_flowdock(out[0].message if out else None, bridge.thread())
    shown: dict[str, str] = {**bridge.fields(), "Status": bridge.thread()["status"]["value"]}
    assert {label: shown.get(label) for label in row.thread} == dict(row.thread)


def _hold_message(row: Row, message: Any) -> None:
    assert page.text(message.title) == row.title
    assert tuple(tag.attributes["href"] for tag in page.tags(message.title)) == row.links
    assert message.event == row.kind
    assert tagged(message) == row.mentions
    assert message.author.name == row.told[1]["sender"]["login"]
    if row.body:
        assert row.body in message.body
    else:
        assert message.body == ""
