"""The repository of a name: by a delivery's word, and by GitHub's."""

import time
from typing import Any

import pytest

from bridge.core.pulls.lww import ABOUT, LwwRegister, moment
from bridge.storage import keys
from bridge.storage.branch_rules import is_fresh
from bridge.storage.pulls import PullRequestStore

OWN, OTHER = 7, 8
EARLY, NOW, LATE = "2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z", "2030-01-03T00:00:00Z"
GITHUB = None

# In a row: what is told in turn (a repository, its name, when or by GitHub, former names); whether each was
# noted; the present names of both repositories; to which of them "acme/api" leads, and which had it before.
TABLE: list[tuple[Any, ...]] = [
    ("the first delivery", [(OWN, "acme/API", NOW)], [True], ("acme/API", None), "7", None),
    (
        "a rename, whose former name still leads there",
        [(OWN, "acme/api", NOW), (OWN, "acme/new", LATE)],
        [True, True],
        ("acme/new", None),
        "7",
        None,
    ),
    (
        "a late delivery, which tells a name that is past",
        [(OWN, "acme/new", NOW), (OWN, "acme/api", EARLY)],
        [True, True],
        ("acme/new", None),
        "7",
        None,
    ),
    ("a former name", [(OWN, "acme/new", NOW, "acme/api")], [True], ("acme/new", None), "7", None),
    (
        "a delivery that takes the name of another repository",
        [(OWN, "acme/api", NOW), (OTHER, "acme/API", LATE)],
        [True, False],
        ("acme/api", None),
        "7",
        None,
    ),
    (
        "one that tells no time",
        [(OWN, "acme/api", NOW), (OTHER, "acme/api", "")],
        [True, False],
        ("acme/api", None),
        "7",
        None,
    ),
    (
        "one that takes a name that its repository gave up",
        [(OWN, "acme/api", NOW), (OWN, "acme/new", LATE), (OTHER, "acme/api", LATE)],
        [True, True, True],
        ("acme/new", "acme/api"),
        "8",
        "7",
    ),
    (
        "GitHub, who gives the name to another repository",
        [(OWN, "acme/api", NOW), (OTHER, "acme/api", GITHUB)],
        [True, True],
        ("acme/api", "acme/api"),
        "8",
        "7",
    ),
]


@pytest.mark.parametrize(
    ("said", "noted", "names", "leads_to", "led_to"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
async def test_the_repository_of_a_name(
    redis: Any,
    said: list[tuple[Any, ...]],
    noted: list[bool],
    names: tuple[str | None, str | None],
    leads_to: str,
    led_to: str | None,
) -> None:
    pulls = PullRequestStore(redis)
    answers = []
    for repository_id, full_name, at, *former in said:
        if at is GITHUB:
            await pulls.name_by_github(repository_id, full_name)
            answers.append(True)
        else:
            answers.append(await pulls.name_repository(repository_id, full_name, at=at, former=former))
    assert answers == noted
    assert (await pulls.repository_name(OWN), await pulls.repository_name(OTHER)) == names
    of_address = [
        found and found.decode()
        for found in (
            await redis.hget(keys.REPOSITORY_IDS, "acme/api"),
            await redis.hget(keys.REPOSITORY_FORMER_IDS, "acme/api"),
        )
    ]
    assert of_address == [leads_to, led_to]


@pytest.mark.parametrize(
    ("is_known", "age", "fresh"),
    [(True, 3700, True), (True, 90_000, False), (False, 3500, True), (False, 3700, False)],
)
def test_rules_are_read_again_after_a_day_and_unknown_ones_after_an_hour(
    is_known: bool, age: float, fresh: bool
) -> None:
    register = LwwRegister(moment(time.time() - age), ABOUT, {"branch": "main", "is_known": is_known})
    assert is_fresh(register) is fresh
