"""Shared by the tests of connecting: somebody signed in, and the state of GitHub and Flowdock."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from bridge.clients.github_repositories import Repository
from bridge.clients.github_webhooks import EVENTS
from bridge.connections.connect import ConnectRequest
from bridge.connections.intents import Intent, Intents
from bridge.connections.webhook_repair import HookResult
from bridge.core.model import Flow
from bridge.core.options import Options
from bridge.web.auth.sessions import SCOPE
from tests.conftest import FLOW, REPOSITORY, House
from tests.kits.accounts import USERS, link

MAIN = Flow(id="acme:main", path=FLOW, name="Main")

OPS = Flow(id="acme:ops", path="acme/ops", name="Ops")

COMPONENT_ID = 1296269


async def signed_in(house: House, nick: str) -> str:
    """Flowdock's access token for a user, by the way a browser takes."""
    oauth = house.services.flowdock_oauth
    asked = oauth.authorize_url(state="x", scope=SCOPE)
    form = {"then": asked.removeprefix(house.flowdock), "person": USERS[nick]}
    sign_in = f"{house.flowdock}/inbox/sign-in"
    async with house.http.post(sign_in, data=form, allow_redirects=False) as response:
        cookie = {"Cookie": response.headers["Set-Cookie"].partition(";")[0]}
    async with house.http.get(asked, headers=cookie, allow_redirects=False) as response:
        code = parse_qs(urlsplit(response.headers["Location"]).query)["code"][0]
    return await oauth.exchange(code)


async def permit(house: House, login: str, permission: str) -> None:
    """Give somebody a permission in all of acme's repositories."""
    async with house.http.post(
        f"{house.github}/_sandbox/users/{login}", json={"permission": permission}
    ) as response:
        assert response.status == 200, await response.text()


class Installer:
    """Cy, who administers acme's repositories, or somebody else who is signed in and linked."""

    def __init__(self, house: House, nick: str, access_token: str, github_token: str) -> None:
        self.house = house
        self.user = USERS[nick]
        self.access_token = access_token
        self.github_token = github_token

    @classmethod
    async def of(cls, house: House, nick: str = "cy") -> "Installer":
        account = await link(house, nick)
        return cls(house, nick, await signed_in(house, nick), account.token.access)

    async def repository(self, full_name: str = REPOSITORY) -> Repository:
        return await self.house.services.hooks.repositories.by_name(full_name, token=self.github_token)

    async def connect(
        self, repository: Repository, *, flow: Flow = MAIN, options: Options | None = None
    ) -> HookResult:
        return await self.house.services.connect_service.connect(
            ConnectRequest(
                user=self.user,
                access_token=self.access_token,
                flow=flow,
                repository=repository,
                options=options or Options(),
            )
        )

    async def sources(self, flow: str = FLOW) -> list[dict[str, Any]]:
        """The flow's sources, by Flowdock's word."""
        url = f"{self.house.services.settings.flowdock_api_url}/flows/{flow}/sources"
        return await self._listed(url, self.access_token)

    async def hooks(self, full_name: str = REPOSITORY) -> list[dict[str, Any]]:
        """The repository's webhooks, by GitHub's word to one who administers it."""
        return await self._listed(f"{self.house.github}/api/v3/repos/{full_name}/hooks", self.github_token)

    async def _listed(self, url: str, token: str) -> list[dict[str, Any]]:
        async with self.house.http.get(url, headers={"Authorization": f"Bearer {token}"}) as response:
            assert response.status == 200, await response.text()
            found: list[dict[str, Any]] = await response.json()
            return found


def forget_calls(house: House) -> None:
    for journal in (house.flowdock_journal, house.github_journal):
        journal.calls.clear()
        journal.faults.clear()


async def left_intents(house: House) -> list[Intent]:
    return await Intents(house.redis, house.services.vault).all()


async def assert_nothing(cy: Installer) -> None:
    assert await cy.sources() == []
    assert await cy.hooks() == []
    assert await cy.house.services.connections.all() == []
    assert await left_intents(cy.house) == []
    for pattern in ("bridge:{intents}:*", "bridge:connecting:*"):
        assert await cy.house.redis.keys(pattern) == []


async def assert_whole(cy: Installer) -> None:
    """One source, one hook, one connection, that know each other; nothing else."""
    [source], [hook] = await cy.sources(), await cy.hooks()
    [connection] = await cy.house.services.connections.all()
    assert (connection.source_id, connection.hook_id) == (str(source["id"]), hook["id"])
    assert (connection.flow, connection.repository_id, connection.installer) == (
        "acme/main",
        COMPONENT_ID,
        "1003",
    )
    assert source["external_url"] == f"{cy.house.github}/{REPOSITORY}"
    assert set(hook["events"]) == set(EVENTS)
    assert (hook["active"], hook["config"]["content_type"], hook["config"]["insecure_ssl"]) == (
        True,
        "json",
        "0",
    )
    assert await left_intents(cy.house) == []
    await cy.house.services.flowdock.set_problem(connection.flow_token, "")


async def undo_all(cy: Installer) -> None:
    """Back to a house where nothing is connected."""
    for connection in await cy.house.services.connections.all():
        left = await cy.house.services.connect_service.disconnect(
            connection, access_token=cy.access_token, user=cy.user
        )
        assert left == []
    await assert_nothing(cy)
