"""The gallery in a real browser: a thread for each status and each kind of message, to be looked at."""

from typing import Any

from playwright.async_api import Page, expect

from scripts.sandbox import gallery
from tests.conftest import House, eventually
from tests.stories.looks import shot

STATUSES = {"draft", "open", "changes requested", "approved", "queued", "merged", "closed"}


async def test_each_status_and_kind_of_message_is_shown(working: House, page: Page) -> None:
    await gallery.make(working)  # type: ignore[arg-type]  # it needs no more of a house than `act`

    async def all_told() -> bool:
        threads = await working.threads()
        return {thread["status"]["value"] for thread in threads} == STATUSES and settled(threads)

    await eventually(all_told)
    await page.goto(f"{working.flowdock}/app/acme/main")
    await expect(page.get_by_test_id("thread-row")).to_have_count(len(gallery.PULLS))
    await shot(page, "gallery")
    for title in ("Fix bug in thread API", "Retry when Redis is away", "Sanitise branch names"):
        await page.get_by_test_id("thread-row").filter(has_text=title).click()
        await expect(page.get_by_test_id("thread-title")).to_have_text(title)
        await shot(page, f"gallery-{title.split()[0].lower()}")
    await page.get_by_test_id("thread-row").filter(has_text="Choose the status by a table").click()
    review = page.get_by_test_id("discussion").filter(has_text="Right idea")
    await expect(review).to_contain_text("5 more comments")
    await shot(page, "gallery-reviews")
    await page.get_by_test_id("thread-row").filter(has_text="Sanitise").click()
    await expect(page.get_by_test_id("discussion").first).to_contain_text("Lovely 🎉")


def settled(threads: list[dict[str, Any]]) -> bool:
    fields = {thread["title"]: {row["label"]: row["value"] for row in thread["fields"]} for thread in threads}
    return "1 failed" in fields["Retry when Redis is away"].get("Checks", "")
