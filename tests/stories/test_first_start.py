"""From `bridge serve` with nothing but its address set, to the first thread; with scripts, and without."""

import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from scripts.sandbox.demo import INVITATION
from scripts.sandbox.house import ROOT, House, open_house
from scripts.sandbox.process import Process
from tests.conftest import eventually, open_page
from tests.kits import hygiene, loaded
from tests.stories.looks import looks


async def _serving(house: House, log: Path) -> Process:
    environ = {
        "PATH": house.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "XDG_STATE_HOME": str(house.data),
        "PORT": house.bridge.rpartition(":")[2],
        "WEB_URL": house.bridge,
        "GITHUB_URL": house.github,
    }
    with log.open("wb") as output:
        process = loaded.Process(
            [sys.executable, "-m", "bridge", "serve"],
            cwd=house.data,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    house.processes.append(process)
    await house.answers(f"{house.bridge}/readyz")
    return process


async def _made_app(page: Page, seen: Callable[[str, str], Awaitable[None]]) -> None:
    """From the printed address to an App that is installed on the repository."""
    await seen("address", "Become the owner of this inbox")
    await page.get_by_role("link", name="Create the GitHub App").click()
    await page.get_by_label("Organization").fill("acme")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.locator("dl")).to_contain_text("acme, at ")
    await page.get_by_role("button", name="Create the App on GitHub").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Create GitHub App")
    await page.get_by_test_id("signin-cy-gh").check()
    await page.get_by_test_id("create-app").click()
    await page.get_by_role("link", name="Install it on repositories").click()
    await page.get_by_test_id("signin-cy-gh").click()
    await page.get_by_test_id("repository-acme/component").check()
    await page.get_by_test_id("install-acme").click()
    await seen("installed", "One thread per pull request")


async def _connected(page: Page, seen: Callable[[str, str], Awaitable[None]]) -> None:
    """From the sign-in of the first owner to a flow with the repository."""
    await page.get_by_role("link", name="Sign in with GitHub").click()
    await page.get_by_test_id("signin-cy-gh").click()
    await seen("front", "My turn")
    await page.get_by_label("Name").fill("Main")
    await page.get_by_role("button", name="Create flow").click()
    await seen("flow", "Main")
    await page.get_by_role("link", name="Connect a repository").first.click()
    await page.get_by_role("link", name="Link my GitHub account").click()
    await page.get_by_role("button", name="Link accounts").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Connect repositories to Main")
    await page.get_by_label("acme/component").check()
    await page.get_by_role("button", name="Connect").click()
    await seen("connected", "Main is connected")


def _clicks_of_readme() -> list[str]:
    """The clicks from the address that the demo prints to a merge."""
    clicks = re.search(r"and click:(.*?)\. Then", (ROOT / "README.md").read_text(), re.DOTALL)
    assert clicks
    return re.findall(r"the first thread|(?<=\*)\w[^*,]*(?=\*)", clicks[1])


async def _click(page: Page, name: str) -> None:
    """Click what README names; here Cy is the one who may merge."""
    if name == "More actions":
        await page.get_by_text(name).click()
        return
    async with page.expect_navigation():
        match name:
            case "ann-gh":
                await page.get_by_test_id("signin-cy-gh").click()
            case "the first thread":
                await page.locator(".thread-row > a").first.click()
            case _:
                await page.locator("a, button").get_by_text(name, exact=True).locator("visible=true").click()


@pytest.mark.parametrize("scripts", [True, False])
async def test_from_the_first_start_to_the_first_thread(
    tmp_path: Path, browser: Browser, scripts: bool
) -> None:
    log = tmp_path / "log"
    async with (
        open_house(tmp_path, ports=(0, 0), output=subprocess.DEVNULL, popen=loaded.Process) as house,
        open_page(browser, scripts=scripts) as page,
    ):

        async def seen(name: str, heading: str) -> None:
            await expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
            if scripts:
                await looks(page, f"first-{name}")

        process = await _serving(house, log)
        address = INVITATION.search(log.read_text())
        assert address
        await page.goto(address[0])
        await _made_app(page, seen)
        await page.goto(address[0])
        await _connected(page, seen)
        await page.goto(f"{house.bridge}/inbox/flows/team/main")
        await expect(page.get_by_text("No open threads.")).to_be_visible()
        await house.act("ann-gh", "open", title="Fix it", head="fix", base="main")

        async def there() -> bool:
            if not scripts:
                await page.reload()
            return await page.get_by_role("link", name="Fix it").is_visible()

        await eventually(there)
        await expect(page.get_by_text("No open threads.")).to_be_hidden()
        await page.get_by_role("link", name="Fix it").click()
        await seen("thread", "Fix it")

        # The settings that it made are kept: another start knows the session and the linked account.
        process.terminate()
        process.wait()
        await _serving(house, log)
        await page.get_by_text("More actions").click()
        await page.get_by_role("button", name="Merge", exact=True).click()
        await expect(page.get_by_role("heading", name="Merge #1 Fix it?")).to_be_visible()

        await page.context.clear_cookies()
        await page.goto(f"{house.bridge}/inbox/flows/team/main")
        clicks = _clicks_of_readme()
        assert len(clicks) <= 6
        for name in clicks[:-1]:
            await _click(page, name)
        await expect(page.get_by_role("heading", name="Merge #1 Fix it?")).to_be_visible()
        # A double click is one click, also where no script keeps the second back.
        await page.get_by_role("button", name=clicks[-1], exact=True).dblclick()
        await expect(page.get_by_role("status")).to_contain_text("Merged acme/component#1")
        hygiene.saw(log.read_text())
