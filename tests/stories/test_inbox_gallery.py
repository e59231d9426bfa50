"""The gallery in bridge's own inbox, as `scripts/demo --gallery` starts it: looked at in a real browser."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from scripts.sandbox import gallery
from scripts.sandbox.demo import WITH_TEAM
from scripts.sandbox.house import ROOT, open_house
from scripts.sandbox.team import FLOW_PATH, gather
from tests.kits import loaded
from tests.stories.looks import SHOTS, looks

PICTURES = {"own-inbox-flow": "inbox", "own-inbox-thread": "thread"}
"""By the name of a look: the picture in docs/ that `--write-docs` makes of it."""


async def test_each_status_and_a_review_are_shown_in_the_inbox(
    tmp_path: Path, page: Page, request: pytest.FixtureRequest
) -> None:
    settings = WITH_TEAM | {"XDG_STATE_HOME": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        async with open_house(
            tmp_path, ports=(0, 0), output=log, settings=settings, popen=loaded.Process
        ) as house:
            house.start("bridge", "serve")
            await house.answers(f"{house.bridge}/readyz")
            await gather(house)
            await gallery.make(house)
            await page.goto(f"{house.bridge}{FLOW_PATH}?show=all")
            await page.get_by_role("link", name="Sign in with GitHub").click()
            await page.get_by_text("ann-gh").click()
            rows = page.locator(".thread-row")
            await expect(rows).to_have_count(len(gallery.PULLS))
            await looks(page, "own-inbox-flow")
            await rows.filter(has_text="Choose the status by a table").click()
            await expect(page.get_by_text("5 more comments")).to_be_visible()
            await looks(page, "own-inbox-review")
            await page.goto(f"{house.bridge}{FLOW_PATH}")
            await rows.filter(has_text="Fix bug in thread API").click()
            await expect(page).to_have_url(re.compile("/threads/"))
            await looks(page, "own-inbox-thread")
            await page.goto(f"{house.bridge}/inbox")
            await looks(page, "own-inbox-my-turn")
    if request.config.getoption("--write-docs"):
        for shot, picture in PICTURES.items():
            shutil.copyfile(SHOTS / f"{shot}.png", ROOT / f"docs/{picture}.png")
