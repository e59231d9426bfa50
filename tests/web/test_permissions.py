"""Who sees and changes what: every page and form of bridge, by every kind of visitor."""

import re
from dataclasses import dataclass

import pytest

from bridge.core.model import Connection
from bridge.storage.connections import new_connection_id
from bridge.web.app import create_app
from scripts.sandbox.browse import Browser
from tests.conftest import REPOSITORY, House
from tests.kits.accounts import link
from tests.kits.addresses import addresses
from tests.kits.personal import noted, sign_in
from tests.kits.worker import REPOSITORY_ID

FLOW = "acme/ops"
"""Ann and Bob are in it, Cy is not; Ann connected it."""

VISITORS = {"nobody": None, "another flow's": "cy", "a member": "bob", "the installer": "ann"}

SIGN_IN, PAGE, NOTHING, DONE, REFUSED = "sign in", "page", "nothing", "done", "refused"
"""To the sign-in (303, or 401 for a form) · 200 · 404 · 303 to bridge itself · 403 or 422."""

EVERYBODY = (PAGE, PAGE, PAGE, PAGE)
SIGNED_IN = (SIGN_IN, PAGE, PAGE, PAGE)
MEMBERS = (SIGN_IN, NOTHING, PAGE, PAGE)
MEMBERS_DO = (SIGN_IN, NOTHING, DONE, DONE)

# By method and address: what each kind of visitor gets. A form is sent with the visitor's own csrf value.
TABLE: dict[tuple[str, str], tuple[str, str, str, str]] = {
    ("GET", "/"): EVERYBODY,
    ("GET", "/help"): EVERYBODY,
    ("GET", "/account"): SIGNED_IN,
    ("GET", "/flowdock/setup"): SIGNED_IN,
    ("GET", "/flowdock/setup?flow=acme:ops"): (SIGN_IN, REFUSED, PAGE, PAGE),
    ("GET", "/flowdock/setup/unknown"): (SIGN_IN, NOTHING, NOTHING, NOTHING),
    ("POST", "/flowdock/setup?"): (SIGN_IN, REFUSED, REFUSED, REFUSED),
    ("POST", "/flowdock/setup/unknown"): (SIGN_IN, NOTHING, NOTHING, NOTHING),
    ("GET", "/flowdock/configure?source=SOURCE&source_url=SOURCE_URL"): (SIGN_IN, NOTHING, DONE, DONE),
    ("GET", "/connections/ID"): MEMBERS,
    ("GET", "/connections/00000000"): (SIGN_IN, NOTHING, NOTHING, NOTHING),
    ("GET", "/connections/ID/deliveries"): MEMBERS,
    ("GET", "/connections/ID/deliveries/DELIVERY"): MEMBERS,
    ("GET", "/connections/ID/disconnect"): MEMBERS,
    ("GET", "/connections/ID/disconnected"): (SIGN_IN, NOTHING, NOTHING, NOTHING),
    ("POST", "/connections/ID/options"): MEMBERS_DO,
    ("POST", "/connections/ID/pause"): MEMBERS_DO,
    ("POST", "/connections/ID/webhook"): MEMBERS_DO,
    ("POST", "/connections/ID/care"): MEMBERS_DO,
    ("POST", "/connections/ID/test"): MEMBERS_DO,
    ("POST", "/connections/ID/dead-letters"): (SIGN_IN, NOTHING, REFUSED, REFUSED),
    ("POST", "/connections/ID/disconnect"): MEMBERS_DO,
    ("POST", "/account/unlink"): (SIGN_IN, DONE, DONE, DONE),
    ("POST", "/signout"): (SIGN_IN, DONE, DONE, DONE),
}

