"""`bridge inbox`, `owner` and `export`, and the address that `serve` prints while nobody owns the inbox."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.cli import opening
from bridge.cli.inbox import first_owner_address
from bridge.inbox.admission import Admission
from bridge.inbox.threads.messages import MessageStore
from bridge.settings import SettingsError
from scripts.sandbox.browse import Browser
from tests.conftest import House
from tests.inbox.threads.test_messages import content
from tests.kits.commands import COMPLETE, environ_of, run
from tests.kits.inbox import FLOWDOCK, IDS, is_in, open_inbox, sign_in

WITHOUT_FLOWDOCK = dict.fromkeys(FLOWDOCK, "")


@pytest.fixture
async def inbox(redis_url: str) -> AsyncIterator[tuple[House, Admission]]:
    async with open_inbox(redis_url) as opened:
        yield opened


async def test_an_owner_is_named_by_login_and_signs_in(
    inbox: tuple[House, Admission], redis_url: str, tmp_path: Path
) -> None:
    house, admission = inbox
    environ = environ_of(house, redis_url, **WITHOUT_FLOWDOCK)
    done = await run(tmp_path, "inbox", "owner", "@Dee-gh", environ=environ)
    assert (done.returncode, done.stdout) == (
        0,
        f"@dee-gh owns the inbox. Sign in at {house.bridge}/inbox\n",
    )
    assert [(one.id, one.owner) for one in await admission.people.all()] == [(IDS["dee"], True)]
    async with Browser() as browser:
        await sign_in(house, browser, "dee")
        assert await is_in(house, browser)
    for login, status, reason in (
        ("nobody-there", 1, "GitHub has no account nobody-there"),
        ("../user", 2, "is not a login on GitHub"),
    ):
        done = await run(tmp_path, "inbox", "owner", login, environ=environ)
        assert (done.returncode, reason in done.stderr) == (status, True), done.stderr
    done = await run(tmp_path, "inbox", "owner", "dee-gh", environ=environ_of(house, redis_url))
    assert (done.returncode, "Flowdock is set by the environment" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("command", "more", "status", "sentence"),
    [
        (["inbox"], {"INBOX_APPLICATION_URL": ""}, 2, "INBOX_APPLICATION_URL is missing"),
        (["inbox"], {"FLOWDOCK_CLIENT_ID": "x"}, 1, "Flowdock is set by the environment"),
        (["inbox", "application"], {"FLOWDOCK_CLIENT_ID": "x"}, 1, "Flowdock is set by the environment"),
        (["web"], {}, 2, "INBOX_APPLICATION_URL is for `bridge inbox` alone: remove it here"),
    ],
)
async def test_an_inbox_that_cannot_run_alone_says_why(
    tmp_path: Path, command: list[str], more: dict[str, str], status: int, sentence: str
) -> None:
    url = {"INBOX_APPLICATION_URL": "https://bridge.example"}
    environ = COMPLETE | dict.fromkeys(FLOWDOCK, "") | url | more
    done = await run(tmp_path, *command, environ=environ)
    assert (done.returncode, sentence in done.stderr) == (status, True), done.stderr


@pytest.mark.parametrize(
    ("environ", "made"),
    [
        ({}, {"COOKIE_SECRET", "ENCRYPTION_KEY", "GITHUB_APP"}),
        ({"WEB_URL": "https://x.example"}, {"COOKIE_SECRET", "ENCRYPTION_KEY", "GITHUB_APP"}),
        (
            {name: COMPLETE[name] for name in COMPLETE if name.startswith("GITHUB")},
            {"COOKIE_SECRET", "ENCRYPTION_KEY"},
        ),
        ({"GITHUB_CLIENT_ID": "x"}, set()),
        ({"PORT": "none"}, set()),
        ({"REDIS_URL": "redis://x"}, set()),
        ({"COOKIE_SECRET": "s" * 32}, set()),
        ({"ENCRYPTION_KEY": "s" * 32}, set()),
    ],
)
def test_a_first_start_makes_the_settings_that_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], made: set[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    found = opening.first_settings(environ)
    assert found.keys() == made
    assert opening.kept_settings(environ) == found
    file = tmp_path / "bridge/settings.env"
    assert not made or file.stat().st_mode & 0o777 == 0o600
    assert opening.kept_settings({"REDIS_URL": "redis://x"}) == {}


def test_a_later_start_makes_no_second_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "bridge/redis").mkdir(parents=True)
    with pytest.raises(SettingsError, match=r"bridge/redis has data of an earlier start\n.*--env-file FILE"):
        opening.first_settings({})
    assert not (tmp_path / "bridge/settings.env").exists()


async def test_each_start_has_an_address_of_its_own_until_somebody_owns_the_inbox(
    inbox: tuple[House, Admission],
) -> None:
    house, admission = inbox
    first, second = [await first_owner_address(house.services) for _ in range(2)]
    async with Browser() as browser:
        assert (await browser.open(first)).status == 403
        assert (await browser.open(second)).status == 200
        await admission.people.put(7, nick="eve", name="", avatar="", admitted_by="operator")
        await admission.people.make_owner(7)
        assert (await browser.open(second)).status == 403, "there is an owner"
        assert (await browser.open(f"{second}/sign-in")).status == 403
    assert await first_owner_address(house.services) == ""


async def test_a_flow_is_exported_to_standard_output(
    inbox: tuple[House, Admission], redis_url: str, tmp_path: Path
) -> None:
    house, admission = inbox
    flow = await admission.flows.make(organization="team", slug="main", name="Main", owner=1001)
    assert flow
    await MessageStore(redis=house.services.redis).post(flow.id, 1, content(1, title="é"))
    environ = environ_of(house, redis_url, **WITHOUT_FLOWDOCK)
    done = await run(tmp_path, "inbox", "export", "Team/Main", environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    [thread] = json.loads(done.stdout)["threads"]
    assert [one["title"] for one in thread["messages"]] == ["é"]
    done = await run(tmp_path, "inbox", "export", "team/none", environ=environ)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no flow 'team/none'" in done.stderr
