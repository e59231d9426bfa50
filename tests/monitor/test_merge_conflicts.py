"""Conflict watch: a push to the base makes an open pull request unmergeable; its thread says so once."""

from typing import Any

import pytest

from bridge.storage import watches
from scripts.sandbox.faults import Fault
from tests.conftest import REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.life import text
from tests.kits.monitor import start_poller
from tests.kits.worker import REPOSITORY_ID


@pytest.fixture
async def watched(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A worker with its poller, all events hooked, one open pull request whose thread is there."""
    await start_poller(house, monkeypatch)
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await eventually(house.threads)
    return house


async def titles(house: House) -> list[str]:
    return [message["title"] for message in await house.messages()]


async def told(house: House, count: int) -> list[str]:
    async def enough() -> list[str] | None:
        found = await titles(house)
        return found if len(found) >= count else None

    found: list[str] = await eventually(enough)
    return found


async def test_open_threads_follow_their_repository_to_its_new_name(watched: House) -> None:
    """Their links must: another repository may take the former name, and have their numbers."""
    await link(watched, "ann")
    await watched.act("cy-gh", "review_comment", number=1, path="a.py", line=1, body="Hm.")
    await told(watched, 2)
    former = REPOSITORY
    for count, name in enumerate(("part", "api", "part"), start=3):
        await watched.act("cy-gh", "rename", repo=former, name=name)
        former = f"acme/{name}"
        await watched.services.pulls.name_by_github(REPOSITORY_ID, former)
        assert (await told(watched, count))[count - 1 :] == [f"Repository: {former}"]
        (thread,) = await watched.threads()
        assert REPOSITORY not in str({**thread, "source": None})
        assert thread["external_url"].endswith(f"/{former}/pull/1")


def reads(house: House) -> list[Any]:
    return [
        call for call in house.github_journal.calls if call.path.endswith("/pulls/1") and call.method == "GET"
    ]


async def test_a_conflict_is_told_once_and_cleared_when_mended(watched: House) -> None:
    await link(watched, "ann")
    await watched.act("cy-gh", "conflict", number=1)
    assert (await told(watched, 2))[1] == "Found conflicts with main"
    (thread,) = await watched.threads()
    turn = next(row["value"] for row in thread["fields"] if row["label"] == "Turn")
    assert "conflicts with the base branch" in turn
    assert "Merge" not in [action["name"] for action in thread["actions"]]

    asked = len(reads(watched))
    await watched.act("cy-gh", "push_base", branch="main", message="more")
    await eventually(lambda: longer(watched, asked))
    await watched.act("cy-gh", "mend", number=1)
    assert (await told(watched, 3))[2] == "No more conflicts with main"
    (thread,) = await watched.threads()
    assert "Merge" in [action["name"] for action in thread["actions"]]


async def longer(house: House, asked: int) -> bool:
    return len(reads(house)) > asked


async def test_without_a_linked_account_it_is_left_out(watched: House) -> None:
    await watched.act("cy-gh", "conflict", number=1)
    await watched.act("ann-gh", "assign", number=1, assignee="ann-gh")
    assert await told(watched, 2) == ["Opened pull request", "Self-assigned pull request"]
    assert await eventually(lambda: nothing_to_watch(watched))
    assert reads(watched) == []


async def nothing_to_watch(house: House) -> bool:
    redis: Any = house.redis
    return bool(await redis.exists("bridge:watch") == 0)


async def test_an_account_that_may_not_see_it_gives_way_to_one_that_may(watched: House) -> None:
    await link(watched, "ann")
    await link(watched, "cy")
    watched.github_journal.faults.append(Fault(path="/api/v3/repos/.*/pulls/1", status=404, answer="{}"))
    await watched.act("cy-gh", "conflict", number=1)
    assert (await told(watched, 2))[1] == "Found conflicts with main"


async def test_a_push_to_another_branch_asks_nothing(watched: House) -> None:
    await link(watched, "ann")
    await watched.act("cy-gh", "push_base", branch="stable", message="more")
    await watched.act("ann-gh", "assign", number=1, assignee="ann-gh")
    await told(watched, 2)
    assert await nothing_to_watch(watched)
    assert reads(watched) == []


async def test_a_revoked_token_is_no_reason_to_unlink(watched: House) -> None:
    await link(watched, "ann")
    async with watched.http.delete(f"{watched.github}/_sandbox/tokens?user=ann-gh"):
        pass
    await watched.act("cy-gh", "conflict", number=1)
    await eventually(lambda: longer(watched, 0))
    assert await watched.services.account_store.get("1001") is not None


async def test_where_a_closing_lacks_whether_it_merged_github_is_asked_once(
    watched: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "ASK_STATE_SECONDS", 0)
    await link(watched, "ann")
    lacking = {"state": "open", "merged": None, "merged_at": None}
    await watched.act("cy-gh", "merge", number=1, instead=lacking)
    assert (await told(watched, 3))[1:] == ["Closed pull request", "Status: merged"]
    (thread,) = await watched.threads()
    assert thread["status"]["value"] == "merged"
    assert await eventually(lambda: nothing_to_watch(watched))


async def test_a_forks_push_is_called_forced_once_github_compared_it(house: House, monkeypatch: Any) -> None:
    await start_poller(house, monkeypatch)
    await link(house, "ann")
    await house.act("dee-gh", "open", title="From a fork", head="fix")
    await house.act("dee-gh", "push", number=1, count=2)
    await told(house, 2)
    assert await eventually(lambda: nothing_to_watch(house))
    pushed = await house.act("dee-gh", "push", number=1, force=True)
    said = [text(title) for title in (await told(house, 4))[2:]]
    head = pushed["head"]["sha"][:7]
    assert said == [f"Updated the branch to {head}", f"Force-pushed {head}"]
    assert {message["author"]["name"] for message in await house.messages()} == {"dee-gh"}
