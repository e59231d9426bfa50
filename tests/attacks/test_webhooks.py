"""A webhook speaks for its one repository, for no App, once, and as it was signed."""

import urllib.parse
from typing import Any

import aiohttp
import orjson
import pytest

from bridge.core.errors import Malformed
from bridge.core.github import webhook
from bridge.core.messages import translate
from bridge.queue.delivery_queue import SEEN_SECONDS
from bridge.storage import keys
from bridge.web.endpoints import webhook as web_webhook
from tests.conftest import REPOSITORY, House, set_to_work
from tests.kits.accounts import link
from tests.kits.attacks import COMPONENT_ID, GUARDED, Stranger, act, connected, sandbox, settled, stranger
from tests.kits.connecting import Installer
from tests.kits.worker import dead, tried

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def mallory(house: House) -> Stranger:
    return await stranger(house)


@GUARDED
async def test_one_repositorys_secret_speaks_for_no_other(
    mallory: Stranger, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    house = mallory.house
    if not guarded:
        monkeypatch.setattr(web_webhook, "hold_to", lambda *_: None)
    await connected(house, REPOSITORY, COMPONENT_ID)
    house.start_worker()
    status = await mallory.post(mallory.forged(COMPONENT_ID, REPOSITORY, title="Forged"))
    await settled(house)
    assert status == (401 if guarded else 202)
    assert ("Forged" in str(await house.threads())) is not guarded


@GUARDED
async def test_signed_json_is_taken_as_no_form(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """GitHub signs a description of the attacker's; the very bytes are posted again as a form."""
    mallory = await stranger(house)
    if not guarded:
        monkeypatch.setattr(webhook, "form_payload", any_field_called_payload)
    await connected(house, REPOSITORY, COMPONENT_ID)
    house.start_worker()
    forged = orjson.dumps(mallory.forged(COMPONENT_ID, REPOSITORY, title="Forged")).decode()
    hook = await sandbox(
        house,
        "hooks",
        {
            "repo": "evil/own",
            "as": "mallory",
            "url": f"{house.bridge}/github/webhook",
            "secret": house.services.settings.github_webhook_secrets[0],
            "events": ["pull_request"],
        },
    )
    await sandbox(house, "webhooks", {"mode": "send"})
    body = f"Look: &payload={urllib.parse.quote_plus(forged)}&"
    await act(house, "evil/own", "mallory", "open", title="x", body=body, head="x", base="main")
    await delivered(house)
    replayed = {"hook": hook["id"], "event": "pull_request"}
    changes = {"Content-Type": FORM, "X-GitHub-Delivery": "again"}
    [answer] = await sandbox(house, "webhooks/replay", {**replayed, "headers": changes})
    await settled(house)
    assert answer["status"] == (400 if guarded else 202)
    threads = [one["external_thread_id"] for one in await house.threads()]
    assert ("github:component:pr:1" in threads) is not guarded


def any_field_called_payload(body: bytes) -> bytes:
    """As it was: whatever field of the form is called so."""
    fields = urllib.parse.parse_qs(body.decode(errors="replace"))
    if "payload" not in fields:
        raise Malformed("the form has no field 'payload'")
    return fields["payload"][0].encode()


async def delivered(house: House) -> None:
    async with house.http.get(f"{house.github}/_sandbox/webhooks/idle") as response:
        assert (await response.json())["idle"]


@GUARDED
async def test_a_recorded_delivery_is_not_taken_again_under_another_id(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        fresh = iter(range(1000))
        monkeypatch.setattr(keys, "signed", lambda part, _: f"bridge:{{{part}}}:signed:{next(fresh)}")
    await set_to_work(house)
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await delivered(house)
    await settled(house)
    before = len(await house.messages())
    # More than a minute later; within a second GitHub itself may send two equal bodies.
    redis = house.redis
    for name in await redis.keys("bridge:*:signed:*"):
        await redis.expire(name, SEEN_SECONDS - 61)
    changes = {"X-GitHub-Delivery": "00000000-0000-0000-0000-000000000001"}
    [answer] = await sandbox(house, "webhooks/replay", {"event": "pull_request", "headers": changes})
    await settled(house)
    assert answer["status"] == (200 if guarded else 202)
    assert len(await house.messages()) == (before if guarded else before + 1)


async def test_two_equal_bodies_of_one_moment_are_both_taken(house: House) -> None:
    await set_to_work(house)
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await delivered(house)
    changes = {"X-GitHub-Delivery": "00000000-0000-0000-0000-000000000002"}
    [answer] = await sandbox(house, "webhooks/replay", {"event": "pull_request", "headers": changes})
    assert answer["status"] == 202


@GUARDED
async def test_a_signed_body_is_not_taken_for_another_event(
    house: House, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The event stands in a header that nobody signs: a line comment is posted again as one on the whole."""
    if not guarded:
        monkeypatch.setattr(translate, "fits_its_event", lambda _: True)
    await set_to_work(house)
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await delivered(house)
    await settled(house)
    changes = {"X-GitHub-Delivery": "other", "X-GitHub-Event": "pull_request_review"}
    again = {"event": "pull_request", "headers": changes}
    [answer] = await sandbox(house, "webhooks/replay", again)
    assert answer["status"] == 202
    if guarded:
        [letter] = await dead(house)
        assert letter.reason == "the payload does not fit the event pull_request_review"
    else:
        await tried(house, 1)


APP_EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("github_app_authorization", {"action": "revoked", "sender": {"id": 1, "login": "cy-gh"}}),
    (
        "installation",
        {"action": "deleted", "repositories": [{"id": COMPONENT_ID, "full_name": REPOSITORY}]},
    ),
    (
        "installation_repositories",
        {"action": "removed", "repositories_removed": [{"id": COMPONENT_ID, "full_name": REPOSITORY}]},
    ),
    ("membership", {"action": "added", "organization": {"login": "acme"}, "team": {"id": 5}}),
]


@pytest.mark.parametrize(("event", "payload"), APP_EVENTS, ids=[event for event, _ in APP_EVENTS])
@pytest.mark.parametrize("about_own", [True, False], ids=["with a repository", "without"])
@GUARDED
async def test_no_repositorys_webhook_speaks_for_the_app(
    mallory: Stranger, event: str, payload: dict[str, Any], about_own: bool, guarded: bool
) -> None:
    """The control is the operator's secret, which may: the same words change something there."""
    house = mallory.house
    account = await link(house, "cy")
    if "sender" in payload:
        payload = {**payload, "sender": {"id": account.github.id, "login": "cy-gh"}}
    await connected(house, REPOSITORY, COMPONENT_ID)
    # So that GitHub, when it is asked, says what the forger says.
    await revoke_at_github(house, account.token.access)
    if about_own:
        payload = {**payload, "repository": {"id": mallory.repository_id, "full_name": "evil/own"}}
    if guarded:
        assert await mallory.post(payload, event=event) == 204
    else:
        assert (await house.deliver(payload, event=event)).status == 204
    changed = await house.services.account_store.get("1003") is None or bool(
        await house.redis.zcard(keys.CHECKUPS) or await house.redis.zcard(keys.WATCH)
    )
    assert changed is (not guarded and not about_own)


async def revoke_at_github(house: House, token: str) -> None:
    async with house.http.delete(
        f"{house.github}/api/v3/applications/github-client/token",
        json={"access_token": token},
        headers={"Authorization": aiohttp.encode_basic_auth("github-client", "github-secret")},
    ) as response:
        assert response.status == 204, await response.text()


async def test_repairing_replaces_address_and_secret_and_the_old_ones_open_nothing(house: House) -> None:
    cy = await Installer.of(house, "cy")
    connection = (await cy.connect(await cy.repository())).connection
    [before] = await cy.hooks()
    mallory = Stranger(house, COMPONENT_ID, await key_of(house, before), {})
    payload = {"zen": "x", "hook_id": 1, "repository": {"id": COMPONENT_ID, "full_name": REPOSITORY}}
    assert await mallory.post(payload, event="ping") == 200
    await house.services.webhook_repair.repair(connection, user=cy.user)
    [after] = await cy.hooks()
    assert after["config"]["url"] != before["config"]["url"]
    assert await mallory.post(payload, event="ping") == 401
    mallory.key = await key_of(house, after)
    assert await mallory.post(payload, event="ping") == 200
    await house.services.connect_service.disconnect(connection, access_token=cy.access_token, user=cy.user)
    assert await mallory.post(payload, event="ping") == 401


async def key_of(house: House, hook: dict[str, Any]) -> Any:
    found = await house.services.webhook_keys.find(hook["config"]["url"].rpartition("/")[2])
    assert found is not None
    return found


async def test_an_address_with_a_query_is_refused(mallory: Stranger) -> None:
    answer = await mallory.house.deliver_bytes(b"{}", query="?repository=1")
    assert answer.status == 400


async def test_another_repositorys_webhook_is_noted_by_nobodys_ping(mallory: Stranger) -> None:
    """A ping tells a webhook's id, which is a word of its sender's."""
    house = mallory.house
    payload = {
        "zen": "x",
        "hook_id": 77,
        "repository": {"id": mallory.repository_id, "full_name": "evil/own"},
    }
    assert await mallory.post(payload, event="ping") == 200
    assert await house.services.webhook_keys.pinged_at(77, repository_id=mallory.repository_id) > 0
    assert await house.services.webhook_keys.pinged_at(77, repository_id=COMPONENT_ID) == 0
