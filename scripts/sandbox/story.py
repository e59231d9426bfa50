"""Play the demo's story without a browser: open a pull request, assign it, and merge it by clicks."""

import re
from collections.abc import Callable

from scripts.sandbox.browse import Browser, Page
from scripts.sandbox.house import REPOSITORY, House, until
from scripts.sandbox.team import Visitor

Say = Callable[[str], None]
TITLE = "Fix bug in thread API"


async def play(house: House, say: Say) -> None:
    """Play the story and `say` each step; raises `Broken` where a step fails."""
    pull = await house.act("ann-gh", "open", title=TITLE, body="**Soon**", head="fix-thread-api", base="main")
    say(f"ann-gh opened {REPOSITORY}#{pull['number']} on GitHub")
    async with Browser() as browser:
        ann = Visitor(house=house, browser=browser, login="ann-gh")
        await ann.sign_in("/inbox")
        say("Ann signed in to the inbox with GitHub")
        thread = await ann.thread(TITLE)
        say("The inbox shows the thread, open")
        await ann.press(thread, "Assign to me")
        thread = await _shows(ann, thread, r"Assignees</dt><dd>[^\n]*ann-gh")
        say("Ann clicked 'Assign to me': the thread shows ann-gh as the assignee")
        await ann.press(await ann.press(thread, "Merge"), "Merge")
        await _shows(ann, thread, ">merged<")
        say("Ann clicked 'Merge', and again to confirm: GitHub and the thread show it as merged")


async def _shows(visitor: Visitor, page: Page, pattern: str) -> Page:
    async def shown() -> Page | None:
        now = await visitor.open(page.url.removeprefix(visitor.house.bridge))
        return now if re.search(pattern, now.text) else None

    found: Page = await until(shown, f"the thread does not show {pattern!r}")
    return found
