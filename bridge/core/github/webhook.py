"""A webhook delivery from bytes and headers: only SHA-256 signatures count, odd input gets a sentence."""

import codecs
import hashlib
import hmac
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from email.message import Message as MailMessage
from functools import lru_cache, partial

import orjson

from bridge.core.errors import Malformed, Unsigned, WrongContentType
from bridge.core.model import Delivery, Envelope, Payload, Signer

WEBHOOK_PATH = "/github/webhook"
"""The path that GitHub delivers to; a webhook made by bridge appends its key."""

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MAX_HEADER = 200
MAX_VALUES = 500_000
"""Values in a delivery's JSON. Each becomes an object: all of them take 60 MB and a quarter of a second.

That is one value in 50 bytes of GitHub's largest deliveries, of 25 MiB; most have fewer than 10,000 values.
"""
_WEIGHTS = {b",": 1, b"[": 1, b"{": 4}
"""The weight of each character that stands for a value: an object takes as much memory as four texts."""
MAX_MENDED = 256 * 1024
"""Bytes of the largest document that is repaired, escape by escape: twice a pull request with the longest
description."""
PIECE = 256 * 1024
"""Bytes of a large document that are worked on at a time; in between, other threads have a turn."""
_FIELD = b"payload="

ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""Each escape in JSON; `half` is one that names half a surrogate pair."""


def whole(envelope: Envelope) -> Delivery:
    """Return the delivery in an envelope; raises `Malformed`."""
    payload = read_document(envelope.body)
    return Delivery(
        id=envelope.id,
        event=envelope.event,
        payload=payload,
        body=envelope.body,
        signer=envelope.signer,
        signature=envelope.signature,
    )


def read_envelope(
    headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], signer: Signer = "operator"
) -> Envelope:
    """Return the delivery that `body` carries, unread, once its signature proves right.

    `headers` are looked up in lower case; `signer` is what the `secrets` speak for. Raises
    `WrongContentType`, `Malformed` or `Unsigned`.
    Rules: https://docs.github.com/webhooks/webhook-events-and-payloads#delivery-headers
    """
    content_type = _content_type(headers.get("content-type", ""))
    event = _header(headers, "x-github-event")
    delivery_id = _header(headers, "x-github-delivery")
    signature = verify_signature(body, headers.get("x-hub-signature-256"), secrets=secrets)
    document = _json_body(body) if content_type == JSON else form_payload(body)
    check_values(document)
    return Envelope(id=delivery_id, event=event, body=document, signer=signer, signature=signature)


def verify_signature(body: bytes, signature: str | None, *, secrets: Sequence[str]) -> str:
    """Return the HMAC in hex; raise `Unsigned` unless `signature` is the SHA-256 one by any of `secrets`.

    https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
    """
    if not any(secrets):
        raise Unsigned("bridge has no webhook secret: set GITHUB_WEBHOOK_SECRET")
    if not signature:
        raise Unsigned("the header X-Hub-Signature-256 is missing: set a secret on the GitHub webhook")
    if not signature.startswith("sha256=") or not signature.isascii():
        raise Unsigned("X-Hub-Signature-256 must be 'sha256=' and the HMAC in hex")
    for secret in filter(None, secrets):
        signed = _keyed(secret).copy()
        signed.update(body)
        digest = signed.hexdigest()
        if hmac.compare_digest(signature, f"sha256={digest}"):
            return digest
    raise Unsigned("the signature does not match: the webhook on GitHub has a different secret")


@lru_cache(maxsize=256)
def _keyed(secret: str) -> hmac.HMAC:
    # A `partial` keeps Python from OpenSSL's HMAC, which looks its algorithm up for each delivery.
    return hmac.new(secret.encode(), digestmod=partial(hashlib.sha256))


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise Malformed(f"the header {name} is missing")
    if len(value) > MAX_HEADER or not value.isascii() or not value.isprintable():
        raise Malformed(f"the header {name} is not one that GitHub sends")
    return value


@lru_cache(maxsize=8)
def _content_type(header: str) -> str:
    if not header.isascii():
        raise WrongContentType(f"the content type must be {JSON} or {FORM}")
    mail = MailMessage()
    mail["content-type"] = header.replace("\r", " ").replace("\n", " ")
    content_type = mail.get_content_type()
    if content_type not in (JSON, FORM):
        raise WrongContentType(f"the content type must be {JSON} or {FORM}")
    charset = mail.get_param("charset") or "utf-8"
    try:
        known = isinstance(charset, str) and codecs.lookup(charset).name == "utf-8"
    except (LookupError, ValueError):
        known = False
    if not known:
        raise WrongContentType("the charset must be utf-8")
    return content_type


def _json_body(body: bytes) -> bytes:
    """Return the body unchanged; raises `Malformed` if it begins otherwise, as one signed as a form does."""
    if not body.startswith(b"{"):
        raise Malformed("the body is not a JSON object: it must begin with '{'")
    return body


def form_payload(body: bytes) -> bytes:
    """Return the form's one field, `payload`: GitHub puts the JSON there for its content type `form`.

    A signed JSON body may hold `&payload=` in anybody's words. Posted as a form it would be another delivery.
    """
    if not body.startswith(_FIELD) or b"&" in body or b";" in body:
        raise Malformed("the form must have one field, 'payload'")
    if not body.isascii():
        raise Malformed("the form cannot be read")
    document = _unquoted(body[len(_FIELD) :])
    try:
        check_text(document)
    except UnicodeDecodeError as error:
        raise Malformed("the form cannot be read") from error
    return _json_body(document)


def _unquoted(text: bytes) -> bytes:
    """Decode a form's value piece by piece: the library lists all escapes of what it is given."""
    found, at = bytearray(), 0
    while at < len(text):
        end = at + PIECE
        # No escape is cut in two.
        if end < len(text) and (cut := text.rfind(b"%", end - 2, end)) >= 0:
            end = cut
        found += urllib.parse.unquote_to_bytes(text[at:end].replace(b"+", b" "))
        at = end
    return bytes(found)


