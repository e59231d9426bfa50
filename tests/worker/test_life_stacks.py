"""Stacks over the wire: the place and the true base are shown, and merging one merges those below it."""

import json

import pytest

from bridge.core.options import Options
from bridge.storage import keys
from tests.conftest import House
from tests.kits.clicks import begin_open, refused
from tests.kits.life import THREAD, Life, titles

TOP, MIDDLE = "github:component:pr:3", "github:component:pr:2"


@pytest.fixture
async def life(working: House) -> Life:
    """Three pull requests on top of each other, into main."""
    life = await begin_open(working)
    await life.house.act("cy-gh", "settings", allow_auto_merge=True)
    for title in ("Second", "Third"):
        await life.house.act("ann-gh", "open", title=title, head=title.lower())
    await life.house.act("ann-gh", "stack", number=3, below=[1, 2])
    await life.news()
    return life


async def test_each_shows_its_place(life: Life) -> None:
    places = [(await life.thread(one)).fields["Stack"] for one in (THREAD, MIDDLE, TOP)]
    assert places == ["1 of 3 into main, above", "2 of 3 into main, below, above", "3 of 3 into main, below"]
    # GitHub refuses it for stacks.
    assert "Enable auto-merge" not in (await life.thread(TOP)).buttons


async def test_merging_one_merges_those_below_it_and_says_so(life: Life) -> None:
    outcome = await life.house.click("ann", MIDDLE, "Merge")
    assert outcome["message"] == "Merged acme/component#2, with #1 below it in its stack."
    assert titles(await life.news()) == ["ann-gh: Merged pull request into main"] * 2
    states = [(await life.thread(one)).status for one in (THREAD, MIDDLE, TOP)]
    assert states == ["merged", "merged", "open"]


async def test_rules_of_the_stacks_base_count(life: Life) -> None:
    await life.house.act("cy-gh", "ruleset", approvals=1)
    refused(await life.house.click("ann", TOP, "Merge"), 409, "it needs 1 more approval")


async def test_the_option_bases_and_the_watch_for_conflicts_look_at_the_stacks_base(life: Life) -> None:
    (connection,) = await life.house.services.connections.all()
    await life.house.services.connections.change(connection.id, options=Options(bases=("main",)))
    assert titles(await life.act("cy-gh", "comment", number=3, body="Why?")) == ["cy-gh: Commented"]
    await life.act("cy-gh", "push_base")
    waiting = map(json.loads, await life.house.redis.zrange(keys.WATCH, 0, -1))
    assert sorted(one["number"] for one in waiting if one["about"] == "mergeable") == [1, 2, 3]
