"""GitHub is killed in the middle of a load: clicks say so, deliveries go on; clicks do once it is back."""

import asyncio
import secrets
from typing import Any

from bridge.core.model import FlowdockUser, GitHubToken, GitHubUser, LinkedAccount
from bridge.core.security.encryption import Vault
from bridge.storage.accounts import AccountStore
from scripts.sandbox.house import REPOSITORY, until
from tests.faults.load import Load
from tests.faults.row import AT, TOTAL
from tests.faults.table import check
from tests.kits import sign

CLICK = f"/repos/{REPOSITORY}/pulls/1/assign-to-me"
AWAY = "GitHub cannot be reached"


async def killed(load: Load) -> None:
    """One load, with clicks before, meanwhile and after."""
    github = next(one for one in reversed(load.house.processes) if "scripts.sandbox.github" in one.args)
    await _link(load)
    assert (await _click(load))[0] == 200
    sending = asyncio.create_task(load.send())
    await load.posted(AT[0])
    under_way = await _under_way(load)
    github.kill()
    github.wait()
    left = await load.not_posted()
    for status, answer in (await under_way, await _click(load)):
        assert (status, AWAY in answer["error"]) == (502, True), answer
    await load.posted(TOTAL - left + AT[0])
    assert (await _click(load))[0] == 502
    left_at_return = await load.not_posted()
    assert left_at_return < left
    load.house.start_github()
    await load.house.answers(f"{load.house.github}/_sandbox/webhooks")
    # The stand-in knows nothing of what was before.
    await load.house.act("ann-gh", "open", title="Fix", body="", head="fix", base="main")
    await _link(load)
    assert (await _click(load))[0] == 200
    await sending

    check(await load.finished("kill -9 GitHub", [left, left_at_return]))


async def _link(load: Load) -> None:
    body = {"user": "ann-gh", "scopes": "repo", "expiring": False}
    issued = await load.house.post(f"{load.house.github}/_sandbox/tokens", body)
    account = LinkedAccount(
        flowdock=FlowdockUser(id="1001", nick="ann", name="Ann"),
        github=GitHubUser(id=1001, login="ann-gh"),
        token=GitHubToken(access=issued["token"], refresh=None, expires_at=None, scopes=("repo",)),
        linked_at=1,
    )
    await AccountStore(load.redis, Vault([load.house.environ["ENCRYPTION_KEY"]])).link(account)


async def _click(load: Load) -> tuple[int, Any]:
    """Ann clicks a button; bridge's answer."""
    body = sign.action_body(load.house.bridge + CLICK)
    headers = {
        "Content-Type": "application/json",
        "FLOWDOCK-TOKEN": sign.flowdock_token(body, jti=secrets.token_hex(8)),
    }
    async with load.house.http.post(load.house.bridge + CLICK, data=body, headers=headers) as response:
        return response.status, await response.json()


async def _under_way(load: Load) -> asyncio.Task[tuple[int, Any]]:
    """A click about which bridge asks GitHub just now, and waits."""
    faults = f"{load.house.github}/_sandbox/faults"
    await load.house.post(faults, {"path": "/api/.*", "delay": 60})
    clicking = asyncio.create_task(_click(load))

    async def asked() -> bool:
        return [fault["times"] for fault in await load.house.get(faults)] == [0]

    await until(asked, "bridge does not ask GitHub")
    return clicking