def check_text(document: bytes) -> None:
    """Raise `UnicodeDecodeError` unless it is UTF-8; piece by piece: the whole text may take 100 MiB."""
    if document.isascii():
        return
    decoder = codecs.getincrementaldecoder("utf-8")()
    for at in range(0, len(document), PIECE):
        decoder.decode(document[at : at + PIECE])
    decoder.decode(b"", final=True)


def check_values(document: bytes) -> None:
    """Raise `Malformed` for a document of more than `MAX_VALUES` values, before they are made."""
    if len(document) <= MAX_VALUES:
        return
    values = 0
    for at in range(0, len(document), PIECE):
        values += sum(document.count(mark, at, at + PIECE) * weight for mark, weight in _WEIGHTS.items())
        if values > MAX_VALUES:
            raise Malformed(f"the JSON has more than {MAX_VALUES} values")


def read_document(document: bytes) -> Payload:
    """Return the payload in a delivery's `body`; raises `Malformed`.

    JSON may name half a surrogate pair, which UTF-8 cannot hold. It becomes '?', unless the document is
    longer than `MAX_MENDED`.
    """
    try:
        try:
            payload = orjson.loads(document)
        except orjson.JSONDecodeError:
            if len(document) > MAX_MENDED:
                raise
            payload = orjson.loads(ESCAPE.sub(_whole, document))
    except orjson.JSONDecodeError as error:
        if "depth limit" in str(error):
            raise Malformed("the JSON is nested too deeply") from None
        raise Malformed("the body is not JSON in UTF-8") from error
    if not isinstance(payload, dict):
        raise Malformed("the JSON must be an object")
    return payload


def _whole(escape: re.Match[bytes]) -> bytes:
    return b"?" if escape["half"] else escape[0]
