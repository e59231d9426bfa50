"""GitHub's payloads about one pull request, made from the published examples and checked by the schemas.

An example gives the shape; the fields that matter are set. Nothing is invented: `checked` holds every
payload against GitHub's schema of its event and action, with the few exceptions it names.
"""

from typing import Any

from tests.examples import example
from tests.sandbox.schemas import validate

Payload = dict[str, Any]

NUMBER = 2
SHA = "ec26c3e57ca3a959ca5aad62de7213c562f8c821"
PAGE = "https://github.com/acme/component/pull/2"
REPOSITORY = "https://github.com/acme/component"
AT = "2026-03-10T12:00:00Z"

DETAILS = (
    *("additions", "deletions", "changed_files", "commits", "comments", "review_comments"),
    *("maintainer_can_modify", "mergeable", "mergeable_state", "merged", "merged_by", "rebaseable"),
)
"""Fields that only `pull_request` events carry: reviews and their comments carry the rest."""


# Shared by all: what is made of them is a new dictionary each time, and nothing below is ever changed.
_OPENED = example("pull_request", "opened")
_LABEL = example("pull_request", "labeled")["label"]
_REVIEW = example("pull_request_review", "submitted")["review"]
_LINE_COMMENT = example("pull_request_review_comment", "created")["comment"]
_COMMENTED = {action: example("issue_comment", action) for action in ("created", "edited", "deleted")}


def checked(event: str, payload: Payload) -> Payload:
    """The payload, if GitHub may send it.

    In two places GitHub's OpenAPI description goes beyond Octokit's schemas (7.6.1): the time of a
    resolved conversation, and a milestone that is gone once it was taken off.
    """
    held = dict(payload)
    match event, payload.get("action"):
        case "pull_request", "demilestoned":
            held["pull_request"] = {**payload["pull_request"], "milestone": milestone("1.0")}
        case "pull_request_review_thread", _:
            held.pop("updated_at", None)
    validate(event, held)
    return payload


def user(login: str, **fields: Any) -> Payload:
    """An account; its id is made of its login."""
    found: Payload = _OPENED["sender"]
    number = int.from_bytes(login.lower().encode()[:6], "big")
    kind = "Bot" if login.endswith("[bot]") or login == "Copilot" else "User"
    about = {"login": login, "id": number, "html_url": f"https://github.com/{login}", "type": kind}
    return {**found, **about, "avatar_url": f"https://avatars.githubusercontent.com/u/{number}", **fields}


def team(name: str) -> Payload:
    """A team; GitHub requires only its id and name."""
    page = f"https://github.com/orgs/acme/teams/{name}"
    return {
        **{"id": len(name), "node_id": "T_1", "name": name, "slug": name.lower(), "description": None},
        **{"privacy": "closed", "permission": "pull", "url": page, "html_url": page, "parent": None},
        **{"members_url": f"{page}{{/member}}", "repositories_url": f"{page}/repos"},
    }


def label(name: str) -> Payload:
    return {**_LABEL, "name": name}


def milestone(title: str) -> Payload:
    url = f"{REPOSITORY}/milestone/1"
    links = {"url": url, "html_url": url, "labels_url": f"{url}/labels"}
    about = {"id": 1, "node_id": "MI_1", "number": 1, "title": title, "description": None, "state": "open"}
    times = {"created_at": AT, "updated_at": AT, "due_on": None, "closed_at": None}
    return {**links, **about, **times, "creator": user("ann"), "open_issues": 1, "closed_issues": 0}


def repository(full_name: str = "acme/component") -> Payload:
    found: Payload = _OPENED["repository"]
    name = full_name.partition("/")[2]
    return {**found, "name": name, "full_name": full_name, "html_url": f"https://github.com/{full_name}"}


def pull(**fields: Any) -> Payload:
    """A pull request of ann's with all details: nothing assigned, labelled or asked for yet."""
    found: Payload = dict(_OPENED["pull_request"])
    for side, ref in (("head", "fix"), ("base", "main")):
        settings = {"allow_squash_merge": True, "allow_merge_commit": True, "allow_rebase_merge": False}
        repo = {**found[side]["repo"], **repository(), **settings}
        found[side] = {**found[side], "ref": ref, "sha": SHA if side == "head" else "b" * 40, "repo": repo}
    found |= {"number": NUMBER, "html_url": PAGE, "title": "Fix bug", "body": "Why", "user": user("ann")}
    found |= {"labels": [], "assignees": [], "assignee": None, "requested_reviewers": []}
    found |= {"requested_teams": [], "created_at": AT, "updated_at": AT, "commits": 1, "milestone": None}
    found |= {"additions": 10, "deletions": 2, "changed_files": 3, "mergeable": None, "draft": False}
    return {**found, **fields}


