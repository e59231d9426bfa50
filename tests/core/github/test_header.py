"""A delivery's header, picked out of its bytes, is what the whole of it says."""

import json
from typing import Any

import pytest
from hypothesis import example as such_as
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.errors import Malformed
from bridge.core.github import header, webhook
from bridge.core.github.header import Header
from bridge.core.messages import translate
from bridge.core.model import Envelope
from tests.examples import events, examples

REPOSITORY = {"id": 7, "full_name": "acme/api", "name": "api"}
PULL = {"number": 5, "title": "Fix"}


def envelope(event: str, payload: Any) -> Envelope:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Envelope(id="d1", event=event, body=body)


def whole(event: str, payload: Any) -> Header | None:
    return header.of(webhook.whole(envelope(event, payload)))


EXAMPLES = [
    pytest.param(event, payload, id=f"{event}-{payload.get('action', '')}-{index}")
    for event in (*events(), "star")
    for index, payload in enumerate(examples(event))
]


@pytest.mark.parametrize(("event", "payload"), EXAMPLES)
def test_the_header_agrees_with_the_full_decoder_on_every_example(
    event: str, payload: dict[str, Any]
) -> None:
    assert header.read(envelope(event, payload)) == whole(event, payload)


def about(**more: Any) -> dict[str, Any]:
    return {"action": "opened", "repository": REPOSITORY, **more}


@pytest.mark.parametrize(
    ("event", "payload", "expected"),
    [
        ("pull_request", about(pull_request=PULL), Header("opened", 7, 5)),
        ("pull_request", {"repository": REPOSITORY, "pull_request": PULL}, Header("", 7, 5)),
        ("pull_request", about(action=None, pull_request=PULL), Header("", 7, 5)),
        ("pull_request", about(action=["x"], pull_request=PULL), Header("", 7, 5)),
        ("pull_request", about(pull_request=PULL, note="ä"), Header("opened", 7, 5)),
        ("pull_request", about(pull_request=PULL, note="\ud83d"), Header("opened", 7, 5)),
        ("pull_request", about(), None),
        ("pull_request", about(pull_request=None), None),
        ("pull_request", about(pull_request="odd"), None),
        ("pull_request", about(pull_request={"number": "5"}), None),
        ("pull_request", {"pull_request": PULL}, None),
        ("pull_request", {"repository": "odd", "pull_request": PULL}, None),
        ("issue_comment", about(issue={"number": 5, "pull_request": {"url": "u"}}), Header("opened", 7, 5)),
        ("issue_comment", about(issue={"number": 5, "pull_request": {}}), None),
        ("issue_comment", about(issue={"number": 5}), None),
        ("issue_comment", about(pull_request=PULL), None),
        ("push", about(ref="refs/heads/main"), Header("opened", 7, 0)),
        ("push", about(pull_request=PULL), Header("opened", 7, 0)),
        ("check_run", about(pull_request=PULL), Header("opened", 7, 0)),
        (
            "push",
            b'{"repository": {"id": 1, "id": 2, "full_name": "a/b"},'
            b' "\\u0072epository": {"id": 7, "full_name": "a/b"}}',
            Header("", 7, 0),
        ),
        ("star", about(pull_request=PULL), None),
        *((own, about(pull_request=PULL), None) for own in sorted(translate.OWN_EVENTS)),
    ],
)
def test_the_subject_of_a_delivery(event: str, payload: Any, expected: Header | None) -> None:
    assert header.read(envelope(event, payload)) == expected == whole(event, payload)


AS_GITHUB: dict[str, Any] = {
    "action": "opened",
    "number": 5,
    "pull_request": {"url": "https://api.github.com/repos/acme/api/pulls/5", "number": 5, "title": "Fix"},
    "repository": {"id": 7, "node_id": "R_1", "name": "api", "full_name": "acme/api", "private": True},
    "sender": {"login": "octocat"},
}


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (about(repository={"full_name": "acme/api"}, pull_request=PULL), "no repository id"),
        (about(repository=REPOSITORY | {"id": True}, pull_request=PULL), "no repository id"),
        (about(repository=REPOSITORY | {"id": "7"}, pull_request=PULL), "no repository id"),
        (about(repository=REPOSITORY | {"id": 0}, pull_request=PULL), "no repository id"),
        (about(repository=REPOSITORY | {"id": 2**63}, pull_request=PULL), "no repository id"),
        (about(repository={"id": 7}, pull_request=PULL), "names no repository"),
        (about(repository=REPOSITORY | {"full_name": "acme"}, pull_request=PULL), "names no repository"),
        (about(repository=REPOSITORY | {"full_name": "a/b/c"}, pull_request=PULL), "names no repository"),
        (about(pull_request={"number": -1}), "no valid number"),
        (about(pull_request={"number": 2**31}), "no valid number"),
        (b'{"repository": {"id": 7}, "a": "\xff"}', "not JSON"),
        (
            b'{"repository": {"id": 7, "full_name": "a/b"}, "a": "\xff", "pull_request": {"number": 1}}',
            "not JSON",
        ),
        (b'{"a": "\n"}', "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b"", "not JSON"),
        (b"[]", "must be an object"),
        (b'{"a":' + b"[" * 200_000, "nested too deeply"),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deeply"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_an_odd_payload_is_refused_with_its_reason(payload: Any, sentence: str) -> None:
    with pytest.raises(Malformed, match=sentence):
        header.read(envelope("pull_request", payload))
    with pytest.raises(Malformed, match=sentence):
        whole("pull_request", payload)


def test_a_number_beyond_floats_is_left_to_the_full_decoder() -> None:
    body = json.dumps(about(pull_request=PULL)).replace('"Fix"', "1e999").encode()
    assert header.read(envelope("pull_request", body)) == Header("opened", 7, 5)
    with pytest.raises(Malformed):
        whole("pull_request", body)


# Finite, and whole numbers only as long as a float's: the one thing that only the whole can tell.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(-1e9, 1e9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "number", "full_name", "pull_request", "x", "\ud800"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
FIELDS = ("action", "repository", "pull_request", "issue", "other")


@settings(max_examples=300, deadline=None)
@given(
    event=st.sampled_from([*sorted(translate.EVENTS), "star"]),
    base=st.sampled_from(
        [{}, AS_GITHUB, about(pull_request=PULL), about(issue={"number": 5, "pull_request": {"a": 1}})]
    ),
    odd=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3),
    noise=st.binary(max_size=3),
    at=st.integers(0, 300),
)
@such_as(event="push", base=about(), odd={"repository": {"id": 7.0, "full_name": "a/b"}}, noise=b"", at=0)
def test_the_header_agrees_with_the_full_decoder_on_any_bytes(
    event: str, base: dict[str, Any], odd: dict[str, Any], noise: bytes, at: int
) -> None:
    body = json.dumps({**base, **odd}).encode()
    body = body[: at % (len(body) + 1)] + noise + body[at % (len(body) + 1) :]
    try:
        expected = whole(event, body)
    except Malformed as refused:
        # Where the noise made a number too large for a float.
        if "not JSON" in str(refused) and b"e" in noise.lower():
            return
        with pytest.raises(Malformed):
            header.read(envelope(event, body))
        return
    assert header.read(envelope(event, body)) == expected
