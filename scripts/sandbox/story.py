"""The whole story without a screen: open a pull request, see the thread, click, link, click again."""

from collections.abc import Callable
from typing import Any

from scripts.sandbox.browse import Browser, Page
from scripts.sandbox.house import REPOSITORY, Broken, House, until

Say = Callable[[str], None]


async def play(house: House, say: Say) -> None:
    """Play it, `say`ing each step; raises `Broken` where the story takes another turn."""
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
    say(f"its thread {thread_id} appeared in Flowdock: {thread['title']!r}, open")

    outcome = await house.click("ann", thread_id, "Assign to me")
    _expect(outcome["status"] == 401 and outcome["challenge"], f"no challenge came back: {outcome}")
    say("Ann clicked 'Assign to me' and was asked to link her GitHub account")

    async with Browser() as browser:
        page = await link(house, browser, outcome["challenge"], flowdock_user="1001", login="ann-gh")
        say("she signed in with Flowdock and GitHub, saw both names and confirmed")
        page = await browser.press(page, "Do it now")
        _expect("Assigned" in page.text, f"it was not done: {page.status} at {page.url}")
        reused = await browser.open(outcome["challenge"])
        _expect(reused.status == 403, f"the claim served twice: {reused.status}")
    await _thread(house, thread_id, lambda thread: "ann-gh" in _field(thread, "Assignees"))
    say("one more click, and ann-gh is the assignee, on GitHub and on the thread")

    outcome = await house.click("ann", thread_id, "Close")
    _expect(outcome["status"] == 200, f"closing failed: {outcome}")
    await _thread(house, thread_id, lambda thread: thread["status"]["value"] == "closed")
    say("she clicked 'Close', and it was closed at once")


async def link(house: House, browser: Browser, challenge: str, *, flowdock_user: str, login: str) -> Page:
    """Go from a challenge through both sign-ins to the page that says it is linked."""
    page = await browser.open(challenge)
    _expect(page.url.startswith(house.flowdock), f"not sent to Flowdock, but {page.status} at {page.url}")
    page = await browser.press(page, flowdock_user)
    _expect(page.url.startswith(house.github), f"not sent to GitHub, but {page.status} at {page.url}")
    page = await browser.press(page, login)
    _expect(f"@{login}" in page.text, f"not asked to confirm, but {page.status} at {page.url}")
    page = await browser.press(page, "Link them")
    _expect("Linked" in page.text, f"not linked, but {page.status} at {page.url}")
    return page


async def _thread(house: House, thread_id: str, fits: Callable[[Any], bool]) -> dict[str, Any]:
    async def found() -> dict[str, Any] | None:
        threads = await house.threads()
        return next((one for one in threads if one["external_thread_id"] == thread_id and fits(one)), None)

    thread: dict[str, Any] = await until(found, f"the thread {thread_id} did not come to show it")
    return thread


def _field(thread: dict[str, Any], label: str) -> str:
    return next((row["value"] for row in thread["fields"] if row["label"] == label), "")


def _expect(is_so: object, otherwise: str) -> None:
    if not is_so:
        raise Broken(otherwise)
