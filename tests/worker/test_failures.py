"""A failed entry gets another attempt, or becomes a dead letter."""

import json
from unittest.mock import ANY

import pytest

from bridge.core.errors import FlowdockFailing, FlowdockRejected, Malformed
from bridge.core.security.encryption import Undecryptable
from bridge.worker import failures
from bridge.worker.failures import (
    GIVE_UP_SECONDS,
    MAX_BACKOFF,
    MAX_CRASHES,
    GiveUp,
    Retry,
    decide,
)

DAY = GIVE_UP_SECONDS
DOWN = FlowdockFailing("Flowdock answered 503")


def limited(seconds: float) -> FlowdockFailing:
    """Flowdock names the time of the next attempt."""
    return FlowdockFailing("Flowdock answered 429", retry_after=seconds)


@pytest.mark.parametrize(
    ("error", "failed", "age", "decision"),
    [
        (DOWN, 0, 0, Retry(1, "Flowdock answered 503")),
        (DOWN, 3, DAY, Retry(8, "Flowdock answered 503")),
        (DOWN, 3, DAY + 1, GiveUp("given up after a day: Flowdock answered 503")),
        (limited(7), 3, 0, Retry(7, "Flowdock answered 429")),
        (limited(0), 3, 0, Retry(0, "Flowdock answered 429")),
        (limited(DAY * 9), 0, 0, Retry(DAY, "Flowdock answered 429")),
        (limited(7), 0, DAY + 1, GiveUp("given up after a day: Flowdock answered 429")),
        (Undecryptable("no key fits"), 2, 0, Retry(4, "no key fits")),
        (Undecryptable("no key fits"), 0, DAY + 1, GiveUp("given up after a day: no key fits")),
        (FlowdockRejected("Flowdock answered 400"), 0, 0, GiveUp("Flowdock answered 400")),
        (Malformed("not JSON"), 0, 0, GiveUp("not JSON")),
        (KeyError("head"), 0, DAY + 1, Retry(1, "KeyError")),
        (KeyError("head"), MAX_CRASHES - 2, 0, Retry(2.0 ** (MAX_CRASHES - 2), "KeyError")),
    ],
    ids=str,
)
def test_errors_are_retried_at_their_time_or_given_up(
    monkeypatch: pytest.MonkeyPatch, error: Exception, failed: int, age: float, decision: Retry | GiveUp
) -> None:
    monkeypatch.setattr("bridge.worker.failures.random.uniform", lambda _low, high: high)
    assert decide(error, failed=failed, age=age) == decision


def test_an_unexpected_error_is_given_up_with_its_traceback() -> None:
    try:
        json.loads("{")
    except ValueError as error:
        decision = decide(error, failed=MAX_CRASHES - 1, age=0)
    assert isinstance(decision, GiveUp)
    assert decision.reason == "JSONDecodeError while processing it"
    assert 'json.loads("{")' in decision.detail


def test_the_field_that_an_error_notes_is_the_reason() -> None:
    error = KeyError("head")
    error.add_note("GitHub's payload has no field pull_request.head")
    assert decide(error, failed=0, age=0) == Retry(ANY, "GitHub's payload has no field pull_request.head")
    given_up = decide(error, failed=MAX_CRASHES - 1, age=0)
    assert given_up == GiveUp("GitHub's payload has no field pull_request.head", ANY)


@pytest.mark.parametrize(
    ("failed", "ceiling"), [(0, 1), (1, 2), (5, 32), (10, MAX_BACKOFF), (10**6, MAX_BACKOFF)]
)
def test_the_backoff_doubles_up_to_a_quarter_of_an_hour_less_up_to_a_half(
    failed: int, ceiling: float
) -> None:
    found = [failures.backoff(failed) for _ in range(50)]
    assert min(found) >= ceiling / 2
    assert max(found) <= ceiling
    assert len(set(found)) > 1
