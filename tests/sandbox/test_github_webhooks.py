"""The stand-in GitHub's webhooks: what is sent, signed, recorded, held and sent again."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from tests.kits.sandbox_github import ISSUE, PULL, SECRET, GitHub, Received, Receiver, receiving, running
from tests.sandbox.schemas import InvalidPayload, validate

HOOKS = "/repos/acme/component/hooks"

# Everything that can be done to a pull request, in an order in which it can: who, what, with what, and
# which event and action GitHub sends.
STORY: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("ann-gh", "open", {"title": "Count once", "body": "All."}, "pull_request.opened"),
    ("ann-gh", "edit", {"title": "Count twice"}, "pull_request.edited"),
    ("ann-gh", "edit", {"body": ""}, "pull_request.edited"),
    ("ann-gh", "edit", {"base": "stable"}, "pull_request.edited"),
    ("ann-gh", "push", {}, "pull_request.synchronize"),
    ("ann-gh", "push", {"force": True}, "pull_request.synchronize"),
    ("ann-gh", "draft", {}, "pull_request.converted_to_draft"),
    ("ann-gh", "ready", {}, "pull_request.ready_for_review"),
    ("ann-gh", "assign", {"assignee": "bob-gh"}, "pull_request.assigned"),
    ("ann-gh", "unassign", {"assignee": "bob-gh"}, "pull_request.unassigned"),
    ("ann-gh", "label", {"label": "bug"}, "pull_request.labeled"),
    ("ann-gh", "unlabel", {"label": "bug"}, "pull_request.unlabeled"),
    ("ann-gh", "milestone", {"milestone": "1.0"}, "pull_request.milestoned"),
    ("ann-gh", "lock", {"reason": "too heated"}, "pull_request.locked"),
    ("ann-gh", "unlock", {}, "pull_request.unlocked"),
    ("ann-gh", "request_review", {"reviewer": "bob-gh"}, "pull_request.review_requested"),
    ("ann-gh", "unrequest_review", {"reviewer": "bob-gh"}, "pull_request.review_request_removed"),
    ("bob-gh", "comment", {"body": "Why?"}, "issue_comment.created"),
    ("bob-gh", "review", {"event": "COMMENT", "body": "Hm"}, "pull_request_review.submitted"),
    ("bob-gh", "request_changes", {}, "pull_request_review.submitted"),
    ("bob-gh", "approve", {}, "pull_request_review.submitted"),
    ("ann-gh", "close", {}, "pull_request.closed"),
    ("ann-gh", "reopen", {}, "pull_request.reopened"),
    ("cy-gh", "merge", {}, "pull_request.closed"),
)


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as server:
        yield server


@pytest.fixture
async def hook(github: GitHub, receiver: Receiver) -> str:
    """The REST path of a JSON webhook that sends everything to the receiver; its ping is forgotten."""
    made = await github.drive("/hooks", repo="acme/component", url=receiver.url, secret=SECRET)
    await github.idle()
    receiver.received.clear()
    return f"{HOOKS}/{made['id']}"


def payload(received: Received) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(received.body)
    return body


def names(receiver: Receiver) -> list[str]:
    return [f"{one.event}.{payload(one).get('action', '')}" for one in receiver.received]


async def test_every_event_is_what_github_would_send(github: GitHub, receiver: Receiver, hook: str) -> None:
    for who, do, fields, _event in STORY:
        await github.act(who, do, 1, **fields)
    await github.idle()
    assert names(receiver) == [event for _who, _do, _fields, event in STORY]
    for received, (who, _do, _fields, _event) in zip(receiver.received, STORY, strict=True):
        validate(received.event, payload(received))
        assert payload(received)["sender"]["login"] == who
        assert payload(received)["repository"]["id"] == 1296269


async def test_a_fork_and_a_private_repository_are_shown_rightly(github: GitHub, receiver: Receiver) -> None:
    for repo in ("acme/component", "acme/gadgets"):
        await github.drive("/hooks", repo=repo, url=receiver.url)
        await github.act("bob-gh", "open", repo=repo, title="From a fork")
    await github.idle()
    pings = [one for one in receiver.received if one.event == "ping"]
    opened = [payload(one) for one in receiver.received if one.event == "pull_request"]
    for received in receiver.received:
        validate(received.event, payload(received))
    assert len(pings) == 2
    assert {one["pull_request"]["head"]["user"]["login"] for one in opened} == {"bob-gh"}
    assert {one["repository"]["visibility"] for one in opened} == {"public", "private"}


async def test_changes_and_shas_tell_what_was_before(github: GitHub, receiver: Receiver, hook: str) -> None:
    opened = await github.act("ann-gh", "open", title="Old", body="Before")
    await github.act("ann-gh", "edit", 1, title="New", body="After")
    pushed = await github.act("ann-gh", "push", 1)
    await github.idle()
    _opened, edited, synchronize = map(payload, receiver.received)
    assert edited["changes"] == {"title": {"from": "Old"}, "body": {"from": "Before"}}
    shas = (opened["head"]["sha"], pushed["head"]["sha"])
    assert (synchronize["before"], synchronize["after"]) == shas


async def test_mergeable_is_unknown_at_first(github: GitHub, receiver: Receiver, hook: str) -> None:
    await github.act("ann-gh", "open", title="T")
    await github.act("ann-gh", "assign", 1)
    await github.idle()
    shown = [payload(one)["pull_request"] for one in receiver.received]
    assert [(one["mergeable"], one["mergeable_state"]) for one in shown] == [
        (None, "unknown"),
        (True, "clean"),
    ]


async def test_a_change_of_nothing_sends_nothing(github: GitHub, receiver: Receiver, hook: str) -> None:
    await github.act("ann-gh", "open", title="T")
    fields = {"assignee": "ann-gh", "label": "bug", "title": "T"}
    for do in ("assign", "label", "lock", "close"):
        await github.act("ann-gh", do, 1, **fields)
    await github.idle()
    before = names(receiver)
    for do in ("assign", "label", "lock", "close", "edit"):
        await github.act("ann-gh", do, 1, **fields)
    admin = await github.token("ann-gh")
    assert (await github.call("PATCH", PULL, token=admin, body={"state": "closed"})).status == 200
    again = {"assignees": ["ann-gh"]}
    assert (await github.call("POST", f"{ISSUE}/assignees", token=admin, body=again)).status == 201
    await github.idle()
    assert names(receiver) == before


async def test_deliveries_are_signed_and_labelled(github: GitHub, receiver: Receiver, hook: str) -> None:
    await github.act("ann-gh", "open", title="Ünïcode")
    await github.idle()
    (received,) = receiver.received
    for header, algorithm in (("X-Hub-Signature", "sha1"), ("X-Hub-Signature-256", "sha256")):
        digest = hmac.new(SECRET.encode(), received.body, algorithm).hexdigest()
        assert received.headers[header] == f"{algorithm}={digest}"
    assert received.headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert received.headers["X-GitHub-Hook-ID"] == hook.rsplit("/", 1)[-1]
    assert received.headers["X-GitHub-Hook-Installation-Target-Type"] == "repository"
    assert received.headers["X-GitHub-Hook-Installation-Target-ID"] == "1296269"
    assert received.headers["Content-Type"] == "application/json"


async def test_a_form_webhook_signs_the_form(github: GitHub, receiver: Receiver) -> None:
    await github.drive("/hooks", repo="acme/component", url=receiver.url, secret=SECRET, content_type="form")
    await github.idle()
    (ping,) = receiver.received
    digest = hmac.new(SECRET.encode(), ping.body, hashlib.sha256).hexdigest()
    assert ping.headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert ping.headers["Content-Type"] == "application/x-www-form-urlencoded"
    validate("ping", json.loads(parse_qs(ping.body.decode())["payload"][0]))


async def test_without_a_secret_nothing_is_signed(github: GitHub, receiver: Receiver) -> None:
    await github.drive("/hooks", repo="acme/component", url=receiver.url)
    await github.idle()
    assert not [name for name in receiver.received[0].headers if "Signature" in name]


async def test_webhooks_share_the_guid_and_get_only_what_they_want(
    github: GitHub, receiver: Receiver
) -> None:
    for events in (["pull_request"], ["*"], ["status"]):
        await github.drive("/hooks", repo="acme/component", url=receiver.url, events=events)
    await github.act("ann-gh", "open", title="T")
    await github.idle()
    opened = [one for one in receiver.received if one.event == "pull_request"]
    assert len(opened) == 2
    assert len({one.guid for one in opened}) == 1


async def test_nobody_waits_for_a_slow_receiver_and_order_is_kept(
    github: GitHub, receiver: Receiver, hook: str
) -> None:
    answer = asyncio.Event()
    receiver.answers.append(answer.wait)
    await github.act("ann-gh", "open", title="T")
    await github.act("ann-gh", "push", 1)
    await github.act("ann-gh", "close", 1)
    answer.set()
    await github.idle()
    assert [name.split(".")[1] for name in names(receiver)] == ["opened", "synchronize", "closed"]


async def test_deliveries_are_recorded_and_sent_again_under_their_guid(
    github: GitHub, receiver: Receiver, hook: str
) -> None:
    admin = await github.token("cy-gh")
    receiver.answers.append(web.Response(status=503, text="not now"))
    await github.act("ann-gh", "open", title="T")
    await github.idle()
    (failed,) = (await github.call("GET", f"{hook}/deliveries?status=failure", token=admin)).json
    assert (failed["status"], failed["status_code"]) == ("Invalid HTTP Response: 503", 503)
    assert (failed["event"], failed["action"], failed["redelivery"]) == ("pull_request", "opened", False)
    path = f"{hook}/deliveries/{failed['id']}"
    shown = (await github.call("GET", path, token=admin)).json
    assert shown["response"]["payload"] == "not now"
    assert shown["request"]["payload"]["number"] == 1
    assert shown["request"]["headers"]["X-GitHub-Delivery"] == failed["guid"]
    assert (await github.call("POST", f"{path}/attempts", token=admin, body={})).status == 202
    await github.idle()
    newest = (await github.call("GET", f"{hook}/deliveries", token=admin)).json[0]
    assert (newest["guid"], newest["redelivery"], newest["status"]) == (failed["guid"], True, "OK")
    assert {one.guid for one in receiver.received} == {failed["guid"]}


async def test_lists_of_deliveries_go_on_by_cursor(github: GitHub, receiver: Receiver, hook: str) -> None:
    admin = await github.token("cy-gh")
    await github.act("ann-gh", "open", title="T")
    await github.act("ann-gh", "push", 1)
    await github.idle()
    url: str | None = f"{github.url}/api/v3{hook}/deliveries?per_page=1"
    found = []
    while url:
        page = await github.call("GET", url.removeprefix(f"{github.url}/api/v3"), token=admin)
        found += [item["action"] for item in page.json]
        link = page.headers.get("Link")
        url = link.split(">")[0].lstrip("<") if link else None
    assert found == ["synchronize", "opened", None]


async def test_a_deaf_receiver_and_a_redirecting_one_are_failures(github: GitHub, receiver: Receiver) -> None:
    receiver.answers.append(web.Response(status=307, headers={"Location": receiver.url}))
    redirecting = await github.drive("/hooks", repo="acme/component", url=receiver.url)
    deaf = await github.drive("/hooks", repo="acme/component", url="http://127.0.0.1:1/")
    await github.idle()
    admin = await github.token("cy-gh")
    statuses = []
    for made in (redirecting, deaf):
        (item,) = (await github.call("GET", f"{HOOKS}/{made['id']}/deliveries", token=admin)).json
        statuses.append((item["status_code"], item["status"]))
    assert statuses == [(307, "Invalid HTTP Response: 307"), (502, "failed to connect to host")]
    assert len(receiver.received) == 1


async def test_a_receiver_that_takes_too_long_is_cut_off(github: GitHub, receiver: Receiver) -> None:
    await github.drive("/webhooks", timeout=0.05)
    forever = asyncio.Event()
    receiver.answers.append(forever.wait)
    made = await github.drive("/hooks", repo="acme/component", url=receiver.url)
    await github.idle()
    forever.set()
    admin = await github.token("cy-gh")
    (item,) = (await github.call("GET", f"{HOOKS}/{made['id']}/deliveries", token=admin)).json
    assert (item["status_code"], item["status"]) == (504, "timed out")


async def test_held_deliveries_are_released_in_any_order(
    github: GitHub, receiver: Receiver, hook: str
) -> None:
    await github.drive("/webhooks", mode="hold")
    await github.act("ann-gh", "open", title="T")
    await github.act("ann-gh", "push", 1)
    await github.act("ann-gh", "close", 1)
    assert receiver.received == []
    sent = await github.drive("/webhooks/release", order=[2, 0, 2])
    assert [(one["action"], one["status"]) for one in sent] == [
        ("closed", 202),
        ("opened", 202),
        ("closed", 202),
    ]
    assert sent[0]["guid"] == sent[2]["guid"]
    assert [one["action"] for one in await github.drive("/webhooks/release")] == ["synchronize"]
    await github.act("ann-gh", "reopen", 1)
    await github.drive("/webhooks", mode="send")
    await github.idle()
    assert names(receiver)[-1] == "pull_request.reopened"


async def test_a_removed_webhook_hears_of_it(github: GitHub, receiver: Receiver, hook: str) -> None:
    assert (await github.call("DELETE", hook, token=await github.token("cy-gh"))).status == 204
    await github.idle()
    (meta,) = receiver.received
    validate("meta", payload(meta))


async def test_a_ping_can_be_asked_for(github: GitHub, receiver: Receiver, hook: str) -> None:
    assert (await github.call("POST", f"{hook}/pings", token=await github.token("cy-gh"))).status == 204
    await github.idle()
    validate("ping", payload(receiver.received[0]))


def test_the_schemas_refuse_what_github_would_not_send() -> None:
    with pytest.raises(InvalidPayload, match="no schema is called pull_request\\$exploded"):
        validate("pull_request", {"action": "exploded"})
    with pytest.raises(InvalidPayload, match="pull_request_review\\$submitted: at the payload"):
        validate("pull_request_review", {"action": "submitted"})