def short(full: Payload) -> Payload:
    """The pull request that reviews and their comments carry."""
    return {name: value for name, value in full.items() if name not in DETAILS}


def on_pull(action: str, full: Payload | None = None, *, by: str = "ann", **extra: Any) -> Payload:
    """`pull_request`."""
    return {
        "action": action,
        "number": NUMBER,
        "pull_request": full or pull(),
        "repository": repository(),
        "sender": user(by),
        **extra,
    }


def on_review(action: str, full: Payload | None = None, *, by: str = "bob", **fields: Any) -> Payload:
    """`pull_request_review`; `fields` are the review's, `changes` and `sender` the payload's."""
    outside: Payload = {name: fields.pop(name) for name in ("changes", "sender") if name in fields}
    number = fields.get("id", 900)
    review = {
        **_REVIEW,
        **{"id": number, "html_url": f"{PAGE}#pullrequestreview-{number}", "user": user(by)},
        **{"body": None, "state": "approved", "submitted_at": AT},
        **fields,
    }
    found = {"action": action, "review": review, "pull_request": short(full or pull())}
    return {**found, "repository": repository(), "sender": user(by), **outside}


def line_comment(**fields: Any) -> Payload:
    """A comment on a line."""
    number = fields.get("id", 700)
    return {
        **_LINE_COMMENT,
        **{"id": number, "html_url": f"{PAGE}#discussion_r{number}", "user": user("bob")},
        **{"body": "More emoji", "path": "README.md", "line": 7, "created_at": AT, "updated_at": AT},
        **{"diff_hunk": "@@ -1,2 +1,3 @@\n a\n-b\n+c < d", "pull_request_review_id": 900},
        **fields,
    }


def on_line(action: str, full: Payload | None = None, *, by: str = "bob", **fields: Any) -> Payload:
    """`pull_request_review_comment`; `changes` is the payload's, the rest the comment's."""
    outside: Payload = {name: fields.pop(name) for name in ("changes",) if name in fields}
    found = {"action": action, "comment": line_comment(**fields), "pull_request": short(full or pull())}
    return {**found, "repository": repository(), "sender": user(by), **outside}


def on_thread(
    action: str, full: Payload | None = None, *, by: str = "ann", at: str = "", **comment: Any
) -> Payload:
    """`pull_request_review_thread`; `at` is its own time, which GitHub does not always send."""
    talk: Payload = {"comments": [line_comment(**comment)], "node_id": "PRRT_1"}
    times = {"updated_at": at} if at else {}
    found = {"action": action, "thread": talk, "pull_request": short(full or pull())}
    return {**found, "repository": repository(), "sender": user(by), **times}


def on_comment(action: str, full: Payload | None = None, *, by: str = "bob", **fields: Any) -> Payload:
    """`issue_comment`; `changes` is the payload's, the rest the comment's."""
    outside: Payload = {name: fields.pop(name) for name in ("changes",) if name in fields}
    full = full or pull()
    found = _COMMENTED[action]
    number = fields.get("id", 500)
    comment = {
        **found["comment"],
        **{"id": number, "html_url": f"{PAGE}#issuecomment-{number}", "user": user(by), "body": "Hello"},
        **{"created_at": full["updated_at"], "updated_at": full["updated_at"]},
        **fields,
    }
    names = ("number", "title", "body", "user", "labels", "assignees", "assignee", "state", "updated_at")
    links = {name: full[name] for name in ("url", "html_url", "diff_url", "patch_url", "merged_at")}
    issue = {**found["issue"], **{name: full[name] for name in names}, "pull_request": links}
    issue |= {"draft": full["draft"], "html_url": PAGE}
    about = {"action": action, "issue": issue, "comment": comment}
    return {**about, "repository": repository(), "sender": user(by), **outside}
