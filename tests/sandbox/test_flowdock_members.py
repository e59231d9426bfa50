"""Who is in which flow at Flowdock's stand-in, and what they see there."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.kits.sandbox_flowdock import Sandbox, sandbox


@pytest.fixture
async def flowdock() -> AsyncIterator[Sandbox]:
    async with sandbox() as running:
        yield running


async def _set_member(flowdock: Sandbox, flow: str, user: str, *, member: bool) -> dict[str, Any]:
    body = {"flow": flow, "user": user, "member": member}
    async with flowdock.web.post("/_sandbox/members", json=body) as response:
        assert response.status == 200
        return dict(await response.json())


class TestFlows:
    async def test_users_list_the_flows_they_are_in(self, flowdock: Sandbox) -> None:
        ann, cy = await flowdock.sign_in("profile"), await flowdock.sign_in(user=1003)
        assert [one["id"] for one in await flowdock.get("/flows", headers=ann)] == ["acme:main", "acme:ops"]
        (main,) = await flowdock.get("/flows?users=1", headers=cy)
        assert main == await flowdock.get("/flows/acme/main", headers=cy)
        assert "users" not in (await flowdock.get("/flows", headers=cy))[0]

    async def test_people_come_and_go(self, flowdock: Sandbox) -> None:
        cy = await flowdock.sign_in(user=1003)
        shown = await _set_member(flowdock, "acme/ops", "cy", member=True)
        assert [one["nick"] for one in shown["users"]] == ["ann", "bob", "cy"]
        assert [one["name"] for one in await flowdock.get("/flows", headers=cy)] == ["Main", "Ops"]
        await _set_member(flowdock, "acme/main", "1003", member=False)
        async with flowdock.web.get("/flows/acme/main", headers=cy) as response:
            assert response.status == 403
        async with flowdock.web.post("/_sandbox/reset") as response:
            assert response.status == 204
        again = await flowdock.sign_in(user=1003)
        assert [one["id"] for one in await flowdock.get("/flows", headers=again)] == ["acme:main"]

    @pytest.mark.parametrize("body", [{"flow": "acme/none", "user": "cy"}, {"flow": "acme/ops", "user": "x"}])
    async def test_nobody_and_nowhere_are_refused(self, flowdock: Sandbox, body: dict[str, str]) -> None:
        async with flowdock.web.post("/_sandbox/members", json=body) as response:
            assert response.status == 404

    async def test_without_a_token_there_is_401(self, flowdock: Sandbox) -> None:
        for path in ("/flows", "/sources"):
            async with flowdock.web.get(path) as response:
                assert response.status == 401


class TestSources:
    async def test_users_see_the_sources_of_their_flows(self, flowdock: Sandbox) -> None:
        one, two = await flowdock.add_source(), await flowdock.add_source("acme/ops", "acme/gadgets")
        ann, cy = await flowdock.sign_in(), await flowdock.sign_in(user=1003)
        shown = await flowdock.get("/sources", headers=ann)
        assert [source["id"] for source in shown] == [one["id"], two["id"]]
        assert not any("flow_token" in source for source in shown)
        assert [source["id"] for source in await flowdock.get("/sources", headers=cy)] == [one["id"]]

    async def test_a_flow_token_shows_its_own_source(self, flowdock: Sandbox) -> None:
        _, two = await flowdock.add_source(), await flowdock.add_source("acme/ops")
        (shown,) = await flowdock.get(f"/sources?flow_token={two['flow_token']}")
        assert shown["id"] == two["id"]
        async with flowdock.web.get("/sources?flow_token=unknown") as response:
            assert response.status == 401
        async with flowdock.web.delete(f"/_sandbox/sources/{two['id']}") as response:
            assert response.status == 204
        async with flowdock.web.get(f"/sources?flow_token={two['flow_token']}") as response:
            assert response.status == 410

    async def test_only_members_delete(self, flowdock: Sandbox) -> None:
        source = await flowdock.add_source("acme/ops")
        path = f"/flows/acme/ops/sources/{source['id']}"
        for user, status in ((1003, 403), (1002, 204), (1001, 404)):
            async with flowdock.web.delete(path, headers=await flowdock.sign_in(user=user)) as response:
                assert response.status == status
