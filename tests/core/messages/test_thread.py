"""A pull request as Flowdock's thread: title, colour, fields, links and buttons, and no smuggled markup."""

from typing import Any

import pytest
from msgspec.structs import replace

from bridge.core.actions import ACTIONS
from bridge.core.messages import thread
from bridge.core.pulls.model import Branch, Changes, Link, Person, PullRequest, Stack
from bridge.core.pulls.turn import next_action
from tests.kits.core import page
from tests.kits.core.pipeline import STATUSES, WEB_URL, satisfies_flowdock
from tests.kits.core.pulls import (
    APPROVED,
    ASKED,
    COMPONENT,
    FAILED,
    HEAD,
    OPEN,
    PAGE,
    PASSED,
    REFUSED,
    RUNNING,
    TEAM,
    WAITING,
    a_pull,
    check,
)

ANN_LINK = '<a href="https://github.com/ann-gh">ann-gh</a>'
MAIN = f'<a href="{COMPONENT}/tree/main">main</a>'
FIX = f'<a href="{COMPONENT}/tree/fix">fix</a>'


def render(pull: PullRequest) -> dict[str, Any]:
    return thread.render(pull, web_url=WEB_URL)


def fields(pull: PullRequest) -> dict[str, str]:
    return {field["label"]: field["value"] for field in thread.fields(pull, next_action(pull))}


def text(pull: PullRequest, label: str) -> str | None:
    """A field as a reader sees it."""
    value = fields(pull).get(label)
    return None if value is None else page.text(value)


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


def test_a_thread_is_the_whole_state() -> None:
    pull = a_pull(body="**Why** #7")
    rel = 'rel="nofollow noopener noreferrer"'
    assert render(pull) == {
        "title": "Fix bug in thread API",
        "body": f'<p><strong>Why</strong> <a href="{COMPONENT}/issues/7" {rel}>#7</a></p>',
        "external_url": PAGE,
        "status": {"color": "green", "value": "open"},
        "fields": thread.fields(pull, next_action(pull)),
        "actions": [
            {"@type": "ViewAction", "name": "Conversation", "url": PAGE},
            {"@type": "ViewAction", "name": "Diff", "url": f"{PAGE}/files"},
            {"@type": "ViewAction", "name": "Checks", "url": f"{PAGE}/checks"},
            button("Assign to me", "assign-to-me"),
            button("Close", "close"),
            button("Approve", "approve"),
            button("Request my review", "request-review"),
            button("Merge", "merge"),
        ],
        "bridge": {
            "repository": "acme/component",
            "number": 1,
            "author": {"id": 0, "login": "ann-gh"},
            "people": [],
            "turn": {
                "kind": "author",
                "who": "ann-gh",
                "why": "to ask for a review",
                "since": None,
                "people": [],
            },
        },
    }


def test_a_thread_says_to_programs_whose_turn_it_is_since_when_and_why() -> None:
    dee, eve = Person(login="dee", id=4), Person(login="eve", id=5)
    asked = replace(ASKED, name="eve", id=5)
    bot = Person(login="a[bot]", id=9, bot=True)
    pull = a_pull(author=dee, assignees=(eve, bot), reviewers=(asked, TEAM))
    extension = render(replace(pull, turn_since={"review:5": 1.5}))["bridge"]
    assert extension == {
        "repository": "acme/component",
        "number": 1,
        "author": {"id": 4, "login": "dee"},
        "people": [{"id": 4, "login": "dee"}, {"id": 5, "login": "eve"}],
        "turn": {
            "kind": "review",
            "who": "eve, Core",
            "why": "to review",
            "since": 1500,
            "people": [{"id": 5, "login": "eve", "since": 1500}],
        },
    }
    for gone in (render(replace(pull, state="merged")), thread.render(pull, web_url=WEB_URL, is_left=True)):
        assert gone["bridge"] == extension | {"turn": None}


# Status

