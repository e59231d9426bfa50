"""Registers and sets: the newest word, whatever came first."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.pulls.lww import ABOUT, CARRIED, OLDEST, Members, Register, merge_all, moment

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


NEWEST: list[tuple[str, Register, Register]] = [
    # The one that stands, and the other.
    ("later", Register(LATER, CARRIED, "a"), Register(NOON, ABOUT, "b")),
    ("later, of the opening", Register(LATER, OLDEST, "a"), Register(NOON, ABOUT, "b")),
    ("about it", Register(NOON, ABOUT, "a"), Register(NOON, CARRIED, "b")),
    ("carried on", Register(NOON, CARRIED, "a"), Register(NOON, OLDEST, "b")),
    ("with a time", Register(NOON, OLDEST, "a"), Register("", ABOUT, "b")),
    ("equal: the greater", Register(NOON, ABOUT, "b"), Register(NOON, ABOUT, "a")),
    ("further on", Register(NOON, ABOUT, [1, "closed"]), Register(NOON, ABOUT, [0, "open"])),
    ("merged", Register(NOON, ABOUT, [2, "merged"]), Register(NOON, ABOUT, [1, "closed"])),
    ("null", Register(LATER, CARRIED, None), Register(NOON, CARRIED, "b")),
    ("across a year", Register("2027-01-01T00:00:00.000Z", CARRIED, 1), Register(NOON, CARRIED, 2)),
]


@pytest.mark.parametrize(("stands", "other"), [pytest.param(*row, id=name) for name, *row in NEWEST])
def test_the_newer_word_stands(stands: Register, other: Register) -> None:
    assert stands.merge(other) == other.merge(stands) == stands


def people(*names: str) -> dict[str, Any]:
    return {name: {"login": name} for name in names}


MEMBERS: list[tuple[str, Members, Members, list[str]]] = [
    ("later", Members(LATER, people("a"), []), Members(NOON, people("b"), []), ["a"]),
    ("later, none", Members(LATER, {}, []), Members(NOON, people("b"), []), []),
    (
        "of one second, two added",
        Members(NOON, people("a"), []),
        Members(NOON, people("a", "b"), []),
        ["a", "b"],
    ),
    ("of one second, one removed", Members(NOON, people("a", "b"), []), Members(NOON, {}, ["a"]), ["b"]),
    ("removed a second ago", Members(LATER, people("a"), []), Members(NOON, {}, ["a"]), ["a"]),
    ("removed now", Members(LATER, {}, ["a"]), Members(NOON, people("a"), []), []),
    ("another removed", Members(NOON, people("a"), []), Members(NOON, {}, ["b"]), ["a"]),
    ("by name", Members(NOON, people("b", "C"), []), Members(NOON, people("a"), []), ["a", "b", "C"]),
]


@pytest.mark.parametrize(("one", "other", "names"), [pytest.param(*row, id=name) for name, *row in MEMBERS])
def test_a_set_is_what_the_newest_list_less_what_they_removed(
    one: Members, other: Members, names: list[str]
) -> None:
    for merged in (one.merge(other), other.merge(one)):
        assert [item["login"] for item in merged.items()] == names


def test_what_only_one_side_has_stays() -> None:
    one, other = Register(NOON, CARRIED, 1), Register(LATER, CARRIED, 2)
    assert merge_all({"a": one, "b": one}, {"b": other, "c": other}) == {"a": one, "b": other, "c": other}


TIMES = st.sampled_from(["", NOON, LATER, "2027-01-01T00:00:00.000Z"])
VALUES = st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab", max_size=2)
SWITCHED = st.lists(st.tuples(TIMES, st.booleans()), max_size=1).map(tuple)
REGISTERS = st.builds(Register, TIMES, st.sampled_from([OLDEST, CARRIED, ABOUT]), VALUES, SWITCHED)
NAMES = st.sampled_from("abc")
ITEMS = st.fixed_dictionaries({"name": NAMES, "url": st.sampled_from("xy")})
MEMBER_SETS = st.builds(
    Members, TIMES, st.dictionaries(NAMES, ITEMS, max_size=3), st.lists(NAMES, unique=True, max_size=2)
)


@settings(max_examples=80, deadline=None)
@given(one=REGISTERS, two=REGISTERS, three=REGISTERS)
def test_registers_merge_in_any_order_and_any_number(one: Register, two: Register, three: Register) -> None:
    assert one.merge(two) == two.merge(one)
    assert one.merge(two).merge(three) == one.merge(two.merge(three))
    assert one.merge(one) == one


@settings(max_examples=80, deadline=None)
@given(one=MEMBER_SETS, two=MEMBER_SETS, three=MEMBER_SETS)
def test_sets_merge_in_any_order_and_any_number(one: Members, two: Members, three: Members) -> None:
    assert one.merge(two).items() == two.merge(one).items()
    assert one.merge(two).merge(three).items() == one.merge(two.merge(three)).items()
    assert one.merge(one).items() == one.items()
