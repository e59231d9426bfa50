"""`pull_request`, action by action: what is said, to whom, and what the thread then shows."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.messages.events import TABLE
from bridge.core.pulls import own_events
from tests.kits.core import check_samples, page, pull_rows, pull_rows_rest
from tests.kits.core.pipeline import Bridge, connection
from tests.kits.core.pull_rows import COMPARE, FORCED, NEXT, PLAIN, THIRD, did, push, pushed
from tests.kits.core.row import OPENED, Row, Told, hold
from tests.kits.core.samples import PAGE, SHA, label, on_comment, on_pull


def rows() -> dict[str, Row]:
    return {
        **{**pull_rows.STATE, **pull_rows.EDITS, **pull_rows.PUSHES},
        **{**pull_rows_rest.PEOPLE, **pull_rows_rest.REST},
        **{name: replace(row, group="merging") for name, row in pull_rows_rest.MERGING.items()},
    }


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in rows().items()])
def test_each_action_is_told_and_shown(row: Row) -> None:
    hold(row)


ACTIONS = (
    *(
        "assigned",
        "auto_merge_disabled",
        "auto_merge_enabled",
        "closed",
        "converted_to_draft",
        "demilestoned",
    ),
    *("dequeued", "edited", "enqueued", "labeled", "locked", "milestoned", "opened", "ready_for_review"),
    *("reopened", "review_request_removed", "review_requested", "stacked", "synchronize", "unassigned"),
    *("unlabeled", "unlocked"),
)


def test_every_action_that_github_documents_has_words_and_a_row() -> None:
    assert len(ACTIONS) == 22
    assert {action for event, action in TABLE if event == "pull_request"} == set(ACTIONS)
    assert {row.told[1]["action"] for row in rows().values() if row.title} == set(ACTIONS)


def test_an_action_of_tomorrow_changes_the_thread_with_no_words_of_its_own() -> None:
    event, payload = did("labeled", extra={"label": label("bug")}, labels=[label("bug")], title="Other")
    bridge = Bridge().play([OPENED])
    message = bridge.says(event, payload | {"action": "teleported"})
    assert message is not None
    assert message.title == "Labels: bug"
    assert bridge.fields()["Labels"] == "bug"
    assert bridge.thread()["title"] == "Other"
    assert bridge.thread()["external_url"] == PAGE


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(["push 1", "push 2", "synchronize 1", "synchronize 2"]))
def test_neither_of_two_quick_pushes_is_miscalled_in_any_order(order: list[str]) -> None:
    steps = {
        "push 1": push(2),
        "push 2": push(1, forced=True, before=NEXT, after=THIRD),
        "synchronize 1": pushed(2),
        "synchronize 2": pushed(3, before=NEXT, after=THIRD, updated_at="2026-03-10T12:00:02Z"),
    }
    bridge = Bridge().play([OPENED])
    told = {step: bridge.says(*steps[step]) for step in order}
    said = [page.text(message.title) for message in told.values() if message]
    first, second = "Pushed 2 commits", f"Force-pushed {THIRD[:7]}"
    assert set(said) <= {first, second, PLAIN, f"Updated the branch to {THIRD[:7]}"}
    if order.index("push 1") < order.index("push 2") < min(map(order.index, list(steps)[2:])):
        assert set(said) == {first, second}
    if max(order.index("synchronize 1"), order.index("synchronize 2")) < order.index("push 2"):
        assert second in said


@settings(max_examples=60, deadline=None)
@given(
    forced=st.booleans(),
    commits=st.integers(0, 5),
    total=st.integers(0, 9),
    order=st.permutations(["push", "synchronize", "comment", "check"]),
)
def test_a_push_is_never_miscalled_in_any_order(
    forced: bool, commits: int, total: int, order: list[str]
) -> None:
    steps = {
        "push": push(commits, forced=forced),
        "synchronize": pushed(total),
        "comment": ("issue_comment", on_comment("created")),
        "check": ("check_run", check_samples.run("build", "failure")),
    }
    bridge = Bridge().play([OPENED])
    titles = [message.title if (message := bridge.says(*steps[step])) else "" for step in order]
    said = page.text(titles[order.index("synchronize")])
    count = f"{commits} commit{'' if commits == 1 else 's'}" if commits else NEXT[:7]
    known = FORCED if forced else f"Pushed {count}"
    assert said == (known if order.index("push") < order.index("synchronize") else PLAIN)
    is_late = forced and order.index("push") > order.index("synchronize")
    assert page.text(titles[order.index("push")]) == (FORCED if is_late else "")


def compared() -> Told:
    """GitHub's comparison of the commits before and after a fork's push."""
    return (own_events.FORCED, {**on_pull(""), "before": SHA, "after": NEXT})


AGAIN = pushed(3, before=NEXT, after=THIRD, updated_at="2026-03-10T12:00:02Z")


@pytest.mark.parametrize(
    ("before", "told", "said"),
    [
        pytest.param([pushed(2)], push(2, forced=True), FORCED, id="forced"),
        pytest.param([pushed(2)], push(2), "", id="not forced: nothing false was said"),
        pytest.param([pushed(2), push(2, forced=True)], push(2, forced=True), "", id="sent again"),
        pytest.param([push(2, forced=True), pushed(2)], push(2, forced=True), "", id="told before"),
        pytest.param([pushed(2), AGAIN], push(2, forced=True), "", id="another came since"),
        pytest.param([pushed(2)], push(2, forced=True, before=THIRD), "", id="of another move"),
        pytest.param([pushed(2), did("closed")], push(2, forced=True), "", id="closed since"),
        pytest.param([], push(2, forced=True, before=THIRD, after=SHA), "", id="before it was opened"),
        pytest.param([pushed(2)], compared(), FORCED, id="of a fork, compared"),
        pytest.param([pushed(2), compared()], compared(), "", id="of a fork, compared twice"),
        pytest.param([pushed(2), AGAIN], compared(), "", id="of a fork, another came since"),
        pytest.param([push(2, forced=True), pushed(2)], compared(), "", id="compared, and told before"),
    ],
)
def test_a_push_that_comes_late_is_told_once_if_it_was_forced(
    before: list[Told], told: Told, said: str
) -> None:
    bridge = Bridge(connection("all"), connection("quiet", groups=("status",)))
    out = bridge.play([OPENED, *before]).tell(*told)
    assert [(one.connection.id, page.text(one.message.title)) for one in out] == [("all", said)] * bool(said)
    assert not out or [tag.attributes["href"] for tag in page.tags(out[0].message.title)] == [COMPARE]
