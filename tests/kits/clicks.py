"""Shared by the tests of the buttons: a click from the inbox, and its effect on GitHub."""

import json
from typing import Any

from tests.conftest import REPOSITORY, House
from tests.kits.accounts import link
from tests.kits.life import THREAD, Json, Life, begin, drive

PULL, API = "acme/component#1", f"/api/v3/repos/{REPOSITORY}"
OPEN = ["Assign to me", "Close", "Approve", "Request my review", "Merge", "Squash", "Rebase"]
JSON = {"Content-Type": "application/json"}


async def begin_open(working: House) -> Life:
    """One open pull request by ann-gh, who may push as cy-gh may, and bob-gh may not; all are linked."""
    life = await begin(working)
    await link(working, "cy")
    await life.act("ann-gh", "open", title="Count", head="fix")
    return life


async def click(life: Life, who: str, button: str) -> Json:
    """Somebody clicks a button; GitHub's journal holds only what came of it."""
    life.house.github_journal.calls.clear()
    return await life.house.click(who, THREAD, button)


def calls(life: Life) -> list[tuple[str, str]]:
    """The calls that GitHub received."""
    return [(call.method, call.path.removeprefix(API)) for call in life.house.github_journal.calls]


def sent(life: Life) -> Json:
    """The body of the last call."""
    body: Json = json.loads(life.house.github_journal.calls[-1].body)
    return body


async def unseen(life: Life, who: str, do: str, **fields: Any) -> Any:
    """Something happens on GitHub, of which the thread has not heard yet."""
    await drive(life.house, "webhooks", {"mode": "hold"})
    return await life.house.act(who, do, number=1, **fields)


def refused(outcome: Json, status: int, sentence: str) -> None:
    """One sentence and its status come back."""
    assert (outcome["status"], sentence in (outcome["error"] or "")) == (status, True), outcome
    assert outcome["error"].count("\n") == 0
