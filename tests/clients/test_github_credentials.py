"""bridge's credentials on GitHub: from the settings, or of an App that any process may have stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from bridge.clients import github_credentials as credentials
from bridge.clients.github_credentials import App, AppThere, GitHubCredentials, NoCredentials
from bridge.core.security.encryption import Undecryptable, Vault
from bridge.settings import Settings
from bridge.storage import keys
from bridge.storage.client import connect_redis
from tests.conftest import make_settings
from tests.kits.github_app import UNSET

APP = App(
    id=7,
    slug="bridge-test",
    name="bridge test",
    url="https://github.example/apps/bridge-test",
    client_id="Iv1.client",
    client_secret="s-client",
    webhook_secret="s-webhook",
    pem="s-pem",
    made_at=1,
)
OTHER = replace(APP, id=8, webhook_secret="s-other")


class Process:
    """One process's view: its own memory of what is in Redis, its own keys."""

    def __init__(self, redis: Any, chosen: Settings, **changes: Any) -> None:
        self.redis = redis
        chosen = replace(chosen, **{**UNSET, **changes})
        self.credentials = GitHubCredentials(redis, Vault(chosen.encryption_keys), chosen)


@pytest.fixture
async def processes(redis_url: str) -> AsyncIterator[Any]:
    async with _processes(redis_url) as opened:
        yield opened


@asynccontextmanager
async def _processes(redis_url: str) -> AsyncIterator[Any]:
    chosen = make_settings("http://b.example", "http://f.example", "http://g.example")
    redis = connect_redis(redis_url)
    yield lambda **changes: Process(redis, chosen, **changes)
    await redis.aclose()
    await redis.connection_pool.disconnect()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an App that was read be read again without waiting."""
    monkeypatch.setattr(credentials, "AGAIN_SECONDS", 0)


OAUTH = {
    "github_client_id": "id",
    "github_client_secret": "secret",
    "github_webhook_secrets": ("new", "old"),
}


@pytest.mark.parametrize("app", [True, False])
async def test_the_settings_come_first(processes: Any, app: bool, at_once: None) -> None:
    await processes().credentials.keep(APP, instead_of=None)
    here = processes(**OAUTH, github_app=app).credentials
    current = await here.current()
    assert (current.client_id, current.client_secret, current.app) == ("id", "secret", None)
    assert await here.webhook_secrets() == ("new", "old")
    assert await here.app() is None
    assert not await here.changed()
    assert here.from_settings


async def test_with_nothing_there_is_nothing(processes: Any) -> None:
    with pytest.raises(NoCredentials, match="bridge has no GitHub App yet"):
        await processes().credentials.current()
    with pytest.raises(NoCredentials, match="GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET are not set"):
        await processes(github_app=False).credentials.current()
    assert await processes().credentials.webhook_secrets() == ()


async def test_an_app_that_is_not_asked_for_is_not_looked_at(processes: Any) -> None:
    await processes().credentials.keep(APP, instead_of=None)
    assert await processes(github_app=False).credentials.app() is None


async def test_the_process_that_stores_it_has_it_at_once(processes: Any) -> None:
    here = processes().credentials
    assert await here.app() is None
    await here.keep(APP, instead_of=None)
    current = await here.current()
    assert (current.client_id, current.client_secret, current.app) == ("Iv1.client", "s-client", APP)
    assert await here.webhook_secrets() == ("s-webhook",)


async def test_the_environments_webhook_secrets_still_count_besides(processes: Any) -> None:
    here = processes(github_webhook_secrets=("by-hand",)).credentials
    await here.keep(APP, instead_of=None)
    assert await here.webhook_secrets() == ("by-hand", "s-webhook")


async def test_other_processes_find_it(processes: Any, at_once: None) -> None:
    before = processes().credentials
    assert await before.app() is None
    await processes().credentials.keep(APP, instead_of=None)
    assert await before.app() == APP
    assert (await processes().credentials.current()).app == APP, "and one that is started later"


async def test_nothing_is_asked_too_often(processes: Any) -> None:
    here = processes().credentials
    assert await here.app() is None
    await processes().credentials.keep(APP, instead_of=None)
    assert await here.app() is None
    assert not await here.changed()


async def test_a_replaced_app_is_found_where_nothing_fits(processes: Any, at_once: None) -> None:
    here = processes().credentials
    await here.keep(APP, instead_of=None)
    assert not await here.changed()
    await processes().credentials.keep(OTHER, instead_of=APP.id)
    assert await here.app() == APP, "what is known is good for a while"
    assert await here.changed()
    assert await here.webhook_secrets() == ("s-other",), "and the old secret is good no more"


async def test_a_replaced_app_is_found_after_a_while(processes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here = processes().credentials
    await here.keep(APP, instead_of=None)
    await processes().credentials.keep(OTHER, instead_of=APP.id)
    monkeypatch.setattr(credentials, "FRESH_SECONDS", 0)
    assert await here.app() == OTHER


@pytest.mark.parametrize("instead_of", [None, 99])
async def test_an_app_that_nobody_saw_is_not_overwritten(processes: Any, instead_of: int | None) -> None:
    here = processes().credentials
    await here.keep(APP, instead_of=None)
    with pytest.raises(AppThere):
        await processes().credentials.keep(OTHER, instead_of=instead_of)
    assert await processes().credentials.app() == APP


async def test_an_app_that_is_gone_is_not_replaced(processes: Any) -> None:
    with pytest.raises(AppThere):
        await processes().credentials.keep(OTHER, instead_of=APP.id)
    assert await processes().credentials.app() is None


async def test_two_at_once_keep_one(processes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other is stored between this one's look and its write."""
    here, other = processes(), processes()
    look = here.redis.get

    async def meanwhile(name: str) -> Any:
        found = await look(name)
        monkeypatch.undo()
        await other.credentials.keep(OTHER, instead_of=None)
        return found

    monkeypatch.setattr(here.redis, "get", meanwhile)
    with pytest.raises(AppThere):
        await here.credentials.keep(APP, instead_of=None)
    assert await processes().credentials.app() == OTHER


async def test_a_redis_that_is_away_takes_no_app_from_those_who_know_it(
    processes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    knows, new = processes(), processes()
    await knows.credentials.keep(APP, instead_of=None)
    monkeypatch.setattr(credentials, "FRESH_SECONDS", 0)

    async def away(name: str) -> Any:
        raise RedisConnectionError

    monkeypatch.setattr(knows.redis, "get", away)
    assert await knows.credentials.app() == APP
    with pytest.raises(RedisConnectionError):
        await new.credentials.app()


async def test_it_lies_encrypted_and_is_never_shown(processes: Any) -> None:
    here = processes()
    await here.credentials.keep(APP, instead_of=None)
    kept = await here.redis.get(keys.GITHUB_APP)
    shown = repr(APP) + repr(await here.credentials.current())
    for secret in (APP.client_secret, APP.webhook_secret, APP.pem):
        assert secret.encode() not in kept
        assert secret not in shown
    with pytest.raises(Undecryptable):
        await processes(encryption_keys=("n" * 32,)).credentials.app()
