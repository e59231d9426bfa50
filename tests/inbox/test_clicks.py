"""Clicks: which buttons are offered at all, whom a click names, and what an answer means."""

import re
from dataclasses import replace
from typing import Any

import pytest

from bridge.core.actions import ACTIONS
from bridge.core.security import flowdock_token
from bridge.inbox.clicks import key_of, may_be_clicked, sign, understand
from bridge.inbox.outcomes import Outcome
from bridge.inbox.pages.thread import ASKED_BACK
from bridge.inbox.threads.messages import thread_id
from tests.inbox.conftest import Team
from tests.inbox.threads.test_messages import a_pull, content

OWN = "{url}/repos/acme/component/pulls/1/close"
ADDRESSES = [
    (OWN, "POST", True),
    (OWN, "DELETE", False),
    ("http://127.0.0.1:6379/", "POST", False),
    ("http://169.254.169.254/latest/meta-data", "POST", False),
    ("{url}.evil.example/repos/acme/component/pulls/1/close", "POST", False),
    ("{url}@evil.example/repos/acme/component/pulls/1/close", "POST", False),
    ("https://evil.example/?{url}/", "POST", False),
]


def action(address: str, method: str = "POST") -> dict[str, Any]:
    target = {"@type": "EntryPoint", "urlTemplate": address, "httpMethod": method}
    return {"@type": "UpdateAction", "name": "Close", "target": target}


@pytest.mark.parametrize(("address", "method", "offered"), ADDRESSES)
async def test_a_button_leads_to_bridge_or_is_not_offered(
    team: Team, address: str, method: str, offered: bool
) -> None:
    await team.source()
    source = await team.inbox.sources.get("1")
    assert source
    one = action(address.format(url=team.url), method)
    assert may_be_clicked(team.inbox, source, one) == offered


async def test_a_button_of_a_source_that_bridge_did_not_make_is_not_offered(team: Team) -> None:
    """A member's own source could call *Merge* what people take for something else."""
    source, flow_token = await team.inbox.sources.make(
        team.flow.id, name="x", external_url="", client_id="other", creator=1002
    )
    own = replace(source, client_id=team.inbox.client_id)
    assert may_be_clicked(team.inbox, own, action(OWN.format(url=team.url))), "the control"
    assert not may_be_clicked(team.inbox, source, action(OWN.format(url=team.url)))
    body = content(1, flow_token=flow_token)
    body["thread"]["actions"] = [one := action(OWN.format(url=team.url))]
    assert (await team.call("POST", "/messages", body))[0] == 202
    thread = f"/inbox/flows/team/main/threads/{thread_id(source.id, 'pr:1')}"
    page = await team.visit("ann", "GET", thread)
    assert page.status == 200
    assert "/actions" not in page.text
    pressed = await team.visit("ann", "POST", f"{thread}/actions", {"key": key_of(one), "sure": "1"})
    page = await team.visit("ann", "GET", pressed.headers["Location"])
    assert "no longer offers that button" in page.text


async def test_a_click_that_comes_too_late_leads_back_to_the_thread_which_says_so(team: Team) -> None:
    """Somebody else merged meanwhile: also where the question was open already, and a form was sent."""
    thread = f"/inbox/flows/team/main/threads/{thread_id(1, 'pr:1')}"
    body = content(1, flow_token=(await team.source())["flow_token"])
    body["thread"]["actions"] = [one := action(OWN.format(url=team.url))]
    assert (await team.call("POST", "/messages", body))[0] == 202
    asked = await team.visit("ann", "POST", f"{thread}/actions", {"key": key_of(one)})
    asking = asked.headers["Location"]
    assert 'name="sure"' in (await team.visit("ann", "GET", asking)).text
    body["thread"]["actions"] = []
    assert (await team.call("POST", "/messages", body))[0] == 202
    for answer in (
        await team.visit("ann", "GET", asking),
        await team.visit("ann", "POST", f"{thread}/actions", {"key": key_of(one), "sure": "1"}),
    ):
        assert answer.headers["Location"].startswith(f"{thread}?outcome=")
        page = await team.visit("ann", "GET", answer.headers["Location"])
        assert "no longer offers that button" in page.text


async def test_nobody_is_offered_to_review_their_own_pull_request(team: Team) -> None:
    body = content(1, flow_token=(await team.source())["flow_token"])
    one = action(OWN.format(url=team.url))
    body["thread"]["actions"] = [one | {"name": name} for name in ("Approve", "Request my review", "Close")]
    body["thread"]["bridge"] = a_pull(1002, author=1001)
    assert (await team.call("POST", "/messages", body))[0] == 202
    for nick, offered in (("ann", False), ("bob", True)):
        page = await team.visit(nick, "GET", f"/inbox/flows/team/main/threads/{thread_id(1, 'pr:1')}")
        for name, active in (("Approve", offered), ("Request my review", offered), ("Close", True)):
            [button] = re.findall(f"<button[^>]*>{name}</button>", page.text)
            assert ("disabled" not in button) == active, (nick, name)


def test_an_irreversible_action_is_confirmed_first() -> None:
    undoable = {"Assign to me", "Approve", "Request my review", "Ready for review", "Reopen"}
    undoable |= {"Add to merge queue", "Enable auto-merge", "Disable auto-merge"}
    undoable |= {"Update branch", "Re-run failed checks"}
    assert {one.name for one in ACTIONS.values()} == undoable | ASKED_BACK
    assert not undoable & ASKED_BACK


def test_a_click_names_its_person_to_bridge_alone_and_two_in_a_second_are_two() -> None:
    body = b'{"target": {"urlTemplate": "https://bridge.example/x"}}'
    first, second = (
        flowdock_token.verify(
            sign("s" * 32, 1002, body), body, secret="s" * 32, address="https://bridge.example/x"
        )
        for _ in range(2)
    )
    assert (first.user, second.user) == ("1002", "1002")
    assert first.token_id != second.token_id


HOME = "https://bridge.example"
LINK = f"{HOME}/authorization?claim=x"


@pytest.mark.parametrize(
    ("status", "challenge", "answer", "outcome"),
    [
        (200, "", b'{"message": "Closed."}', Outcome(is_done=True, sentence="Closed.")),
        (204, "", b"", Outcome(is_done=True, sentence="Close: done.")),
        (422, "", b'{"error": "No."}', Outcome(is_done=False, sentence="No.")),
        (
            502,
            "",
            b'{"error": "Down.", "request_id": "3f9a2c1b"}',
            Outcome(is_done=False, sentence="Down.", reference="3f9a2c1b"),
        ),
        (502, "", b"<html>", Outcome(is_done=False, sentence="bridge answered 502 and gave no reason.")),
        (302, "", b"[]", Outcome(is_done=False, sentence="bridge answered 302 and gave no reason.")),
        (
            401,
            f"Flowdock-Token url={LINK}",
            b'{"error": "Who?"}',
            Outcome(is_done=False, sentence="Who?", challenge=LINK),
        ),
        (
            401,
            "Flowdock-Token url=https://evil.example/authorization",
            b'{"error": "Who?"}',
            Outcome(is_done=False, sentence="Who?"),
        ),
        (401, 'Bearer realm="x"', b'{"error": "Who?"}', Outcome(is_done=False, sentence="Who?")),
    ],
)
def test_an_answer_becomes_an_outcome(status: int, challenge: str, answer: bytes, outcome: Outcome) -> None:
    assert understand(status, challenge, answer, name="Close", home=HOME) == outcome
