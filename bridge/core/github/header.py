"""The header of a delivery: its event, repository and pull request, read without decoding the rest.

GitHub's payloads are long (20 to 30 kB for a pull request), and GitHub waits for its 202. These few values
take a quarter of the time to decode that the whole takes. The worker reads all of it.
"""

from typing import Annotated, Any

import msgspec

from bridge.core import names
from bridge.core.errors import Malformed
from bridge.core.github import webhook
from bridge.core.messages import translate
from bridge.core.model import Delivery, Envelope

MAX_ID = 2**63 - 1
MAX_NUMBER = 2**31 - 1


class Header(msgspec.Struct, frozen=True):
    """The event, repository and pull request of a delivery; `number` is 0 without a pull request."""

    action: str
    repository_id: int
    number: int


_Number = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUMBER)]


class _Repository(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)]
    full_name: Annotated[str, msgspec.Meta(pattern=rf"^{names.PATTERN}\Z")]


class _Pull(msgspec.Struct):
    number: _Number


class _Issue(msgspec.Struct):
    number: _Number
    pull_request: dict[str, Any] | None = None


class _Payload(msgspec.Struct):
    repository: _Repository
    action: str = ""
    pull_request: _Pull | None = None
    issue: _Issue | None = None


_DECODER = msgspec.json.Decoder(_Payload)


def read(envelope: Envelope) -> Header | None:
    """Read the header of a delivery; None if bridge does not need it. Raises `Malformed`.

    An odd payload is decoded whole, so that the refusal says what is wrong. One oddity passes, and the worker
    finds it: a number too large for a float.
    """
    try:
        # msgspec does not look into the strings that it passes over.
        webhook.check_text(envelope.body)
        payload = _DECODER.decode(envelope.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return of(webhook.whole(envelope))
    event = envelope.event
    if event in translate.OWN_EVENTS or event not in translate.EVENTS:
        return None
    number = _number(event, payload)
    if number is None and event in translate.PULL_EVENTS:
        return None
    return Header(payload.action, payload.repository.id, number or 0)


def _number(event: str, payload: _Payload) -> int | None:
    if event == "issue_comment":
        return payload.issue.number if payload.issue and payload.issue.pull_request else None
    return payload.pull_request.number if payload.pull_request and event in translate.PULL_EVENTS else None


def of(delivery: Delivery) -> Header | None:
    """Return the header of a delivery that was decoded whole; as `read` does."""
    return about(delivery) if translate.is_needed(delivery) else None


def about(delivery: Delivery) -> Header:
    """Return the header of any delivery that has a repository; raises `Malformed`."""
    repository, number = delivery.payload["repository"], translate.subject(delivery) or 0
    repository_id = repository.get("id")
    if (
        isinstance(repository_id, bool)
        or not isinstance(repository_id, int)
        or not 0 < repository_id <= MAX_ID
    ):
        raise Malformed("the payload names no repository id")
    if not 0 <= number <= MAX_NUMBER:
        raise Malformed("the payload's pull request has no valid number")
    names.full_name(repository.get("full_name"))
    return Header(delivery.action, repository_id, number)
