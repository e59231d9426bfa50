"""`bridge hook`: whose token makes the webhook, what is mended, and that its ping is seen."""

from pathlib import Path

import pytest

from bridge.cli import hook as hook_command
from bridge.clients.github_webhooks import EVENTS
from bridge.core.errors import BridgeError
from scripts.sandbox.faults import Fault
from tests.conftest import REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.commands import drive, environ_of, hooks_of, run, token_of

HOOKS = f"/api/v3/repos/{REPOSITORY}/hooks"


async def hook(house: House, *, typed: str = REPOSITORY, login: str = "", token: str = "") -> None:
    await hook_command.hook(house.services, typed=typed, login=login, token=token)


async def refusal(house: House, *, typed: str = REPOSITORY, login: str = "", token: str = "") -> str:
    with pytest.raises(BridgeError) as error:
        await hook(house, typed=typed, login=login, token=token)
    return str(error.value)


def writes(house: House) -> list[tuple[str, str]]:
    return [
        (call.method, call.path.removeprefix(HOOKS))
        for call in house.github_journal.calls
        if call.method != "GET" and call.path.startswith(HOOKS)
    ]


async def test_a_webhook_is_made_pinged_and_remembered(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    await house.connect()
    house.start_worker()
    await hook(house, token=await token_of(house, "cy-gh"))
    (made,) = await hooks_of(house)
    assert made["config"]["url"].startswith(f"{house.bridge}/github/webhook/")
    assert set(made["events"]) == set(EVENTS)
    printed = capsys.readouterr()
    assert f"Created webhook {made['id']} of {REPOSITORY}, as the user of GITHUB_TOKEN." in printed.out
    assert f"GitHub's ping arrived: {house.bridge} receives the events of {REPOSITORY}." in printed.out
    assert "No flow is connected yet" not in printed.out
    (connection,) = await house.services.connections.all()
    assert connection.hook_id == made["id"]
    await house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    assert await eventually(house.threads), "what it sends is taken: the secret is right"


async def test_a_webhook_that_works_is_left_one(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    token = await token_of(house, "cy-gh")
    await hook(house, token=token)
    await hook(house, token=token)
    assert len(await hooks_of(house)) == 1
    printed = capsys.readouterr().out
    assert printed.count("Created webhook") == printed.count("Checked and repaired webhook") == 1
    assert printed.count("ping arrived") == 2
    assert f"bridge connect {REPOSITORY}" in printed, "nothing is connected"


async def test_a_broken_webhook_is_mended(house: House) -> None:
    body = {"repo": REPOSITORY, "url": f"{house.bridge}/github/webhook", "secret": "old", "events": ["push"]}
    await drive(house, "hooks", body)
    await hook(house, token=await token_of(house, "cy-gh"))
    (mended,) = await hooks_of(house)
    assert set(mended["events"]) == set(EVENTS)
    assert writes(house)[0][0] == "PATCH"


async def test_the_installer_is_asked_first(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    await drive(house, "users/bob-gh", {"permission": "admin", "repo": REPOSITORY})
    await link(house, "cy")
    await link(house, "bob")
    await house.connect()
    (connection,) = await house.services.connections.all()
    for user, login in (("1002", "bob-gh"), ("1003", "cy-gh")):
        await house.services.connections.change(connection.id, installer=user)
        await hook(house)
        assert f", as @{login}." in capsys.readouterr().out


async def test_without_an_installer_an_administrator_does(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    for nick in ("ann", "bob", "cy"):
        await link(house, nick)
    await hook(house)
    assert ", as @cy-gh." in capsys.readouterr().out


async def test_one_can_be_named(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    await drive(house, "users/ann-gh", {"permission": "admin", "repo": REPOSITORY})
    await link(house, "cy")
    await link(house, "ann")
    await hook(house, login="@Ann-GH", token="not looked at")
    assert ", as @ann-gh." in capsys.readouterr().out
    assert "@bob-gh has not linked a GitHub account to bridge" in await refusal(house, login="bob-gh")


async def test_only_so_many_accounts_are_tried(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for nick in ("ann", "bob"):
        await link(house, nick)
    monkeypatch.setattr(hook_command, "MAX_TRIED", 1)
    await refusal(house)
    asked = [call for call in house.github_journal.calls if call.path == f"/api/v3/repos/{REPOSITORY}"]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ("ann-gh", "the user of GITHUB_TOKEN does not administer acme/component"),
        ("dee-gh", "the user of GITHUB_TOKEN does not administer acme/component"),
        ("", "GitHub no longer accepts the token of the user of GITHUB_TOKEN"),
    ],
)
async def test_a_token_that_may_not_is_one_sentence(house: House, who: str, sentence: str) -> None:
    told = await refusal(house, token=await token_of(house, who) if who else "gho_madeup")
    assert told.startswith(sentence)
    assert told.endswith(
        "set GITHUB_TOKEN to the token of an administrator of acme/component, or have one link their account"
    )
    assert await hooks_of(house) == []


async def test_a_repository_that_nobody_sees(house: House) -> None:
    token = await token_of(house, "dee-gh")
    assert "cannot see acme/gadgets on GitHub" in await refusal(house, typed="acme/gadgets", token=token)
    assert "cannot see acme/nowhere on GitHub" in await refusal(house, typed="acme/nowhere", token=token)
    assert "'acme' is not a repository" in await refusal(house, typed="acme", token=token)


async def test_a_renamed_repository_is_asked_for_by_its_present_name(house: House) -> None:
    await house.act("cy-gh", "rename", name="part")
    told = await refusal(house, token=await token_of(house, "cy-gh"))
    assert told == "acme/component was renamed or moved: use its current name"


async def test_nobody_is_linked(house: House) -> None:
    assert (await refusal(house)).startswith("nobody has linked a GitHub account: set GITHUB_TOKEN")


async def test_an_account_whose_token_died_is_passed_over(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    await link(house, "ann", expires_in=0)
    house.github_journal.faults.append(Fault(path="/login/oauth/access_token", status=503))
    await link(house, "cy")
    await hook(house)
    assert ", as @cy-gh." in capsys.readouterr().out


async def test_a_ping_that_does_not_come_says_what_to_check(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hook_command, "PING_SECONDS", 1)
    await drive(house, "webhooks", {"mode": "hold"})
    await house.connect()
    told = await refusal(house, token=await token_of(house, "cy-gh"))
    assert "GitHub's ping did not arrive within 1 s" in told
    (made,) = await hooks_of(house)
    assert f"{house.github}/{REPOSITORY}/settings/hooks/{made['id']}" in told
    assert (await house.services.connections.all())[0].hook_id == made["id"]
    assert "Waiting for GitHub's ping (1 s)" in capsys.readouterr().err


@pytest.mark.parametrize("at", ["GET", "POST"])
async def test_a_github_that_fails_is_one_sentence(house: House, at: str) -> None:
    token = await token_of(house, "cy-gh")
    house.github_journal.faults.append(Fault(method=at, path=HOOKS, status=502))
    assert "GitHub answered 502" in await refusal(house, token=token)


async def test_as_a_process(house: House, redis_url: str, tmp_path: Path) -> None:
    token = await token_of(house, "cy-gh")
    environ = environ_of(house, redis_url, GITHUB_TOKEN=token, GITHUB_CLIENT_ID="", FLOWDOCK_CLIENT_ID="")
    done = await run(tmp_path, "hook", REPOSITORY, environ=environ, anew=True)
    assert (done.returncode, "ping arrived" in done.stdout) == (0, True), done
    assert "Waiting for GitHub's ping" in done.stderr
    assert token not in done.stdout + done.stderr
    failed = await run(tmp_path, "hook", REPOSITORY, environ={**environ, "GITHUB_TOKEN": "gho_wrong"})
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1), failed
    assert failed.stderr.startswith("bridge: GitHub no longer accepts the token")
    missing = await run(tmp_path, "hook", REPOSITORY, environ={"REDIS_URL": redis_url})
    assert missing.returncode == 2
    for name in ("WEB_URL", "ENCRYPTION_KEY"):
        assert f"{name} is missing" in missing.stderr
    assert "FLOWDOCK" not in missing.stderr, "those are not needed here"
    helped = await run(tmp_path, "hook", "--help", environ={})
    assert (helped.returncode, "GITHUB_TOKEN" in helped.stdout) == (0, True)
