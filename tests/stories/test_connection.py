"""Configuring a connection in a real browser: what people come for, and what they see when it breaks."""

import re

from playwright.async_api import Page, expect

from bridge.core.model import Connection
from tests.conftest import FLOW, House, eventually
from tests.kits.accounts import link
from tests.kits.monitor import change_hook, connected, hooks
from tests.stories.looks import configure_url, looks


async def come(page: Page, house: House) -> None:
    """From the address that Flowdock opens to the connection's page, signing in on the way."""
    [connection] = await house.services.connections.all()
    await page.goto(configure_url(house, connection.source_id))
    await page.get_by_role("button", name="Sign in as Cy Chen").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("acme/component in acme/main")


async def known(house: House, connection: Connection) -> Connection:
    found = await house.services.connections.get(connection.id)
    assert found is not None
    return found


async def test_options_pause_and_a_test_message(house: House, page: Page) -> None:
    connection = await connected(house)
    house.start_worker()
    house.start_monitor()
    await come(page, house)
    await looks(page, "configure")

    await page.get_by_label("Status only").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("Options saved")
    await expect(page.get_by_label("Status only")).to_be_checked()
    assert (await known(house, connection)).options.groups == ("status",)

    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("status")).to_contain_text("Nothing is posted until you resume")
    await looks(page, "configure-paused")
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_role("status")).to_contain_text("Resumed")

    await page.get_by_role("button", name="Send a test message").click()
    await expect(page.get_by_role("status")).to_contain_text("Test message sent")
    [thread] = await eventually(house.threads)
    assert thread["title"] == "bridge: test of acme/component"


async def test_a_webhook_that_was_removed_at_github(house: House, page: Page) -> None:
    connection = await connected(house)
    house.start_worker()
    house.start_monitor()
    assert await error_message(house) == ""
    await change_hook(house, connection.hook_id, "DELETE")
    assert "was deleted on GitHub" in await eventually(lambda: error_message(house))
    await come(page, house)
    await expect(page.get_by_role("heading", level=2, name=re.compile("Problem, found"))).to_be_visible()
    await looks(page, "configure-trouble")
    await page.get_by_role("button", name="Repair the webhook").click()
    await expect(page.get_by_role("status")).to_be_visible()
    await eventually(lambda: mended(house, connection))
    await eventually(lambda: pinged(house, connection))
    await page.reload()
    await expect(page.get_by_role("status")).to_contain_text("GitHub’s ping arrived")
    await expect(page.locator("dl.state")).to_contain_text("Waiting for a delivery")
    await looks(page, "configure-mended")

    async def cleared() -> bool:
        return await error_message(house) == ""

    await eventually(cleared)


async def error_message(house: House) -> str:
    """The problem that the flow's source shows."""
    [connection] = await house.services.connections.all()
    token = {"flow_token": connection.flow_token}
    async with house.http.get(
        f"{house.services.settings.flowdock_api_url}/sources", params=token
    ) as response:
        [source] = await response.json()
        return str(source["error_message"])


async def mended(house: House, connection: Connection) -> bool:
    return (await known(house, connection)).problem is None


async def pinged(house: House, connection: Connection) -> bool:
    now = await known(house, connection)
    keys = house.services.webhook_keys
    return now.hook_id is not None and await keys.pinged(now.repository_id or 0, now.hook_id, 1)


async def test_disconnecting(house: House, page: Page) -> None:
    await connected(house)
    await come(page, house)
    await page.get_by_role("link", name="Disconnect…").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Disconnect acme/component from acme/main?"
    )
    await looks(page, "configure-disconnect")
    await page.get_by_role("link", name="Cancel").click()
    await page.get_by_role("link", name="Disconnect…").click()
    await page.get_by_role("button", name="Disconnect acme/component").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("acme/component is disconnected")
    await looks(page, "configure-disconnected")
    assert await hooks(house) == []
    assert await house.services.connections.all() == []


async def test_looking_after_it_by_keyboard_alone(house: House, page: Page) -> None:
    connection = await connected(house)
    house.start_monitor()
    await house.services.accounts.unlink("1003")
    await eventually(lambda: in_trouble(house, connection))
    await come(page, house)
    await looks(page, "configure-nobody-looks-after-it")
    await page.get_by_role("link", name="Link my GitHub account first").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("signin-cy-gh")).to_be_visible()
    await page.get_by_test_id("signin-cy-gh").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Link accounts")).to_be_visible()
    await page.get_by_role("button", name="Link accounts").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Your GitHub account is linked")
    await eventually(lambda: mended(house, connection))


async def in_trouble(house: House, connection: Connection) -> bool:
    return (await known(house, connection)).problem is not None


async def test_somebody_of_another_flow_sees_nothing(house: House, page: Page) -> None:
    connection = await connected(house)
    await link(house, "bob")
    body = {"user": "bob", "flow": FLOW, "member": False}
    async with house.http.post(f"{house.flowdock}/_sandbox/members", json=body) as response:
        assert response.status == 200
    await page.goto(f"{house.bridge}/connections/{connection.id}")
    await page.get_by_role("button", name="Sign in as Bob Burke").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    await looks(page, "configure-not-yours")