STATES: list[tuple[str, PullRequest, str]] = [
    ("open", a_pull(), "open"),
    ("asked for a review", a_pull(reviewers=(ASKED, TEAM)), "open"),
    ("draft", a_pull(draft=True), "draft"),
    ("an approved draft", a_pull(draft=True, reviewers=(APPROVED,)), "draft"),
    ("approved", a_pull(reviewers=(APPROVED, ASKED)), "approved"),
    ("changes requested", a_pull(reviewers=(REFUSED,)), "changes requested"),
    ("approved by one, refused by another", a_pull(reviewers=(APPROVED, REFUSED)), "changes requested"),
    ("queued", a_pull(queued=True, reviewers=(APPROVED,)), "queued"),
    ("merged", a_pull(state="merged", queued=True, draft=True, reviewers=(REFUSED,)), "merged"),
    ("closed", a_pull(state="closed", queued=True, reviewers=(REFUSED,)), "closed"),
    ("a closed draft", a_pull(state="closed", draft=True), "closed"),
]


@pytest.mark.parametrize(("pull", "value"), [pytest.param(*row, id=name) for name, *row in STATES])
def test_the_status_is_what_the_contract_says(pull: PullRequest, value: str) -> None:
    assert thread.status(pull) == {"color": STATUSES[value], "value": value}


def test_there_is_a_row_for_each_status() -> None:
    assert {value for _, _, value in STATES} == set(STATUSES)


# Buttons

ALWAYS = {"assign-to-me", "close"}
READY = {*ALWAYS, "approve", "request-review"}
BUTTONS: list[tuple[str, PullRequest, set[str]]] = [
    ("open", a_pull(), {*READY, "merge"}),
    ("it merges", a_pull(mergeable=True), {*READY, "merge"}),
    ("it conflicts", a_pull(mergeable=False), READY),
    ("queued", a_pull(queued=True), READY),
    ("checks failed", a_pull(checks=(PASSED, FAILED)), {*READY, "merge", "rerun-checks"}),
    ("checks run", a_pull(checks=(PASSED, RUNNING)), {*READY, "merge"}),
    (
        "a workflow waits to be allowed",
        a_pull(checks=(PASSED, WAITING)),
        {*READY, "merge", "approve-and-run"},
    ),
    ("a check failed that no workflow runs", a_pull(checks=(check("cla", "failed"),)), {*READY, "merge"}),
    ("draft", a_pull(draft=True), {*ALWAYS, "ready"}),
    ("draft whose checks failed", a_pull(draft=True, checks=(FAILED,)), {*ALWAYS, "ready", "rerun-checks"}),
    ("closed", a_pull(state="closed", checks=(FAILED,)), {"reopen"}),
    ("a closed draft", a_pull(state="closed", draft=True), {"reopen"}),
    ("merged", a_pull(state="merged", checks=(FAILED,)), set()),
]


@pytest.mark.parametrize(("pull", "offered"), [pytest.param(*row, id=name) for name, *row in BUTTONS])
def test_the_buttons_fit_the_state(pull: PullRequest, offered: set[str]) -> None:
    buttons = [one for one in render(pull)["actions"] if one["@type"] == "UpdateAction"]
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
        ("", PAGE),
        (" \n", PAGE),
        ("\u200b", "\\u200b"),
    ],
)
def test_a_title_is_plain_text_of_bounded_length(title: str, shown: str) -> None:
    assert render(a_pull(title=title))["title"] == shown


def test_without_a_title_the_address_is_shown_as_it_is() -> None:
    pull = a_pull(title="", url="https://ghe.example/a&b/pull/1")
    assert render(pull)["title"] == "https://ghe.example/a&amp;b/pull/1"


def test_a_field_without_a_value_is_left_out() -> None:
    assert fields(OPEN) == {
        "Turn": f"{ANN_LINK} (to ask for a review)",
        "Author": ANN_LINK,
        "Branch": f"{FIX} → {MAIN}",
    }
    assert list(fields(a_pull(state="merged", head=None))) == ["Author"]


def test_labels_and_the_milestone_of_a_renamed_repository_lead_to_its_new_name() -> None:
    """Their own addresses are those of the last delivery, and the former name may be another repository's."""
    pull = a_pull(
        repository_url="https://github.com/acme/api",
        labels=(Link(name="a/b", url=f"{COMPONENT}/labels/a/b"), Link(name="wip")),
        milestone=Link(name="1.0", url=f"{COMPONENT}/milestone/1"),
    )
    shown = fields(pull)
    hrefs = [tag.attributes["href"] for label in ("Labels", "Milestone") for tag in page.tags(shown[label])]
    assert hrefs == ["https://github.com/acme/api/labels/a/b", "https://github.com/acme/api/milestone/1"]
    assert text(pull, "Labels") == "a/b, wip"


