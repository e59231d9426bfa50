"""Pending operations of GitHub, over the wire: a merge that outlasts its click, and places in a queue."""

import pytest

from bridge.clients import github
from bridge.core.messages import updates
from bridge.storage import watches
from scripts.sandbox.faults import Fault
from tests.conftest import House, eventually
from tests.kits.accounts import link
from tests.kits.clicks import JSON
from tests.kits.life import THREAD, Json, Life, Thread, know_flow, tags, titles
from tests.kits.monitor import start_poller

RESULT = ".*/merge-async/.*"


@pytest.fixture
async def life(house: House, monkeypatch: pytest.MonkeyPatch) -> Life:
    """An open pull request whose merges GitHub does not end by itself; clicks do not wait for them."""
    monkeypatch.setattr(github, "ACT_SECONDS", 0.2)
    monkeypatch.setattr(watches, "MERGE_SECONDS", 0.1)
    await link(house, "ann")
    await start_poller(house, monkeypatch)
    await know_flow(house)
    await house.act("ann-gh", "open", title="Fix", head="fix")
    await house.act("cy-gh", "settings", holds_merges=True)
    life = Life(house)
    await life.news()
    return life


async def said(life: Life, count: int) -> list[str]:
    """The flow's messages, once there are so many."""

    async def enough() -> bool:
        return len(await life.house.messages()) >= count

    await eventually(enough)
    return titles(await life.house.messages())


def asked(life: Life) -> int:
    return sum("/merge-async/" in one.path for one in life.house.github_journal.calls)


async def test_a_merge_that_fails_after_its_click_is_told_to_the_person_who_clicked(life: Life) -> None:
    outcome = await life.house.click("ann", THREAD, "Merge")
    assert outcome["message"] == "Merging acme/component#1… The thread will show the result."
    before = asked(life)

    async def asked_again() -> bool:
        return asked(life) > before + 1

    # Trouble on GitHub is no end, and neither is a merge still under way.
    life.house.github_journal.faults.append(Fault(path=RESULT, status=502, answer="<html>"))
    await eventually(asked_again)
    assert len(await life.house.messages()) == 1

    await life.house.act("cy-gh", "settings", required_approvals=1)
    await life.house.act("ann-gh", "finish_merge", number=1)
    words = "At least 1 approving review is required by reviewers with write access."
    title = f"GitHub: Could not merge: {words}"

    async def told() -> list[Json]:
        return [one for one in await life.house.messages() if titles([one]) == [title]]

    (message,) = await eventually(told)
    assert tags([message]) == ["@ann"]


@pytest.mark.parametrize(("status", "answer"), [(404, "{}"), (200, '{"status": "odd"}'), (200, "[]")])
async def test_an_answer_that_says_nothing_ends_the_questions(life: Life, status: int, answer: str) -> None:
    fault = Fault(path=f"/api/v3/repositories/{RESULT}", status=status, answer=answer, headers=JSON)
    life.house.github_journal.faults.append(fault)
    await life.house.click("ann", THREAD, "Merge")

    async def over() -> bool:
        return fault.times == 0 and not await life.house.redis.exists("bridge:watch")

    await eventually(over)
    await life.house.act("ann-gh", "finish_merge", number=1)
    assert (await said(life, 2))[1:] == ["ann-gh: Merged pull request into main"]


async def shows(house: House, places: dict[int, str]) -> bool:
    found = {int(one["external_thread_id"].rpartition(":")[2]): Thread(one) for one in await house.threads()}
    return {number: one.fields.get("Merge queue", "") for number, one in found.items()} == places


async def test_threads_show_their_places_in_the_queue_as_it_moves(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(updates, "SECONDS", 0)
    monkeypatch.setattr(watches, "QUEUE_SECONDS", 1)
    house = life.house
    await house.act("cy-gh", "ruleset", queue=True)
    for title in ("Second", "Third"):
        await house.act("ann-gh", "open", title=title, head=title.lower())
    for number in (1, 2, 3):
        await house.act("ann-gh", "enqueue", number=number)

    # The first of all is told nothing more: that it is queued is true.
    await eventually(lambda: shows(house, {1: "queued", 2: "position 2", 3: "position 3"}))
    await house.act("cy-gh", "dequeue", number=1, reason="CI_FAILURE")
    await eventually(lambda: shows(house, {1: "", 2: "position 1", 3: "position 2"}))
    assert "GitHub: Merge queue: position 2" in titles(await house.messages())

    # The stand-in puts it first; its place of before is none now.
    await house.act("ann-gh", "enqueue", number=1)
    await eventually(lambda: shows(house, {1: "queued", 2: "position 2", 3: "position 3"}))
