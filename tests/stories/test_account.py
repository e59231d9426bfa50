"""The account page in a real browser: linking, what was done, and the end of it."""

import time

from playwright.async_api import Page, expect

from bridge.core.model import AuditEntry
from tests.conftest import House
from tests.kits.accounts import link
from tests.kits.personal import connection
from tests.stories.looks import looks, sign_in


async def test_linking_what_was_done_and_unlinking(house: House, page: Page) -> None:
    await sign_in(page, house, "/account")
    await expect(page.locator(".lead")).to_have_text("ann in Flowdock is not linked to a GitHub account.")
    await looks(page, "account-unlinked")
    await page.get_by_role("link", name="Link a GitHub account").click()
    await page.get_by_test_id("signin-ann-gh").click()
    await page.get_by_role("button", name="Link accounts").click()
    await expect(page.locator(".lead")).to_have_text("ann in Flowdock acts as @ann-gh on GitHub.")

    now, name = int(time.time()), "acme/" + "a-long-name-" * 6
    done = AuditEntry(at=now - 90000, action="Close", on=f"{name}#1", outcome=f"Closed {name}#1.", done=True)
    why = "GitHub refused: the branch has conflicts that must be resolved first"
    refused = AuditEntry(at=now - 400, action="Merge", on=f"{name}#12345", outcome=why, done=False)
    for act in (done, refused):
        await house.services.account_store.add_audit_entry("1001", act)
    await connection(house, installer="1001")
    await page.reload()
    await expect(page.get_by_role("row", name="Merge")).to_contain_text("Refused")
    await page.get_by_text("Unlink", exact=True).click()
    await looks(page, "account-linked")

    await page.get_by_role("button", name="Unlink @ann-gh").click()
    await expect(page.get_by_role("status")).to_contain_text("GitHub no longer accepts it")
    await expect(page.locator(".lead")).to_have_text("ann in Flowdock is not linked to a GitHub account.")
    assert await house.services.account_store.get("1001") is None


async def test_an_expiring_token_says_so(house: House, page: Page) -> None:
    await link(house, "ann", expires_in=8 * 3600)
    await sign_in(page, house, "/account")
    await expect(page.locator("main")).to_contain_text("Renewed automatically")
