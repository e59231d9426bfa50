"""Messages name their author and hold no stranger's markup, even if fields are missing."""

import copy
from typing import Any

import pytest

from bridge.core.messages.events import TABLE, merging
from bridge.core.messages.events.table import on
from bridge.core.model import Author, Message
from bridge.core.printable import visible
from tests.kits.core import page
from tests.kits.core.evasions import EVASIONS
from tests.kits.core.pipeline import Bridge, connection, satisfies_flowdock, tagged
from tests.kits.core.row import OPENED
from tests.kits.core.samples import on_comment, on_line, on_pull, on_review, on_thread, pull, team, user
from tests.kits.core.story import payload_of

AFTER_OPENING = Bridge(connection(labels=True)).play([OPENED])


def said(payload: dict[str, Any], event: str = "pull_request") -> Message:
    """The one message about a payload, after the opening."""
    bridge = copy.deepcopy(AFTER_OPENING)
    message = bridge.says(event, payload)
    assert message is not None
    satisfies_flowdock(message, bridge.thread())
    return message


NULLS: list[tuple[str, dict[str, Any], str]] = [
    # What GitHub may leave out or null there (its OpenAPI description), and what is said then.
    ("nobody unassigned", on_pull("unassigned", assignee=None), "Unassigned the pull request"),
    ("nobody edited", on_pull("edited", changes={}) | {"sender": None}, "Edited pull request"),
    ("no changes", on_pull("edited", changes=None), "Edited pull request"),
    ("edited otherwise", on_pull("edited", changes={"color": {"from": "red"}}), "Edited pull request"),
    ("no former title", on_pull("edited", changes={"title": {}}), "Changed the title from “”"),
    ("no former base", on_pull("edited", changes={"base": {}}), "Changed the base branch to main"),
    (
        "only a former sha",
        on_pull("edited", changes={"base": {"sha": {"from": "x"}}}),
        "Changed the base branch to main",
    ),
    ("no shas", on_pull("synchronize", before=None, after=None), "Updated the branch"),
    ("not before", on_pull("synchronize", before=None, after="a" * 40), "Updated the branch"),
    ("not after", on_pull("synchronize", before="a" * 40), "Updated the branch"),
    ("no milestone", on_pull("milestoned"), "Added to a milestone"),
    ("taken off none", on_pull("demilestoned", milestone=None), "Removed from a milestone"),
    ("no reason", on_pull("dequeued"), "Removed from the merge queue"),
    (
        "a team without a page",
        on_pull("review_requested", requested_team={"id": 1, "name": "X"}),
        "Requested a review from X",
    ),
    ("nobody asked", on_pull("review_request_removed"), "Removed a review request"),
]


@pytest.mark.parametrize(("payload", "title"), [pytest.param(*row, id=name) for name, *row in NULLS])
def test_an_event_without_its_optional_fields_is_told(payload: dict[str, Any], title: str) -> None:
    assert page.text(said(payload).title) == title


def test_a_conversation_without_comments_leads_to_the_pull_request() -> None:
    payload = on_thread("resolved")
    payload["thread"]["comments"] = []
    (tag,) = page.tags(said(payload, "pull_request_review_thread").title)
    assert tag.attributes["href"] == payload["pull_request"]["html_url"]


def test_a_review_of_a_ghost_is_told() -> None:
    payload = on_review("submitted", user=None, submitted_at=None, html_url=None) | {"sender": None}
    message = said(payload, "pull_request_review")
    assert (page.text(message.title), message.author) == ("Approved", Author(name="ghost"))


def test_every_reason_for_leaving_the_queue_is_words_for_people() -> None:
    for reason, words in merging._WHY.items():
        assert reason.isupper()
        assert words == words.strip().lower()


def test_an_action_is_defined_once() -> None:
    with pytest.raises(ValueError, match=r"pull_request\.opened is defined twice"):
        on("pull_request", "opened")(TABLE["pull_request", "reopened"])


# The author


def test_the_author_is_who_did_it_not_who_opened_the_pull_request() -> None:
    payload = payload_of("merged")
    message = Bridge().says("pull_request", payload)
    assert message is not None
    assert message.author == Author(name="cy-gh", avatar=payload["sender"]["avatar_url"])


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        (None, Author(name="ghost")),
        ({}, Author(name="ghost")),
        ({"login": "ann"}, Author(name="ann")),
        ({"login": "ann", "avatar_url": ""}, Author(name="ann")),
        ({"login": "ann", "avatar_url": None}, Author(name="ann")),
        ({"login": "ann", "avatar_url": "javascript:alert(1)"}, Author(name="ann")),
        ({"login": "ci[bot]", "type": "Bot"}, Author(name="ci[bot]")),
    ],
    ids=repr,
)
def test_an_author_without_a_name_or_picture_is_still_one(sender: Any, expected: Author) -> None:
    assert said(on_pull("reopened") | {"sender": sender}).author == expected


def test_nobody_is_told_of_what_they_did_themselves() -> None:
    """Whatever the case that GitHub wrote their login in."""
    message = said(on_comment("created", by="Bob", body="@bob @cy"), "issue_comment")
    assert tagged(message) == ("cy",)


# Nothing but words


@pytest.mark.parametrize("evasion", EVASIONS)
def test_no_markup_gets_into_a_title(evasion: str) -> None:
    whom = user("bob", html_url=f"https://github.com/{evasion}") | {"login": evasion}
    no_link = user("bob", html_url=evasion) | {"login": evasion}
    base = {**pull()["base"], "ref": evasion}
    merged = pull(base=base, state="closed", merged_at="2026-03-10T12:00:01Z")
    shown = visible(evasion)
    named = {
        f"Merged pull request into {shown}": on_pull("closed", merged),
        f"Assigned {shown}": on_pull("assigned", assignee=whom),
        f"Unassigned {shown}": on_pull("unassigned", assignee=no_link),
        f"Requested a review from {shown}": on_pull("review_requested", requested_team=team(evasion)),
        f"Added the {shown} label": on_pull("labeled", label={"name": evasion}),
        f"Added to the {shown} milestone": on_pull("milestoned", milestone={"title": evasion}),
        f"Locked the conversation as {shown}": on_pull("locked", pull(active_lock_reason=evasion)),
        f"Changed the title from “{shown}”": on_pull("edited", changes={"title": {"from": evasion}}),
        f"Changed the base branch from {shown} to main": on_pull(
            "edited", changes={"base": {"ref": {"from": evasion}}}
        ),
    }
    for title, payload in named.items():
        assert page.text(said_by_anybody(payload)) == title
    said_by_anybody(on_pull("synchronize", before=evasion, after=evasion))


def said_by_anybody(payload: dict[str, Any]) -> str:
    """The title; who is mentioned in it may have no proper login."""
    message = copy.deepcopy(AFTER_OPENING).says("pull_request", payload)
    assert message is not None
    page.check_line(message.title)
    return message.title


@pytest.mark.parametrize("evasion", EVASIONS)
def test_no_markup_gets_into_a_comment(evasion: str) -> None:
    told = [
        ("issue_comment", on_comment("created", body=evasion)),
        ("issue_comment", on_comment("created", body="x", html_url=evasion)),
        ("pull_request_review_comment", on_line("created", body=evasion, path=evasion, diff_hunk=evasion)),
        ("pull_request_review_comment", on_line("created", body=f"```suggestion\n{evasion}\n```")),
        ("pull_request_review", on_review("submitted", body=evasion, html_url=evasion)),
    ]
    for event, payload in told:
        said(payload, event)
