"""The home page in a real browser: for a visitor, and for somebody with flows."""

from playwright.async_api import Page, expect

from bridge.core.model import Problem
from tests.conftest import House
from tests.kits.personal import buried, connection, many, noted
from tests.stories.documents import picture
from tests.stories.looks import looks, sign_in


async def test_a_visitor_learns_what_bridge_is_and_signs_in(house: House, page: Page) -> None:
    await page.goto(house.bridge)
    await expect(page.get_by_role("heading", level=1)).to_contain_text("One thread per pull request")
    await page.get_by_text("By hand instead").click()
    await expect(page.locator("main")).to_contain_text(f"{house.bridge}/github/webhook")
    await looks(page, "home-visitor")
    await page.get_by_role("link", name="Help").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Help")
    await looks(page, "help")
    await page.go_back()
    await page.get_by_role("link", name="Sign in with Flowdock").click()
    await page.get_by_role("button", name="Sign in as Ann Ames").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your flows")
    await expect(page.locator("main")).to_contain_text("No repository is connected yet")
    await looks(page, "home-empty")


async def test_flows_with_their_repositories(house: House, page: Page) -> None:
    main = await connection(house)
    for hour, count in enumerate([2, 0, 5, 9, 4, 1, 0, 0, 3]):
        for _ in range(count):
            await noted(house, main, "posted", ago=hour * 3600 + 60)
    for hour in (2, 3, 3, 5):
        await noted(house, main, "skipped", ago=hour * 3600, reason="it is a draft (option drafts=quiet)")
    await noted(house, main, "dead", ago=2 * 3600)
    await buried(house, main, reason="Flowdock answered 400: tags is too long")
    await noted(house, main, "posted", action="closed", number=42, ago=200)
    paused, long, troubled = await many(house, 3)
    store = house.services.connections
    await store.change(paused.id, paused=True)
    await store.change(paused.id, repository="acme/gadgets")
    await store.change(long.id, repository="acme/website")
    text = "The webhook was removed on GitHub: choose Repair the webhook."
    await store.change(
        troubled.id, repository="acme/widgets", problem=Problem(kind="hook", text=text, since=0)
    )
    await noted(house, paused, "skipped", reason="the connection is paused")
    await noted(house, troubled, "dead", reason="given up after a day: Flowdock answered 503", ago=7200)
    await sign_in(page, house, "/")
    await expect(page.get_by_role("row", name="acme/component")).to_contain_text("1 not delivered")
    await expect(page.get_by_role("row", name="acme/component").get_by_role("img")).to_have_accessible_name(
        "The last 24 hours: 25 posted, 4 skipped, 1 not delivered."
    )
    await picture(page, "home.png")
    await store.change(long.id, repository="acme/" + "a-very-long-repository-name-" * 3 + "end")
    await page.reload()
    await looks(page, "home-flows")
