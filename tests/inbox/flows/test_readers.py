"""Flows for the readers of a repository: GitHub's answer to each member's own token decides, for minutes."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from bridge.core.errors import GitHubFailing
from bridge.inbox import keys
from bridge.inbox.context import INBOX, Inbox
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.flows.readers import Readers
from bridge.inbox.tags import resolved
from bridge.storage.client import close_redis, connect_redis
from scripts.sandbox.browse import Browser, Page
from tests.conftest import PATIENCE, House
from tests.inbox.threads.test_messages import content
from tests.kits import accounts
from tests.kits.attacks import sandbox
from tests.kits.controls import unguarded, yes
from tests.kits.inbox import IDS, open_inbox, put, sign_in

SECRET, SECRET_ID = "acme/gadgets", 1296270
"""A private repository."""


@dataclass
class Restricted:
    """Ann's flow with Bob and Cy in it, restricted to a private repository that Ann and Bob can read."""

    house: House
    inbox: Inbox
    flow: TeamFlow
    browsers: dict[str, Browser]

    @property
    def address(self) -> str:
        return f"{self.house.bridge}/inbox/flows/{self.flow.path}"

    async def sees(self, nick: str) -> int:
        return (await self.browsers[nick].open(self.address)).status

    async def restrict(self, repository: str) -> Page:
        page = await self.browsers["ann"].open(f"{self.address}/settings")
        return await self.browsers["ann"].press(page, "Save restriction", repository=repository)

    async def forget(self, nick: str) -> None:
        """Ten minutes pass."""
        await self.house.redis.delete(keys.personal("reads", IDS[nick]))


@pytest.fixture
async def restricted(redis_url: str) -> AsyncIterator[Restricted]:
    async with (
        open_inbox(redis_url) as (house, admission),
        Browser() as ann,
        Browser() as bob,
        Browser() as cy,
    ):
        browsers = {"ann": ann, "bob": bob, "cy": cy}
        assert house.web_half
        inbox = house.web_half.app[INBOX]
        flow = await inbox.flows.make(organization="team", slug="main", name="Main", owner=IDS["ann"])
        assert flow
        for nick, browser in browsers.items():
            await put(admission.people, nick)
            await sign_in(house, browser, nick)
            await inbox.flows.join(flow.id, IDS[nick])
        await accounts.link(house, "ann")
        await accounts.link(house, "bob")
        await inbox.messages.post(flow.id, 1, content(1))
        made = Restricted(house=house, inbox=inbox, flow=flow, browsers=browsers)
        assert (await made.restrict(SECRET)).status == 200
        yield made


@unguarded("bridge.inbox.flows.readers.Readers.may_read", yes)
async def test_a_restricted_flow_is_seen_by_those_alone_to_whom_github_shows_the_repository(
    restricted: Restricted,
) -> None:
    assert [await restricted.sees(nick) for nick in ("ann", "bob", "cy")] == [200, 200, 403]
    assert "Main" not in (await restricted.browsers["cy"].open(f"{restricted.house.bridge}/inbox")).text
    page = await restricted.browsers["cy"].open(restricted.address)
    assert ("Link your GitHub account" in page.text, SECRET in page.text) == (True, False)
    # Not by an account that is somebody else's.
    await accounts.link(restricted.house, "cy", login="ann-gh")
    await restricted.forget("cy")
    assert await restricted.sees("cy") == 403
    await accounts.link(restricted.house, "cy")
    await restricted.forget("cy")
    assert await restricted.sees("cy") == 200
    await restricted.restrict("")
    await restricted.house.services.account_store.unlink("1003")
    await restricted.forget("cy")
    assert await restricted.sees("cy") == 200


async def test_a_person_who_loses_access_at_github_is_out_of_everything(restricted: Restricted) -> None:
    inbox, bob = restricted.inbox, IDS["bob"]
    headers = restricted.browsers["bob"].session
    async with asyncio.timeout(PATIENCE), headers.get(f"{restricted.address}/events?since=99") as stream:
        assert stream.status == 200
        await sandbox(restricted.house, "users/bob-gh", {"permission": "none", "repo": SECRET})
        assert await restricted.sees("bob") == 200, "for a few minutes, GitHub's last yes counts"
        called = [":user:1002", ":unread:1002"]
        assert await resolved(inbox, restricted.flow.id, ["@bob-gh", ":unread:1002"]) == called
        await restricted.forget("bob")
        await inbox.messages.post(restricted.flow.id, 1, content(1, title="a secret"))
        assert b"a secret" not in await stream.read(), "the stream ends, and shows nothing more"
    assert await restricted.sees("bob") == 403
    assert (await inbox.flows.of(bob), await inbox.flows.may_see(restricted.flow.id, bob)) == ([], False)
    assert await resolved(inbox, restricted.flow.id, ["@bob-gh", ":user:1002", "#:unread:1002"]) == [
        "@bob-gh"
    ]
    token = await inbox.api_tokens.make(bob, label="mine", scopes=("flow",))
    for path in ("", "/threads", "/messages", "/sources"):
        address = f"{restricted.house.bridge}/inbox/api/flows/{restricted.flow.path}{path}"
        async with restricted.house.http.get(
            address, headers={"Authorization": f"Bearer {token}"}
        ) as response:
            assert response.status == 404
    assert await restricted.sees("ann") == 200


async def test_only_a_repository_that_its_owner_can_read_restricts_a_flow(restricted: Restricted) -> None:
    for name in ("acme/none", "../users", "acme"):
        assert (await restricted.restrict(name)).status >= 400
    flow = await restricted.inbox.flows.get(restricted.flow.id)
    assert flow
    assert (flow.repository_id, flow.repository) == (SECRET_ID, SECRET)
    # By its id: a name may come to be another repository's.
    await sandbox(restricted.house, "act", {"as": "cy-gh", "repo": SECRET, "do": "rename", "name": "tools"})
    await restricted.forget("bob")
    assert await restricted.sees("bob") == 200


class Answers:
    """GitHub, which answers as told and counts."""

    def __init__(self, answer: Callable[[], Awaitable[bool]]) -> None:
        self.answer, self.asked = answer, 0

    async def find(self, person_id: int, full_name: str) -> tuple[int, str]:
        raise NotImplementedError

    async def may_read(self, person_id: int, repository_id: int) -> bool:  # noqa: ARG002
        self.asked += 1
        return await self.answer()


@pytest.mark.parametrize(
    ("kept", "age", "answer", "expected", "asked"),
    [
        (1, 500, False, True, 0),
        (1, 560, False, False, 1),
        (1, 560, None, False, 1),
        (-1, 10, True, False, 0),
        (-1, 25, True, True, 1),
        (0, 0, None, False, 1),
    ],
)
async def test_a_yes_counts_for_minutes_a_no_for_seconds_and_no_answer_is_a_no(
    redis_url: str, kept: int, age: int, answer: bool | None, expected: bool, asked: int
) -> None:
    async def github() -> bool:
        if answer is None:
            raise GitHubFailing("no answer")
        return answer

    redis = connect_redis(redis_url)
    answers = Answers(github)
    if kept:
        await redis.hset(keys.personal("reads", 7), "42", kept * (int(time.time()) - age))
    assert await Readers(redis, answers).may_read(7, 42) is expected
    assert answers.asked == asked
    await close_redis(redis)
