"""Registers and sets: the newest word, whatever came first."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.pulls.lww import ABOUT, CARRIED, OLDEST, LwwRegister, LwwSet, merge_all, moment

NOON, LATER = "2026-03-10T12:00:00.000Z", "2026-03-10T12:00:00.001Z"


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("2026-03-10T12:00:00Z", NOON),
        ("2026-03-10T12:00:00.000Z", NOON),
        ("2026-03-10T12:00:00.001Z", LATER),
        ("2026-03-10T12:00:00+00:00", NOON),
        ("2026-03-10T14:00:00+02:00", NOON),
        ("2026-03-10T04:00:00.000-08:00", NOON),
        ("2026-03-10T12:00:00", NOON),
        # As long as GitHub's own, and written otherwise.
        ("2026-W11-2T12:00:00Z", NOON),
        ("2026-03-10T120000.0Z", NOON),
        ("2026-13-10T12:00:00Z", ""),
        (1773144000, NOON),
        (1773144000.001, LATER),
        (True, ""),
        (None, ""),
        ("", ""),
        ("yesterday", ""),
        (1e300, ""),
        (float("nan"), ""),
        ({}, ""),
    ],
    ids=repr,
)
def test_every_way_in_which_github_writes_a_time_is_read(told: object, read: str) -> None:
    assert moment(told) == read


NEWEST: list[tuple[str, LwwRegister, LwwRegister]] = [
    # The one that stands, and the other.
    ("later", LwwRegister(LATER, CARRIED, "a"), LwwRegister(NOON, ABOUT, "b")),
    ("later, of the opening", LwwRegister(LATER, OLDEST, "a"), LwwRegister(NOON, ABOUT, "b")),
    ("about it", LwwRegister(NOON, ABOUT, "a"), LwwRegister(NOON, CARRIED, "b")),
    ("carried on", LwwRegister(NOON, CARRIED, "a"), LwwRegister(NOON, OLDEST, "b")),
    ("with a time", LwwRegister(NOON, OLDEST, "a"), LwwRegister("", ABOUT, "b")),
    ("equal: the greater", LwwRegister(NOON, ABOUT, "b"), LwwRegister(NOON, ABOUT, "a")),
    ("further on", LwwRegister(NOON, ABOUT, [1, "closed"]), LwwRegister(NOON, ABOUT, [0, "open"])),
    ("merged", LwwRegister(NOON, ABOUT, [2, "merged"]), LwwRegister(NOON, ABOUT, [1, "closed"])),
    ("null", LwwRegister(LATER, CARRIED, None), LwwRegister(NOON, CARRIED, "b")),
    ("across a year", LwwRegister("2027-01-01T00:00:00.000Z", CARRIED, 1), LwwRegister(NOON, CARRIED, 2)),
]


@pytest.mark.parametrize(("stands", "other"), [pytest.param(*row, id=name) for name, *row in NEWEST])
def test_the_newer_word_stands(stands: LwwRegister, other: LwwRegister) -> None:
    assert stands.merge(other) == other.merge(stands) == stands


def people(*names: str) -> dict[str, Any]:
    return {name: {"login": name} for name in names}


MEMBERS: list[tuple[str, LwwSet, LwwSet, list[str]]] = [
    ("later", LwwSet(LATER, people("a"), []), LwwSet(NOON, people("b"), []), ["a"]),
    ("later, none", LwwSet(LATER, {}, []), LwwSet(NOON, people("b"), []), []),
    (
        "of one second, two added",
        LwwSet(NOON, people("a"), []),
        LwwSet(NOON, people("a", "b"), []),
        ["a", "b"],
    ),
    ("of one second, one removed", LwwSet(NOON, people("a", "b"), []), LwwSet(NOON, {}, ["a"]), ["b"]),
    ("removed a second ago", LwwSet(LATER, people("a"), []), LwwSet(NOON, {}, ["a"]), ["a"]),
    ("removed now", LwwSet(LATER, {}, ["a"]), LwwSet(NOON, people("a"), []), []),
    ("another removed", LwwSet(NOON, people("a"), []), LwwSet(NOON, {}, ["b"]), ["a"]),
    ("by name", LwwSet(NOON, people("b", "C"), []), LwwSet(NOON, people("a"), []), ["a", "b", "C"]),
]


@pytest.mark.parametrize(("one", "other", "names"), [pytest.param(*row, id=name) for name, *row in MEMBERS])
def test_a_set_is_what_the_newest_list_less_what_they_removed(
    one: LwwSet, other: LwwSet, names: list[str]
) -> None:
    for merged in (one.merge(other), other.merge(one)):
        assert [item["login"] for item in merged.items()] == names


def test_a_value_of_one_side_alone_stays() -> None:
    one, other = LwwRegister(NOON, CARRIED, 1), LwwRegister(LATER, CARRIED, 2)
    assert merge_all({"a": one, "b": one}, {"b": other, "c": other}) == {"a": one, "b": other, "c": other}


TIMES = st.sampled_from(["", NOON, LATER, "2027-01-01T00:00:00.000Z"])
VALUES = st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab", max_size=2)
SWITCHED = st.lists(st.tuples(TIMES, st.booleans()), max_size=1).map(tuple)
REGISTERS = st.builds(LwwRegister, TIMES, st.sampled_from([OLDEST, CARRIED, ABOUT]), VALUES, SWITCHED)
NAMES = st.sampled_from("abc")
ITEMS = st.fixed_dictionaries({"name": NAMES, "url": st.sampled_from("xy")})
MEMBER_SETS = st.builds(
    LwwSet, TIMES, st.dictionaries(NAMES, ITEMS, max_size=3), st.lists(NAMES, unique=True, max_size=2)
)


@settings(max_examples=80, deadline=None)
@given(one=REGISTERS, two=REGISTERS, three=REGISTERS)
def test_registers_merge_in_any_order_and_any_number(
    one: LwwRegister, two: LwwRegister, three: LwwRegister
) -> None:
    assert one.merge(two) == two.merge(one)
    assert one.merge(two).merge(three) == one.merge(two.merge(three))
    assert one.merge(one) == one


@settings(max_examples=80, deadline=None)
@given(one=MEMBER_SETS, two=MEMBER_SETS, three=MEMBER_SETS)
def test_sets_merge_in_any_order_and_any_number(one: LwwSet, two: LwwSet, three: LwwSet) -> None:
    assert one.merge(two).items() == two.merge(one).items()
    assert one.merge(two).merge(three).items() == one.merge(two.merge(three)).items()
    assert one.merge(one).items() == one.items()
