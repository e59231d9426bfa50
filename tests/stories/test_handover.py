"""Handing a connecting over in real browsers: a member asks, an administrator of the repository says yes."""

from playwright.async_api import Browser, Page, expect

from tests.conftest import House, eventually, open_page
from tests.kits.accounts import link
from tests.stories.looks import looks, sign_in


async def ask(house: House, page: Page) -> str:
    """Ann, who does not administer the repository, chooses it; the link that she is given."""
    await link(house, "ann")
    await sign_in(page, house, "/flowdock/setup%3Fflow=acme:main")
    await expect(page.locator("main")).to_contain_text("You are not an administrator here. You get a link")
    await looks(page, "handover-choose")
    await page.get_by_label("acme/component").check()
    await page.get_by_role("button", name="Connect").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("One step left")
    await looks(page, "handover-link")
    return await page.locator("code.copy").inner_text()


async def to_the_question(page: Page, url: str, login: str) -> None:
    """Open the link, and sign in on GitHub."""
    await page.goto(url)
    await page.get_by_role("link", name="Sign in with GitHub").click()
    await page.get_by_test_id(f"signin-{login}").click()


async def test_an_administrator_is_handed_a_link_and_says_yes(
    house: House, page: Page, browser: Browser
) -> None:
    url = await ask(house, page)
    async with open_page(browser) as admin:
        await admin.goto(url)
        await expect(admin.get_by_role("heading", level=1)).to_have_text("Connect acme/component?")
        await expect(admin.locator("main")).to_contain_text("in Flowdock")
        await looks(admin, "handover-asked")
        await to_the_question(admin, url, "cy-gh")
        await expect(admin.locator("main")).to_contain_text("@cy-gh on GitHub")
        await looks(admin, "handover-confirm")
        await admin.get_by_role("button", name="Connect").click()
        await expect(admin.get_by_role("heading", level=1)).to_have_text("acme/component is connected")
        await looks(admin, "handover-done")
    [connection] = await house.services.connections.all()
    hook_id = connection.hook_id
    assert hook_id is not None
    await eventually(lambda: house.services.webhook_keys.pinged(1296269, hook_id, 1))

    await page.get_by_role("link", name="Check for an answer").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Main is connected")
    await expect(page.locator("main")).to_contain_text("Connected by @cy-gh.")
    await looks(page, "handover-connected")
    await page.get_by_role("link", name="Configure acme/component").click()
    await expect(page.locator("main")).to_contain_text("created by @cy-gh")
    await looks(page, "handover-connection")


async def test_a_person_without_the_right_is_told_so_and_an_administrator_declines(
    house: House, page: Page, browser: Browser
) -> None:
    url = await ask(house, page)
    async with open_page(browser) as other:
        await to_the_question(other, url, "bob-gh")
        await expect(other.locator("main")).to_contain_text(
            "@bob-gh is not an administrator of acme/component"
        )
        await looks(other, "handover-not-yours")
    async with open_page(browser) as admin:
        await to_the_question(admin, url, "cy-gh")
        await admin.get_by_role("button", name="Decline").click()
        await expect(admin.get_by_role("heading", level=1)).to_have_text("acme/component was not connected")
        await looks(admin, "handover-declined")
    await page.get_by_role("link", name="Check for an answer").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nothing was connected")
    await expect(page.locator("main")).to_contain_text("@cy-gh, an administrator, declined.")
    await looks(page, "handover-was-declined")
