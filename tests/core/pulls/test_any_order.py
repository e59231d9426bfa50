"""Any interleaving and repetition of a pull request's deliveries ends in the same thread, and a true one."""

import itertools
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.pulls.model import PullRequest
from tests.kits.core import life_deeds
from tests.kits.core.life import DEEDS, Life, Truth
from tests.kits.core.pipeline import Bridge
from tests.kits.core.samples import checked

assert life_deeds

WHICH = st.integers(0, 2)
STEP = st.tuples(st.sampled_from(sorted(DEEDS)), WHICH, st.booleans())
LATER = st.tuples(st.sampled_from(sorted(DEEDS)), WHICH, st.just(True))
SEEDS = st.integers(0, 2**32)


def shuffled(life: Life, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """The deliveries in any order, some of them again."""
    chance = random.Random(seed)
    order = [*life.sent, *chance.sample(life.sent, chance.randint(0, len(life.sent)))]
    chance.shuffle(order)
    return order


def shown(pull: PullRequest) -> Truth:
    """bridge's view, in the model's words."""
    assert pull.head is not None
    assert pull.base is not None
    assert pull.changes is not None
    return Truth(
        title=pull.title,
        body=pull.body,
        state=pull.state,
        draft=pull.draft,
        base=pull.base.ref,
        head=pull.head.sha,
        milestone=pull.milestone.name if pull.milestone else "",
        auto_merge=pull.auto_merge,
        queued=pull.queued,
        labels={label.name for label in pull.labels},
        assignees={user.login for user in pull.assignees},
        requested={one.name for one in pull.with_state("requested")},
        reviews={one.name: one.state.replace(" ", "_") for one in pull.reviewers if one.state != "requested"},
        open_talks={int(url.rpartition("_r")[2]) for url in pull.unresolved},
        checks={(pull.head.sha, check.name): check.state for check in pull.checks},
        pushes=-pull.changes.additions % 1000,
    )


def expected(truth: Truth) -> Truth:
    """The expected thread: the head's checks, and of reviewers who were asked again only that."""
    return Truth(
        **{
            **vars(truth),
            "reviews": {who: what for who, what in truth.reviews.items() if who not in truth.requested},
            "checks": {key: state for key, state in truth.checks.items() if key[0] == truth.head},
        }
    )


@settings(max_examples=40, deadline=None)
@given(plan=st.lists(STEP, max_size=16), timed=st.booleans(), seed=SEEDS)
def test_any_order_and_repetition_ends_in_the_same_thread(
    plan: list[tuple[str, int, bool]], timed: bool, seed: int
) -> None:
    life = Life(timed=timed).play(plan)
    assert Bridge().play(shuffled(life, seed)).thread() == Bridge().play(life.sent).thread()


@settings(max_examples=40, deadline=None)
@given(plan=st.lists(LATER, max_size=16), seed=SEEDS)
def test_the_end_is_true_where_no_second_holds_two_deliveries(
    plan: list[tuple[str, int, bool]], seed: int
) -> None:
    life = Life().play(plan)
    for order in (life.sent, shuffled(life, seed)):
        assert shown(Bridge().play(order).pull()) == expected(life.truth)


@settings(max_examples=80, deadline=None)
@given(plan=st.lists(STEP, max_size=16), seed=SEEDS)
def test_within_a_second_the_delivery_about_a_value_counts(
    plan: list[tuple[str, int, bool]], seed: int
) -> None:
    """True as long as no second speaks too often of a value: whole seconds cannot tell those apart."""
    life = Life(careful=True).play(plan)
    assert shown(Bridge().play(shuffled(life, seed)).pull()) == expected(life.truth)


TIES: dict[str, list[tuple[str, int, bool]]] = {
    # The last deed changes what another delivery of its second still carries as it was.
    "a close ends auto-merge": [
        ("toggle_auto_merge", 0, True),
        ("toggle_label", 0, True),
        ("close", 0, False),
    ],
    "another base has other changes": [("toggle_label", 0, True), ("retarget", 1, False)],
    "a push has other changes": [("toggle_label", 0, True), ("push", 0, False)],
    "a title": [("comment", 0, True), ("retitle", 0, False)],
    "a review ends the request": [("toggle_request", 0, True), ("review", 0, False)],
    "a label is taken off": [("toggle_label", 0, True), ("comment", 0, True), ("toggle_label", 0, False)],
    "closed and reopened": [("close", 0, True), ("reopen", 0, False)],
    "reopened and closed": [("close", 0, True), ("reopen", 0, True), ("close", 0, False)],
    "closed and reopened, again": [
        *(("close", 0, True), ("reopen", 0, False)),
        *(("comment", 0, True), ("close", 0, True), ("reopen", 0, False)),
    ],
    "queued and taken out": [("toggle_queue", 0, True), ("toggle_queue", 0, False)],
    "asked again": [("review", 0, True), ("toggle_request", 0, True)],
}


@pytest.mark.parametrize("plan", [pytest.param(plan, id=name) for name, plan in TIES.items()])
def test_the_last_word_within_a_second_counts_in_any_order(plan: list[tuple[str, int, bool]]) -> None:
    life = Life(careful=True).play(plan)
    assert len(life.sent) == len(plan) + 1
    for order in itertools.permutations(life.sent):
        pull = Bridge().play(order).pull()
        assert shown(pull) == expected(life.truth)
        assert pull.changes is not None
        assert pull.changes.additions == life.truth.additions


FIRST, LAST = ("toggle_request", "start_check"), ("close", "merge", "reopen")
ALL_IN_ONE_SECOND = [(name, 0, False) for name in (*FIRST, *sorted(set(DEEDS) - {*FIRST, *LAST}), *LAST)]


@pytest.mark.parametrize("seed", range(20))
def test_all_that_can_happen_in_one_second(seed: int) -> None:
    life = Life(careful=True).play(ALL_IN_ONE_SECOND)
    assert len({(event, payload.get("action")) for event, payload in life.sent}) > 15
    assert shown(Bridge().play(shuffled(life, seed)).pull()) == expected(life.truth)


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_the_model_sends_only_what_github_may_send(name: str) -> None:
    life = Life().play([(other, 0, True) for other in ("comment_on_line", "review", "start_check")])
    if name == "reopen":
        life.do("close", 0)
    before = len(life.sent)
    life.play([(name, which, True) for which in (0, 1, 2)])
    assert len(life.sent) > before
    for event, payload in life.sent[before:]:
        checked(event, payload)
