"""Rows of `pull_request`: its state, its words and its commits."""

from typing import Any

from tests.kits.core import samples
from tests.kits.core.row import OPENED, Row, Told
from tests.kits.core.samples import SHA, on_pull, pull, repository, user

LATER = "2026-03-10T12:00:01Z"
NEXT = "a" * 40
COMPARE = f"{samples.REPOSITORY}/compare/{SHA}...{NEXT}"


def did(action: str, *, by: str = "ann", extra: dict[str, Any] | None = None, **fields: Any) -> Told:
    """The delivery of an action a second after the opening; `fields` are the pull request's."""
    return ("pull_request", on_pull(action, pull(**{"updated_at": LATER, **fields}), by=by, **(extra or {})))


def edited(changes: dict[str, Any], **fields: Any) -> Told:
    return did("edited", extra={"changes": changes}, **fields)


def based_on(ref: str) -> dict[str, Any]:
    return {**pull()["base"], "ref": ref}


def pushed(commits: int, *, before: str = SHA, after: str = NEXT, **fields: Any) -> Told:
    head = {**pull()["head"], "sha": after}
    return did("synchronize", extra={"before": before, "after": after}, commits=commits, head=head, **fields)


DRAFT: Told = ("pull_request", on_pull("opened", pull(draft=True)))
CLOSED_AT: dict[str, Any] = {"state": "closed", "closed_at": LATER}

STATE = {
    "opened": Row(
        told=OPENED, title="Opened pull request", group="status", before=(), thread={"Status": "open"}
    ),
    "opened draft": Row(
        told=DRAFT,
        title="Opened draft pull request",
        group="status",
        before=(),
        thread={"Status": "draft", "Turn": "ann (draft)"},
    ),
    "opened, naming people": Row(
        told=("pull_request", on_pull("opened", pull(body="cc @bob, `@code`, @ann and @acme/core"))),
        title="Opened pull request",
        group="status",
        mentions=("bob",),
        before=(),
    ),
    "opened by a ghost": Row(
        told=("pull_request", on_pull("opened", pull(user=user("ghost", html_url="")))),
        title="Opened pull request",
        group="status",
        before=(),
        thread={"Author": "ghost"},
    ),
    "closed": Row(
        told=did("closed", **CLOSED_AT),
        title="Closed pull request",
        group="status",
        thread={"Status": "closed", "Turn": None},
    ),
    "merged": Row(
        told=did("closed", by="bob", **CLOSED_AT, merged=True, merged_at=LATER, merged_by=user("bob")),
        title="Merged pull request into main",
        group="status",
        thread={"Status": "merged", "Turn": None},
    ),
    "reopened": Row(
        told=did("reopened", updated_at="2026-03-10T12:00:02Z"),
        title="Reopened pull request",
        group="status",
        before=(OPENED, did("closed", **CLOSED_AT)),
        thread={"Status": "open"},
    ),
    "ready for review": Row(
        told=did("ready_for_review"),
        title="Marked as ready for review",
        group="status",
        before=(DRAFT,),
        thread={"Status": "open", "Turn": "ann (to ask for a review)"},
    ),
    "converted to draft": Row(
        told=did("converted_to_draft", draft=True),
        title="Converted to draft",
        group="status",
        thread={"Status": "draft"},
    ),
}

EDITS = {
    "title": Row(
        told=edited({"title": {"from": "Fix <b>"}}, title="Fix bug in API"),
        title="Changed the title from “Fix <b>”",
        group="edits",
    ),
    "description": Row(
        told=edited({"body": {"from": "cc @bob"}}, body="cc @bob @cy"),
        title="Edited the description",
        group="edits",
        mentions=("cy",),
    ),
    "base": Row(
        told=edited({"base": {"ref": {"from": "main"}, "sha": {"from": SHA}}}, base=based_on("stable")),
        title="Changed the base branch from main to stable",
        group="edits",
        thread={"Branch": "fix → stable"},
    ),
    "title and base": Row(
        told=edited(
            {"title": {"from": "x"}, "base": {"ref": {"from": "main"}, "sha": {"from": SHA}}},
            base=based_on("stable"),
        ),
        title="Changed the title from “x” and the base branch from main to stable",
        group="edits",
    ),
    "nothing that is told": Row(told=edited({}), title="Edited pull request", group="edits"),
}


def push(commits: int, *, forced: bool = False, before: str = SHA, after: str = NEXT) -> Told:
    """The push event that GitHub sends beside a `synchronize`, for branches of the repository itself."""
    moved = {"ref": "refs/heads/fix", "before": before, "after": after, "forced": forced}
    commit = {"id": after, "message": "Improve", "distinct": True}
    return (
        "push",
        {**moved, "commits": [commit] * commits, "repository": repository(), "sender": user("ann")},
    )


def after_push(before: Told, told: Told, title: str) -> Row:
    return Row(told=told, title=title, group="pushes", links=(COMPARE,), before=(OPENED, before))


THIRD = "b" * 40
QUICK = (OPENED, push(2), push(3, forced=True, before=NEXT, after=THIRD))
"""Two pushes, both before GitHub tells of either what it did to the pull request."""

PLAIN, FORCED = f"Updated the branch to {NEXT[:7]}", f"Force-pushed {NEXT[:7]}"
PUSHES = {
    "one commit": after_push(push(1), pushed(2), "Pushed 1 commit"),
    "three commits": after_push(push(3), pushed(4), "Pushed 3 commits"),
    "earlier commits landed in the base": after_push(push(2), pushed(1), "Pushed 2 commits"),
    "the first of two quick ones": Row(
        told=pushed(2), title="Pushed 2 commits", group="pushes", links=(COMPARE,), before=QUICK
    ),
    "the second of two quick ones": Row(
        told=pushed(5, before=NEXT, after=THIRD),
        title=f"Force-pushed {THIRD[:7]}",
        group="pushes",
        links=(f"{samples.REPOSITORY}/compare/{NEXT}...{THIRD}",),
        before=(*QUICK, pushed(2)),
    ),
    "the same way back and forth": Row(
        told=pushed(2, updated_at="2026-03-10T12:00:03Z"),
        title="Pushed 2 commits",
        group="pushes",
        links=(COMPARE,),
        before=(
            OPENED,
            push(1, forced=True),
            pushed(1),
            push(1, forced=True, before=NEXT, after=SHA),
            pushed(1, before=NEXT, after=SHA, updated_at="2026-03-10T12:00:02Z"),
            push(2),
        ),
    ),
    "forced": after_push(push(1, forced=True), pushed(1), FORCED),
    "a forced rebase that makes more of them": after_push(push(4, forced=True), pushed(4), FORCED),
    "more than GitHub lists": after_push(push(2048), pushed(4), f"Pushed {NEXT[:7]}"),
    "another push is known": after_push(push(1, after="c" * 40), pushed(2), PLAIN),
    "a push that began elsewhere is known": after_push(push(1, before="c" * 40), pushed(2), PLAIN),
    "of a fork, or the push comes later": after_push(OPENED, pushed(2), PLAIN),
    "before unknown": Row(
        told=pushed(4, before="c" * 40),
        title=PLAIN,
        group="pushes",
        links=(COMPARE.replace(SHA, "c" * 40),),
    ),
}