OF_THEIR_OWN = {
    # Not by session: signed by GitHub or Flowdock, or bound to a browser by a state; see their own tests.
    ("POST", "/github/webhook"),
    ("POST", "/github/webhook/{key}"),
    ("POST", "/repos/{owner}/{repo}/pulls/{number}/{action}"),
    ("GET", "/authorization"),
    ("GET", "/authorization/confirm"),
    ("POST", "/authorization/confirm"),
    ("GET", "/authorization/linked"),
    ("POST", "/authorization/linked"),
    ("GET", "/auth/flowdock/callback"),
    ("GET", "/auth/github/callback"),
    ("GET", "/signin"),
    # By a link's id alone, or moreover bound to a browser that signed in with GitHub.
    ("GET", "/handover/{id}"),
    ("GET", "/handover/{id}/sign-in"),
    ("GET", "/handover/{id}/confirm"),
    ("POST", "/handover/{id}/confirm"),
    # On to GitHub, for whoever is signed in.
    ("GET", "/account/link"),
    # The operator's, by SETUP_SECRET or from this machine.
    ("GET", "/github/manifest"),
    ("POST", "/github/manifest/operator"),
    ("GET", "/github/manifest/created"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/static"),
}


@dataclass(frozen=True)
class Scene:
    """A connection of the flow, and a delivery that came for it."""

    connection: Connection
    delivery: str

    def address(self, house: House, path: str) -> str:
        source = f"/flows/{FLOW}/sources/{self.connection.source_id}"
        for name, value in {
            "SOURCE_URL": f"{house.flowdock}{source}",
            "SOURCE": self.connection.source_id,
            "ID": self.connection.id,
            "DELIVERY": self.delivery,
        }.items():
            path = re.sub(rf"\b{name}\b", value, path)
        return house.bridge + path


@pytest.fixture
async def scene(house: House) -> Scene:
    for nick in ("ann", "bob"):
        await link(house, nick)
    body = {"flow": FLOW, "name": REPOSITORY, "external_url": f"{house.github}/{REPOSITORY}"}
    async with house.http.post(f"{house.flowdock}/_sandbox/sources", json=body) as response:
        source = await response.json()
    one = Connection(
        id=new_connection_id(),
        repository=REPOSITORY,
        repository_id=REPOSITORY_ID,
        name="",
        flow_token=source["flow_token"],
        created_at=1,
        flow=FLOW,
        source_id=str(source["id"]),
        installer="1001",
    )
    await house.services.connections.add(one)
    return Scene(connection=one, delivery=await noted(house, one, "posted"))


async def csrf_of(house: House, browser: Browser) -> str:
    async with browser.session.get(f"{house.bridge}/account") as response:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', await response.text())
    assert found is not None
    return found[1]


async def asked(browser: Browser, method: str, address: str, csrf: str) -> tuple[str, str]:
    """What came of it, in the table's words, and the page's text."""
    data = {"csrf": csrf, "do": "pause"} if method == "POST" else None
    async with browser.session.request(method, address, data=data, allow_redirects=False) as response:
        text, location = await response.text(), response.headers.get("Location", "")
        if response.status == 401 or location.startswith("/signin?"):
            return SIGN_IN, text
        if response.status == 303:
            assert location.startswith("/"), location
            return DONE, text
        words = {200: PAGE, 404: NOTHING, 403: REFUSED, 400: REFUSED, 422: REFUSED}
        assert response.status in words, (response.status, text)
        return words[response.status], text


@pytest.mark.parametrize("visitor", VISITORS)
async def test_each_sees_and_does_what_is_theirs(house: House, scene: Scene, visitor: str) -> None:
    column, nick = list(VISITORS).index(visitor), VISITORS[visitor]
    found = {}
    for method, path in TABLE:
        # The last rows take away what the others need.
        async with Browser() as browser:
            if nick:
                await sign_in(house, browser, nick)
            csrf = await csrf_of(house, browser) if nick else ""
            found[method, path], text = await asked(browser, method, scene.address(house, path), csrf)
        if TABLE[method, path][column] in (SIGN_IN, NOTHING, REFUSED):
            # The address itself is what the visitor brought.
            assert REPOSITORY not in text, (method, path)
        assert scene.connection.flow_token not in text
        if path.endswith("/disconnect") and method == "POST" and found[method, path] == DONE:
            assert await house.services.connections.all() == []
            await house.services.connections.add(scene.connection)
    assert found == {row: cells[column] for row, cells in TABLE.items()}


@pytest.mark.parametrize(("method", "path"), [row for row in TABLE if row[0] == "POST"])
async def test_no_form_is_taken_from_another_site(house: House, scene: Scene, method: str, path: str) -> None:
    """Another site's form brings the cookie where browsers are lax, and never the csrf value."""
    async with Browser() as browser:
        await sign_in(house, browser, "ann")
        theirs = "0" * 64
        before = await house.services.connections.all(), await house.services.account_store.get("1001")
        assert (await asked(browser, method, scene.address(house, path), theirs))[0] == REFUSED
        assert before == (
            await house.services.connections.all(),
            await house.services.account_store.get("1001"),
        )


async def test_every_address_is_in_the_table(house: House) -> None:
    routes = set(addresses(create_app(house.services)))
    placeholders = {"ID": "{id}", "DELIVERY": "{delivery}"}
    known = set(OF_THEIR_OWN)
    for method, path in TABLE:
        bare = path.partition("?")[0]
        bare = re.sub(r"^/(connections|flowdock/setup)/(00000000|unknown)", r"/\1/{id}", bare)
        known.add((method, re.sub("ID|DELIVERY", lambda found: placeholders[found[0]], bare)))
    assert routes == known
