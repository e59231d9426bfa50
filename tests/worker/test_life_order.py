"""A whole life whose deliveries come in any order, some of them again: the thread ends as it is on GitHub."""

import random
from typing import Any

import pytest

from tests.conftest import House
from tests.kits.life import Life, begin, drive

STORY: list[tuple[str, str, dict[str, Any]]] = [
    ("ann-gh", "open", {"title": "Count", "head": "fix", "draft": True}),
    ("ann-gh", "label", {"label": "bug"}),
    ("ann-gh", "label", {"label": "enhancement"}),
    ("ann-gh", "ready", {}),
    ("ann-gh", "request_review", {"reviewer": "bob-gh"}),
    (
        "bob-gh",
        "request_changes",
        {"comments": [{"path": "a.py", "line": line, "body": "Hm"} for line in (1, 2)]},
    ),
    ("ann-gh", "check", {"name": "test", "conclusion": "failure"}),
    ("ann-gh", "push", {"count": 2}),
    ("ann-gh", "check", {"name": "test", "conclusion": "failure"}),
    ("ann-gh", "rerun", {}),
    ("ann-gh", "check", {"name": "test", "conclusion": "success"}),
    ("ann-gh", "status", {"context": "docs", "state": "pending"}),
    ("ann-gh", "status", {"context": "docs", "state": "success"}),
    ("ann-gh", "comment", {"body": "Please look again"}),
    ("ann-gh", "resolve", {}),
    ("ann-gh", "unlabel", {"label": "bug"}),
    ("ann-gh", "edit", {"title": "Count on"}),
    ("ann-gh", "close", {}),
    ("ann-gh", "reopen", {}),
    ("cy-gh", "approve", {}),
    ("cy-gh", "dismiss_review", {}),
    ("bob-gh", "approve", {}),
    ("ann-gh", "milestone", {}),
    ("ann-gh", "enqueue", {}),
    ("ann-gh", "dequeue", {}),
]
ENDS = {
    "Turn": "ann-gh (conversations to resolve)",
    "Author": "ann-gh",
    "Branch": "fix → main",
    "Assignees": "ann-gh",
    "Reviewers": "✓ bob-gh (approved)",
    "Conversations": "1 unresolved: 1",
    "Checks": "✓ 2 passed",
    "Labels": "enhancement",
    "Milestone": "1.0",
}


@pytest.fixture
async def life(working: House) -> Life:
    return await begin(working)


@pytest.mark.parametrize("seed", range(5))
async def test_in_any_order_and_repetition_the_thread_ends_as_it_is_on_github(life: Life, seed: int) -> None:
    chance = random.Random(seed)
    await drive(life.house, "webhooks", {"mode": "hold"})
    for who, do, fields in STORY:
        pull = await life.house.act(who, do, number=1, **fields)
    held = (await drive(life.house, "webhooks", {}))["held"]
    order = [*range(len(held)), *chance.choices(range(len(held)), k=8)]
    chance.shuffle(order)

    outcomes = await drive(life.house, "webhooks/release", {"order": order, "drop": True})
    assert {one["status"] for one in outcomes} <= {200, 202, 204}
    await drive(life.house, "webhooks", {"mode": "send"})
    # What said nothing itself is drawn with the next message.
    await life.act("ann-gh", "assign", assignee="ann-gh")

    thread = await life.thread()
    changes = f"+{pull['additions']} −{pull['deletions']} in {pull['changed_files']} files"
    assert thread.fields == ENDS | {"Changes": changes}
    assert (thread.status, thread.shown["title"]) == ("approved", "Count on")
    assert await life.house.services.queue.dead_letters() == []
