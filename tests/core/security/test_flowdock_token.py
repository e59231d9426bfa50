"""The FLOWDOCK-TOKEN: whom it proves, and everything that it must not prove."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.core.errors import TokenRefused
from bridge.core.security import flowdock_token
from tests.kits import sign
from tests.kits.controls import unguarded

SECRET = "flowdock-secret"
ADDRESS = "https://bridge.example.com/repos/acme/component/pulls/42/assign-to-me"
BODY = sign.action_body(ADDRESS)

NOT_SIGNED = "not signed for this application"
NO_USER = "names no user"
NOT_THIS_BODY = "does not belong to this request's body"
NOT_THE_ACTION = "not the action that was clicked"
OTHER_ADDRESS = "has another address"


def verify(token: str | None, body: bytes = BODY, address: str = ADDRESS) -> flowdock_token.VerifiedClick:
    return flowdock_token.verify(token, body, secret=SECRET, address=address)


def claims(**changes: Any) -> dict[str, Any]:
    return {
        "sub": "1001",
        "exp": int(time.time()) + 250,
        "signature": hashlib.sha256(BODY).hexdigest(),
    } | changes


def encoded(part: Any) -> str:
    document = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(document).decode().rstrip("=")


def by_hand(header: Any, payload: Any, *, digest: str = "sha256", secret: str = SECRET) -> str:
    """A JWT whose header says what it likes, signed with an HMAC; an empty `digest` leaves it unsigned."""
    signed = f"{encoded(header)}.{encoded(payload)}"
    mac = hmac.new(secret.encode(), signed.encode(), digest).digest() if digest else b""
    return f"{signed}.{encoded(mac)}"


# What is taken


@pytest.mark.parametrize(
    ("subject", "user"), [("1001", "1001"), (1001, "1001"), (0, "0"), ("x" * 64, "x" * 64)]
)
def test_the_user_is_named_by_a_string_whether_the_token_has_it_or_a_number(subject: Any, user: str) -> None:
    assert verify(sign.flowdock_token(BODY, sub=subject)).user == user


@pytest.mark.parametrize("ahead", [-2, 1, 30, 290])
def test_a_token_is_good_till_its_end_and_a_little_longer_for_clocks_that_differ(ahead: int) -> None:
    expiry = int(time.time()) + ahead
    click = verify(sign.flowdock_token(BODY, exp=expiry))
    # It must be remembered as used for as long as it would be taken.
    assert click.expires_at >= expiry + flowdock_token.LEEWAY


def test_a_fraction_of_a_second_in_the_expiry_is_taken() -> None:
    assert verify(sign.flowdock_token(BODY, exp=time.time() + 30.5)).user == "1001"


@pytest.mark.parametrize("more", [{"iat": "x"}, {"iat": 9e9}, {"aud": "x"}, {"iss": "flowdock"}], ids=repr)
def test_claims_that_flowdock_may_add_do_no_harm(more: dict[str, Any]) -> None:
    assert verify(sign.flowdock_token(BODY, **more)).user == "1001"


def test_a_body_that_names_no_method_is_taken() -> None:
    body = json.dumps({"target": {"urlTemplate": ADDRESS}}).encode()
    assert verify(sign.flowdock_token(body), body).user == "1001"


# What is refused

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_PEM = RSA_KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
HS256 = {"alg": "HS256", "typ": "JWT"}


def other_claims(*, body: bytes = BODY, **changes: Any) -> str:
    return sign.flowdock_token(body, **({"exp": int(time.time()) + 250} | changes))


def bad_tokens() -> dict[str, tuple[str | None, str]]:
    """Made anew for each test: their ends are near."""
    return {
        "none given": (None, "is missing"),
        "empty": ("", "is missing"),
        "no JWT": ("token", NOT_SIGNED),
        "two parts": ("a.b", NOT_SIGNED),
        "non-ASCII": ("ä", "is not a JWT"),
        "lone surrogate": ("\udcff", "is not a JWT"),
        "endless": (other_claims(more="x" * 4096), "is not a JWT"),
        "other secret": (sign.flowdock_token(BODY, "guess"), NOT_SIGNED),
        "empty secret": (by_hand(HS256, claims(), secret=""), NOT_SIGNED),
        "alg none": (by_hand({"alg": "none"}, claims(), digest=""), NOT_SIGNED),
        "alg None, unsigned": (by_hand({"alg": "None"}, claims(), digest=""), NOT_SIGNED),
        "alg none, rightly signed": (by_hand({"alg": "none"}, claims()), NOT_SIGNED),
        "HS384": (by_hand({"alg": "HS384"}, claims(), digest="sha384"), NOT_SIGNED),
        "HS512": (by_hand({"alg": "HS512"}, claims(), digest="sha512"), NOT_SIGNED),
        "alg in small letters": (by_hand({"alg": "hs256"}, claims()), NOT_SIGNED),
        "no alg": (by_hand({"typ": "JWT"}, claims()), NOT_SIGNED),
        "a list of algs": (by_hand({"alg": ["HS256"]}, claims()), NOT_SIGNED),
        "header is no object": (by_hand([], claims()), NOT_SIGNED),
        "critical header": (by_hand({"alg": "HS256", "crit": ["x"], "x": 1}, claims()), NOT_SIGNED),
        "detached": (by_hand({"alg": "HS256", "b64": False}, claims()), NOT_SIGNED),
        "RS256 by a stranger's key": (jwt.encode(claims(), RSA_KEY, algorithm="RS256"), NOT_SIGNED),
        "RS256 in name, HMAC with the secret": (by_hand({"alg": "RS256"}, claims()), NOT_SIGNED),
        "HMAC with a public key": (by_hand(HS256, claims(), secret=RSA_PEM.decode()), NOT_SIGNED),
        "claims are no object": (by_hand(HS256, []), NOT_SIGNED),
        "claims are no JSON": (by_hand(HS256, b"{"), NOT_SIGNED),
        "deep claims": (by_hand(HS256, b'{"a":' + b"[" * 2900), NOT_SIGNED),
        "no exp": (other_claims(exp=None), NOT_SIGNED),
        "exp null": (by_hand(HS256, claims(exp=None)), NOT_SIGNED),
        "exp a word": (other_claims(exp="tomorrow"), NOT_SIGNED),
        "exp a list": (other_claims(exp=[1]), NOT_SIGNED),
        "exp a string of digits": (other_claims(exp=str(int(time.time()) + 250)), "exp is not a time"),
        "exp infinite": (by_hand(HS256, claims(exp=float("inf"))), NOT_SIGNED),
        "exp not a number": (by_hand(HS256, claims(exp=float("nan"))), NOT_SIGNED),
        "exp true": (other_claims(exp=True), "has expired"),
        "expired": (other_claims(exp=int(time.time()) - 60), "has expired"),
        "expired just beyond the leeway": (other_claims(exp=int(time.time()) - 7), "has expired"),
        "long expired": (other_claims(exp=-(10**30)), "has expired"),
        "far ahead": (other_claims(exp=int(time.time()) + 330), "valid for too long"),
        "farther than floats": (other_claims(exp=10**400), "valid for too long"),
        "not yet valid": (other_claims(nbf=int(time.time()) + 3000), NOT_SIGNED),
        "no sub": (other_claims(sub=None), NOT_SIGNED),
        "sub null": (by_hand(HS256, claims(sub=None)), NOT_SIGNED),
        "sub empty": (other_claims(sub=""), NO_USER),
        "sub blank": (other_claims(sub=" "), NO_USER),
        "sub true": (other_claims(sub=True), NO_USER),
        "sub false": (other_claims(sub=False), NO_USER),
        "sub a list": (other_claims(sub=["1001"]), NO_USER),
        "sub an object": (other_claims(sub={"id": 1001}), NO_USER),
        "sub with a fraction": (other_claims(sub=1001.0), NO_USER),
        "sub with a line end": (other_claims(sub="1001\n"), NO_USER),
        "sub with NUL": (other_claims(sub="1001\0"), NO_USER),
        "sub half a pair": (other_claims(sub="\ud800"), NO_USER),
        "sub endless": (other_claims(sub="1" * 65), NO_USER),
        "sub an endless number": (other_claims(sub=10**64), NO_USER),
        "no signature": (other_claims(signature=None), NOT_THIS_BODY),
        "empty signature": (other_claims(signature=""), NOT_THIS_BODY),
        "signature true": (other_claims(signature=True), NOT_THIS_BODY),
        "signature half a pair": (other_claims(signature="\ud800"), NOT_THIS_BODY),
        "signature of another body": (other_claims(body=BODY + b" "), NOT_THIS_BODY),
        "signature in capitals": (
            other_claims(signature=hashlib.sha256(BODY).hexdigest().upper()),
            NOT_THIS_BODY,
        ),
        "signature in other words": (other_claims(signature=hashlib.sha1(BODY).hexdigest()), NOT_THIS_BODY),
    }


_decode = jwt.decode


def _unverified(token: str, *_: object, **__: object) -> Any:
    return _decode(token, options={"verify_signature": False})


@unguarded("jwt.decode", _unverified, row="other secret")
@pytest.mark.parametrize("kind", bad_tokens())
def test_a_token_that_proves_nothing_is_refused(kind: str) -> None:
    token, sentence = bad_tokens()[kind]
    with pytest.raises(TokenRefused) as refused:
        verify(token)
    assert sentence in str(refused.value)
    assert refused.value.status == 403
    assert SECRET not in str(refused.value)


BAD_BODIES = {
    "nothing": (b"", NOT_THE_ACTION),
    "not JSON": (b"urlTemplate", NOT_THE_ACTION),
    "not UTF-8": (b"\xff", NOT_THE_ACTION),
    "deep nesting": (b"[" * 60_000, NOT_THE_ACTION),
    "a list": (b"[]", OTHER_ADDRESS),
    "no target": (b"{}", OTHER_ADDRESS),
    "target is an address": (json.dumps({"target": ADDRESS}).encode(), OTHER_ADDRESS),
    "no address": (b'{"target": {"httpMethod": "POST"}}', OTHER_ADDRESS),
    "another action": (sign.action_body(ADDRESS.replace("assign-to-me", "close")), OTHER_ADDRESS),
    "another pull request": (sign.action_body(ADDRESS.replace("42", "43")), OTHER_ADDRESS),
    "another host": (sign.action_body(ADDRESS.replace("bridge.", "other.")), OTHER_ADDRESS),
    "another scheme": (sign.action_body(ADDRESS.replace("https", "http")), OTHER_ADDRESS),
    "other case": (sign.action_body(ADDRESS.upper()), OTHER_ADDRESS),
    "more behind it": (sign.action_body(ADDRESS + "/"), OTHER_ADDRESS),
    "a query": (sign.action_body(ADDRESS + "?x=1"), OTHER_ADDRESS),
    "a list with the address": (json.dumps({"target": {"urlTemplate": [ADDRESS]}}).encode(), OTHER_ADDRESS),
    "DELETE": (sign.action_body(ADDRESS, method="DELETE"), "is not a POST"),
    "GET": (sign.action_body(ADDRESS, method="GET"), "is not a POST"),
}


@pytest.mark.parametrize(
    ("body", "sentence"), [pytest.param(*row, id=name) for name, row in BAD_BODIES.items()]
)
def test_a_body_that_is_not_this_click_is_refused_though_rightly_signed(body: bytes, sentence: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        verify(sign.flowdock_token(body), body)
    assert sentence in str(refused.value)


def test_a_click_on_one_button_does_not_serve_for_another_address() -> None:
    with pytest.raises(TokenRefused, match=OTHER_ADDRESS):
        verify(sign.flowdock_token(BODY), address=ADDRESS.replace("assign-to-me", "close"))


# Once only: by what a token is remembered


def test_two_clicks_are_two_tokens_and_one_is_one() -> None:
    token = sign.flowdock_token(BODY)
    other = sign.flowdock_token(BODY, sub="1002")
    later = sign.flowdock_token(BODY, exp=int(time.time()) + 60)
    ids = [verify(one).token_id for one in (token, token, other, later)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_a_token_written_in_another_way_is_the_same_token() -> None:
    token = sign.flowdock_token(BODY)
    taken = {verify(token).token_id}
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 32 bytes are 43 characters, the last of which has two bits to spare; padding is another way.
    variants = [token[:-1] + last for last in alphabet] + [token + "=", token + "=="]
    for variant in variants:
        try:
            taken.add(verify(variant).token_id)
        except TokenRefused:
            continue
    assert len(taken) == 1


# Properties

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["sub", "exp", "signature", "nbf", "iat", "aud", "iss", "jti", "x"])


@settings(max_examples=120, deadline=None)
@given(
    token=st.text(st.characters(), max_size=60) | st.from_regex(r"\A[\w-]{0,20}\.[\w-]{0,20}\.[\w-]{0,20}\Z")
)
def test_an_arbitrary_token_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused):
        verify(token)


@settings(max_examples=150, deadline=None)
@given(changes=st.dictionaries(NAMES, JSON_VALUES, max_size=3))
@example(changes={"x": 2**64})
@example(changes={"x": "\ud800"})
@example(changes={"x": float("nan")})
@example(changes={"sub": 2**63})
@example(changes={"jti": 1})
def test_any_rightly_signed_token_is_accepted_or_refused(changes: dict[str, Any]) -> None:
    try:
        click = verify(by_hand(HS256, claims(**changes)))
    except TokenRefused:
        return
    assert click.user == str(changes.get("sub", "1001"))


@settings(max_examples=60, deadline=None)
@given(header=st.dictionaries(st.sampled_from(["alg", "typ", "kid", "b64", "crit", "jwk"]), JSON_VALUES))
def test_a_token_with_any_header_is_accepted_or_refused(header: dict[str, Any]) -> None:
    try:
        verify(by_hand(HS256 | header, claims()))
    except TokenRefused:
        return


@settings(max_examples=80, deadline=None)
@given(body=st.binary(max_size=60) | JSON_VALUES.map(lambda value: json.dumps({"target": value}).encode()))
def test_an_arbitrary_body_is_refused_though_rightly_signed(body: bytes) -> None:
    with pytest.raises(TokenRefused):
        verify(sign.flowdock_token(body), body)


@settings(max_examples=60, deadline=None)
@given(bit=st.integers(0, len(BODY) * 8 - 1))
def test_a_flipped_bit_in_the_body_is_refused(bit: int) -> None:
    body = bytearray(BODY)
    body[bit // 8] ^= 1 << bit % 8
    with pytest.raises(TokenRefused, match=NOT_THIS_BODY):
        verify(sign.flowdock_token(BODY), bytes(body))


@pytest.mark.parametrize("depth", [900, 960, 980, 1000, 1400])
def test_nested_claims_around_the_readers_limit_are_taken_or_refused(depth: int) -> None:
    nested = b"[" * depth + b"]" * depth
    payload = json.dumps(claims()).encode()[:-1] + b',"x":' + nested + b"}"
    try:
        verify(by_hand(HS256, payload))
    except TokenRefused:
        return
