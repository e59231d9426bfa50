"""A snapshot as Flowdock's thread: title, colour, fields, links and buttons, and no smuggled markup."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from bridge.core import snapshot, thread
from bridge.core.actions import ACTIONS
from bridge.core.snapshot import Branch, Person, PullRequest
from tests.core import page
from tests.core.evasions import EVASIONS
from tests.core.story import Story, payload_of
from tests.core.test_snapshot import PULLS

WEB_URL = "https://bridge.example.com"
PULL = "https://github.com/acme/component/pull/1"
ANN = '<a href="https://github.com/ann-gh">ann-gh</a>'
MAIN = '<a href="https://github.com/acme/component/tree/main">main</a>'


def after(action: str) -> PullRequest:
    return snapshot.from_payload(payload_of(action))


def render(pull: PullRequest) -> dict[str, Any]:
    return thread.render(pull, web_url=WEB_URL)


def fields(pull: PullRequest) -> dict[str, str]:
    return {field["label"]: field["value"] for field in thread.fields(pull)}


OPENED = after("opened")


def test_a_thread_is_the_whole_state() -> None:
    pull = snapshot.from_payload(Story(body="**Why**").payload)
    assert render(pull) == {
        "title": "Fix bug in thread API",
        "body": "<p><strong>Why</strong></p>",
        "external_url": PULL,
        "status": {"color": "green", "value": "open"},
        "fields": thread.fields(pull),
        "actions": [
            {"@type": "ViewAction", "name": "Conversation", "url": PULL},
            {"@type": "ViewAction", "name": "Diff", "url": f"{PULL}/files"},
            {"@type": "ViewAction", "name": "Checks", "url": f"{PULL}/checks"},
            button("Assign to me", "assign-to-me"),
            button("Close", "close"),
        ],
    }


def button(name: str, slug: str) -> dict[str, Any]:
    return {
        "@type": "UpdateAction",
        "name": name,
        "target": {
            "@type": "EntryPoint",
            "urlTemplate": f"{WEB_URL}/repos/acme/component/pulls/1/{slug}",
            "httpMethod": "POST",
        },
    }


@pytest.mark.parametrize(
    ("action", "value", "color"),
    [
        ("opened", "open", "green"),
        ("converted_to_draft", "draft", "grey"),
        ("ready_for_review", "open", "green"),
        ("closed", "closed", "red"),
        ("reopened", "open", "green"),
        ("merged", "merged", "purple"),
    ],
)
def test_the_status_is_what_the_contract_says(action: str, value: str, color: str) -> None:
    assert thread.status(after(action)) == {"color": color, "value": value}


def test_a_closed_draft_is_closed() -> None:
    story = Story(draft=True)
    story.do("close")
    assert thread.status(snapshot.from_payload(story.payload))["value"] == "closed"


@pytest.mark.parametrize(
    ("action", "offered"),
    [
        ("opened", {"assign-to-me", "close"}),
        ("converted_to_draft", {"assign-to-me", "close"}),
        ("reopened", {"assign-to-me", "close"}),
        ("closed", {"reopen"}),
        ("merged", set()),
    ],
)
def test_the_buttons_fit_the_state(action: str, offered: set[str]) -> None:
    buttons = [one for one in render(after(action))["actions"] if one["@type"] == "UpdateAction"]
    slugs = [one["target"]["urlTemplate"].rpartition("/")[2] for one in buttons]
    assert set(slugs) == offered
    assert slugs == [slug for slug in ACTIONS if slug in offered]
    assert [one["name"] for one in buttons] == [ACTIONS[slug].name for slug in slugs]


# Title and fields


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("\"quoted\" 'twice'", "&quot;quoted&quot; &#x27;twice&#x27;"),
        ("x" * 1000, "x" * thread.MAX_TITLE),
        ("<" * 1000, "&lt;" * thread.MAX_TITLE),
        ("", "https://github.com/acme/component/pull/1"),
    ],
)
def test_a_title_is_plain_text_of_bounded_length(title: str, shown: str) -> None:
    assert render(replace(OPENED, title=title))["title"] == shown


def test_without_a_title_the_address_is_shown_as_it_is() -> None:
    pull = replace(OPENED, title="", url="https://ghe.example/a&b/pull/1")
    assert render(pull)["title"] == "https://ghe.example/a&amp;b/pull/1"


def test_fields_tell_author_branches_and_assignees() -> None:
    story = Story()
    story.do("assign", assignee="ann-gh")
    story.do("assign", assignee="cy-gh")
    head = '<a href="https://github.com/acme/component/tree/fix">fix</a>'
    assert fields(snapshot.from_payload(story.payload)) == {
        "Author": ANN,
        "Branch": f"{head} → {MAIN}",
        "Assignees": f'{ANN}, <a href="https://github.com/cy-gh">cy-gh</a>',
    }


def test_without_assignees_there_is_no_such_field() -> None:
    assert list(fields(OPENED)) == ["Author", "Branch"]


def test_a_deleted_author_is_a_ghost_without_a_link() -> None:
    assert fields(replace(OPENED, author=Person(login="ghost", url="")))["Author"] == "ghost"


def test_a_branch_of_a_fork_names_it() -> None:
    pull = snapshot.from_payload(Story("dee-gh").payload)
    head = '<a href="https://github.com/dee-gh/component/tree/fix">dee-gh:fix</a>'
    assert fields(pull)["Branch"] == f"{head} → {MAIN}"


def test_a_branch_of_a_deleted_fork_has_no_link() -> None:
    head = Branch(ref="fix<1>", sha="0" * 40, repository="", repository_url="")
    assert fields(replace(OPENED, head=head))["Branch"] == f"fix&lt;1&gt; (fork deleted) → {MAIN}"


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        ("feature/login", "feature/login"),
        ("fix#42", "fix%2342"),
        ("100%", "100%25"),
        ("a&b", "a%26b"),
        ("über", "%C3%BCber"),
        ('a"b', "a%22b"),
    ],
)
def test_a_link_to_a_branch_leads_to_it_whatever_its_name(ref: str, path: str) -> None:
    shown = fields(replace(OPENED, head=replace(OPENED.head, ref=ref)))["Branch"].partition(" → ")[0]
    (tag,) = page.tags(shown)
    assert tag.attributes == {"href": f"https://github.com/acme/component/tree/{path}"}
    assert page.text(shown) == ref


def test_relative_links_and_the_rest_of_the_body_lead_to_the_pull_request() -> None:
    shown = render(replace(OPENED, body="[x](files)\n\n" + "word " * 2000))["body"]
    first, last = page.tags(shown)[1], page.tags(shown)[-1]
    assert first.attributes["href"] == f"{PULL}/files"
    assert last.attributes["href"] == PULL


# No smuggled markup


def check(pull: PullRequest) -> dict[str, Any]:
    shown = render(pull)
    page.check_line(shown["title"])
    for field in shown["fields"]:
        page.check_line(field["value"])
        assert field["label"].isalpha()
    page.check_body(shown["body"])
    return shown


@pytest.mark.parametrize("evasion", EVASIONS)
def test_no_markup_gets_into_a_thread(evasion: str) -> None:
    person = Person(login=evasion, url=evasion)
    linked = Person(login=evasion, url=f"https://github.com/{evasion}")
    branch = Branch(ref=evasion, sha=evasion, repository=evasion, repository_url=evasion)
    pull = replace(
        OPENED,
        title=evasion,
        body=evasion,
        author=linked,
        head=replace(branch, repository_url="https://github.com/acme/component"),
        base=branch,
        assignees=(person, linked),
    )
    assert page.text(check(pull)["title"]) == evasion
    check(replace(pull, head=replace(branch, repository="")))
    check(replace(pull, body=f"Hello\n\n> - {evasion}\n\n**{evasion}**\n\n## {evasion}"))
    check(replace(pull, body=f"[{evasion}]({evasion} '{evasion}')\n\n<{evasion}>\n\n[r]\n\n[r]: {evasion}"))


@settings(max_examples=60, deadline=None)
@given(pull=PULLS)
def test_whatever_a_pull_request_is_called_its_thread_can_be_drawn(pull: PullRequest) -> None:
    check(replace(pull, url=PULL))
