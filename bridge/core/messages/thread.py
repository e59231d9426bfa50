"""A pull request as Flowdock's `thread`: the whole current state, buttons included."""

from functools import lru_cache
from typing import Any
from urllib.parse import quote

from bridge.core.actions import ACTIONS
from bridge.core.messages import description
from bridge.core.messages.html import escape, link, listed
from bridge.core.model import path_of
from bridge.core.pulls import to_merge, turn
from bridge.core.pulls.checks import verdict
from bridge.core.pulls.model import Branch, CheckState, Link, Person, PullRequest, Reviewer
from bridge.core.pulls.rules import BranchRules
from bridge.core.urls import in_repository, web_address

MAX_TITLE = 300
MAX_NAMED = 10
"""Failed checks, conversations, labels that are named; the rest is counted."""

MAX_BRANCH = 60
"""Characters of a branch's name; of a longer one its middle is left out."""

MAX_INVOLVED = 100

LEFT = {"color": "grey", "value": "no longer shown"}
_LASTING = ("Author", "Branch")

_PAGES = (("Conversation", ""), ("Diff", "/files"), ("Checks", "/checks"))
_STATES: dict[CheckState, str] = {
    "passed": "passed",
    "failed": "failed",
    "running": "running",
    "waiting": "waiting for a maintainer",
    "skipped": "skipped",
    "neutral": "neutral",
}
_VERDICT_MARKS = {"passed": "✓", "failed": "✗", "running": "…", "waiting": "…"}
_MARKS = {"approved": "✓", "changes requested": "✗", "requested": "…"}


def render(pull: PullRequest, *, web_url: str, is_left: bool = False) -> dict[str, Any]:
    """Return the JSON object that `POST /messages` takes as `thread`; the buttons lead to `web_url`.

    A thread that `is_left` gets no further message, so it shows only what stays true.
    Flowdock's API documents, "Messages": title, field labels and values take only the tag `a`.
    """
    # The snapshot's address is checked again: this is the last place to do so.
    url, found = web_address(pull.url), turn.next_action(pull)
    return {
        "title": escape(pull.title[:MAX_TITLE].strip() or url or f"#{pull.number}"),
        "body": description.html(pull),
        **({"external_url": url} if url else {}),
        "status": LEFT if is_left and pull.state != "merged" else status(pull),
        "fields": [row for row in fields(pull, found) if not is_left or row["label"] in _LASTING],
        "actions": [*_links(url), *([] if is_left else _buttons(pull, web_url))],
        "bridge": _extension(pull, None if is_left else found),
    }


def status(pull: PullRequest) -> dict[str, str]:
    """Return the coloured word at the thread's head."""
    if pull.state == "merged":
        return {"color": "purple", "value": "merged"}
    if pull.state == "closed":
        return {"color": "red", "value": "closed"}
    if pull.queued:
        return {"color": "yellow", "value": "queued"}
    if pull.draft:
        return {"color": "grey", "value": "draft"}
    if pull.with_state("changes requested"):
        return {"color": "orange", "value": "changes requested"}
    if pull.with_state("approved"):
        return {"color": "lime", "value": "approved"}
    return {"color": "green", "value": "open"}


def fields(pull: PullRequest, found: turn.Turn | None) -> list[dict[str, str]]:
    """Return the rows below the title, without empty ones; `found` is the pull request's turn."""
    rows = {
        "Turn": worded_turn(found),
        "Author": _person(pull.author),
        "Branch": _branches(pull),
        "Stack": _stack(pull),
        "Assignees": ", ".join([_person(user) for user in pull.assignees]),
        "To merge": escape(_to_merge(pull)) if pull.is_open else "",
        "Reviewers": ", ".join([_reviewer(reviewer) for reviewer in _awaited(pull)]),
        "Conversations": _conversations(pull) if pull.is_open else "",
        "Checks": _checks(pull),
        "Deployments": _deployments(pull),
        "Labels": listed([_link(label, pull) for label in pull.labels], MAX_NAMED),
        "Milestone": _link(pull.milestone, pull) if pull.milestone else "",
        "Changes": _changes(pull),
        "Auto-merge": "on" if pull.auto_merge and pull.is_open else "",
        "Merge queue": _queue(pull) if pull.is_open else "",
    }
    return [{"label": label, "value": value} for label, value in rows.items() if value]


def worded_turn(found: turn.Turn | None) -> str:
    """Say whose turn it is, as HTML; empty once the pull request is closed."""
    if found is None:
        return ""
    who = found.named(_person, escape)
    return f"{who} ({escape(found.why)})" if found.why else who


def _extension(pull: PullRequest, found: turn.Turn | None) -> dict[str, Any]:
    """Return the member `bridge`, which bridge's inbox reads and Flowdock ignores (docs/protocol.md)."""
    involved = {one.id: _account(one) for one in pull.people if one.id and not one.bot}
    times, shown = pull.turn_since, None
    if found:
        people = [
            _account(one) | {"since": _milliseconds(times.get(f"{found.kind}:{one.id}"))}
            for one in turn.holders(pull, found)
        ]
        since = _milliseconds(min(times.values(), default=None))
        shown = {"kind": found.kind, "who": found.who, "why": found.why, "since": since, "people": people}
    return {
        "repository": pull.repository,
        "number": pull.number,
        "author": _account(pull.author),
        "people": list(involved.values())[:MAX_INVOLVED],
        "turn": shown,
    }


def _account(person: Person) -> dict[str, Any]:
    return {"id": person.id, "login": person.login}


def _milliseconds(moment: float | None) -> int | None:
    return None if moment is None else int(moment * 1000)


