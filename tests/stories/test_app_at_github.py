"""The stand-in GitHub's pages for Apps in a browser: from another site's form to an App that is installed."""

import json

from playwright.async_api import Page, expect

from tests.kits.sandbox_github import running
from tests.kits.sandbox_github_apps import MANIFEST


async def test_a_browser_goes_all_the_way(page: Page) -> None:
    async with running() as github:
        complaints: list[str] = []
        page.on(
            "console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None
        )
        # The stand-in serves as the other site, too: it answers 404 there, but the address says it all.
        back = f"{github.url}/nobody/here"
        manifest = json.dumps({**MANIFEST, "redirect_url": back, "setup_url": f"{github.url}/nobody/there"})
        action = f"{github.url}/organizations/acme/settings/apps/new?state=abc"
        await page.set_content(
            f'<form method="post" action="{action}"><input name="manifest"><button>Go</button></form>'
        )
        await page.fill("input", manifest)
        await page.click("button")
        await page.get_by_test_id("app-name").fill("Octo Browser")
        await page.get_by_test_id("signin-cy-gh").check()
        await page.get_by_test_id("create-app").click()
        await page.wait_for_url(f"{back}?code=*&state=abc")

        await page.goto(f"{github.url}/apps/octo-browser")
        await page.get_by_test_id("app-install").click()
        await page.get_by_test_id("signin-cy-gh").click()
        await page.get_by_test_id("repository-acme/component").check()
        await page.get_by_test_id("install-acme").click()
        await page.wait_for_url(f"{github.url}/nobody/there?installation_id=*&setup_action=install")
        await page.goto(f"{github.url}/apps/octo-browser/installations/new?user=cy-gh")
        await expect(page.get_by_test_id("repository-acme/component")).to_be_checked()
        await expect(page.get_by_test_id("repository-acme/gadgets")).not_to_be_checked()
        assert [line for line in complaints if "Content Security" in line] == []
