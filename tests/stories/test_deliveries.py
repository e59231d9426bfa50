"""The deliveries page in a real browser: what became of each, a dead letter tried again."""

import json
from typing import Any

from playwright.async_api import Page, expect

from scripts.sandbox.faults import Fault
from tests.conftest import House, eventually
from tests.kits.personal import connection, noted
from tests.kits.worker import dead, posted
from tests.stories.looks import looks, sign_in

SECRET = "hunter2hunter2"


async def test_a_dead_letter_is_seen_understood_and_tried_again(house: House, page: Page) -> None:
    to = await connection(house)
    await house.hook()
    answer = json.dumps({"message": "Validation error", "errors": {"title": ["is silly"]}})
    house.flowdock_journal.faults.append(Fault(path="/messages", status=400, answer=answer))
    house.start_worker()
    await house.act("ann-gh", "open", title="Fix bug in thread API", body=f"password={SECRET}", head="fix")
    await dead(house)
    for hour, count in enumerate([2, 0, 5, 9, 4, 1, 0, 0, 3]):
        for number in range(count):
            await noted(house, to, "posted", action="synchronize", number=number + 1, ago=hour * 3600 + 90)
    long: dict[str, Any] = {"event": "pull_request_review_comment", "action": "created", "number": 7}
    await noted(house, to, "skipped", reason="it is a draft (option drafts=quiet)", **long)
    check: dict[str, Any] = {"delivery": "of-several", "event": "check_run", "action": "completed"}
    await noted(house, to, "posted", number=7, **check)
    await noted(house, to, "skipped", number=8, reason="the base branch develop is not asked for", **check)

    await sign_in(page, house, f"/connections/{to.id}/deliveries")
    graves = page.get_by_role("region", name="1 not delivered")
    await expect(graves).to_contain_text("Flowdock answered 400")
    await looks(page, "deliveries")
    await page.get_by_label("Outcome").select_option("Skipped")
    await page.get_by_role("textbox", name="Pull request").fill("8")
    rows = page.get_by_role("table").last.get_by_role("row")
    await page.get_by_role("button", name="Show", exact=True).click()
    await expect(rows).to_have_count(2)
    await expect(rows.last).to_contain_text("the base branch develop is not asked for")

    await graves.get_by_role("link").first.click()
    await page.get_by_text("The message that was not posted").click()
    assert SECRET not in await page.content()
    await looks(page, "delivery")

    await page.get_by_role("button", name="Retry").click()
    await expect(page.get_by_role("status")).to_contain_text("Queued again")
    await posted(house, 1)

    async def told() -> bool:
        notes = await house.services.delivery_log.notes(to.repository_id or 0, to.id)
        return notes[0].outcome == "posted"

    await eventually(told)
    await page.goto(f"{house.bridge}/connections/{to.id}/deliveries")
    await expect(page.get_by_role("heading", name="not delivered")).to_have_count(0)
    await page.get_by_role("link", name="Pull request opened").first.click()
    await expect(page.get_by_role("listitem")).to_have_count(2)
    await expect(page.get_by_role("listitem").first).to_contain_text("Posted")


async def test_a_connection_without_deliveries_says_what_to_do(house: House, page: Page) -> None:
    to = await connection(house, repository_id=None)
    await sign_in(page, house, f"/connections/{to.id}/deliveries")
    await expect(page.locator("main")).to_contain_text("None yet. Open a pull request")
    await looks(page, "deliveries-empty")
