"""Two flows of one repository, each with its own wishes: what each hears, and that its thread stays true."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.core.options import Options
from tests.conftest import FLOW, House
from tests.kits.life import Json, Life, begin, drive, titles

OTHER = "acme/ops"


@pytest.fixture
async def life(working: House) -> Life:
    """The flow acme/main hears of everything; acme/ops is for the test to ask."""
    life = await begin(working)
    await working.connect(OTHER)
    return life


async def _wishes(life: Life, **wishes: Any) -> None:
    """The other flow's options."""
    *_, other = [
        one for one in await life.house.services.connections.all() if one.flow_token == life.house.flow_token
    ]
    changed = await life.house.services.connections.change(other.id, options=Options(**wishes))
    assert changed == replace(other, options=Options(**wishes))


async def _both(life: Life, who: str, do: str, **fields: Any) -> tuple[list[str], list[str]]:
    """Each flow's messages about something."""
    first = titles(await life.act(who, do, **fields))
    return first, titles(await life.news(OTHER))


async def test_drafts_are_quiet_until_they_are_ready_and_then_told_whole(life: Life) -> None:
    await _wishes(life, drafts="quiet")
    opened = {"title": "Count", "head": "fix", "draft": True}
    assert await _both(life, "ann-gh", "open", **opened) == (["ann-gh: Opened draft pull request"], [])
    assert await _both(life, "ann-gh", "assign", assignee="bob-gh") == (["ann-gh: Assigned bob-gh"], [])
    assert await _both(life, "ann-gh", "edit", title="Count on") != ([], [])

    first, other = await _both(life, "ann-gh", "ready")
    assert first == other == ["ann-gh: Marked as ready for review"]
    mine, theirs = await life.thread(), await life.thread(flow=OTHER)
    assert mine.fields == theirs.fields
    assert theirs.fields["Assignees"] == "bob-gh"
    assert theirs.shown["title"] == "Count on"
    # Back to a draft is a change of status, which is always told; what follows is quiet again.
    assert [len(said) for said in await _both(life, "ann-gh", "draft")] == [1, 1]
    assert [len(said) for said in await _both(life, "ann-gh", "unassign", assignee="bob-gh")] == [1, 0]


async def test_labels_are_told_in_short_to_connections_without_them(life: Life) -> None:
    await _wishes(life, labels=True)
    await _both(life, "ann-gh", "open", title="Count", head="fix")
    assert await _both(life, "ann-gh", "label", label="bug") == (
        ["ann-gh: Labels: bug"],
        ["ann-gh: Added the bug label"],
    )
    assert (await life.thread()).fields["Labels"] == "bug"


async def test_only_the_base_branches_that_are_wanted(life: Life) -> None:
    await _wishes(life, bases=("rel/*", "stable"))
    heard = []
    for head, base in (("one", "main"), ("two", "stable")):
        _, said = await _both(life, "ann-gh", "open", title=head, head=head, base=base)
        heard.append(len(said))
    assert heard == [0, 1]

    # One that is turned to a wanted branch is heard of from then on, even of its end.
    _, turned = await _both(life, "ann-gh", "edit", number=1, base="stable")
    _, merged = await _both(life, "ann-gh", "merge", number=1)
    assert turned == ["ann-gh: Changed the base branch from main to stable"]
    assert merged == ["ann-gh: Merged pull request into stable"]


async def test_groups_that_are_not_wanted_are_muted_and_a_change_of_status_never_is(life: Life) -> None:
    await _wishes(life, groups=("reviews",))
    steps: list[tuple[str, str, Json, int]] = [
        ("ann-gh", "open", {"title": "Count", "head": "fix"}, 1),
        ("ann-gh", "push", {}, 0),
        ("ann-gh", "edit", {"title": "Count on"}, 0),
        ("ann-gh", "assign", {"assignee": "bob-gh"}, 0),
        ("ann-gh", "request_review", {"reviewer": "bob-gh"}, 0),
        ("bob-gh", "comment", {"body": "Hm"}, 0),
        ("ann-gh", "check", {"name": "test", "conclusion": "failure"}, 0),
        ("ann-gh", "milestone", {}, 0),
        ("ann-gh", "enqueue", {}, 0),
        ("ann-gh", "dequeue", {}, 0),
        ("bob-gh", "approve", {}, 1),
        ("ann-gh", "close", {}, 1),
        ("ann-gh", "reopen", {}, 1),
        ("ann-gh", "merge", {}, 1),
    ]
    for who, do, fields, heard in steps:
        first, other = await _both(life, who, do, **fields)
        assert (len(first), len(other)) == (1, heard), do
    assert (await life.thread()).fields == (await life.thread(flow=OTHER)).fields


BOT = {"login": "dependabot[bot]", "id": 49699333, "type": "Bot"}


@pytest.mark.parametrize(("bots", "heard"), [("all", "OAM"), ("state", "OM"), ("none", "")])
async def test_a_bots_pull_request_is_told_wholly_or_by_its_states_or_not_at_all(
    life: Life, bots: Any, heard: str
) -> None:
    await _wishes(life, bots=bots)
    await drive(life.house, "webhooks", {"mode": "hold"})
    await life.house.act("ann-gh", "open", title="Bump", head="bump")
    for do in ("assign", "merge"):
        await life.house.act("ann-gh", do, number=1)
    held = (await drive(life.house, "webhooks", {}))["held"]
    for one in held:
        one["payload"]["pull_request"]["user"] |= BOT
        assert (await life.house.deliver(one["payload"])).status == 202
    await drive(life.house, "webhooks/release", {"order": [], "drop": True})

    assert len(await life.news()) == 3
    # Opened, (self-)Assigned, Merged.
    assert [text.split(": ")[1][0].replace("S", "A") for text in titles(await life.news(OTHER))] == list(
        heard
    )


@pytest.mark.parametrize(("bots", "count"), [("all", 1), ("state", 0), ("none", 0)])
async def test_a_bots_comment_on_a_persons_pull_request_is_told_only_where_bots_are_heard(
    life: Life, bots: Any, count: int
) -> None:
    await _wishes(life, bots=bots)
    await _both(life, "ann-gh", "open", title="Count", head="fix")
    await drive(life.house, "webhooks", {"mode": "hold"})
    await life.house.act("bob-gh", "comment", number=1, body="Coverage is fine")
    (held,) = (await drive(life.house, "webhooks", {}))["held"]
    await drive(life.house, "webhooks/release", {"order": [], "drop": True})
    held["payload"]["sender"] |= BOT
    assert (await life.house.deliver(held["payload"], event="issue_comment")).status == 202

    assert len(await life.news()) == 1
    assert len(await life.news(OTHER)) == count
    assert FLOW != OTHER
