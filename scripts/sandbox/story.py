"""Play the demo's story without a browser: open a pull request, click, link accounts, click again."""

from collections.abc import Callable
from typing import Any

from scripts.sandbox.browse import Browser, Page
from scripts.sandbox.house import REPOSITORY, Broken, House, until

Say = Callable[[str], None]


async def play(house: House, say: Say) -> None:
    """Play the story and `say` each step; raises `Broken` where a step fails."""
    pull = await house.act(
        "ann-gh",
        "open",
        title="Fix bug in thread API",
        body="The thread API **forgot** the `status`.\n\n- [x] a test",
        head="fix-thread-api",
        base="main",
    )
    number = pull["number"]
    say(f"ann-gh opened {REPOSITORY}#{number} on GitHub")
    thread_id = f"github:component:pr:{number}"
    thread = await _thread(house, thread_id, lambda thread: thread["status"]["value"] == "open")
    say(f"Flowdock shows the thread {thread_id}: {thread['title']!r}, open")

    outcome = await house.click("ann", thread_id, "Assign to me")
    _expect(
        outcome["status"] == 401 and outcome["challenge"],
        f"the click was not answered with a challenge: {outcome}",
    )
    say("Ann clicked 'Assign to me' and was asked to link her GitHub account")

    async with Browser() as browser:
        page = await link(house, browser, outcome["challenge"], flowdock_user="1001", login="ann-gh")
        say("Ann signed in to Flowdock and GitHub, and confirmed the link between both accounts")
        page = await browser.press(page, "Do it now")
        _expect("Assigned" in page.text, f"the action failed: {page.status} at {page.url}")
        reused = await browser.open(outcome["challenge"])
        _expect(reused.status == 403, f"the claim worked twice: {reused.status}")
    await _thread(house, thread_id, lambda thread: "ann-gh" in _field(thread, "Assignees"))
    say("Ann clicked 'Do it now': GitHub and the thread show ann-gh as the assignee")

    outcome = await house.click("ann", thread_id, "Close")
    _expect(outcome["status"] == 200, f"closing failed: {outcome}")
    await _thread(house, thread_id, lambda thread: thread["status"]["value"] == "closed")
    say("Ann clicked 'Close': GitHub and the thread show the pull request as closed")


async def link(house: House, browser: Browser, challenge: str, *, flowdock_user: str, login: str) -> Page:
    """Follow a challenge through both sign-ins; returns the page that confirms the link."""
    page = await browser.open(challenge)
    _expect(page.url.startswith(house.flowdock), f"not sent to Flowdock, but {page.status} at {page.url}")
    page = await browser.press(page, flowdock_user)
    _expect(page.url.startswith(house.github), f"not sent to GitHub, but {page.status} at {page.url}")
    page = await browser.press(page, login)
    _expect(f"@{login}" in page.text, f"not asked to confirm, but {page.status} at {page.url}")
    page = await browser.press(page, "Link accounts")
    _expect("Linked" in page.text, f"not linked, but {page.status} at {page.url}")
    return page


async def _thread(house: House, thread_id: str, fits: Callable[[Any], bool]) -> dict[str, Any]:
    async def found() -> dict[str, Any] | None:
        threads = await house.threads()
        return next((one for one in threads if one["external_thread_id"] == thread_id and fits(one)), None)

    thread: dict[str, Any] = await until(found, f"the thread {thread_id} does not show the change")
    return thread


def _field(thread: dict[str, Any], label: str) -> str:
    return next((row["value"] for row in thread["fields"] if row["label"] == label), "")


def _expect(is_so: object, otherwise: str) -> None:
    if not is_so:
        raise Broken(otherwise)
