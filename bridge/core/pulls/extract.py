"""Extract the part of a delivery that is merged into a pull request's snapshot.

Any field that GitHub documents as nullable may be null here, and the shorter pull request that review events
carry may lack any field: a missing field changes nothing.
https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from msgspec.structs import replace

from bridge.core.model import Delivery, Payload
from bridge.core.pulls import states
from bridge.core.pulls.accounts import asked_of, key_of, person
from bridge.core.pulls.conversations import deletion
from bridge.core.pulls.gathering import DUE
from bridge.core.pulls.lww import ABOUT, CARRIED, OLDEST, READ, Item, LwwRegister, LwwSet, moment
from bridge.core.pulls.own_events import DIFF, FORCED, MERGE_FAILED, QUEUE, RULES, TEAMS, UPDATE
from bridge.core.pulls.snapshot import SWITCHES, Snapshot
from bridge.core.urls import web_address

MAX_BODY = 4500
"""Characters of the description that are kept: a little more than a thread shows."""

_ABOUT: dict[str, frozenset[str]] = {
    "closed": frozenset({"state", "auto_merge"}),
    "reopened": frozenset({"state"}),
    "converted_to_draft": frozenset({"draft"}),
    "ready_for_review": frozenset({"draft"}),
    "synchronize": frozenset({"head", "pusher", "changes"}),
    "milestoned": frozenset({"milestone"}),
    "demilestoned": frozenset({"milestone"}),
    "auto_merge_enabled": frozenset({"auto_merge"}),
    "auto_merge_disabled": frozenset({"auto_merge"}),
    "enqueued": frozenset({"queued"}),
    "dequeued": frozenset({"queued"}),
}
_EDITS = {"title": ("title",), "body": ("body",), "base": ("base", "changes")}
_METHODS = {
    "allow_merge_commit": "merge",
    "allow_squash_merge": "squash",
    "allow_rebase_merge": "rebase",
}
_ALLOWS = {"allow_auto_merge": "auto-merge", "allow_update_branch": "update-branch"}
_FOR_GOOD = "9999"
"""Later than any time, so that a merge or a deletion is final."""


def delta(delivery: Delivery) -> Snapshot:
    """Extract what a delivery changes. Raises `KeyError` or `TypeError` for a payload GitHub never sends."""
    payload = delivery.payload
    if delivery.event in (UPDATE, DIFF, DUE, FORCED, MERGE_FAILED):
        return Snapshot()
    if delivery.event == QUEUE:
        place = {"number": payload["place"], "since": payload["since"]}
        return Snapshot(values={"place": LwwRegister(moment(payload["read_at"]), ABOUT, place)})
    if delivery.event == TEAMS:
        read_at = moment(payload["read_at"])
        told = {f"team {one['id']}": one["members"] for one in payload["teams"]}
        return Snapshot(values={name: LwwRegister(read_at, ABOUT, found) for name, found in told.items()})
    if delivery.event == RULES:
        register = LwwRegister(moment(payload["read_at"]), ABOUT, payload["rules"])
        return Snapshot(values={"rules": register})
    if delivery.event == "issue_comment":
        return _from_issue(payload)
    part = _from_pull(payload, delivery.event, delivery.action)
    if "read_at" in payload:
        # Read later than it was last changed: `mergeable` is worked out in the background, and a repository's
        # new name changes none of its pull requests.
        pull = payload["pull_request"]
        read_at = moment(payload["read_at"])
        read = {
            "mergeable": LwwRegister(read_at, ABOUT, pull.get("mergeable")),
            "mergeable_state": LwwRegister(read_at, ABOUT, _told_state(pull)),
        }
        read |= {name: LwwRegister(read_at, ABOUT, part.values[name].value) for name in ("repository", "url")}
        read |= {name: replace(part.values[name], weight=READ) for name in ("state", "draft")}
        # A push of this second counts over them, and both then name the repository alike.
        read |= {name: replace(part.values[name], weight=OLDEST) for name in ("head", "base")}
        part = replace(part, values={**part.values, **read})
    add = _ADDITIONS.get(delivery.event)
    return part.merge(add(payload, delivery.action)) if add else part


def _from_pull(payload: Payload, event: str, action: str) -> Snapshot:
    pull = payload["pull_request"]
    at = moment(pull.get("updated_at"))
    own = action if event == "pull_request" else ""
    about = _ABOUT.get(own, frozenset())
    if own == "edited":
        edits = payload.get("changes") or {}
        about = frozenset(name for key, names in _EDITS.items() if key in edits for name in names)
    carried = OLDEST if own == "opened" else CARRIED
    values = {
        name: _register(name, value, at, ABOUT if name in about else carried)
        if name in SWITCHES
        else LwwRegister(at, ABOUT if name in about else carried, value)
        for name, value in _values(pull, payload, own).items()
    }
    # A review that is given ends the request for it, whatever else its second lists.
    gave = event == "pull_request_review" and action == "submitted"
    return Snapshot(values=values, sets=_sets(pull, payload, "review_submitted" if gave else own, at))


def _values(pull: Payload, payload: Payload, own: str) -> dict[str, Any]:
    values = {
        **_common_values(pull, payload["repository"], own),
        "url": web_address(pull["html_url"]),
        "head": _branch(pull["head"]),
        "base": _branch(pull["base"]),
    }
    if own in ("opened", "synchronize"):
        values["pusher"] = person(payload.get("sender"))
    if own or "stack" in pull:
        values["stack"] = _stack(pull.get("stack"))
    if "milestone" in pull:
        values["milestone"] = _milestone(pull["milestone"] or payload.get("milestone"))
    if "auto_merge" in pull:
        values["auto_merge"] = bool(pull["auto_merge"])
    if "mergeable" in pull:
        values["mergeable"] = pull["mergeable"]
        values["mergeable_state"] = _told_state(pull)
    if "additions" in pull:
        values["changes"] = {
            "additions": pull["additions"],
            "deletions": pull["deletions"],
            "files": pull["changed_files"],
            "commits": pull["commits"],
        }
    base = pull["base"].get("repo") or {}
    if "allow_squash_merge" in base:
        values["merge_methods"] = [name for key, name in _METHODS.items() if base.get(key)]
        values["allows"] = [name for key, name in _ALLOWS.items() if base.get(key)]
    return values | states.DID.get(own, {})


def _stack(stack: Payload | None) -> dict[str, Any] | None:
    """Return a place in a stack; None where GitHub tells none, as Enterprise Servers do.

    https://docs.github.com/pull-requests/reference/stacked-pull-requests-apis-and-webhooks
    """
    numbers = [(stack or {}).get(name) for name in ("number", "position", "size")]
    if not stack or not all(isinstance(one, int) and one > 0 for one in numbers):
        return None
    number, position, size = numbers
    return {"number": number, "base": stack["base"]["ref"], "position": position, "size": size}


def _told_state(pull: Payload) -> str:
    state = pull.get("mergeable_state") or "unknown"
    return "" if state == "unknown" else state


def _common_values(pull: Payload, repository: Payload, own: str = "") -> dict[str, Any]:
    """Return what pull requests and their issues have alike."""
    values: dict[str, Any] = {
        "repository": {"name": repository["full_name"], "url": web_address(repository.get("html_url"))},
        "number": pull["number"],
        "title": pull["title"],
        "body": (pull.get("body") or "")[:MAX_BODY],
        "author": person(pull.get("user")),
    }
    if state := states.state_of(pull, own):
        values["state"] = [states.STATES.index(state), state]
    if "draft" in pull:
        values["draft"] = bool(pull["draft"])
    return values


def _register(name: str, value: Any, at: str, weight: int) -> LwwRegister:
    """Make the register of a value; of a state, "merged" is final: a merge is never undone."""
    for_good = name == "state" and value[1] == "merged"
    switched = ((at, value),) if name in SWITCHES and weight == ABOUT and not for_good else ()
    return LwwRegister(_FOR_GOOD if for_good else at, weight, value, switched)


def _branch(side: Payload) -> dict[str, str]:
    repository = side.get("repo") or {}
    return {
        "ref": side["ref"],
        "sha": side["sha"],
        "repository": repository.get("full_name") or "",
        "repository_url": web_address(repository.get("html_url")),
    }


def _milestone(milestone: Payload | None) -> dict[str, str] | None:
    if not milestone:
        return None
    return {"name": milestone.get("title") or "", "url": web_address(milestone.get("html_url"))}


def _sets(pull: Payload, payload: Payload, own: str, at: str) -> dict[str, LwwSet]:
    sets = {}
    if "assignees" in pull:
        users = [person(user) for user in pull["assignees"] or [] if user]
        if own == "assigned" and payload.get("assignee"):
            users.append(person(payload["assignee"]))
        gone = [key_of(person(payload.get("assignee")))] if own == "unassigned" else []
        sets["assignees"] = LwwSet(at, {key_of(user): user for user in users}, gone)
    if "labels" in pull:
        root = web_address(payload["repository"].get("html_url"))
        labels = [label["name"] for label in pull["labels"] or [] if label]
        named = (payload.get("label") or {}).get("name") or ""
        labels += [named] if named and own == "labeled" else []
        gone = [named] if own == "unlabeled" else []
        listed: dict[str, Item] = {
            name: {"name": name, "url": root and f"{root}/labels/{quote(name)}"} for name in labels
        }
        sets["labels"] = LwwSet(at, listed, gone)
    if "requested_reviewers" in pull:
        sets["requested"] = _requested(pull, payload, own, at)
    return sets


def _requested(pull: Payload, payload: Payload, own: str, at: str) -> LwwSet:
    asked = [
        *(asked_of(user, None) for user in pull["requested_reviewers"] or [] if user),
        *(asked_of(None, team) for team in pull.get("requested_teams") or [] if team),
    ]
    named, gone = [payload.get("requested_reviewer"), payload.get("requested_team")], []
    if own == "review_requested" and any(named):
        asked.append(asked_of(*named))
    elif own == "review_request_removed":
        gone = [key_of(asked_of(*named))]
    elif own == "review_submitted":
        gone = [key_of(person(payload["review"].get("user")))]
    listed: dict[str, Item] = {key_of(one): one for one in asked}
    return LwwSet(at, listed, gone)


def _from_issue(payload: Payload) -> Snapshot:
    """Read a comment's issue: the pull request without its branches.

    https://docs.github.com/webhooks/webhook-events-and-payloads#issue_comment
    """
    issue, repository = payload["issue"], payload["repository"]
    at = moment(issue.get("updated_at"))
    pull = states.issue_pull(payload)
    values = {
        **_common_values(pull, repository),
        "url": web_address((issue.get("pull_request") or {}).get("html_url") or issue["html_url"]),
    }
    registers = {name: _register(name, value, at, CARRIED) for name, value in values.items()}
    return Snapshot(values=registers, sets=_sets(pull, payload, "", at))


def _review(payload: Payload, action: str) -> Snapshot:
    """Read a review; its dismissal is final."""
    review = payload["review"]
    state = "dismissed" if action == "dismissed" else str(review["state"]).lower()
    if state not in ("approved", "changes_requested", "dismissed"):
        return Snapshot()
    weight = ABOUT if state == "dismissed" else CARRIED
    value = {**person(review.get("user")), "state": state}
    register = LwwRegister(moment(review.get("submitted_at")), weight, value)
    return Snapshot(reviews={str(review["id"]): register})


def _comment(payload: Payload, action: str) -> Snapshot:
    """Read a comment: the first one on a line begins a conversation, the deletion of its last ends it."""
    comment = payload["comment"]
    value = {"url": web_address(comment["html_url"]), "state": "unresolved"}
    if answered := comment.get("in_reply_to_id"):
        value |= {"state": "reply", "of": str(answered)}
    told = {str(comment["id"]): LwwRegister(moment(comment.get("created_at")), CARRIED, value)}
    return Snapshot(conversations=told | (_gone(comment["id"]) if action == "deleted" else {}))


def _gone(comment_id: int) -> dict[str, LwwRegister]:
    return {deletion(str(comment_id)): LwwRegister(_FOR_GOOD, CARRIED, {"state": "gone"})}


def _thread(payload: Payload, action: str) -> Snapshot:
    """Read a conversation that was resolved or reopened."""
    thread = payload["thread"]
    at = moment(thread.get("updated_at") or payload.get("updated_at")) or moment(
        payload["pull_request"].get("updated_at")
    )
    comments = thread.get("comments") or []
    if not comments:
        return Snapshot()
    # GitHub lists what is left: where a reply comes first, what it answered is gone.
    answered = comments[0].get("in_reply_to_id")
    value = {"url": web_address(comments[0]["html_url"]), "state": action}
    told = {str(answered or comments[0]["id"]): LwwRegister(at, ABOUT, value)}
    if answered:
        told |= _gone(answered) | dict(_comment({"comment": comments[0]}, "").conversations)
    return Snapshot(conversations=told)


_ADDITIONS: dict[str, Callable[[Payload, str], Snapshot]] = {
    "pull_request_review": _review,
    "pull_request_review_comment": _comment,
    "pull_request_review_thread": _thread,
}
