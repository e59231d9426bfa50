"""What is shown of a payload: no secret survives, wherever it stands; the rest stays readable."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.security import redaction as masking
from bridge.core.security.redaction import CUT, MASK, mask_text, shown, sounds_secret

ALNUM = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
CORE = st.text(ALNUM, min_size=36, max_size=60)
"""The part of a planted secret that must not be seen."""

# How a secret is known by itself, wherever it stands.
BY_ITSELF = [
    "ghp_{}", "gho_{}", "ghu_{}", "ghs_{}", "ghr_{}", "github_pat_{}", "glpat-{}", "xoxb-{}", "npm_{}",
    "sk_live_{}",
    "eyJhbGciOiJIUzI1NiJ9.{}.abc", "eyJhbGciOiJIUzI1NiJ9.abc.{}", "eyJ{}",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\n{}",
    "https://ann:{}@example.com/x", "redis://:{}@host:6379", "https://{}@example.com",
    "https://example.com/a?token={}&page=2", "https://example.com/a?x=1&access_token={}", "/a?x=1&amp;sig={}",
    "https://example.com/#id_token={}",
    "Authorization: Bearer {}", "authorization: Basic {}", "Bearer {}",
    "password={}", "API_KEY: {}", '{{"client_secret": "{}"}}', "aws_secret_access_key = '{}'",
    "my-token => `{}`",
]  # fmt: skip
AROUND = st.text(st.characters(exclude_categories=("Cs", "L", "N", "Pc")), max_size=20)
"""Text beside a secret; no letters, which would make another word of it."""


@st.composite
def planted_texts(draw: st.DrawFn) -> tuple[str, str]:
    core = draw(CORE)
    text = draw(st.sampled_from(BY_ITSELF)).format(core)
    return f"{draw(AROUND)} {text} {draw(AROUND)}", core


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(ALNUM + " .,:", max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(ALNUM, max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
SECRET_KEYS = [
    "token", "access_token", "accessToken", "X-Auth-Token", "GITHUB_TOKEN", "secret", "webhookSecret",
    "password",
    "Password", "authorization", "Proxy-Authorization", "api_key", "apikey", "APIKey", "privateKey", "key",
    "ssh_key", "credentials", "pem", "client_secret", "flow_token", "cookie",
    "Set-Cookie", "auth", "jwt", "passphrase",
]  # fmt: skip


@st.composite
def planted_documents(draw: st.DrawFn) -> tuple[Any, str]:
    """A JSON document with one secret deep in it: by itself, in a key, or under a key that tells."""
    text, core = draw(planted_texts())
    how = draw(st.sampled_from(["value", "key", "under"]))
    if how == "value":
        value: Any = text
    elif how == "key":
        value = {text: draw(PLAIN)}
    else:
        inner = draw(st.sampled_from([core, [core], {"value": core}, [{"x": [core]}]]))
        value = {draw(st.sampled_from(SECRET_KEYS)): inner}
    for _ in range(draw(st.integers(0, 6))):
        beside = draw(PLAIN)
        value = [beside, value] if draw(st.booleans()) else {"a": beside, "b": value, "c": beside}
    return value, core


@given(planted_documents())
@settings(max_examples=400, deadline=None)
def test_no_planted_secret_survives_at_any_depth(planted: tuple[Any, str]) -> None:
    document, core = planted
    text = shown(json.dumps(document).encode()).text
    assert core not in text
    assert core[:12] not in text, "nor its beginning"
    assert core[-12:] not in text, "nor its end"
    assert MASK in text
    json.loads(text)


@given(planted_documents(), st.integers(1, 400))
@settings(max_examples=200, deadline=None)
def test_no_cut_lets_a_part_of_a_secret_through(planted: tuple[Any, str], limit: int) -> None:
    document, core = planted
    text = shown(json.dumps(document).encode(), limit=limit).text
    assert core[:12] not in text
    json.loads(text)


@given(planted_texts())
@settings(max_examples=200, deadline=None)
def test_what_is_no_json_is_masked_as_text(planted: tuple[str, str]) -> None:
    text, core = planted
    assert core not in shown(f"<not json> {text}".encode()).text


@given(planted_texts(), st.integers(0, 60), st.integers(1, 200))
@settings(max_examples=200, deadline=None)
def test_of_a_long_text_only_the_beginning_is_looked_at(
    planted: tuple[str, str], before: int, limit: int
) -> None:
    text, core = planted
    long = f"<not json> {'- ' * before}{text} {'- ' * masking.LONGEST_SECRET}"
    found = shown(long.encode(), limit=limit)
    assert found.cut
    assert len(found.text) <= limit
    assert core[:12] not in found.text


@given(PLAIN)
def test_a_document_without_secrets_stays_as_it_is(document: Any) -> None:
    found = shown(json.dumps(document).encode())
    if not any(sounds_secret(key) for key in keys_of(document)) and not found.cut:
        assert json.loads(found.text) == document


def keys_of(value: Any) -> list[str]:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return (list(value) if isinstance(value, dict) else []) + [key for one in inner for key in keys_of(one)]


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_keys_that_sound_secret(key: str) -> None:
    assert sounds_secret(key)


@pytest.mark.parametrize(
    "key",
    ["keys_url", "author_association", "monkey", "body", "sha", "node_id", "keyboard", "turnkey", "authored"],
)
def test_keys_that_do_not(key: str) -> None:
    assert not sounds_secret(key)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail ann.ames@example.com today", "mail a…@example.com today"),
        ("<ann+x@mail.example.co.uk>", "<a…@mail.example.co.uk>"),
        ("https://example.com/a?token=abc123&page=2", f"https://example.com/a?token={MASK}&page=2"),
        ("https://ann:pa@ss@example.com/", f"https://{MASK}@example.com/"),
        ("password: hunter,2 and more", f"password: {MASK} and more"),
        ("AKIAIOSFODNN7EXAMPLE", MASK),
        ("a ghp_abcdefghij0123456789 b", f"a {MASK} b"),
        ("xghp_abcdefghij0123456789", f"x{MASK}"),
        # What people write of secrets without telling one.
        ("The token verification is basic functionality", "The token verification is basic functionality"),
        ("@ann-gh, see https://github.com/@acme/x#42", "@ann-gh, see https://github.com/@acme/x#42"),
        ("6dcb09b5b57875f334f61aebed695e2e4193db5e", "6dcb09b5b57875f334f61aebed695e2e4193db5e"),
        ("git@github.com:acme/component.git", "g…@github.com:acme/component.git"),
    ],
)
def test_texts(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_what_says_nothing_is_not_masked() -> None:
    document: Any = {"token": None, "has_secret": True, "secret": "", "keys": []}
    assert json.loads(shown(json.dumps(document).encode()).text) == document


def test_keys_that_are_masked_alike_do_not_hide_each_other() -> None:
    found = json.loads(shown(b'{"a1@x.org": 1, "a2@x.org": 2, "a3@x.org": 3}').text)
    assert list(found.values()) == [1, 2, 3]


def test_a_large_document_is_cut_and_says_so() -> None:
    document = {"rows": [{"body": "x" * 1000, "n": number} for number in range(1000)]}
    found = shown(json.dumps(document).encode(), limit=20_000)
    assert found.cut
    assert len(found.text) < 45_000
    assert json.loads(found.text)["rows"][-1] == CUT
    whole = shown(json.dumps({"n": 1}).encode())
    assert (whole.text, whole.cut) == ('{\n  "n": 1\n}', False)


def test_a_document_that_is_nested_too_deep_is_cut_and_says_so() -> None:
    found = shown(b"[" * 200 + b"]" * 200)
    assert (found.cut, CUT in found.text) == (True, True)


@pytest.mark.parametrize(
    "unit",
    [
        "token",
        "a",
        "eyJ",
        "-----BEGIN ",
        "PRIVATE KEY",
        "a@",
        "://",
        "?token",
        "Bearer ",
        "ghp_",
        " ",
        "key=",
        ".",
    ],
)
def test_no_text_takes_more_time_than_its_length_asks_for(unit: str) -> None:
    """A pattern that takes quadratic time would not be done before the run's own limit."""
    mask_text("-----BEGIN" + unit * (400_000 // len(unit)))
