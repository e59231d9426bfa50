"""Every secret is replaced while bridge is in use: what was begun before a step goes on after it."""

from contextlib import AsyncExitStack
from pathlib import Path

from bridge.core.security.encryption import Vault
from scripts.sandbox.browse import Page
from tests.cli.test_rotate_keys import sealed_with
from tests.conftest import FLOW, REPOSITORY, House, eventually, open_house
from tests.kits import sign
from tests.kits.accounts import USERS
from tests.kits.commands import environ_of, run, serving
from tests.kits.connecting import COMPONENT_ID
from tests.kits.dump import everything
from tests.kits.whole_story import Told, challenge, told

NEW = {"ENCRYPTION_KEY": "e" * 32, "COOKIE_SECRET": "c" * 32, "GITHUB_WEBHOOK_SECRET": "w" * 32}


class User:
    """Cy, who never closes a page: each step goes on with what the step before began."""

    def __init__(self, story: Told, form: Page) -> None:
        self.story, self.house = story, story.house
        self.form, self.confirm, self.claim = form, story.confirm, story.claim
        self.steps = 0

    async def goes_on(self) -> None:
        """Everything that was begun works, and is begun anew for the next step."""
        self.steps += 1
        self.form = await self._send(self.form)
        cancelled = await self.story.half.press(self.confirm, "Cancel")
        assert (cancelled.status, "Nothing was linked" in cancelled.text) == (200, True), cancelled.text
        self.confirm = await self._open(self.claim)
        button = ("Close", "Reopen")[self.steps % 2 - 1]
        self.claim = await challenge(self.house, "bob", button)
        await self._click(button)
        await self._told(f"Title {self.steps}")

    async def _send(self, page: Page) -> Page:
        """Send the form that was loaded before; the page that it leads to has one for later."""
        [form] = [form for form in page.forms if form.action.endswith("/test")]
        sent = await self.story.cy.submit(page, form, form.fields)
        assert sent.status == 200, sent.text
        assert "Sign out" in sent.text, "still signed in"
        return sent

    async def _open(self, claim: str) -> Page:
        """Open a challenge's link; up to the page that names both people."""
        page = await self.story.half.press(await self.story.half.open(claim), USERS["bob"])
        page = await self.story.half.press(page, "bob-gh")
        assert "Link accounts" in page.text, page.text
        return page

    async def _click(self, button: str) -> None:
        """A button acts with the linked account's token."""
        outcome = await self.house.click("cy", "github:component:pr:1", button)
        assert outcome["status"] == 200, outcome

    async def _told(self, title: str) -> None:
        """A delivery of GitHub's is taken, and its message posted with the flow token."""
        await self.house.act("ann-gh", "edit", number=1, title=title)

        async def shown() -> bool:
            return title in str(await self.house.threads())

        await eventually(shown)


async def signed_by_hand(house: House, secret: str) -> int:
    """The answer to a delivery of a webhook that the operator made by hand."""
    body = b'{"hook_id":7,"repository":{"id":%d,"full_name":"acme/component"}}' % COMPONENT_ID
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": "ping-by-hand",
        "X-Hub-Signature-256": sign.webhook(body, secret),
    }
    url = f"{house.bridge}/github/webhook"
    async with house.http.post(url, data=body, headers=headers) as response:
        return response.status


async def test_every_secret_is_replaced_while_bridge_is_in_use(redis_url: str, tmp_path: Path) -> None:
    async with open_house(redis_url) as house, AsyncExitStack() as stack:
        environ, log = environ_of(house, redis_url), tmp_path / "bridge.log"
        old = {name: environ[name] for name in NEW}
        known = {name: f"{old[name]},{NEW[name]}" for name in NEW}
        both = {name: f"{NEW[name]},{old[name]}" for name in NEW}
        async with serving(house, redis_url, log):
            story = await stack.enter_async_context(told(house))
            [connection] = [one for one in await house.services.connections.all() if one.flow == FLOW]
            user = User(story, await story.cy.open(f"{house.bridge}/connections/{connection.id}"))
            assert await taken_by_hand(house, old, new=False)
        # Each process learns the new ones before any of them writes with them.
        async with serving(house, redis_url, log, **known):
            await user.goes_on()
            assert await taken_by_hand(house, old, new=True)
        async with serving(house, redis_url, log, **both):
            await user.goes_on()
            assert await taken_by_hand(house, old, new=True)
            rotated = await run(tmp_path, "rotate-keys", environ=environ | both)
            assert rotated.returncode == 0, rotated
            hooked = await run(tmp_path, "hook", REPOSITORY, "--as", "cy-gh", environ=environ | both)
            assert hooked.returncode == 0, hooked
            await user.goes_on()
        async with serving(house, redis_url, log, **NEW):
            await user.goes_on()
            await user.goes_on()
            assert await signed_by_hand(house, old["GITHUB_WEBHOOK_SECRET"]) == 401
            assert await signed_by_hand(house, NEW["GITHUB_WEBHOOK_SECRET"]) == 200
        kept = await everything(house.redis)
    assert sealed_with(Vault([old["ENCRYPTION_KEY"]]), kept) == {}
    assert sealed_with(Vault([NEW["ENCRYPTION_KEY"]]), kept)
    printed = log.read_text()
    assert "Traceback" not in printed
    assert "cannot be decrypted" not in printed


async def taken_by_hand(house: House, old: dict[str, str], *, new: bool) -> bool:
    """Tell whether the old webhook secret is accepted, and the new one if `new`."""
    name = "GITHUB_WEBHOOK_SECRET"
    answers = [await signed_by_hand(house, one[name]) for one in (old, NEW)]
    return answers == [200, 200 if new else 401]


async def test_a_signature_of_another_secret_is_refused(redis_url: str, tmp_path: Path) -> None:
    """The control of the test above: without the old secrets, nothing goes on."""
    async with open_house(redis_url) as house, AsyncExitStack() as stack:
        log = tmp_path / "bridge.log"
        async with serving(house, redis_url, log):
            story = await stack.enter_async_context(told(house))
            [connection] = [one for one in await house.services.connections.all() if one.flow == FLOW]
            page = await story.cy.open(f"{house.bridge}/connections/{connection.id}")
        async with serving(house, redis_url, log, COOKIE_SECRET=NEW["COOKIE_SECRET"]):
            [form] = [form for form in page.forms if form.action.endswith("/test")]
            assert (await story.cy.submit(page, form, form.fields)).status == 403
            assert (await story.half.open(story.claim)).status == 403
