"""Messages about `pull_request`; those of merging that tell more have a module of their own."""

from bridge.core.messages.events.table import Happening, Said, given, mentioned_now, named, on, who
from bridge.core.messages.html import escape, link
from bridge.core.messages.markdown import mentioned
from bridge.core.pulls.accounts import asked_of
from bridge.core.pulls.own_events import FORCED, TEAMS
from bridge.core.pulls.push import Push
from bridge.core.pulls.states import state_of

EVENT = "pull_request"

_WORDED = {
    "auto_merge_disabled": Said(title="Disabled auto-merge", group="merging"),
    "auto_merge_enabled": Said(title="Enabled auto-merge", group="merging"),
    "converted_to_draft": Said(title="Converted to draft", group="status"),
    "enqueued": Said(title="Added to the merge queue", group="merging"),
    "ready_for_review": Said(title="Marked as ready for review", group="status"),
    "reopened": Said(title="Reopened pull request", group="status"),
}
"""Actions with a fixed text."""


@on(EVENT, "opened")
def opened(happening: Happening) -> Said:
    """Announce a new pull request."""
    pull = happening.payload["pull_request"]
    title = "Opened draft pull request" if pull.get("draft") else "Opened pull request"
    return Said(title=title, group="status", mentions=mentioned(pull.get("body")))


@on(EVENT, "edited")
def edited(happening: Happening) -> Said:
    """Report a new title, description or base; GitHub names the former one."""
    changes, pull = happening.payload.get("changes") or {}, happening.payload["pull_request"]
    parts = []
    if "title" in changes:
        parts.append(f"changed the title from “{escape(str(given(changes, 'title', 'from') or ''))}”")
    if "base" in changes:
        before, after = given(changes, "base", "ref", "from"), pull["base"]["ref"]
        was = f" from {escape(str(before))}" if before else ""
        verb = "" if parts else "changed "
        parts.append(f"{verb}the base branch{was} to {escape(after)}")
    if "body" in changes:
        parts.append("edited the description")
    words = " and ".join(parts) or "edited pull request"
    return Said(
        title=words[0].upper() + words[1:], group="edits", mentions=mentioned_now(changes, pull.get("body"))
    )


@on(EVENT, "closed")
def closed(happening: Happening) -> Said:
    """Report a close or a merge: GitHub sends one action for both."""
    pull = happening.payload["pull_request"]
    if state_of(pull, happening.delivery.action) != "merged":
        return Said(title="Closed pull request", group="status")
    return Said(title=f"Merged pull request into {escape(happening.pull.target)}", group="status")


@on(EVENT, *_WORDED)
def worded(happening: Happening) -> Said:
    """Report an action by its fixed text."""
    return _WORDED[happening.delivery.action]


@on(EVENT, "assigned")
def assigned(happening: Happening) -> Said:
    """Report an assignment."""
    payload = happening.payload
    if _is_own(happening):
        return Said(title="Self-assigned pull request", group="assignments")
    assignee = payload.get("assignee")
    whom = who(assignee) if assignee else "the pull request"
    return Said(title=f"Assigned {whom}", group="assignments", people=named(assignee))


@on(EVENT, "unassigned")
def unassigned(happening: Happening) -> Said:
    """Report the end of an assignment."""
    if _is_own(happening):
        return Said(title="Removed their assignment", group="assignments")
    assignee = happening.payload.get("assignee")
    return Said(title=f"Unassigned {who(assignee) if assignee else 'the pull request'}", group="assignments")


def _is_own(happening: Happening) -> bool:
    assignee, sender = happening.payload.get("assignee") or {}, happening.payload.get("sender") or {}
    return bool(assignee) and assignee.get("id") == sender.get("id")


@on(EVENT, "synchronize")
def synchronize(happening: Happening) -> Said:
    """Report new commits on the head branch, with a link to their diff.

    Only a `push` that came first says whether it was forced, and how many commits it brought.
    """
    before, after = happening.payload.get("before") or "", happening.payload.get("after") or ""
    if not (before and after):
        return Said(title="Updated the branch", group="pushes")
    push = Push.noted(happening.known, before, after)
    if push is None:
        return _moved(happening, "Updated the branch to", before, after)
    if push.forced:
        return force_pushed(happening, push)
    count = "1 commit" if push.commits == 1 else f"{push.commits} commits" if push.commits else ""
    return _moved(happening, "Pushed", before, after, count)


