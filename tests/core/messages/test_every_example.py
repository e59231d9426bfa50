"""Every payload that GitHub's community publishes goes through, whole and with each nullable field null."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.core.messages import translate
from bridge.core.pulls import checks
from tests.examples import events, example, examples
from tests.kits.core.pipeline import Bridge, connection, delivery, satisfies_flowdock
from tests.sandbox.schemas import InvalidPayload, validate

Payload = dict[str, Any]
Path = tuple[str | int, ...]

EXAMPLES = [
    pytest.param(event, payload, id=f"{event}-{payload.get('action', '')}-{index}")
    for event in events()
    for index, payload in enumerate(examples(event))
]

NULLABLE = frozenset(
    [
        *("user", "sender", "repo", "body", "milestone", "assignee", "auto_merge", "enabled_by"),
        *("merged", "merged_by", "merged_at", "closed_at", "merge_commit_sha", "mergeable", "rebaseable"),
        *("active_lock_reason", "label", "line", "original_line", "position", "submitted_at", "reason"),
        *("requested_reviewer", "requested_team", "app", "conclusion", "started_at", "completed_at"),
        *("head_branch", "target_url", "environment_url", "log_url", "name", "details_url", "check_run_url"),
        *("html_url", "creator", "check_suite", "workflow", "deployment", "before", "after"),
        *("in_reply_to_id", "pull_request_review_id", "diff_hunk", "path", "run_started_at", "changes"),
        *("allow_squash_merge", "updated_at", "draft"),
        *("requestor", "reviewer", "reviewers", "workflow_job_run", "environment"),
    ]
)
"""Null somewhere in GitHub's OpenAPI description of these events, or left out."""

REQUIRED = frozenset(
    [
        ("check_run", "name"),
        ("repository", "name"),
        ("repository", "html_url"),
        ("repository", "owner"),
        ("pull_request", "html_url"),
        ("issue", "html_url"),
        ("comment", "html_url"),
        ("comments", "html_url"),
        ("deployment",),
        ("check_suite",),
        ("labels", "name"),
        ("label", "name"),
        ("requested_teams", "name"),
    ]
)
"""Never null: without them GitHub's payload names nothing."""

LISTS = ("assignees", "requested_reviewers", "requested_teams", "labels", "pull_requests")
SKIPPED = frozenset({"organization", "installation", "_links", "owner", "creator", "commit", "head_commit"})
"""Of these bridge reads nothing."""


def through(bridge: Bridge, event: str, payload: Payload) -> None:
    """The delivery, and a look at all that came of it."""
    out = bridge.tell(event, payload)
    number = translate.subject(delivery(event, payload))
    numbers = {one.number for one in out} | ({number} if number else set())
    for shown in numbers:
        satisfies_flowdock(next((one.message for one in out), None), bridge.thread(shown))


def known(event: str, payload: Payload) -> Bridge:
    """A bridge that knows the pull request whose head an example's checks are about."""
    bridge = Bridge(connection(labels=True))
    news = checks.delta(delivery(event, payload)) if event in checks.EVENTS else None
    if news is not None:
        opened = example("pull_request", "opened")
        opened["pull_request"]["head"]["sha"] = news.sha
        bridge.tell("pull_request", opened)
    return bridge


@pytest.mark.parametrize(("event", "payload"), EXAMPLES)
def test_an_example_goes_through(event: str, payload: Payload) -> None:
    assert translate.is_needed(delivery(event, payload)) == (
        event in checks.EVENTS | translate.REPOSITORY_EVENTS
        or event.startswith("pull_request")
        or bool((payload.get("issue") or {}).get("pull_request"))
    )
    bridge = known(event, payload)
    for _ in range(2):
        through(bridge, event, copy.deepcopy(payload))


@pytest.mark.parametrize(("event", "payload"), EXAMPLES)
def test_with_any_nullable_field_null_or_missing_it_goes_through(event: str, payload: Payload) -> None:
    paths = list(nullable(payload))
    assert paths
    before = known(event, payload)
    for path in paths:
        # Left out is what reviews leave out of the pull request, and what is optional in a payload.
        for null in (True, False) if len(path) < 3 else (True,):
            through(copy.deepcopy(before), event, without(payload, path, null=null))


def test_there_are_examples_of_every_event_that_bridge_needs() -> None:
    assert set(events()) >= translate.EVENTS - translate.OWN_EVENTS - translate.RULE_EVENTS - {"push"}
    assert sum(len(examples(event)) for event in events()) == 101


def test_most_examples_are_valid_by_the_schemas() -> None:
    """The package keeps a few that are older than its schemas: they go through all the same."""
    invalid = 0
    for event in events():
        for payload in examples(event):
            try:
                validate(event, payload)
            except InvalidPayload:
                invalid += 1
    assert invalid == 14


def nullable(value: Any, path: Path = ()) -> Iterator[Path]:
    """The place of a nullable value: a field by its name, an item of a list of people or such."""
    if isinstance(value, dict):
        for name, inner in value.items():
            here = (*path, name)
            if name in NULLABLE and not is_required(here):
                yield here
            if name not in SKIPPED and not (name == "repository" and path):
                yield from nullable(inner, here)
    elif isinstance(value, list):
        for index, inner in enumerate(value[:1]):
            if path[-1] in LISTS:
                yield (*path, index)
            yield from nullable(inner, (*path, index))


def is_required(path: Path) -> bool:
    names = tuple(step for step in path if isinstance(step, str))
    return names in REQUIRED or (len(names) > 1 and names[-2:] in REQUIRED)


def without(payload: Payload, path: Path, *, null: bool) -> Payload:
    """The payload with one field null, or left out; an item of a list is always null."""
    copied: Payload = shallow(payload, path)
    holder: Any = copied
    for step in path[:-1]:
        holder = holder[step]
    if null or isinstance(holder, list):
        holder[path[-1]] = None
    else:
        del holder[path[-1]]
    return copied


def shallow(value: Any, path: Path) -> Any:
    """A copy of what lies on the path; the rest is shared."""
    if not path:
        return value
    copied = value.copy()
    copied[path[0]] = shallow(value[path[0]], path[1:])
    return copied
