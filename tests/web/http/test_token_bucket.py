"""How often somebody may ask."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.web.http import token_bucket as limits
from bridge.web.http.token_bucket import Limiter

# What is asked for (seconds since the first), and how long each is told to wait.
ASKED: list[tuple[str, list[float], list[int]]] = [
    ("a burst, then no more", [0, 0, 0, 0], [0, 0, 0, 6]),
    ("one more after the time that was named", [0, 0, 0, 0, 6], [0, 0, 0, 6, 0]),
    ("not a moment before", [0, 0, 0, 5.9], [0, 0, 0, 1]),
    ("asking in vain costs nothing", [0, 0, 0, 1, 2, 3, 4, 5, 6], [0, 0, 0, 5, 4, 3, 2, 1, 0]),
    ("a long rest fills it, no more than that", [0, 0, 0, 1000, 1000, 1000, 1000], [0, 0, 0, 0, 0, 0, 6]),
    ("a clock that goes back", [100, 100, 100, 0, 106], [0, 0, 0, 6, 0]),
]


@pytest.mark.parametrize(("asked", "waits"), [pytest.param(*row, id=name) for name, *row in ASKED])
def test_a_client_over_the_limit_waits(asked: list[float], waits: list[int]) -> None:
    limiter = Limiter(per_minute=10, burst=3)
    assert [limiter.wait("ann", now) for now in asked] == waits


def test_each_has_a_bucket_of_their_own() -> None:
    limiter = Limiter(per_minute=1, burst=1)
    assert [limiter.wait(who, 0) for who in ("ann", "bob", "ann", "bob")] == [0, 0, 60, 60]


def test_the_remembered_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_REMEMBERED", 2)
    limiter = Limiter(per_minute=1, burst=1)
    for who in ("ann", "bob", "ann", "cy"):
        limiter.wait(who, 0)
    assert limiter.wait("ann", 0) > 0, "who asked lately is remembered"
    assert limiter.wait("bob", 0) == 0, "who asked longest ago is forgotten"


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=60),
    per_minute=st.integers(1, 600),
    burst=st.integers(1, 20),
)
def test_never_more_than_the_burst_and_what_came_back(gaps: list[float], per_minute: int, burst: int) -> None:
    limiter = Limiter(per_minute=per_minute, burst=burst)
    now, allowed = 0.0, 0
    for gap in gaps:
        now += gap
        allowed += limiter.wait("ann", now) == 0
    assert allowed <= burst + now * per_minute / 60 + 1e-6


def test_a_refund_gives_back_up_to_the_burst() -> None:
    limiter = Limiter(per_minute=10, burst=2)
    for now in range(20):
        assert limiter.wait("ann", now) == 0
        limiter.refund("ann")
    limiter.refund("ann")
    limiter.refund("nobody")
    assert [limiter.wait("ann", 19) for _ in range(3)] == [0, 0, 6], "no more than the burst"
