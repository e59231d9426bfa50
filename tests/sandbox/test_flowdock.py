"""Flowdock's stand-in: what is around bridge's inbox, whose own rules `tests/inbox` shows."""

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from bridge.inbox.context import API
from scripts.sandbox.browse import Browser
from tests.kits.sandbox_flowdock import Sandbox, button, sandbox

CLICK = {"user": "ann", "flow": "acme/main", "thread": "pr:42", "action": "Assign to me"}


@pytest.fixture
async def flowdock() -> AsyncIterator[Sandbox]:
    async with sandbox() as running:
        yield running


async def offer(flowdock: Sandbox, *buttons: dict[str, Any]) -> dict[str, Any]:
    """A thread with buttons; its source."""
    source = await flowdock.add_source()
    assert await flowdock.post(source["flow_token"], thread={"title": "Fix", "actions": buttons}) == 202
    return source


async def test_messages_are_kept_as_sent_with_their_repeats_until_all_is_forgotten(flowdock: Sandbox) -> None:
    source = await flowdock.add_source()
    for tags in (["@ann", "@nobody"], []):
        assert await flowdock.post(source["flow_token"], uuid="u-1", tags=tags) == 202
    first, again = await flowdock.get("/_sandbox/messages?flow=acme/main")
    assert (first["source"], first["title"]) == (source["id"], "opened pull request")
    assert (first["tags"], first["user_tags"]) == (["@ann", "@nobody"], [":user:1001"])
    assert (first["repeat"], again["repeat"], again["id"]) == (False, True, first["id"])
    assert await flowdock.get("/_sandbox/messages?flow=acme/ops") == []
    [thread] = await flowdock.get("/_sandbox/threads?flow=acme/main")
    assert (thread["title"], thread["external_thread_id"]) == ("Fix bug in thread API", "pr:42")
    assert thread["messages"] == 1

    assert (await flowdock.call("POST", "/_sandbox/reset"))[0] == 204
    assert await flowdock.get("/_sandbox/messages") == await flowdock.get("/_sandbox/threads") == []
    assert await flowdock.post(source["flow_token"]) == 401


async def test_a_removed_source_takes_no_message(flowdock: Sandbox) -> None:
    source = await flowdock.add_source()
    assert (await flowdock.call("DELETE", f"/_sandbox/sources/{source['id']}"))[0] == 204
    assert await flowdock.post(source["flow_token"]) == 410


async def test_faults_break_the_calls_that_they_name(flowdock: Sandbox) -> None:
    token = (await flowdock.add_source())["flow_token"]
    for fault in (
        {"path": "/messages", "skip": 2, "status": 503},
        {"path": "/messages", "skip": 1, "status": 500},
    ):
        assert (await flowdock.call("POST", "/_sandbox/faults", fault))[0] == 201
    assert [await flowdock.post(token) for _ in range(4)] == [202, 500, 503, 202]
    assert [one["times"] for one in await flowdock.get("/_sandbox/faults")] == [0, 0]
    calls = await flowdock.get("/_sandbox/calls")
    assert [(one["path"], one["status"]) for one in calls] == [
        ("/messages", status) for status in (202, 500, 503, 202)
    ]


async def test_a_button_at_the_door_signs_in_as_that_person_once(flowdock: Sandbox) -> None:
    url = (
        f"{flowdock.url}{API}/oauth/authorize?client_id=flowdock-client&response_type=code&state=s%20t"
        f"&scope=profile&redirect_uri={flowdock.application.url}/auth/flowdock/callback"
    )
    async with Browser() as browser:
        for name in ("Ann Ames", "Bob Burke"):
            door = await browser.open(url)
            page = await browser.press(door, f"Sign in as {name}")
            assert page.url.startswith(f"{flowdock.application.url}/auth/flowdock/callback?code=")
        denied = await browser.press(await browser.open(url), "Deny")
        assert denied.url.endswith("/callback?error=access_denied&state=s+t")
        assert (await browser.open(url.replace("flowdock-client", "other"))).status == 400


async def test_people_come_into_a_flow_and_leave_it(flowdock: Sandbox) -> None:
    await offer(flowdock, button(f"{flowdock.application.url}/x", "Assign to me"))
    for member, status in ((False, 403), (True, 200)):
        body = {"flow": "acme/main", "user": "ann", "member": member}
        assert (await flowdock.call("POST", "/_sandbox/members", body))[0] == 200
        assert (await flowdock.call("POST", "/_sandbox/click", CLICK))[0] == status


async def test_a_click_is_signed_and_reaches_the_application_as_it_wrote_the_address(
    flowdock: Sandbox,
) -> None:
    path = "/repos/acme/component/pulls/42/assign-to-me?x=a%2Fb"
    offered = button(flowdock.application.url + path, "Umarmen 🤗")
    await offer(flowdock, offered)
    flowdock.application.answer = '{"message": "Assigned to Ann."}'
    answered = await flowdock.call("POST", "/_sandbox/click", {**CLICK, "action": "me?x=a%2Fb"})
    told = {"status": 200, "message": "Assigned to Ann.", "error": None, "challenge": ""}
    assert answered == (200, told)
    [(method, came, headers, body)] = flowdock.application.calls
    assert (method, came, headers["content-type"]) == ("POST", path, "application/json")
    claims = jwt.decode(headers["flowdock-token"], "flowdock-secret", ["HS256"])
    assert claims.keys() == {"sub", "exp", "signature", "jti"}
    assert (claims["sub"], claims["signature"]) == ("1001", hashlib.sha256(body).hexdigest())
    agent = {"@type": "Person", "name": "Ann Ames", "image": f"{flowdock.url}/avatars/ann.svg"}
    assert json.loads(body) == {**offered, "agent": agent}


async def test_the_applications_answer_is_told(flowdock: Sandbox) -> None:
    application = flowdock.application
    await offer(flowdock, button(f"{application.url}/x", "Assign to me"))
    application.status, application.answer = 401, '{"error": "Who?"}'
    application.headers = {"WWW-Authenticate": f"Flowdock-Token url={application.url}/authorization?claim=x"}
    told = {"status": 401, "message": None, "error": "Who?"}
    challenge = {"challenge": f"{application.url}/authorization?claim=x"}
    assert await flowdock.call("POST", "/_sandbox/click", CLICK) == (200, {**told, **challenge})
    # A sandbox's click is one of the inbox: a removed source's buttons are gone.
    assert (await flowdock.call("DELETE", "/_sandbox/sources/1"))[0] == 204
    assert (await flowdock.call("POST", "/_sandbox/click", CLICK))[0] == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"user": "nobody"}, 404),
        ({"flow": "acme/none"}, 404),
        ({"flow": "acme/ops"}, 404),
        ({"flow": "acme/ops", "user": 1003}, 403),
        ({"thread": "pr:43"}, 404),
        ({"action": "Launch"}, 404),
        ({"action": "Elsewhere"}, 409),
    ],
)
async def test_a_click_at_nothing_is_told(flowdock: Sandbox, change: dict[str, Any], status: int) -> None:
    await offer(
        flowdock,
        button(f"{flowdock.application.url}/x", "Assign to me"),
        button("http://127.0.0.1:9/x", "Elsewhere"),
    )
    answered, words = await flowdock.call("POST", "/_sandbox/click", CLICK | change)
    assert (answered, bool(words)) == (status, True)
    assert flowdock.application.calls == []