def _person(person: Person) -> str:
    return link(person.url, person.login)


def _link(found: Link, pull: PullRequest) -> str:
    """Link a label or a milestone, under the repository's present name."""
    return link(in_repository(found.url, pull.repository_url), found.name)


def _branches(pull: PullRequest) -> str:
    if not (pull.head and pull.base):
        return ""
    return f"{_branch(pull.head, pull)} → {_branch(pull.base, pull)}"


def _stack(pull: PullRequest) -> str:
    """Say the place in the stack, with links to the neighbours: those that share a branch with it."""
    if (stack := pull.stack) is None:
        return ""
    search = f"{pull.repository_url}/pulls?q=is%3Apr"
    parts = [f"{stack.position} of {stack.size} into {escape(stack.base)}"]
    if pull.base and stack.position > 1:
        parts.append(link(f"{search}+head%3A{_quoted(pull.base.ref)}", "below"))
    if pull.head and stack.position < stack.size:
        parts.append(link(f"{search}+base%3A{_quoted(pull.head.ref)}", "above"))
    return ", ".join(parts)


def _branch(branch: Branch, pull: PullRequest) -> str:
    """Return the branch as a link, with its fork's name if it is in one."""
    if not branch.repository:
        return escape(branch.ref if branch is pull.base else f"{branch.ref} (fork deleted)")
    of_base = pull.base.repository if pull.base else ""
    is_fork = branch.repository != (of_base or branch.repository)
    name = f"{branch.repository.partition('/')[0]}:{branch.ref}" if is_fork else branch.ref
    shown = name if len(name) <= MAX_BRANCH else f"{name[: MAX_BRANCH - 20]}…{name[-19:]}"
    url = branch.repository_url if is_fork else pull.repository_url
    return link(f"{url}/tree/{_quoted(branch.ref)}", shown)


@lru_cache(maxsize=256)
def _quoted(ref: str) -> str:
    return quote(ref)


def _awaited(pull: PullRequest) -> tuple[Reviewer, ...]:
    """Return the reviewers; of a closed pull request only those who gave a review."""
    if pull.is_open:
        return pull.reviewers
    return tuple(reviewer for reviewer in pull.reviewers if reviewer.state != "requested")


def _reviewer(reviewer: Reviewer) -> str:
    return f"{_MARKS[reviewer.state]} {link(reviewer.url, reviewer.name)} ({reviewer.state})"


def _to_merge(pull: PullRequest) -> str:
    """Say which requirements of the branch are not met; empty if it has none."""
    lacks = "; ".join(to_merge.missing(pull))
    if pull.rules is None:
        return ""
    if not pull.rules.is_known:
        return f"unknown: no linked account can read the rules{f'; {lacks}' if lacks else ''}"
    return lacks or ("✓ nothing missing" if pull.rules != BranchRules(branch=pull.rules.branch) else "")


def _conversations(pull: PullRequest) -> str:
    if not pull.unresolved and not pull.more_unresolved:
        return ""
    links = [link(url, str(index)) for index, url in enumerate(pull.unresolved, start=1)]
    more = "more than " if pull.more_unresolved else ""
    return f"{more}{len(links)} unresolved: {listed(links, MAX_NAMED)}"


def _checks(pull: PullRequest) -> str:
    """Sum the checks up, with links to those that failed."""
    if not pull.checks:
        return ""
    mark = _VERDICT_MARKS[verdict(pull.checks)]
    failed = listed([link(check.url, check.name) for check in to_merge.failed(pull)], MAX_NAMED)
    return f"{mark} {sum_of(pull)}" + (f": {failed}" if failed else "")


def sum_of(pull: PullRequest) -> str:
    """Count the checks by state, and say what is not counted."""
    counts = [
        f"{len(found)} {words}" for state, words in _STATES.items() if (found := pull.checks_that(state))
    ]
    aside = [check for check in pull.checks if not check.is_counted]
    if verdict(pull.checks) == "running" and not pull.checks_that("running"):
        counts.append("more to come")
    counts += [check.name for check in aside if not check.run_id]
    return ", ".join(counts)


def _deployments(pull: PullRequest) -> str:
    waits = {"waiting": " (awaiting approval)"}
    shown = [
        f"{_VERDICT_MARKS[one.state]} {link(one.url, one.name)}{waits.get(one.state, '')}"
        for one in pull.deployments
    ]
    return listed(shown, MAX_NAMED)


def _changes(pull: PullRequest) -> str:
    changes = pull.changes
    if changes is None:
        return ""
    files = "1 file" if changes.files == 1 else f"{changes.files} files"
    return f"+{changes.additions} −{changes.deletions} in {files}"


def _queue(pull: PullRequest) -> str:
    if not pull.queued:
        return ""
    number, checks = pull.place
    place = f"position {number}" if number else "queued"
    return f"{place}; checks: {checks}" if checks else place


def _links(url: str) -> list[dict[str, Any]]:
    return [{"@type": "ViewAction", "name": name, "url": url + path} for name, path in _PAGES if url]


def _buttons(pull: PullRequest, web_url: str) -> list[dict[str, Any]]:
    place = web_url + path_of(pull.repository, pull.number)
    return [
        {
            "@type": "UpdateAction",
            "name": action.name,
            **({"description": note} if action.note and (note := action.note(pull)) else {}),
            "target": {
                "@type": "EntryPoint",
                "urlTemplate": place + action.slug,
                "httpMethod": "POST",
            },
        }
        for action in ACTIONS.values()
        if action.offered(pull)
    ]
