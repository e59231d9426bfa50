"""What is said about a delivery: the words, the author, and nothing but words."""

from collections.abc import Callable
from typing import Any

import pytest

from bridge.core import events
from bridge.core.model import Author, Delivery
from tests.core import page
from tests.core.evasions import EVASIONS
from tests.core.story import Story, changed, payload_of


def delivery(payload: dict[str, Any], event: str = "pull_request") -> Delivery:
    return Delivery(id="1", event=event, payload=payload, body=b"")


def said(payload: dict[str, Any]) -> str:
    """The title of the one message about a payload."""
    (message,) = events.messages(delivery(payload))
    assert message.event == "activity"
    page.check_line(message.title)
    return message.title


def edited(**fields: Any) -> Callable[[], dict[str, Any]]:
    return lambda: Story().do("edit", **fields)


def assigned(who: str, whom: str) -> dict[str, Any]:
    return Story().do("assign", who, assignee=whom)


def unassigned(who: str, whom: str) -> dict[str, Any]:
    story = Story()
    story.do("assign", assignee=whom)
    return story.do("unassign", who, assignee=whom)


CY = '<a href="https://github.com/cy-gh">cy-gh</a>'

TITLES: list[tuple[str, Callable[[], dict[str, Any]], str]] = [
    ("opened", lambda: Story().payload, "Opened pull request"),
    ("opened as a draft", lambda: Story(draft=True).payload, "Opened draft pull request"),
    ("edited title", edited(title="Other"), "Edited the title"),
    ("edited body", edited(body="Other"), "Edited the description"),
    ("edited base", edited(base="stable"), "Edited the base branch"),
    ("edited two", edited(title="Other", body="Other"), "Edited the title and description"),
    ("closed", lambda: payload_of("closed"), "Closed pull request"),
    ("merged", lambda: payload_of("merged"), "Merged pull request into main"),
    ("reopened", lambda: payload_of("reopened"), "Reopened pull request"),
    ("assigned", lambda: assigned("ann-gh", "cy-gh"), f"Assigned {CY}"),
    ("self-assigned", lambda: assigned("cy-gh", "cy-gh"), "Self-assigned pull request"),
    ("unassigned", lambda: unassigned("ann-gh", "cy-gh"), f"Unassigned {CY}"),
    ("unassigned by themselves", lambda: unassigned("cy-gh", "cy-gh"), "Removed their own assignment"),
    ("ready", lambda: payload_of("ready_for_review"), "Marked as ready for review"),
    ("draft", lambda: payload_of("converted_to_draft"), "Converted to draft"),
]


@pytest.mark.parametrize(
    ("make", "title"), [pytest.param(make, title, id=name) for name, make, title in TITLES]
)
def test_each_action_is_told_in_words_that_read_on_after_the_name(
    make: Callable[[], dict[str, Any]], title: str
) -> None:
    assert said(make()) == title


def test_a_push_links_to_what_it_changed() -> None:
    payload = payload_of("synchronize")
    before, after = payload["before"], payload["after"]
    address = f"https://github.com/acme/component/compare/{before}...{after}"
    assert said(payload) == f'Pushed <a href="{address}">{after[:7]}</a>'


NULLS: list[tuple[str, str, dict[str, Any], str]] = [
    # The action, what GitHub may leave out or null there (its OpenAPI description), and what is said then.
    ("nobody assigned", "assigned", {"assignee": None}, "Assigned ghost"),
    ("nobody unassigned", "unassigned", {"assignee": None}, "Unassigned ghost"),
    ("nobody edited", "edited", {"sender": None}, "Edited the title"),
    ("nothing edited", "edited", {"changes": {}}, "Edited pull request"),
    ("edited otherwise", "edited", {"changes": {"color": {"from": "red"}}}, "Edited pull request"),
    ("no shas", "synchronize", {"before": None, "after": None}, "Pushed to the branch"),
    ("not before", "synchronize", {"before": None}, "Pushed to the branch"),
    ("not after", "synchronize", {"after": None}, "Pushed to the branch"),
]


