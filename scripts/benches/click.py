"""A click: the time that bridge adds to its calls to GitHub as the person who clicked."""

import hashlib
import itertools
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from statistics import quantiles

import aiohttp
import jwt

from bridge.clients.github import can_act
from bridge.core.model import FlowdockUser, GitHubToken, GitHubUser, LinkedAccount
from bridge.core.security.encryption import Vault
from bridge.storage.accounts import AccountStore
from scripts.benches import rig as rigs
from scripts.benches.deliveries import Counted
from scripts.benches.findings import Figure, Findings
from scripts.benches.rig import REPOSITORY, REPOSITORY_ID, Rig, expect, say

DELAY = 0.03
USER, LOGIN = "1001", "ann-gh"
PATH = f"/repos/{REPOSITORY}/pulls/1/assign-to-me"
ANN = {"login": LOGIN, "id": 1}
ANSWER = json.dumps({**ANN, "number": 1, "base": {"repo": {"id": REPOSITORY_ID}}, "assignees": [ANN]})
"""To each call of a click: who clicks, which pull request it is, and the assignment."""
CALLS = 3
PULL = f"/api/v3/repos/{REPOSITORY}/pulls/1"
ASSIGN = f"/api/v3/repos/{REPOSITORY}/issues/1/assignees"

_CLICKS = itertools.count(1)


async def measure(quick: bool) -> Findings:
    """Return the median and the p99 of a click, beside the same calls to GitHub made bare, in turn."""
    rounds, clicks = (3, 60) if quick else (5, 300)
    async with rigs.open_rig(settings={"FLOWDOCK_CLIENT_SECRET": secrets.token_hex(32)}) as rig:
        github = await rig.start_peer("answers", "--delay", str(DELAY), "--status", "201", "--answer", ANSWER)
        rig.house.github = github
        await rig.start_web()
        await link(rig)
        ours, theirs = await _rounds(rig, github, rounds=rounds, clicks=clicks)
    return Findings(
        figures=[
            Figure(
                name=f"click, {name}",
                unit="ms",
                ours=[_share(one, percent) for one in ours],
                peer="bare calls to GitHub",
                theirs=[_share(one, percent) for one in theirs],
                bound=bound,
                better="less",
            )
            for name, percent, bound in (("median", 50, 1.3), ("p99", 99, None))
        ],
        remarks=[
            f"Click: *Assign to me*, signed as Flowdock does, {clicks} in turn over one kept-alive"
            f" connection, in each of {rounds} rounds; {CALLS} calls to GitHub each (counted), whose stand-in"
            f" takes {DELAY * 1000:.0f} ms for one. Beside it the same calls by aiohttp alone.",
        ],
    )


async def _rounds(
    rig: Rig, github: str, *, rounds: int, clicks: int
) -> tuple[list[list[float]], list[list[float]]]:
    """Milliseconds of each click, and of each bare call, by round."""
    counted = Counted(rig, github)
    ours: list[list[float]] = []
    theirs: list[list[float]] = []
    async with aiohttp.ClientSession() as http:
        await click(rig, http)
        for at in range(rounds):
            await counted.reset()
            ours.append(await _timed(clicks, lambda: click(rig, http)))
            calls = (await counted.now())["posts"]
            expect(
                calls == CALLS * clicks, f"{clicks} clicks made {calls:g} calls to GitHub, not {CALLS} each"
            )
            theirs.append(await _timed(clicks, lambda: _bare(github, http)))
            say(
                f"click: round {at + 1} of {rounds}: {_share(ours[-1], 50):.1f} ms,"
                f" the bare calls {_share(theirs[-1], 50):.1f} ms"
            )
    return ours, theirs


async def link(rig: Rig) -> None:
    """Ann's account, and a pull request of a connected repository of which no delivery has told."""
    token = GitHubToken(access="gho_bench", scopes=("repo",))
    expect(can_act(token), "the made-up token does not suffice")
    await AccountStore(rig.redis, Vault([rig.house.environ["ENCRYPTION_KEY"]])).link(
        LinkedAccount(
            flowdock=FlowdockUser(id=USER, nick="ann", name="Ann"),
            github=GitHubUser(id=1, login=LOGIN),
            token=token,
            linked_at=int(time.time()),
        )
    )
    await rig.store.connect(REPOSITORY, flow_token="token-of-the-click", name="Click")
    await rig.pulls.name_repository(REPOSITORY_ID, REPOSITORY, at="2030-01-01T00:00:00Z")


async def click(rig: Rig, http: aiohttp.ClientSession) -> None:
    """Click as Ann; raises `Broken` unless it is done."""
    address = rig.house.bridge + PATH
    action = {
        "@type": "UpdateAction",
        "name": "Assign to me",
        "target": {"@type": "EntryPoint", "urlTemplate": address, "httpMethod": "POST"},
        # A token serves once: two clicks in one second must not be the same.
        "agent": {"@type": "Person", "name": f"Ann {next(_CLICKS)}"},
    }
    body = json.dumps(action).encode()
    claims = {"sub": USER, "exp": int(time.time()) + 30, "signature": hashlib.sha256(body).hexdigest()}
    token = jwt.encode(claims, rig.house.environ["FLOWDOCK_CLIENT_SECRET"], algorithm="HS256")
    headers = {"Content-Type": "application/json", "FLOWDOCK-TOKEN": token}
    async with http.post(address, data=body, headers=headers) as response:
        answer = await response.json()
    expect(response.status == 200 and answer["status"] == "done", f"a click: {response.status} {answer}")


async def _bare(github: str, http: aiohttp.ClientSession) -> None:
    headers = {"Authorization": "Bearer gho_bench", "Accept": "application/vnd.github+json"}
    async with http.get(f"{github}/api/v3/user", headers=headers) as response:
        user = await response.json()
    expect(user["id"] == ANN["id"], f"the bare call: {user}")
    async with http.get(github + PULL, headers=headers) as response:
        pull = await response.json()
    expect(pull["base"]["repo"]["id"] == REPOSITORY_ID, f"the bare call: {pull}")
    async with http.post(github + ASSIGN, json={"assignees": [LOGIN]}, headers=headers) as response:
        answer = await response.json()
    expect(answer["assignees"][0]["login"] == LOGIN, f"the bare call: {answer}")


async def _timed(times: int, do: Callable[[], Awaitable[None]]) -> list[float]:
    """Milliseconds of each, one after the other."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await do()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _share(taken: list[float], percent: int) -> float:
    return quantiles(taken, n=100, method="inclusive")[percent - 1]