def test_a_thread_that_knows_everything_shows_it_in_order() -> None:
    pull = a_pull(
        assignees=(OPEN.author,),
        reviewers=(APPROVED, REFUSED, ASKED, TEAM),
        unresolved=(f"{PAGE}#discussion_r1", f"{PAGE}#discussion_r2"),
        checks=(FAILED, PASSED, RUNNING),
        labels=(Link(name="bug", url=f"{COMPONENT}/labels/bug"), Link(name="wip")),
        milestone=Link(name="1.0", url=f"{COMPONENT}/milestone/1"),
        changes=Changes(additions=10, deletions=2, files=3, commits=4),
        auto_merge=True,
        queued=True,
    )
    assert [(label, page.text(value)) for label, value in fields(pull).items()] == [
        ("Turn", "ann-gh (checks failed)"),
        ("Author", "ann-gh"),
        ("Branch", "fix → main"),
        ("Assignees", "ann-gh"),
        ("Reviewers", "✓ bob (approved), ✗ cy (changes requested), … dee (requested), … Core (requested)"),
        ("Conversations", "2 unresolved: 1, 2"),
        ("Checks", "✗ 1 passed, 1 failed, 1 running: build"),
        ("Labels", "bug, wip"),
        ("Milestone", "1.0"),
        ("Changes", "+10 −2 in 3 files"),
        ("Auto-merge", "on"),
        ("Merge queue", "queued"),
    ]
    addresses = [tag.attributes["href"] for value in fields(pull).values() for tag in page.tags(value)]
    assert "https://ci.example/build" in addresses
    assert "https://ci.example/lint" not in addresses
    assert f"{PAGE}#discussion_r2" in addresses
    satisfies_flowdock(None, render(pull))


ONE_FILE = Changes(additions=0, deletions=1, files=1, commits=1)
ROWS: list[tuple[str, PullRequest, str, str | None]] = [
    ("all green", a_pull(checks=(PASSED,)), "Checks", "✓ 1 passed"),
    ("running", a_pull(checks=(PASSED, RUNNING)), "Checks", "… 1 passed, 1 running"),
    (
        "each counted as what it is",
        a_pull(checks=(PASSED, RUNNING, WAITING, check("a", "skipped"), check("b", "neutral"))),
        "Checks",
        "… 1 passed, 1 running, 1 waiting for a maintainer, 1 skipped, 1 neutral",
    ),
    ("only skipped", a_pull(checks=(check("a", "skipped"),)), "Checks", "✓ 1 skipped"),
    (
        "more jobs may come",
        a_pull(checks=(PASSED, check("CI", "running", is_counted=False, run_id=7))),
        "Checks",
        "… 1 passed, more to come",
    ),
    (
        "one failed, its workflow runs",
        a_pull(checks=(FAILED, RUNNING, check("CI", "running", is_counted=False, run_id=7))),
        "Checks",
        "✗ 1 failed, 1 running: build",
    ),
    (
        "some were dropped",
        a_pull(checks=(PASSED, check("and more passed", "passed", is_counted=False))),
        "Checks",
        "✓ 1 passed, and more passed",
    ),
    (
        "some that run were dropped",
        a_pull(checks=(PASSED, RUNNING, check("and more running", "running", is_counted=False))),
        "Checks",
        "… 1 passed, 1 running, and more running",
    ),
    (
        "deployed",
        a_pull(deployments=(check("prod", "failed"), check("staging", "passed"))),
        "Deployments",
        "✗ prod, ✓ staging",
    ),
    ("deployed, no check", a_pull(deployments=(check("prod", "failed"),)), "Checks", None),
    (
        "more conversations than are kept",
        a_pull(unresolved=(PAGE,), more_unresolved=True),
        "Conversations",
        "more than 1 unresolved: 1",
    ),
    (
        "many failed",
        a_pull(checks=tuple(check(f"c{index}", "failed") for index in range(12))),
        "Checks",
        "✗ 12 failed: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 2 more",
    ),
    ("one file", a_pull(changes=ONE_FILE), "Changes", "+0 −1 in 1 file"),
    ("closed with auto-merge", a_pull(state="closed", auto_merge=True), "Auto-merge", None),
    ("merged by the queue", a_pull(state="merged", queued=True), "Merge queue", None),
    ("ready", a_pull(reviewers=(APPROVED,)), "Turn", "ready to merge"),
    (
        "merged, a review was asked for",
        a_pull(state="merged", reviewers=(APPROVED, ASKED)),
        "Reviewers",
        "✓ bob (approved)",
    ),
    ("closed, reviews were asked for", a_pull(state="closed", reviewers=(ASKED, TEAM)), "Reviewers", None),
    ("merged with conversations", a_pull(state="merged", unresolved=(PAGE,)), "Conversations", None),
    ("without the base's repository", a_pull(base=Branch(ref="main", sha="b" * 40)), "Branch", "fix → main"),
    ("nobody's turn", a_pull(state="closed"), "Turn", None),
]


