"""Masking: no secret survives in a text, wherever it stands; the rest stays readable."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.security.redaction import MASK, mask_text

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


@given(planted_texts())
@settings(max_examples=400, deadline=None)
def test_no_planted_secret_survives(planted: tuple[str, str]) -> None:
    text, core = planted
    masked = mask_text(text)
    assert core[:12] not in masked, "nor its beginning"
    assert core[-12:] not in masked, "nor its end"
    assert MASK in masked


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
