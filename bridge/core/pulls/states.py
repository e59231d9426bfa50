"""Read a pull request's state from a delivery: the action decides, whatever else the payload says."""

from typing import Any

from bridge.core.model import Delivery, Payload

DID: dict[str, dict[str, Any]] = {
    "converted_to_draft": {"draft": True},
    "ready_for_review": {"draft": False},
    "demilestoned": {"milestone": None},
    "auto_merge_enabled": {"auto_merge": True},
    "auto_merge_disabled": {"auto_merge": False},
    "enqueued": {"queued": True, "draft": False},
    "dequeued": {"queued": False},
}
"""The value that an action gives a field, even if its payload lacks the field or contradicts."""

STATES = ("open", "closed", "merged")
"""In rising rank: of two told in one second, the one with the higher rank counts."""


def state_of(pull: Payload, own: str) -> str:
    """Return the state in a delivery: from its action, else from `merged`; empty if none."""
    if own in ("opened", "reopened"):
        return "open"
    if pull.get("merged_at") or pull.get("merged"):
        return "merged"
    state = "closed" if own == "closed" else pull.get("state")
    return state if state in ("open", "closed") else ""


def is_doubtful(delivery: Delivery) -> bool:
    """Tell whether a delivery contradicts itself, or closes without saying if it merged: ask GitHub then."""
    payload = delivery.payload
    pull = issue_pull(payload) if "issue" in payload else payload["pull_request"]
    own = delivery.action if delivery.event == "pull_request" else ""
    merged, at = pull.get("merged"), pull.get("merged_at")
    state = state_of(pull, own)
    if not state or pull.get("state", state) != ("closed" if state == "merged" else state):
        return True
    if state == "closed" and not pull.keys() & {"merged", "merged_at"}:
        return True
    if (state == "open" and (merged or at)) or ("merged_at" in pull and merged not in (None, bool(at))):
        return True
    draft = bool(pull.get("draft"))
    return "draft" in pull and draft != DID.get(own, {}).get("draft", draft)


def issue_pull(payload: Payload) -> Payload:
    """Return the issue with what only its pull request tells: when it was merged."""
    issue = payload["issue"]
    links = issue.get("pull_request") or {}
    return {**issue, **{name: links[name] for name in ("merged_at",) if name in links}}