def force_pushed(happening: Happening, push: Push) -> Said:
    """Report a push that was forced."""
    return _moved(happening, "Force-pushed", push.before, push.after)


def _moved(happening: Happening, verb: str, before: str, after: str, text: str = "") -> Said:
    compare = f"{happening.pull.repository_url}/compare/{before}...{after}"
    return Said(title=f"{verb} {link(compare, text or after[:7])}", group="pushes")


@on(FORCED, "")
def compared(happening: Happening) -> Said | None:
    """Report that a fork's push was forced, which its `synchronize` did not tell."""
    push = Push(happening.payload["before"], happening.payload["after"], forced=True, commits=0)
    return force_pushed(happening, push) if push.is_late(happening.known) else None


@on(EVENT, "review_requested")
def review_requested(happening: Happening) -> Said:
    """Report that a person or a team is asked for a review."""
    payload = happening.payload
    user, team = payload.get("requested_reviewer"), payload.get("requested_team")
    asked = asked_of(user, team)
    if user and given(payload, "sender", "id") == user.get("id"):
        return Said(title="Self-requested a review", group="review requests")
    people = () if asked["is_team"] or _knows(happening, asked["id"]) else named(user)
    whom = f" from {link(asked['url'], asked['name'])}" if user or team else ""
    return Said(title=f"Requested a review{whom}", group="review requests", people=people)


@on(TEAMS, "")
def teams(happening: Happening) -> Said | None:
    """Name the members of the teams that were asked for a review; nothing where they were named before."""
    asked = [one for one in happening.pull.with_state("requested") if one.members]
    people = {one.id: one for team in asked for one in team.members}
    if all(_knows(happening, number) for number in people):
        return None
    names = [f"{link(team.url, team.name)}: {', '.join(one.login for one in team.members)}" for team in asked]
    title = f"Requested a review from {'; '.join(names)}"
    new = tuple(one for one in people.values() if not _knows(happening, one.id))
    return Said(title=title, group="review requests", people=new)


def _knows(happening: Happening, account: int) -> bool:
    """Tell whether a message tagged them for this review: `opened` lists those asked in the same second."""
    return account in happening.known.said.get("turn", ())


@on(EVENT, "review_request_removed")
def review_request_removed(happening: Happening) -> Said:
    """Report that a review request is withdrawn."""
    user, team = happening.payload.get("requested_reviewer"), happening.payload.get("requested_team")
    asked = asked_of(user, team)
    whom = (
        f"the review request for {link(asked['url'], asked['name'])}" if user or team else "a review request"
    )
    return Said(title=f"Removed {whom}", group="review requests")


@on(EVENT, "labeled", "unlabeled")
def labeled(happening: Happening) -> Said | None:
    """Report an added or removed label."""
    name = given(happening.payload, "label", "name")
    if not name:
        return None
    verb = "Added" if happening.delivery.action == "labeled" else "Removed"
    return Said(title=f"{verb} the {escape(name)} label", group="labels")


@on(EVENT, "milestoned", "demilestoned")
def milestoned(happening: Happening) -> Said:
    """Report an added or removed milestone."""
    milestone = happening.payload.get("milestone") or happening.payload["pull_request"].get("milestone") or {}
    title = milestone.get("title")
    name = f"the {escape(title)} milestone" if title else "a milestone"
    verb = "Added to" if happening.delivery.action == "milestoned" else "Removed from"
    return Said(title=f"{verb} {name}", group="other")


@on(EVENT, "locked", "unlocked")
def locked(happening: Happening) -> Said:
    """Report that commenting is restricted, or open again."""
    if happening.delivery.action == "unlocked":
        return Said(title="Unlocked the conversation", group="other")
    reason = given(happening.payload, "pull_request", "active_lock_reason")
    return Said(title=f"Locked the conversation{f' as {escape(reason)}' if reason else ''}", group="other")


@on(EVENT, "stacked")
def stacked(happening: Happening) -> Said:
    """Put on top of another pull request."""
    stack = happening.pull.stack
    place = f": {stack.position} of {stack.size} into {escape(stack.base)}" if stack else ""
    return Said(title=f"Added to a stack{place}", group="other")
