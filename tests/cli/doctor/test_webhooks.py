"""The doctor's rows about webhooks and connections."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bridge.cli.doctor import webhooks
from bridge.core.model import Problem
from bridge.storage import keys
from scripts.sandbox.faults import Fault
from tests.conftest import REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.commands import drive, token_of
from tests.kits.doctor import WEBHOOK, Doctor

Break = Callable[[House], Awaitable[Any]]


async def installed(house: House) -> None:
    """A connection of cy's, whose webhook is as it should be."""
    await link(house, "cy")
    await house.connect()
    (connection,) = await house.services.connections.all()
    token = await token_of(house, "cy-gh")
    repository = await house.services.hooks.repositories.by_name(REPOSITORY, token=token)
    made = await house.services.hooks.ensure(repository, token=token)
    await house.services.connections.change(connection.id, installer="1003", hook_id=made.id)

    async def pinged() -> bool:
        return await house.services.webhook_keys.pinged_at(made.id, repository_id=repository.id) > 0

    await eventually(pinged)


async def remove_hook(house: House) -> None:
    (connection,) = await house.services.connections.all()
    await house.services.hooks.remove(
        REPOSITORY, connection.hook_id or 0, token=await token_of(house, "cy-gh")
    )


async def narrow_hook(house: House) -> None:
    (connection,) = await house.services.connections.all()
    url = f"{house.github}/api/v3/repos/{REPOSITORY}/hooks/{connection.hook_id}"
    headers = {"Authorization": f"Bearer {await token_of(house, 'cy-gh')}"}
    async with house.http.patch(url, json={"events": ["push"], "active": False}, headers=headers) as response:
        assert response.status == 200


async def forget_ping(house: House) -> None:
    (connection,) = await house.services.connections.all()
    await house.redis.delete(keys.ping(1296269, connection.hook_id or 0))


async def unlink(house: House) -> None:
    account = await house.services.account_store.get("1003")
    assert account is not None
    await house.services.account_store.unlink(account.flowdock.id)


async def revoke(house: House) -> None:
    async with house.http.delete(f"{house.github}/_sandbox/tokens?user=cy-gh") as response:
        assert response.status < 300


async def demote(house: House) -> None:
    await drive(house, "users/cy-gh", {"permission": "read", "repo": REPOSITORY})


async def nothing(house: House) -> None:
    pass


HOOKS: list[tuple[Break, str, str]] = [
    (nothing, "fine", "pinged "),
    (forget_ping, "fine", "no ping within a day"),
    (remove_hook, "wrong", f"GitHub has no webhook for bridge: bridge hook {REPOSITORY}"),
    (narrow_hook, "wrong", "it is inactive; it does not send branch_protection_rule"),
    (
        unlink,
        "warn",
        "no linked account can check it: try bridge hook",
    ),
    (revoke, "warn", "they must link their account again"),
    (demote, "warn", "the person who connected it cannot see it"),
]


@pytest.mark.parametrize(("broken", "state", "words"), HOOKS, ids=[row[0].__name__ for row in HOOKS])
async def test_the_webhook_of_a_connection(asking: Doctor, broken: Break, state: str, words: str) -> None:
    await installed(asking.house)
    await broken(asking.house)
    found = await asking.row(WEBHOOK)
    assert (found[0], words in found[1]) == (state, True), found


@pytest.mark.parametrize(
    ("policy", "words"),
    [("off", "switched off in its settings"), ("collaborators_only", "only collaborators"), ("all", "")],
)
async def test_a_repository_where_not_everybody_may_open_pull_requests_is_named(
    asking: Doctor, policy: str, words: str
) -> None:
    await installed(asking.house)
    await asking.house.act("cy-gh", "settings", pull_requests=policy)
    found = (await asking.asked()).get(f"pull requests of {REPOSITORY}", ("", ""))
    assert (found[0], words in found[1]) == ("warn" if words else "", True)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(path=".*/hooks", status=502), "GitHub answered 502"),
        (Fault(path=".*/hooks", status=429, headers={"Retry-After": "7"}), "rate limit"),
    ],
    ids=["failing", "limited"],
)
async def test_a_github_that_does_not_tell_now_is_no_broken_webhook(
    asking: Doctor, fault: Fault, words: str
) -> None:
    await installed(asking.house)
    asking.house.github_journal.faults.append(fault)
    found = await asking.row(WEBHOOK)
    assert (found[0], words in found[1], "cannot see it" in found[1]) == ("warn", True, False)


async def test_a_renamed_repository_is_asked_about_by_its_present_name(asking: Doctor) -> None:
    house = asking.house
    await installed(house)
    repository = await house.services.hooks.repositories.by_name(
        REPOSITORY, token=await token_of(house, "cy-gh")
    )
    await house.services.connections.of_repository(repository.id, REPOSITORY)
    await house.services.pulls.name_repository(repository.id, "acme/part", at="1")
    await house.act("cy-gh", "rename", name="part")
    assert (await asking.row(WEBHOOK))[0] == "fine"


async def test_several_connections_of_a_repository_are_one_row_and_their_trouble_another(
    asking: Doctor,
) -> None:
    await installed(asking.house)
    await asking.house.services.connections.connect(REPOSITORY, flow_token="another", name="again")
    *_, last = await asking.house.services.connections.all()
    problem = Problem(kind="deliveries", text="Deliveries fail.", since=int(time.time()))
    await asking.house.services.connections.change(last.id, problem=problem)
    found = await asking.asked()
    assert [check for check in found if check.startswith("webhook")] == [WEBHOOK]
    assert found[f"connection {last.id}"] == ("warn", f"{REPOSITORY}: Deliveries fail.")


async def test_only_so_many_repositories_are_asked_about(
    asking: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MAX_REPOSITORIES", 1)
    for name in ("a", "b", "c"):
        await asking.house.services.connections.connect(f"acme/{name}", flow_token=f"t-{name}", name=name)
    found = await asking.asked()
    assert found["webhooks"] == ("warn", "2 more were not checked")