@pytest.mark.parametrize(("action", "fields", "title"), [pytest.param(*row, id=name) for name, *row in NULLS])
def test_what_may_be_missing_is_told_all_the_same(action: str, fields: dict[str, Any], title: str) -> None:
    assert said(payload_of(action) | fields) == title


@pytest.mark.parametrize("action", ["labeled", "stacked", "", "__class__"])
def test_an_action_without_words_says_nothing(action: str) -> None:
    payload = payload_of("labeled") | {"action": action}
    assert events.messages(delivery(payload)) == ()


def test_every_action_of_the_contract_has_words() -> None:
    assert set(events.PULL_REQUEST) >= {
        *("opened", "edited", "closed", "reopened", "assigned", "unassigned", "synchronize"),
        *("ready_for_review", "converted_to_draft"),
    }


def test_an_action_is_defined_once() -> None:
    with pytest.raises(ValueError, match=r"pull_request\.opened is defined twice"):
        events.on("opened")(events.reopened)


# The author


def author(payload: dict[str, Any]) -> Author:
    (message,) = events.messages(delivery(payload))
    return message.author


def test_the_author_is_who_did_it_not_who_opened_the_pull_request() -> None:
    payload = payload_of("merged")
    assert author(payload) == Author(name="cy-gh", avatar=payload["sender"]["avatar_url"])


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        (None, Author(name="ghost")),
        ({}, Author(name="ghost")),
        ({"login": "ann-gh"}, Author(name="ann-gh")),
        ({"login": "ann-gh", "avatar_url": ""}, Author(name="ann-gh")),
        ({"login": "ann-gh", "avatar_url": None}, Author(name="ann-gh")),
        ({"login": "ann-gh", "avatar_url": "javascript:alert(1)"}, Author(name="ann-gh")),
    ],
    ids=repr,
)
def test_an_author_without_a_name_or_picture_is_still_one(sender: Any, expected: Author) -> None:
    assert author(payload_of("opened") | {"sender": sender}) == expected


# What is needed


@pytest.mark.parametrize(
    ("event", "payload", "needed"),
    [
        ("pull_request", {"pull_request": {}, "repository": {}}, True),
        ("pull_request", {"pull_request": {}}, False),
        ("pull_request", {"repository": {}}, False),
        ("pull_request", {"pull_request": None, "repository": {}}, False),
        ("pull_request", {"pull_request": [], "repository": {}}, False),
        ("pull_request", {"pull_request": {}, "repository": "acme/component"}, False),
        ("ping", {"pull_request": {}, "repository": {}}, False),
        ("push", {"repository": {}}, False),
        ("PULL_REQUEST", {"pull_request": {}, "repository": {}}, False),
    ],
    ids=repr,
)
def test_needed_is_what_concerns_a_pull_request(event: str, payload: dict[str, Any], needed: bool) -> None:
    assert events.is_needed(delivery(payload, event)) is needed


@pytest.mark.parametrize("action", [*events.PULL_REQUEST, "merged"])
def test_every_payload_that_has_words_is_needed(action: str) -> None:
    assert events.is_needed(delivery(payload_of(action)))


# Nothing but words


@pytest.mark.parametrize("evasion", EVASIONS)
def test_no_markup_gets_into_a_title(evasion: str) -> None:
    merged = payload_of("merged")
    base = {**merged["pull_request"]["base"], "ref": evasion}
    assert page.text(said(changed(merged, base=base))) == f"Merged pull request into {evasion}"
    whom = payload_of("assigned")
    for assignee in ({"login": evasion}, {"login": evasion, "html_url": f"https://github.com/{evasion}"}):
        assert page.text(said(whom | {"assignee": {**assignee, "id": 1}})) == f"Assigned {evasion}"
    said(whom | {"assignee": {"login": "x", "id": 1, "html_url": evasion}})
    push = payload_of("synchronize")
    said(push | {"after": evasion, "before": evasion})
