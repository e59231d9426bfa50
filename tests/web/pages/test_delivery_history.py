"""Rows of the deliveries page: what lies in the queue and what the journal says, put together."""

import pytest

from bridge.queue.entries import Attempts
from bridge.queue.inspect import DeadLetterSummary, Queued
from bridge.storage.delivery_log import Note, Outcome
from bridge.web.pages.delivery_history import DeliveryRow, Filter, rows


def note(at: float, outcome: Outcome, *, number: int = 1, delivery: str = "d", reason: str = "") -> Note:
    return Note(at, delivery, "pull_request", "opened", number, "c1", outcome, reason, "ann-gh")


def grave(at: float, *, number: int = 1, delivery: str = "d", letter: str = "3-1-0") -> DeadLetterSummary:
    return DeadLetterSummary(
        id=letter,
        kind="outbox",
        delivery_id=delivery,
        event="pull_request",
        action="opened",
        sender="ann-gh",
        number=number,
        dead_since=at,
        reason="token=s3cret",
        detail="password=s3cret",
    )


def queued(at: float, *, number: int = 1, delivery: str = "d", attempts: Attempts | None = None) -> Queued:
    return Queued(
        id="1-0",
        kind="outbox",
        delivery_id=delivery,
        event="pull_request",
        action="",
        sender="",
        number=number,
        received_at=at,
        attempts=attempts,
    )


def seen(row: DeliveryRow) -> list[tuple[str, int, bool]]:
    return [(end.outcome, end.number, end.past) for end in row.ends]


TRIED = Attempts(count=2, next_at=99, reason="Flowdock answered 503")

# Notes are the newest first.
TABLE: list[tuple[str, list[Note], list[Queued], list[DeadLetterSummary], list[tuple[str, int, bool]]]] = [
    ("posted", [note(1, "posted")], [], [], [("posted", 1, False)]),
    ("waits", [], [queued(1)], [], [("waiting", 1, False)]),
    ("is tried again", [], [queued(1, attempts=TRIED)], [], [("retrying", 1, False)]),
    ("died, and lies there", [note(1, "dead")], [], [grave(1)], [("dead", 1, False)]),
    # The journal forgets sooner than the dead letters.
    ("died long ago", [], [], [grave(1)], [("dead", 1, False)]),
    ("was dropped", [note(1, "dead")], [], [], [("dead", 1, False)]),
    ("died, waits again", [note(1, "dead")], [queued(0)], [], [("waiting", 1, False), ("dead", 1, True)]),
    (
        "died, then posted",
        [note(2, "posted"), note(1, "dead")],
        [],
        [],
        [("posted", 1, False), ("dead", 1, True)],
    ),
    # However late Redis took the burial.
    (
        "died twice",
        [note(5, "dead"), note(1, "dead")],
        [],
        [grave(500)],
        [("dead", 1, False), ("dead", 1, True)],
    ),
    (
        "of several pull requests",
        [note(2, "skipped", number=8), note(1, "posted", number=7)],
        [queued(1, number=9)],
        [grave(1, number=10)],
        [("dead", 10, False), ("waiting", 9, False), ("posted", 7, False), ("skipped", 8, False)],
    ),
    # A delivery about checks died as a whole, and then told several pull requests.
    (
        "died whole, then posted",
        [note(3, "posted", number=7), note(2, "skipped", number=8), note(1, "dead", number=0)],
        [],
        [],
        [("posted", 7, False), ("skipped", 8, False), ("dead", 0, True)],
    ),
    (
        "one died of two",
        [note(2, "dead", number=8), note(1, "posted", number=7)],
        [],
        [grave(2, number=8)],
        [("dead", 8, False), ("posted", 7, False)],
    ),
]


@pytest.mark.parametrize(
    ("notes", "waiting", "graves", "ends"), [pytest.param(*row[1:], id=row[0]) for row in TABLE]
)
def test_the_ends_of_one_delivery(
    notes: list[Note],
    waiting: list[Queued],
    graves: list[DeadLetterSummary],
    ends: list[tuple[str, int, bool]],
) -> None:
    (row,) = rows(notes, waiting, graves)
    assert seen(row) == ends
    assert row.outcome == ends[0][0]
    assert row.event == "pull_request"
    assert row.sender == ("ann-gh" if notes or graves else "")


def test_rows_are_the_newest_first_and_each_delivery_has_one() -> None:
    found = rows(
        [note(5, "posted", delivery="new"), note(1, "skipped", delivery="old")],
        [queued(3, delivery="waits")],
        [grave(4, delivery="dead")],
    )
    assert [(row.delivery_id, row.at) for row in found] == [("new", 5), ("dead", 4), ("waits", 3), ("old", 1)]
    assert rows([], [], []) == []


def test_a_failure_is_told_without_secrets() -> None:
    (row,) = rows([note(2, "skipped", number=2, reason="secret=s3cret")], [], [grave(1)])
    assert [(end.reason, end.detail) for end in row.ends] == [
        ("token=(masked)", "password=(masked)"),
        ("secret=(masked)", ""),
    ]
    (row,) = rows([], [queued(1, attempts=TRIED)], [])
    (end,) = row.ends
    assert (end.attempts, end.next_at, end.reason) == (2, 99, "Flowdock answered 503")


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Filter(), True),
        (Filter(outcome="posted"), True),
        (Filter(outcome="skipped"), True),
        (Filter(outcome="dead"), False),
        (Filter(event="pull_request"), True),
        (Filter(event="check_run"), False),
        (Filter(number=7), True),
        (Filter(number=9), False),
        (Filter(outcome="posted", number=7), True),
        # Number 8 was skipped, not posted.
        (Filter(outcome="posted", number=8), False),
    ],
)
def test_a_filter_takes_what_meets_all_its_wishes(wanted: Filter, taken: bool) -> None:
    (row,) = rows(
        [note(3, "posted", number=7), note(2, "skipped", number=8), note(1, "dead", number=7)], [], []
    )
    assert wanted.takes(row) == taken
