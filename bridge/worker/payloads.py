"""Read the payloads of deliveries in the inbox."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

import msgspec

from bridge.core.errors import Malformed
from bridge.core.github import webhook
from bridge.core.github.payload_errors import unreadable
from bridge.core.messages import translate
from bridge.core.messages.events.table import given
from bridge.core.model import Delivery, Envelope
from bridge.core.pulls import checks, extract
from bridge.core.pulls.model import Commit
from bridge.core.pulls.snapshot import Snapshot
from bridge.queue.entries import InboxEntry

PULL_REQUEST_EVENTS = translate.PULL_EVENTS - translate.OWN_EVENTS - {"issue_comment"}
"""The events whose payload holds a whole pull request."""

_SHA = {
    "check_run": ("check_run", "head_sha"),
    "check_suite": ("check_suite", "head_sha"),
    "workflow_run": ("workflow_run", "head_sha"),
    "status": ("sha",),
    "deployment_status": ("deployment", "sha"),
    "deployment_review": ("workflow_run", "head_sha"),
}
"""The paths to the commit in deliveries about checks."""


class _Head(msgspec.Struct):
    sha: str


class _PullRequest(msgspec.Struct):
    head: _Head


class _OfPullRequest(msgspec.Struct):
    pull_request: _PullRequest


_decode_head = msgspec.json.Decoder(_OfPullRequest).decode


def read(entry: InboxEntry) -> Delivery:
    """Read a delivery; raises `Malformed` if it is broken, or about something else than its entry says."""
    delivery = webhook.whole(Envelope(id=entry.delivery_id, event=entry.event, body=entry.body))
    hold_to_entry(delivery, entry)
    return delivery


def read_ahead(entries: Iterable[InboxEntry]) -> dict[str, Delivery]:
    """Read deliveries before their turn, by the entry's id; a malformed one is left for its turn."""
    found = {}
    for entry in entries:
        with suppress(Malformed, ValueError):
            found[entry.id] = read(entry)
    return found


def commits(entries: Iterable[InboxEntry], deliveries: Mapping[str, Delivery]) -> list[Commit]:
    """Return the commits in the `deliveries` of these entries; a SHA is empty if none can be read."""
    found = []
    for entry in entries:
        if delivery := deliveries.get(entry.id):
            sha = given(delivery.payload, *_SHA[delivery.event])
            found.append((entry.repository_id, sha if isinstance(sha, str) else ""))
    return found


def heads(entries: Iterable[InboxEntry]) -> list[Commit]:
    """Return the heads in deliveries about pull requests, leaving out odd ones; keep no payload in memory."""
    found = []
    for entry in entries:
        with suppress(Malformed, msgspec.MsgspecError, ValueError, RecursionError):
            found.append((entry.repository_id, _decode_head(entry.body).pull_request.head.sha))
    return found


def hold_to_entry(delivery: Delivery, entry: InboxEntry) -> None:
    """Raise `Malformed` if a payload is about something else than its entry says."""
    repository = delivery.payload.get("repository")
    repository_id = repository.get("id") if isinstance(repository, dict) else None
    if repository_id != entry.repository_id or (translate.subject(delivery) or 0) != entry.number:
        raise Malformed("the payload is about another pull request than its entry says")
    if not translate.fits_its_event(delivery):
        raise Malformed(f"the payload does not fit the event {delivery.event}")


def explained(entry: InboxEntry, error: Exception) -> Exception:
    """Return the error of translating a delivery; a note names the field that could not be read."""
    if isinstance(error, KeyError | TypeError | AttributeError):
        error.add_note(unreadable(read(entry), error, read_again))
    return error


def read_again(delivery: Delivery) -> None:
    """Read the fields of a delivery, as its translation does; raises its error."""
    if delivery.event in checks.EVENTS:
        checks.delta(delivery)
    elif translate.subject(delivery) is None:
        translate.former_names(delivery)
    else:
        translate.translate_pull(delivery, Snapshot(), extract.delta(delivery), (), (), now=0)
