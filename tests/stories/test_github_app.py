"""With GITHUB_APP and nothing else of GitHub's, in a real browser: from no App to a click that works."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from bridge.clients import github_credentials
from tests.conftest import House, eventually
from tests.kits.github_app import PAGE, another_process, delivered, open_app_house, stored
from tests.stories.documents import picture
from tests.stories.looks import looks, shot
from tests.stories.test_first_click import THREAD, open_pull_request, shown


@pytest_asyncio.fixture(loop_scope="session")
async def house(redis_url: str) -> AsyncIterator[House]:
    async with open_app_house(redis_url, setup_secret="the-operators-own-secret-of-setting-up") as opened:
        yield opened


async def make_app(house: House, page: Page) -> None:
    """The operator's part: SETUP_SECRET, one form, one click on GitHub."""
    await page.goto(house.bridge + PAGE)
    await looks(page, "manifest-operator")
    await page.get_by_label("SETUP_SECRET").fill("guessed")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("alert")).to_contain_text("That is not the value")
    await page.get_by_label("SETUP_SECRET").fill("the-operators-own-secret-of-setting-up")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Create a GitHub App")
    await page.get_by_label("Organization").fill("acme")
    await page.get_by_label("Name of the App").fill("bridge of acme")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator("dl")).to_contain_text("acme, at ")
    await looks(page, "manifest")
    await picture(page, "install/manifest.png")
    await page.get_by_role("button", name="Create the App on GitHub").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Create GitHub App for acme")
    await shot(page, "manifest-github")
    await page.get_by_test_id("signin-cy-gh").check()
    await page.get_by_test_id("create-app").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("bridge of acme was created")
    await looks(page, "manifest-made")


async def install(page: Page) -> None:
    """From bridge's page to the repository."""
    await page.get_by_role("link", name="Install it on repositories").click()
    await page.get_by_test_id("signin-cy-gh").click()
    await page.get_by_test_id("repository-acme/component").check()
    await page.get_by_test_id("install-acme").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("One thread per pull request")
    await shot(page, "manifest-installed")


async def link_and_do(page: Page) -> None:
    """Through Flowdock's sign-in and the App's, to what was clicked."""
    await page.get_by_role("button", name="Sign in as Ann Ames").click()
    await expect(page.locator("body")).to_contain_text("bridge of acme")
    await page.get_by_test_id("signin-ann-gh").click()
    await page.get_by_role("button", name="Link accounts").click()
    await expect(page.get_by_role("heading", name="Linked")).to_be_visible()
    await page.get_by_role("button", name="Do it now").click()
    await expect(page.locator(".lead")).to_have_text("Assigned acme/component#1 to @ann-gh.")


async def test_from_no_app_to_a_click_that_works(
    house: House, page: Page, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github_credentials, "AGAIN_SECONDS", 0.2)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Security" in said.text else None)
    async with another_process(house, redis_url) as started_before:
        await house.connect()
        house.start_worker()
        await make_app(house, page)
        await install(page)
        app = await stored(house)
        assert await delivered(house, app, started_before) == 202

    github = await page.context.new_page()
    await open_pull_request(house, github)
    await page.bring_to_front()
    await eventually(house.threads)
    outcome = await house.click("ann", THREAD, "Assign to me")
    await page.goto(outcome["challenge"])
    await link_and_do(page)
    await eventually(lambda: shown(house, "self-assigned"))

    account = await house.services.account_store.get("1001")
    assert account is not None
    assert account.token.access.startswith("ghu_")
    assert account.token.scopes == ()
    old = account.token
    await house.services.account_store.link(
        replace(account, token=replace(old, expires_at=int(time.time()) - 1))
    )
    outcome = await house.click("ann", THREAD, "Close")
    assert outcome["message"] == "Closed acme/component#1."
    await expect(github.get_by_test_id("pull-state")).to_have_text(re.compile("closed", re.I))
    account = await house.services.account_store.get("1001")
    assert account is not None
    assert account.token.access not in ("", old.access), "renewed with the App's own client"
    assert complaints == []


async def test_replacing_is_asked_about_before(house: House, page: Page) -> None:
    await make_app(house, page)
    await page.goto(house.bridge + PAGE)
    await page.get_by_text("Replace it").click()
    await looks(page, "manifest-app")
    await page.get_by_role("link", name="See what changes").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Replace bridge of acme?")
    await looks(page, "manifest-replace")
    await page.get_by_role("link", name="Keep it").click()
    await expect(page.locator(".lead")).to_contain_text("bridge uses the GitHub App bridge of acme")
