"""The gallery in bridge's own inbox, as `scripts/demo --gallery` starts it: looked at in a real browser."""

import re
from pathlib import Path

from playwright.async_api import Page, expect

from scripts.sandbox import gallery
from scripts.sandbox.demo import WITH_TEAM
from scripts.sandbox.house import open_house
from scripts.sandbox.team import FLOW_PATH, gather
from tests.kits import loaded
from tests.stories.documents import picture
from tests.stories.looks import looks

REVIEWED = {
    "Fix bug in thread API": "changes requested",
    "Choose the status by a table": "changes requested",
    gallery.READY: "approved",
}
"""The status that each thread has once its reviews are told; what a row shows as newest may be a diff."""
ODD = "catta"
"""Part of a title that shows what becomes of invisible characters, which no reader of README asks."""
HIDE = """row => {
  const sheet = new CSSStyleSheet();
  sheet.insertRule(`[data-thread="${row.dataset.thread}"] { display: none }`);
  document.adoptedStyleSheets.push(sheet);
}"""
"""A row that is only removed comes back with the next news of its thread."""


async def test_each_status_and_a_review_are_shown_in_the_inbox(tmp_path: Path, page: Page) -> None:
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
            for title, status in REVIEWED.items():
                await expect(rows.filter(has_text=title).filter(has_text=status)).to_be_visible()
            await looks(page, "own-inbox-flow")
            await rows.filter(has_text=ODD).evaluate(HIDE)
            await picture(page, "inbox.png")
            await rows.filter(has_text="Choose the status by a table").get_by_role("link").click()
            await expect(page.get_by_text("5 more comments")).to_be_visible()
            await looks(page, "own-inbox-review")
            await page.goto(f"{house.bridge}{FLOW_PATH}")
            await rows.filter(has_text="Fix bug in thread API").get_by_role("link").click()
            await expect(page).to_have_url(re.compile("/threads/"))
            await expect(page.get_by_text("Diff of")).to_be_visible()
            await looks(page, "own-inbox-thread")
            await picture(page, "thread.png")
            await page.get_by_text("More actions").click()
            await picture(page, "actions.png", whole=False)
            await page.goto(f"{house.bridge}/inbox")
            await looks(page, "own-inbox-my-turn")
            await page.goto(f"{house.bridge}/account")
            await expect(page.get_by_role("link", name="Inbox", exact=True)).to_be_visible()
            await looks(page, "own-inbox-account")
