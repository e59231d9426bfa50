"""Webhook deliveries from bytes and headers: what is read, what is refused, and with which sentence."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.core.errors import Malformed, RequestRefused, Unsigned, WrongContentType
from bridge.core.github import webhook
from bridge.core.model import Delivery
from tests.kits import sign
from tests.kits.controls import always, unguarded
from tests.kits.core.story import Story

SECRET = "It's a Secret to Everybody"
FORM = "application/x-www-form-urlencoded"

Headers = dict[str, str]
Change = Callable[[Headers, bytes], bytes | None]


def headers_for(body: bytes, content_type: str = "application/json", secret: str = SECRET) -> Headers:
    return {
        "content-type": content_type,
        "x-github-event": "pull_request",
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-hub-signature-256": sign.webhook(body, secret),
    }


def read_whole(headers: Headers, body: bytes, *, secrets: Sequence[str]) -> Delivery:
    """As the web does with what goes to no queue."""
    return webhook.whole(webhook.read_envelope(headers, body, secrets=secrets))


def read(
    body: bytes, content_type: str = "application/json", *, secrets: Sequence[str] = (SECRET,)
) -> Delivery:
    return read_whole(headers_for(body, content_type), body, secrets=secrets)


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * depth + b"]" * depth + b"}"


# What is read


def test_the_vector_that_github_documents_is_taken() -> None:
    webhook.verify_signature(
        b"Hello, World!",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        secrets=["It's a Secret to Everybody"],
    )


def test_a_json_delivery_is_read_and_kept_as_it_came() -> None:
    body = json.dumps(Story().payload, indent=1).encode()
    delivery = read(body)
    assert delivery.event == "pull_request"
    assert delivery.id == "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    assert delivery.payload == json.loads(body)
    assert delivery.action == "opened"
    assert delivery.body == body


def test_a_form_delivery_is_read_and_its_json_kept() -> None:
    document = json.dumps({"action": "opened", "text": "ä & + % =\n"}, ensure_ascii=False)
    delivery = read(urlencode({"payload": document}).encode(), FORM)
    assert delivery.payload == json.loads(document)
    assert delivery.body == document.encode()


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf8"',
        "application/json; charset=",
        "application/json; boundary=x",
    ],
)
def test_ways_to_say_json_in_utf_8_are_taken(content_type: str) -> None:
    assert read(b"{}", content_type).payload == {}


@pytest.mark.parametrize("secrets", [["new", SECRET], [SECRET, "old"], ["", SECRET], [SECRET]])
def test_any_of_the_secrets_serves_while_rotating(secrets: list[str]) -> None:
    assert read(b"{}", secrets=secrets).payload == {}


@pytest.mark.parametrize(
    ("payload", "action"),
    [({}, ""), ({"action": None}, ""), ({"action": ["opened"]}, ""), ({"action": "x"}, "x")],
)
def test_an_event_without_an_action_has_an_empty_one(payload: dict[str, Any], action: str) -> None:
    assert read(json.dumps(payload).encode()).action == action


@pytest.mark.parametrize(
    ("document", "payload"),
    [
        pytest.param(b'{"a":"\\ud83d\\ude00"}', {"a": "\N{GRINNING FACE}"}, id="a whole pair"),
        pytest.param(b'{"a":"x\\ud83dy"}', {"a": "x?y"}, id="a high half"),
        pytest.param(b'{"a":"\\ude00"}', {"a": "?"}, id="a low half"),
        pytest.param(b'{"a":"\\ude00\\ud83d"}', {"a": "??"}, id="two halves the wrong way round"),
        pytest.param(b'{"\\ud83d":1}', {"?": 1}, id="in a key"),
        pytest.param(b'{"a":"\\ud800\\udc00\\ud800"}', {"a": "\U00010000?"}, id="beside a whole pair"),
        pytest.param(
            b'{"a":"\\ud83d","b":"\\\\ud83d"}', {"a": "?", "b": "\\ud83d"}, id="beside an escaped one"
        ),
        pytest.param(b'{"a":"\\ud83d","b":"\\u00e4"}', {"a": "?", "b": "ä"}, id="beside another escape"),
    ],
)
def test_half_a_surrogate_pair_becomes_a_question_mark(document: bytes, payload: Any) -> None:
    delivery = read(document)
    assert delivery.payload == webhook.read_document(delivery.body) == payload


def test_headers_of_the_greatest_length_are_taken() -> None:
    body = b"payload=%7B%22a%22%3A1%7D"
    headers = headers_for(body, FORM) | {"x-github-delivery": "x" * webhook.MAX_HEADER}
    delivery = read_whole(headers, body, secrets=[SECRET])
    assert (delivery.id, delivery.payload) == ("x" * 200, {"a": 1})


# What is refused


def without(name: str) -> Change:
    def change(headers: Headers, body: bytes) -> None:
        del headers[name]

    return change


def having(name: str, value: str) -> Change:
    def change(headers: Headers, _: bytes) -> None:
        headers[name] = value

    return change


def carrying(body: bytes, content_type: str = "application/json") -> Change:
    def change(headers: Headers, _: bytes) -> bytes:
        headers.update(headers_for(body, content_type))
        return body

    return change


def signed(*, algorithm: str = "sha256", secret: str = SECRET, header: str = "x-hub-signature-256") -> Change:
    def change(headers: Headers, body: bytes) -> None:
        del headers["x-hub-signature-256"]
        headers[header] = sign.webhook(body, secret, algorithm=algorithm)

    return change


def upper_case_signature(headers: Headers, body: bytes) -> None:
    headers["x-hub-signature-256"] = "sha256=" + headers["x-hub-signature-256"][7:].upper()


def cut_signature(headers: Headers, body: bytes) -> None:
    headers["x-hub-signature-256"] = headers["x-hub-signature-256"][:-1]


REFUSALS: list[tuple[str, Change, type[RequestRefused], str]] = [
    ("no signature", without("x-hub-signature-256"), Unsigned, "X-Hub-Signature-256 is missing"),
    ("empty signature", having("x-hub-signature-256", ""), Unsigned, "X-Hub-Signature-256 is missing"),
    (
        "SHA-1 only",
        signed(algorithm="sha1", header="x-hub-signature"),
        Unsigned,
        "X-Hub-Signature-256 is missing",
    ),
    (
        "SHA-256 in the old header",
        signed(header="x-hub-signature"),
        Unsigned,
        "X-Hub-Signature-256 is missing",
    ),
    ("SHA-1 in the new header", signed(algorithm="sha1"), Unsigned, "must be 'sha256='"),
    ("SHA-512", signed(algorithm="sha512"), Unsigned, "must be 'sha256='"),
    ("different secret", signed(secret="guess"), Unsigned, "does not match"),
    ("secret in other case", signed(secret=SECRET.lower()), Unsigned, "does not match"),
    ("empty secret", signed(secret=""), Unsigned, "does not match"),
    ("no HMAC", having("x-hub-signature-256", "sha256="), Unsigned, "does not match"),
    ("cut", cut_signature, Unsigned, "does not match"),
    ("upper case", upper_case_signature, Unsigned, "does not match"),
    ("non-ASCII signature", having("x-hub-signature-256", "sha256=ä"), Unsigned, "the HMAC in hex"),
    (
        "surrogate in the signature",
        having("x-hub-signature-256", "sha256=\udcff"),
        Unsigned,
        "the HMAC in hex",
    ),
    ("no event", without("x-github-event"), Malformed, "x-github-event is missing"),
    ("empty event", having("x-github-event", ""), Malformed, "x-github-event is missing"),
    ("no delivery id", without("x-github-delivery"), Malformed, "x-github-delivery is missing"),
    ("endless delivery id", having("x-github-delivery", "x" * 201), Malformed, "not one that GitHub sends"),
    ("non-ASCII delivery id", having("x-github-delivery", "ä"), Malformed, "not one that GitHub sends"),
    ("line end in the event", having("x-github-event", "a\nb"), Malformed, "not one that GitHub sends"),
    ("no content type", without("content-type"), WrongContentType, "content type must be"),
    ("text", having("content-type", "text/plain"), WrongContentType, "content type must be"),
    (
        "JSON of a kind",
        having("content-type", "application/vnd.x+json"),
        WrongContentType,
        "content type must be",
    ),
    (
        "unknown charset",
        having("content-type", "application/json; charset=klingon"),
        WrongContentType,
        "charset",
    ),
    ("UTF-16", having("content-type", "application/json; charset=utf-16"), WrongContentType, "charset"),
    ("UTF-7", having("content-type", "application/json; charset=utf-7"), WrongContentType, "charset"),
    ("NUL charset", having("content-type", "application/json; charset=\0"), WrongContentType, "charset"),
    (
        "charset in RFC 2231",
        having("content-type", "application/json; charset*=l'x'%ff"),
        WrongContentType,
        "charset",
    ),
    (
        "odd bytes in the charset",
        having("content-type", "application/json; charset=ä\udcff"),
        WrongContentType,
        "type",
    ),
    ("not JSON", carrying(b"{"), Malformed, "not JSON"),
    ("not UTF-8", carrying(b'{"a": "\xff"}'), Malformed, "not JSON"),
    ("byte order mark", carrying(b"\xef\xbb\xbf{}"), Malformed, "must begin with '{'"),
    ("NaN", carrying(b'{"a": NaN}'), Malformed, "not JSON"),
    ("Infinity", carrying(b'{"a": -Infinity}'), Malformed, "not JSON"),
    ("number beyond floats", carrying(b'{"a": 1e999}'), Malformed, "not JSON"),
    ("digits beyond floats", carrying(b'{"a": ' + b"9" * 400 + b"}"), Malformed, "not JSON"),
    ("digits beyond Python", carrying(b'{"a": ' + b"9" * 5000 + b"}"), Malformed, "not JSON"),
    ("nothing", carrying(b""), Malformed, "must begin with '{'"),
    ("a list", carrying(b"[]"), Malformed, "must begin with '{'"),
    ("a string", carrying(b'"x"'), Malformed, "must begin with '{'"),
    ("null", carrying(b"null"), Malformed, "must begin with '{'"),
    ("open brackets", carrying(b'{"a":' + b"[" * 200_000), Malformed, "nested too deeply"),
    ("deep brackets", carrying(nested(200_000)), Malformed, "nested too deeply"),
    ("deep braces", carrying(b'{"a":' * 50_000 + b"1" + b"}" * 50_000), Malformed, "nested too deeply"),
    ("form without payload", carrying(b"a=b", FORM), Malformed, "one field, 'payload'"),
    ("form with an empty payload", carrying(b"payload=", FORM), Malformed, "must begin with '{'"),
    ("empty form", carrying(b"", FORM), Malformed, "one field, 'payload'"),
    ("form with bytes", carrying(b"payload=\xff", FORM), Malformed, "form cannot be read"),
    ("form not in UTF-8", carrying(b"payload=%ff", FORM), Malformed, "form cannot be read"),
    (
        "form of many fields",
        carrying(b"&".join([b"a=b"] * 11), FORM),
        Malformed,
        "one field, 'payload'",
    ),
    ("a second field", carrying(b"payload=%7B%7D&a=b", FORM), Malformed, "one field, 'payload'"),
    ("a second payload", carrying(b"payload=%7B%7D&payload=%7B%7D", FORM), Malformed, "must have one field"),
    ("another field first", carrying(b"a=b&payload=%7B%7D", FORM), Malformed, "must have one field"),
    ("a field behind a semicolon", carrying(b"payload=%7B%7D;a=b", FORM), Malformed, "must have one field"),
    (
        "JSON with a payload in its words, called a form",
        carrying(b'{"body":"&payload=%7B%22a%22%3A1%7D&"}', FORM),
        Malformed,
        "one field, 'payload'",
    ),
    ("white space first", carrying(b" {}"), Malformed, "must begin with '{'"),
    ("form with other than JSON", carrying(b"payload=x", FORM), Malformed, "must begin with '{'"),
    ("JSON called a form", carrying(b'{"payload": {}}', FORM), Malformed, "one field, 'payload'"),
    ("form called JSON", carrying(b"payload=%7B%7D"), Malformed, "must begin with '{'"),
]


@pytest.mark.parametrize(
    ("change", "refusal", "sentence"),
    [pytest.param(change, refusal, sentence, id=name) for name, change, refusal, sentence in REFUSALS],
)
def test_a_refusal_names_its_reason(change: Change, refusal: type[RequestRefused], sentence: str) -> None:
    body = b'{"action":"opened"}'
    headers = headers_for(body)
    other = change(headers, body)
    body = body if other is None else other
    with pytest.raises(refusal) as refused:
        read_whole(headers, body, secrets=[SECRET])
    assert type(refused.value) is refusal
    assert sentence in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("secrets", [(), ("",), ("", "")], ids=repr)
def test_without_a_secret_everything_is_refused(secrets: Sequence[str]) -> None:
    with pytest.raises(Unsigned, match="has no webhook secret"):
        webhook.verify_signature(b"{}", sign.webhook(b"{}", ""), secrets=secrets)


@unguarded("hmac.compare_digest", always)
def test_an_invented_signature_is_refused() -> None:
    with pytest.raises(Unsigned):
        webhook.verify_signature(b"{}", f"sha256={'0' * 64}", secrets=[SECRET])


def test_a_body_of_the_wrong_signature_is_not_looked_at() -> None:
    with pytest.raises(Unsigned):
        read_whole(headers_for(b"{") | {"x-hub-signature-256": "sha256=0"}, b"{", secrets=[SECRET])


@pytest.mark.parametrize("depth", [900, 1000, 1100, 5000, 200_000])
def test_a_delivery_that_web_accepts_can_be_read_and_no_other_crashes_it(depth: int) -> None:
    """Depths around the limits of both JSON readers."""
    for document in (nested(depth), b'{"b":"\\ud800",' + nested(depth)[1:]):
        try:
            taken = read(document)
        except Malformed:
            taken = None
        try:
            assert "a" in webhook.read_document(document)
        except Malformed:
            assert taken is None


# Properties


def flipped(data: bytes, bit: int) -> bytes:
    bit %= len(data) * 8
    return data[: bit // 8] + bytes([data[bit // 8] ^ (1 << bit % 8)]) + data[bit // 8 + 1 :]


@settings(max_examples=60, deadline=None)
@given(body=st.binary(min_size=1, max_size=80), bit=st.integers(0, 100_000))
def test_a_flipped_bit_anywhere_is_refused(body: bytes, bit: int) -> None:
    signature = sign.webhook(body, SECRET)
    webhook.verify_signature(body, signature, secrets=[SECRET])
    with pytest.raises(Unsigned):
        webhook.verify_signature(flipped(body, bit), signature, secrets=[SECRET])
    with pytest.raises(Unsigned):
        webhook.verify_signature(body, flipped(signature.encode(), bit).decode("latin-1"), secrets=[SECRET])


ANY_TEXT = st.text(st.characters(), max_size=40)
"""Also lone surrogates, as aiohttp makes them of odd bytes in headers."""

JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=8,
)
CONTENT_TYPES = st.one_of(
    st.sampled_from(["application/json", FORM]),
    ANY_TEXT,
    st.builds(
        "application/json;{}={}".format, st.sampled_from(["charset", "charset*", "charset*0*"]), ANY_TEXT
    ),
)
BODIES = st.one_of(
    st.binary(max_size=80),
    JSON_LIKE.map(lambda value: json.dumps(value).encode()),
    JSON_LIKE.map(lambda value: urlencode({"payload": json.dumps(value)}).encode()),
    st.builds(lambda value: json.dumps({"a": value}).encode(), JSON_LIKE),
)


@settings(max_examples=150, deadline=None)
@given(body=BODIES, content_type=CONTENT_TYPES, event=ANY_TEXT, signature=st.none() | ANY_TEXT)
@example(body=b'{"a": NaN}', content_type="application/json", event="e", signature=None)
@example(body=b"{}", content_type="application/json", event="e", signature="sha256=\ud800")
def test_any_bytes_are_read_or_refused_and_read_ones_can_be_read_again(
    body: bytes, content_type: str, event: str, signature: str | None
) -> None:
    headers = headers_for(body, content_type) | {"x-github-event": event or "e"}
    if signature is not None:
        headers["x-hub-signature-256"] = signature
    try:
        delivery = read_whole(headers, body, secrets=[SECRET])
    except RequestRefused as refused:
        assert 400 <= refused.status < 500
        return
    assert webhook.read_document(delivery.body) == delivery.payload
    json.dumps(delivery.payload, ensure_ascii=False).encode()


@settings(max_examples=100, deadline=None)
@given(document=BODIES)
def test_a_document_is_read_or_malformed(document: bytes) -> None:
    try:
        assert isinstance(webhook.read_document(document), dict)
    except Malformed:
        return
