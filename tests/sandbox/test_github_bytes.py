"""The stand-in GitHub's webhooks byte for byte, and the same bytes sent again by others."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.sandbox.github.json_text import write_json
from tests.examples import examples
from tests.kits.sandbox_github import SECRET, GitHub, Received, Receiver, receiving, running

# What Octokit found a body of GitHub's to be: the text of JSON.stringify, but with upper-case digits.
RAW = "Tom & Jerry &payload=%7B%7D <b>/ é ♥ \u2028 \U0001f600 \x7f"


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with running() as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as server:
        yield server


async def hook(github: GitHub, receiver: Receiver, **fields: Any) -> int:
    """A webhook of acme/component whose ping is forgotten."""
    made = await github.drive("/hooks", repo="acme/component", url=receiver.url, secret=SECRET, **fields)
    await github.idle()
    receiver.received.clear()
    return int(made["id"])


def signed(received: Received) -> bool:
    digest = hmac.new(SECRET.encode(), received.body, hashlib.sha256).hexdigest()
    return received.headers["X-Hub-Signature-256"] == f"sha256={digest}"


class TestJson:
    async def test_a_description_is_raw_in_the_signed_body(self, github: GitHub, receiver: Receiver) -> None:
        await hook(github, receiver)
        await github.act("ann-gh", "open", title="T", body=f'{RAW}\n"\\\x1b\\u001b')
        await github.idle()
        (received,) = receiver.received
        escaped = r"\n\"\\\u001B\\u001b"
        assert f'"body":"{RAW}{escaped}"'.encode() in received.body
        assert signed(received)
        # As a form it has a field of the author's choosing.
        assert parse_qsl(received.body.decode())[1][0] == "payload"

    async def test_a_form_has_one_field(self, github: GitHub, receiver: Receiver) -> None:
        form, plain = await hook(github, receiver, content_type="form"), await hook(github, receiver)
        await github.act("ann-gh", "open", title="T", body=RAW)
        await github.idle()
        bodies = {one.headers["X-GitHub-Hook-ID"]: one.body for one in receiver.received}
        assert bodies[str(form)].startswith(b"payload=%7B%22action%22%3A")
        ((name, text),) = parse_qsl(bodies[str(form)].decode(), strict_parsing=True)
        assert (name, text.encode()) == ("payload", bodies[str(plain)])

    async def test_rest_answers_are_written_alike(self, github: GitHub) -> None:
        await github.act("ann-gh", "open", title="T", body=RAW)
        token = await github.token("ann-gh")
        shown = await github.call("GET", "/repos/acme/component/pulls/1", token=token)
        assert f'"body":"{RAW}"' in shown.text

    async def test_keys_come_in_githubs_order(self, github: GitHub, receiver: Receiver) -> None:
        await hook(github, receiver)
        await hook(github, receiver, app=True)
        await github.act("ann-gh", "open", title="T")
        await github.act("bob-gh", "approve", 1)
        await github.act("bob-gh", "comment", 1, body="Hm")
        await github.act("ann-gh", "check", 1, name="unit", conclusion="success")
        await github.act("cy-gh", "rename", name="part")
        await github.idle()
        assert receiver.received
        for received in receiver.received:
            keys = list(json.loads(received.body))
            last = [key for key in keys if key in {"repository", "organization", "sender", "installation"}]
            tail = ["repository", "organization", "sender", "installation"]
            assert keys[-len(last) :] == tail[: len(last)], received.event
        opened = list(json.loads(receiver.received[0].body))
        assert opened[:3] == list(examples("pull_request", "opened")[0])[:3]

    @given(
        st.recursive(st.text() | st.integers() | st.none(), lambda inner: st.dictionaries(st.text(), inner))
    )
    def test_it_says_what_was_meant(self, value: Any) -> None:
        assert json.loads(write_json(value)) == value
        assert write_json("\ud800") == '"?"'


class TestReplay:
    async def test_the_same_bytes_come_again_under_other_headers(
        self, github: GitHub, receiver: Receiver
    ) -> None:
        number = await hook(github, receiver)
        await github.act("ann-gh", "open", title="T")
        await github.idle()
        form = "application/x-www-form-urlencoded"
        headers = {
            "x-github-delivery": "other",
            "X-GitHub-Event": "push",
            "Content-Type": form,
            "X-Hub-Signature": None,
        }
        answers = await github.drive(
            "/webhooks/replay", hook=number, event="pull_request", headers=headers, times=2
        )
        assert [one["status"] for one in answers] == [202, 202]
        first, *again = receiver.received
        assert [one.body for one in again] == [first.body] * 2
        for one in again:
            assert (one.guid, one.event, one.headers["Content-Type"]) == ("other", "push", form)
            assert signed(one)
            assert "X-Hub-Signature" not in one.headers
        # GitHub did not send them.
        told = (
            await github.ask("GET", f"/_sandbox/webhooks/deliveries?hook={number}&event=pull_request")
        ).json
        assert [(one["guid"], one["body"]) for one in told] == [(first.guid, first.body.decode())]

    async def test_they_go_to_another_address(self, github: GitHub, receiver: Receiver) -> None:
        await hook(github, receiver)
        await github.act("ann-gh", "open", title="T")
        await github.idle()
        async with receiving() as other:
            await github.drive("/webhooks/replay", event="pull_request", url=other.url)
            assert [one.body for one in other.received] == [receiver.received[0].body]

    async def test_an_unsent_delivery_cannot_be_replayed(self, github: GitHub, receiver: Receiver) -> None:
        number = await hook(github, receiver)
        body = {"hook": number, "event": "pull_request"}
        assert (await github.ask("POST", "/_sandbox/webhooks/replay", json=body)).status == 404

    async def test_a_recording_outlives_the_secret_it_was_signed_with(
        self, github: GitHub, receiver: Receiver
    ) -> None:
        number = await hook(github, receiver)
        await github.act("ann-gh", "open", title="T")
        await github.idle()
        path = f"/repos/acme/component/hooks/{number}/config"
        body = {"secret": "another", "content_type": "form"}
        assert (await github.call("PATCH", path, token=await github.token("cy-gh"), body=body)).status == 200
        await github.drive("/webhooks/replay", event="pull_request")
        await github.act("ann-gh", "close", 1)
        await github.idle()
        recorded, replayed, new = receiver.received
        assert (replayed.body, signed(replayed)) == (recorded.body, True)
        assert not signed(new)


async def test_two_events_of_one_second_may_have_equal_bodies(github: GitHub, receiver: Receiver) -> None:
    await hook(github, receiver)
    await github.drive("/clock", freeze=True)
    await github.act("ann-gh", "open", title="T")
    for _ in range(2):
        await github.act("ann-gh", "label", 1, label="bug")
        await github.act("ann-gh", "unlabel", 1, label="bug")
    await github.idle()
    _opened, *labels = receiver.received
    assert labels[0].body == labels[2].body
    assert labels[0].guid != labels[2].guid
    assert signed(labels[2])


async def test_a_frozen_clock_goes_on_from_where_it_stopped(github: GitHub) -> None:
    frozen = await github.drive("/clock", freeze=True)
    assert frozen["frozen"] is True
    moved = await github.drive("/clock", advance=3600)
    times = [frozen["now"], moved["now"], (await github.drive("/clock", freeze=False))["now"]]
    assert [earlier < later for earlier, later in pairwise(times[:2])] == [True]
    assert times[2] >= times[1]