@pytest.mark.parametrize(("pull", "label", "shown"), [pytest.param(*row, id=name) for name, *row in ROWS])
def test_a_field_says_it_in_short(pull: PullRequest, label: str, shown: str | None) -> None:
    assert text(pull, label) == shown


def test_a_deleted_author_is_a_ghost_without_a_link() -> None:
    assert fields(a_pull(author=Person(login="ghost", url="")))["Author"] == "ghost"


def test_a_branch_of_a_fork_names_it() -> None:
    fork = "https://github.com/dee-gh/component"
    head = replace(HEAD, repository="dee-gh/component", repository_url=fork)
    assert fields(a_pull(head=head))["Branch"] == f'<a href="{fork}/tree/fix">dee-gh:fix</a> → {MAIN}'


def test_the_middle_of_a_long_branchs_name_is_left_out() -> None:
    head = Branch(ref=f"ann/{'x' * 80}-the-end-of-its-name", sha="1" * 40, repository="acme/component")
    assert page.text(fields(a_pull(head=head))["Branch"]) == f"ann/{'x' * 36}…the-end-of-its-name → main"


def test_a_branch_of_a_deleted_fork_has_no_link() -> None:
    head = Branch(ref="fix<1>", sha="0" * 40)
    assert fields(a_pull(head=head))["Branch"] == f"fix&lt;1&gt; (fork deleted) → {MAIN}"


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
def test_a_link_leads_to_a_branch_of_any_name(ref: str, path: str) -> None:
    shown = fields(a_pull(head=replace(HEAD, ref=ref)))["Branch"].partition(" → ")[0]
    (tag,) = page.tags(shown)
    assert tag.attributes == {"href": f"{COMPONENT}/tree/{path}"}
    assert page.text(shown) == ref


def test_relative_links_and_the_rest_of_the_body_lead_to_the_pull_request() -> None:
    shown = render(a_pull(body="[x](files)\n\n" + "word " * 2000))["body"]
    first, last = page.tags(shown)[1], page.tags(shown)[-1]
    assert first.attributes["href"] == f"{COMPONENT}/pull/files"
    assert last.attributes["href"] == PAGE


@pytest.mark.parametrize(
    ("position", "value"),
    [(1, "1 of 3 into main, above"), (2, "2 of 3 into main, below, above"), (3, "3 of 3 into main, below")],
)
def test_a_stack_shows_the_place_and_leads_to_its_neighbours(position: int, value: str) -> None:
    below = Branch(ref="below/it", sha="b" * 40)
    pull = a_pull(stack=Stack(number=9, base="main", position=position, size=3), base=below)
    shown = fields(pull)["Stack"]
    assert page.text(shown) == value
    links = [tag.attributes["href"] for tag in page.tags(shown)]
    assert (f"{COMPONENT}/pulls?q=is%3Apr+head%3Abelow/it" in links) == (position > 1)
    assert (f"{COMPONENT}/pulls?q=is%3Apr+base%3Afix" in links) == (position < 3)
