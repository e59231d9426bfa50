"""A pull request from its draft to its merge: what the flow hears at each step, and what the thread shows."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.clients.github_webhooks import EVENTS
from tests.conftest import House
from tests.kits.life import THREAD, Json, Life, begin, drive, tags, text, titles

OPEN = ["Assign to me", "Close", "Approve", "Request my review", "Merge", "Squash", "Rebase"]
DRAFT = ["Assign to me", "Close", "Ready for review"]
FAILED = [*OPEN, "Re-run failed checks"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """The person, the deed, and the thread after it; fields that are not named are as they were before.

    A step of which nothing is said leaves the thread as it was: its news ride on the next message.
    """

    who: str
    do: str
    fields: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    status: str = "open"
    shows: dict[str, str | None] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=lambda: OPEN)
    tagged: list[str] = field(default_factory=list)


STORY = [
    Step(
        who="ann-gh",
        do="open",
        fields={
            "title": "Count",
            "body": "For @bob-gh, @cy-gh",
            "head": "fix",
            "base": "main",
            "draft": True,
        },
        said=["ann-gh: Opened draft pull request"],
        status="draft",
        shows={"Turn": "ann-gh (draft)", "Author": "ann-gh", "Branch": "fix → main"},
        buttons=DRAFT,
        # cy-gh is mentioned, too, and not linked.
        tagged=["@bob"],
    ),
    Step(
        who="ann-gh",
        do="ready",
        said=["ann-gh: Marked as ready for review"],
        shows={"Turn": "ann-gh (to ask for a review)"},
    ),
    Step(
        who="ann-gh",
        do="label",
        fields={"label": "bug"},
        said=["ann-gh: Labels: bug"],
        shows={"Labels": "bug"},
    ),
    Step(
        who="ann-gh",
        do="request_review",
        fields={"reviewer": "bob-gh"},
        said=["ann-gh: Requested a review from bob-gh"],
        shows={"Turn": "bob-gh (to review)", "Reviewers": "… bob-gh (requested)", "Labels": "bug"},
        tagged=["@bob"],
    ),
    Step(
        who="ann-gh",
        do="request_review",
        fields={"team": "makers"},
        said=["ann-gh: Requested a review from Makers"],
        shows={
            "Turn": "bob-gh, Makers (to review)",
            "Reviewers": "… bob-gh (requested), … Makers (requested)",
        },
    ),
    Step(
        who="bob-gh",
        do="request_changes",
        said=["bob-gh: Requested changes"],
        status="changes requested",
        shows={
            "Turn": "ann-gh (changes requested)",
            "Reviewers": "✗ bob-gh (changes requested), … Makers (requested)",
        },
        tagged=["@ann"],
    ),
    Step(
        who="ann-gh",
        do="push",
        fields={"count": 2},
        said=["ann-gh: Pushed 2 commits"],
        status="changes requested",
    ),
    Step(who="ann-gh", do="check", fields={"name": "test"}, status="changes requested"),
    Step(
        who="ann-gh",
        do="check",
        fields={"name": "lint", "conclusion": "success"},
        status="changes requested",
    ),
    Step(
        who="ann-gh",
        do="check",
        fields={"name": "test", "conclusion": "failure"},
        said=["Checks: failed: test"],
        status="changes requested",
        # Not tagged: it was the author's turn already.
        shows={"Turn": "ann-gh (checks failed)", "Checks": "✗ 1 passed, 1 failed: test"},
        buttons=FAILED,
    ),
    Step(
        who="ann-gh",
        do="rerun",
        said=["Checks: Re-running 1 check"],
        status="changes requested",
        shows={"Turn": "ann-gh (changes requested)", "Checks": "… 1 passed, 1 running"},
    ),
    Step(
        who="ann-gh",
        do="check",
        fields={"name": "test", "conclusion": "success"},
        said=["Checks: recovered, flaky: all green"],
        status="changes requested",
        shows={"Turn": "ann-gh (changes requested)", "Checks": "✓ 2 passed"},
    ),
    Step(
        who="ann-gh",
        do="request_review",
        fields={"reviewer": "bob-gh"},
        said=["ann-gh: Requested a review from bob-gh"],
        shows={
            "Turn": "bob-gh, Makers (to review)",
            "Reviewers": "… bob-gh (requested), … Makers (requested)",
        },
        tagged=["@bob"],
    ),
    Step(
        who="ann-gh",
        do="unrequest_review",
        fields={"team": "makers"},
        said=["ann-gh: Removed the review request for Makers"],
        shows={"Turn": "bob-gh (to review)", "Reviewers": "… bob-gh (requested)"},
    ),
    Step(
        who="bob-gh",
        do="approve",
        said=["bob-gh: Approved"],
        status="approved",
        shows={"Turn": "ready to merge", "Reviewers": "✓ bob-gh (approved)"},
        tagged=["@ann"],
    ),
    Step(
        who="cy-gh",
        do="merge",
        said=["cy-gh: Merged pull request into main"],
        status="merged",
        shows={"Turn": None},
        buttons=[],
    ),
]


@pytest.fixture
async def life(house: House) -> Life:
    await house.connect()
    await house.hook(events=EVENTS)
    house.start_worker()
    return await begin(house)


async def test_a_pull_requests_whole_life_is_told_step_by_step_in_one_thread(life: Life) -> None:
    expected: dict[str, str | None] = {}
    for step in STORY:
        news = await life.act(step.who, step.do, **step.fields)

        assert titles(news) == step.said, step
        assert tags(news) == step.tagged, step
        assert {one["external_thread_id"] for one in news} <= {THREAD}
        thread = await life.thread()
        assert (thread.status, thread.buttons) == (step.status, step.buttons), step
        expected |= step.shows
        shown = {name: value for name, value in thread.fields.items() if name != "Changes"}
        assert shown == {name: value for name, value in expected.items() if value}, step


PUSHES: tuple[tuple[Json, list[str]], ...] = (
    ({"count": 3}, ["Pushed 3 commits"]),
    ({"force": True, "count": 2}, ["Force-pushed "]),
    ({"count": 1, "landed": 4}, ["Pushed 1 commit"]),
    ({"count": 2, "late": True}, ["Updated the branch to "]),
    ({"force": True, "late": True}, ["Updated the branch to ", "Force-pushed "]),
)


async def test_the_changes_grow_with_each_push_which_is_named_rightly(life: Life) -> None:
    pull = await life.house.act("ann-gh", "open", title="Count", head="fix")
    await life.news()
    assert (await life.thread()).fields["Changes"] == _changes(pull)
    for do, words in PUSHES:
        before = pull["head"]["sha"]
        pull = await life.house.act("ann-gh", "push", number=1, **do)
        compare = f"{life.house.github}/acme/component/compare/{before}...{pull['head']['sha']}"
        for message, expected in zip(await life.news(), words, strict=True):
            said = text(message["title"]).removeprefix(expected)
            assert said in ("", pull["head"]["sha"][:7]), (do, message["title"])
            assert compare in message["title"]
        assert (await life.thread()).fields["Changes"] == _changes(pull)


async def test_a_closing_that_contradicts_itself_closes(life: Life) -> None:
    await life.act("ann-gh", "open", title="Count", head="fix")
    news = await life.act("ann-gh", "close", instead={"state": "open", "merged_at": None})
    thread = await life.thread()
    assert titles(news) == ["ann-gh: Closed pull request"]
    assert (thread.status, thread.buttons) == ("closed", ["Reopen"])


def _changes(pull: dict[str, Any]) -> str:
    files = "1 file" if pull["changed_files"] == 1 else f"{pull['changed_files']} files"
    return f"+{pull['additions']} −{pull['deletions']} in {files}"


async def test_assignees_milestone_auto_merge_and_the_queue_are_shown_while_they_last(life: Life) -> None:
    await life.act("ann-gh", "open", title="Count", head="fix")
    await life.house.act("cy-gh", "settings", allow_auto_merge=True)
    rows: list[tuple[str, Json, str, str, list[str]]] = [
        ("assign", {"assignee": "bob-gh"}, "Assignees", "bob-gh", ["@bob"]),
        ("milestone", {"milestone": "1.0"}, "Milestone", "1.0", []),
        ("auto_merge", {}, "Auto-merge", "on", []),
        ("no_auto_merge", {}, "Auto-merge", "", []),
        ("enqueue", {}, "Merge queue", "queued", []),
        ("dequeue", {"reason": "CI_FAILURE"}, "Merge queue", "", []),
        ("demilestone", {}, "Milestone", "", []),
        ("unassign", {"assignee": "bob-gh"}, "Assignees", "", []),
    ]
    for do, fields, label, value, tagged in rows:
        news = await life.act("ann-gh", do, **fields)
        thread = await life.thread()
        assert (len(news), tags(news)) == (1, tagged), do
        assert thread.fields.get(label, "") == value, do
        assert thread.status == ("queued" if do == "enqueue" else "open")


async def test_a_conflict_that_a_payload_tells_is_the_authors_turn_and_takes_merge_away(life: Life) -> None:
    await life.act("ann-gh", "open", title="Count", head="fix")
    await life.house.act("cy-gh", "conflict", number=1)
    await _looked_at_on_github(life)
    await life.act("ann-gh", "milestone")
    thread = await life.thread()
    assert thread.fields["Turn"] == "ann-gh (conflicts with the base branch)"
    assert "Merge" not in thread.buttons
    await life.house.act("cy-gh", "mend", number=1)
    await _looked_at_on_github(life)
    await life.act("ann-gh", "demilestone")
    assert "Merge" in (await life.thread()).buttons


async def _looked_at_on_github(life: Life) -> None:
    """GitHub works out whether it can be merged once somebody looks."""
    issued = await drive(life.house, "tokens", {"user": "ann-gh"})
    address = f"{life.house.github}/api/v3/repos/acme/component/pulls/1"
    headers = {"Authorization": f"token {issued['token']}", "User-Agent": "test"}
    for _ in range(2):
        async with life.house.http.get(address, headers=headers) as response:
            assert response.status == 200
