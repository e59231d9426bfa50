"""Bots and agents, over the wire: they are never tagged, it is never their turn, and they say little."""

import pytest

from tests.conftest import House
from tests.kits.clicks import begin_open
from tests.kits.life import THREAD, Life, drive, tags, titles

AGENTS = "github:component:pr:2"


@pytest.fixture
async def life(working: House) -> Life:
    life = await begin_open(working)
    await drive(working, "users", {"login": "Copilot", "kind": "Bot"})
    return life


async def test_an_agents_pull_request_waits_for_the_person_who_is_assigned_or_asked(life: Life) -> None:
    await life.house.act("Copilot", "open", title="Fix the count", head="copilot/fix", draft=True)
    news = await life.act("Copilot", "assign", number=2, assignees=["Copilot", "ann-gh"])
    assert "@ann" in tags(news)
    assert (await life.thread(AGENTS)).fields["Turn"] == "ann-gh (draft)"
    await life.act("Copilot", "ready", number=2)
    await life.act("ann-gh", "check", number=2, conclusion="failure")
    assert (await life.thread(AGENTS)).fields["Turn"] == "ann-gh (checks failed)"
    await life.act("ann-gh", "check", number=2, conclusion="success")
    await life.act("ann-gh", "request_review", number=2, reviewer="cy-gh")
    assert (await life.thread(AGENTS)).fields["Turn"] == "cy-gh (to review)"


async def test_an_agent_that_is_asked_for_a_review_is_not_waited_for(life: Life) -> None:
    await life.act("ann-gh", "request_review", reviewer="Copilot")
    thread = await life.thread(THREAD)
    assert thread.fields["Reviewers"] == "… Copilot (requested)"
    assert thread.fields["Turn"] == "ann-gh (to ask for a review)"


async def test_an_agents_review_is_one_line_and_its_comments_edits_are_not_told(life: Life) -> None:
    comments = [{"path": "a.py", "line": number, "body": "Rename @bob-gh"} for number in (3, 4)]
    news = await life.act("Copilot", "review", body="## Overview\n\nLong", comments=comments)
    assert titles(news) == ["Copilot: Reviewed with 2 comments"]
    assert news[0]["event"] == "activity"
    await life.act("Copilot", "comment", body="1 of 9 done")
    for done in range(2, 5):
        assert await life.act("Copilot", "edit_comment", body=f"{done} of 9 done") == []
