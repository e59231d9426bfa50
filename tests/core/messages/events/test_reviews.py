"""A review with its comments is one message, whatever comes first, and what comes late is another."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.messages.events.reviews import MAX_GATHERED, parts_of
from bridge.core.messages.markdown import MAX_SOURCE
from bridge.core.model import Message
from bridge.core.pulls.gathering import DUE, MAX_REMARKS, Gathering
from tests.kits.core import check_samples, page
from tests.kits.core.pipeline import Bridge, connection, delivery, satisfies_flowdock
from tests.kits.core.row import OPENED, Told
from tests.kits.core.samples import PAGE, checked, on_line, on_pull, on_review, pull, user

HUNK = "@@ -1,9 +1,9 @@ def x():\n" + "\n".join(f"+line {number}" for number in range(1, 21))
LATER = "2026-03-10T12:00:01Z"


def review(**fields: Any) -> Told:
    return ("pull_request_review", on_review("submitted", **{"state": "changes_requested", **fields}))


def line(number: int, **fields: Any) -> Told:
    about = {"id": 700 + number, "body": f"Remark {number}", "line": number, "diff_hunk": HUNK}
    return ("pull_request_review_comment", on_line("created", **{**about, **fields}))


def edited(event: str, body: str, **fields: Any) -> Told:
    if event == "pull_request_review":
        return (
            event,
            on_review("edited", pull(updated_at=LATER), state="changes_requested", body=body, **fields),
        )
    return (event, on_line("edited", body=body, updated_at=LATER, **fields))


def messages(*deliveries: Told, bridge: Bridge | None = None) -> list[Message]:
    """The messages about deliveries that come within a few seconds."""
    bridge = bridge or Bridge().play([OPENED])
    bridge.waits = True
    said = [out.message for one in deliveries for out in bridge.tell(*one)]
    said += [out.message for out in bridge.settle()]
    for message in said:
        satisfies_flowdock(message, bridge.thread())
    assert bridge.snapshot().gathering == {}
    return said


def said_as(message: Message) -> tuple[str, str]:
    return page.text(message.title), page.text(message.body)


WHERE: list[tuple[str, dict[str, Any], str]] = [
    ("a line", {"line": 7}, "README.md:7"),
    ("lines", {"start_line": 5, "line": 7}, "README.md:5–7"),
    ("one line as a range", {"start_line": 7, "line": 7}, "README.md:7"),
    ("an outdated line", {"line": None, "original_line": 9}, "README.md:9 (outdated)"),
    (
        "outdated lines",
        {"line": None, "start_line": None, "original_start_line": 8, "original_line": 9},
        "README.md:8–9 (outdated)",
    ),
    (
        "a removed line",
        {"line": 2, "side": "LEFT", "diff_hunk": "@@ -1,2 +1 @@\n a\n-b"},
        "README.md:2 (removed)",
    ),
    (
        "a file",
        {"line": None, "original_line": None, "diff_hunk": "@@ -1 +1 @@\n+a", "subject_type": "file"},
        "README.md",
    ),
    ("a path of signs", {"path": "<b>/\u202e&.py"}, "<b>/\\u202e&.py:7"),
    ("an odd line", {"line": "<b>", "original_line": 7}, "README.md:7"),
]


@pytest.mark.parametrize(("fields", "where"), [pytest.param(*row, id=name) for name, *row in WHERE])
def test_a_comment_says_where_it_is(fields: dict[str, Any], where: str) -> None:
    (alone,) = messages(line(7, **fields))
    assert page.text(alone.title) == f"Commented on {where}"
    (message,) = messages(review(), line(7, **fields))
    assert page.text(message.title) == "Requested changes with 1 comment"
    assert page.text(message.body).startswith(where)
    assert [tag.attributes["href"] for tag in page.tags(message.body) if tag.name == "a"] == [
        f"{PAGE}#discussion_r707"
    ]


CODE: list[tuple[str, dict[str, Any], str]] = [
    ("four lines for one", {"line": 20}, "+line 17\n+line 18\n+line 19\n+line 20"),
    (
        "all of a few",
        {"start_line": 14, "line": 20},
        "\n".join(f"+line {number}" for number in range(14, 21)),
    ),
    (
        "the last of many",
        {"start_line": 1, "line": 20},
        "\n".join(f"+line {number}" for number in range(9, 21)),
    ),
    ("none of a file", {"line": None, "original_line": None}, ""),
    ("none for an answer", {"in_reply_to_id": 1}, ""),
]


@pytest.mark.parametrize(("fields", "code"), [pytest.param(*row, id=name) for name, *row in CODE])
def test_a_comment_quotes_the_code_that_it_is_about(fields: dict[str, Any], code: str) -> None:
    (message,) = messages(line(7, body="Hm", **fields))
    assert page.text(message.body) == f"{code}Hm"


FENCES = {
    "plain": "```suggestion\nnew\n```",
    "tildes": "~~~suggestion\nnew\n~~~",
    "long": "````suggestion\nnew\n````",
}


@pytest.mark.parametrize("fence", FENCES.values(), ids=FENCES)
def test_a_suggestion_is_shown_as_what_it_changes(fence: str) -> None:
    (message,) = messages(line(20, body=f"Better:\n{fence}", start_line=19))
    assert message.body == "<p>Better:</p>\n<pre><code>-line 19\n-line 20\n+new\n</code></pre>"


def test_a_suggestion_on_context_replaces_the_new_side() -> None:
    hunk = "@@ -1,3 +1,2 @@\n a\n-b\n c"
    (message,) = messages(line(2, start_line=1, diff_hunk=hunk, body="```suggestion\nd\n```"))
    assert message.body == "<pre><code>-a\n-c\n+d\n</code></pre>"


# One message


def test_checks_that_end_while_a_review_is_gathered_leave_it_to_tag_the_author() -> None:
    asked = ("pull_request", on_pull("teleported", pull(requested_reviewers=[user("bob")])))
    done = ("check_run", check_samples.run("build", "success"))
    said = messages(review(), done, line(9), bridge=Bridge().play([OPENED, asked]))
    assert {page.text(one.title): [tag.login for tag in one.mentions] for one in said} == {
        "passed: all green": [],
        "Requested changes with 1 comment": ["ann"],
    }


ALL = (
    review(body="Two things."),
    line(9, path="b.py"),
    line(3, path="b.py", body="Please, @cy"),
    line(12, path="a.py", start_line=10),
    line(4, path="b.py", line=None, original_line=None),
    line(5, path="b.py", line=3, in_reply_to_id=703, body="And @dee"),
)
READ = ["a.py:10–12", "b.py", "b.py:3", "b.py:3", "b.py:9"]


def test_a_review_is_told_with_its_comments_in_reading_order() -> None:
    for event, payload in ALL:
        if payload.get("comment", {}).get("original_line", 1):
            checked(event, payload)
    (message,) = messages(*ALL)
    assert page.text(message.title) == "Requested changes with 5 comments"
    headings = [piece.partition("</strong>")[0] for piece in message.body.split("<strong>")[1:]]
    assert [page.text(one) for one in headings] == READ
    assert message.event == "discussion"
    assert [one.login for one in message.mentions] == ["cy", "dee", "ann"]
    assert message.body.startswith("<p>Two things.</p>")
    assert message.author.name == "bob"


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(ALL))
def test_the_message_is_the_same_in_any_order_of_its_parts(order: list[Told]) -> None:
    (message,) = messages(*order)
    assert message == messages(*ALL)[0]


BIG = [line(number, path=f"{number % 7}.py", id=1000 + number) for number in range(30)]
CHANGES = [
    review(body="First"),
    edited("pull_request_review", "Second", changes={"body": {"from": "First"}}),
    edited(
        "pull_request_review_comment", "Edited", id=1003, path="3.py", line=3, changes={"body": {"from": "x"}}
    ),
    ("pull_request_review_comment", on_line("deleted", id=1004, path="4.py", line=4)),
    ("pull_request_review_comment", on_line("deleted", id=1029, path="1.py", line=29)),
]


@settings(max_examples=60, deadline=None)
@given(
    order=st.permutations([*BIG, *CHANGES]), repeated=st.lists(st.sampled_from([*BIG, *CHANGES]), max_size=5)
)
def test_parts_end_in_the_same_review_in_any_order(order: list[Told], repeated: list[Told]) -> None:
    def gathered(told: list[Told]) -> Gathering:
        gathering = Gathering()
        for one in told:
            found = parts_of(delivery(*one))
            assert found is not None
            assert found[0] == "900"
            gathering = gathering.add(found[1], {})
        return gathering

    one, other = gathered([*order, *repeated]), gathered([*BIG, *CHANGES])
    assert one == other
    assert len(one.remarks) == 28
    assert sum(bool(remark["body"] or remark["code"]) for remark in one.remarks) <= MAX_REMARKS
    assert len({frozenset(remark) for remark in one.remarks}) == 1, "no part has names of its own"


KINDS: list[tuple[str, list[Told], list[tuple[str, str]]]] = [
    ("a verdict alone", [review(state="approved")], [("Approved", "")]),
    (
        "approved with a comment",
        [review(state="approved"), line(7, diff_hunk="")],
        [("Approved with 1 comment", "README.md:7Remark 7")],
    ),
    ("words alone", [review(state="commented", body="Hm")], [("Reviewed", "Hm")]),
    ("neither", [review(state="commented")], []),
    (
        "one comment",
        [review(state="commented"), line(7, diff_hunk="")],
        [("Commented on README.md:7", "Remark 7")],
    ),
    (
        "two comments",
        [review(state="commented"), line(7, diff_hunk=""), line(8, diff_hunk="")],
        [("Reviewed with 2 comments", "README.md:7Remark 7README.md:8Remark 8")],
    ),
    (
        "a comment whose review does not come",
        [line(7, diff_hunk="")],
        [("Commented on README.md:7", "Remark 7")],
    ),
    (
        "comments whose review does not come",
        [line(7, diff_hunk=""), line(8, diff_hunk="")],
        [("Left 2 comments", "README.md:7Remark 7README.md:8Remark 8")],
    ),
    (
        "edited at once",
        [
            line(7, diff_hunk=""),
            edited("pull_request_review_comment", "B", id=707, diff_hunk="", changes={"body": {"from": "x"}}),
        ],
        [("Commented on README.md:7", "B")],
    ),
    ("deleted at once", [line(7), ("pull_request_review_comment", on_line("deleted", id=707))], []),
    (
        "two reviews",
        [review(), line(7, pull_request_review_id=901, diff_hunk=""), review(id=901, state="commented")],
        [("Requested changes", ""), ("Commented on README.md:7", "Remark 7")],
    ),
    (
        "of no review",
        [line(7, pull_request_review_id=None, diff_hunk="")],
        [("Commented on README.md:7", "Remark 7")],
    ),
    (
        "a review by a ghost",
        [review(user=None, body="x", sender=user("ghost"))],
        [("Requested changes", "x")],
    ),
]


@pytest.mark.parametrize(("told", "said"), [pytest.param(*row, id=name) for name, *row in KINDS])
def test_each_kind_of_review_is_told(told: list[Told], said: list[tuple[str, str]]) -> None:
    shown = [(title, body.replace("\n", "")) for title, body in map(said_as, messages(*told))]
    assert sorted(shown) == sorted(said)


def test_a_late_part_is_a_message_of_its_own() -> None:
    bridge = Bridge().play([OPENED])
    assert len(messages(review(), line(7), bridge=bridge)) == 1
    (late,) = messages(line(8, diff_hunk=""), bridge=bridge)
    assert said_as(late) == ("Commented on README.md:8", "Remark 8")
    (late,) = messages(
        edited("pull_request_review_comment", "B c", id=707, changes={"body": {"from": "A c"}}), bridge=bridge
    )
    assert late.body == "<p><del>A</del><ins>B</ins> c</p>"


def test_a_review_waits_for_the_last_of_its_parts() -> None:
    bridge = Bridge().play([OPENED])
    bridge.waits = True
    first = bridge.tell(*review())
    early = [dict(payload) for payload in bridge.due]
    assert (first, bridge.tell(*line(7))) == ([], [])
    assert [bridge.tell(DUE, payload) for payload in early] == [[]], "more came meanwhile"
    assert len(bridge.settle()) == 1
    assert bridge.settle() == []


@pytest.mark.parametrize(
    "end",
    [
        ("pull_request", on_pull("closed", pull(state="closed", merged_at=LATER, updated_at=LATER))),
        ("pull_request", on_pull("enqueued", pull(updated_at=LATER))),
        ("pull_request_review", on_review("dismissed", state="dismissed", user=user("bob"), by="ann")),
    ],
    ids=["merged", "queued", "dismissed"],
)
def test_a_review_is_told_before_what_comes_of_it(end: Told) -> None:
    bridge = Bridge().play([OPENED])
    bridge.waits = True
    bridge.play([review(state="approved"), line(7), review(id=901, state="commented", body="x")])
    out = [message.message for message in bridge.tell(*end)]
    assert [page.text(message.title) for message in out[:2]] == ["Approved with 1 comment", "Reviewed"]
    assert [message.author.name for message in out] == ["bob", "bob", end[1]["sender"]["login"]]
    assert len({message.uuid for message in bridge.tell(*line(8))}) == 0
    (late,) = bridge.settle()
    assert page.text(late.message.title) == "Commented on README.md:8", "what was told is told once"


def test_the_thread_shows_a_verdict_before_it_is_told() -> None:
    bridge = Bridge().play([OPENED])
    bridge.waits = True
    bridge.tell(*review())
    assert bridge.thread()["status"]["value"] == "changes requested"


@pytest.mark.parametrize(
    ("told", "muted"),
    [
        ([review(state="commented"), line(7)], "comments"),
        ([review(), line(7)], "reviews"),
        ([line(7), line(8)], "comments"),
    ],
    ids=["one comment", "a verdict", "comments"],
)
def test_a_review_is_muted_as_what_it_is(told: list[Told], muted: str) -> None:
    for group in ("comments", "reviews"):
        bridge = Bridge(connection(groups=(group,))).play([OPENED])
        assert len(messages(*told, bridge=bridge)) == (group == muted)


# Bounds


@pytest.mark.parametrize(
    ("count", "left"), [(MAX_REMARKS, ""), (MAX_REMARKS + 1, "1 more comment"), (99, "79 more comments")]
)
def test_comments_beyond_the_limit_are_counted(count: int, left: str) -> None:
    (message,) = messages(review(), *(line(number, id=1000 + number) for number in range(1, count + 1)))
    assert page.text(message.title) == f"Requested changes with {count} comments"
    assert message.body.count("<strong>") == MAX_REMARKS
    assert page.text(message.body).endswith(left or f"Remark {MAX_REMARKS}")


def test_a_mention_in_a_comment_that_is_only_counted_tags_too() -> None:
    many = [line(number, id=1000 + number) for number in range(1, 30)]
    (message,) = messages(review(), *many, line(30, id=1030, body="What does @cy say?"))
    assert "@cy" not in message.body
    assert [one.login for one in message.mentions] == ["cy", "ann"]


@pytest.mark.parametrize(
    "body", ["@a" * MAX_SOURCE, "@a " * MAX_SOURCE, "<b>" * MAX_SOURCE, "&" * 65_000, "語" * 65_000]
)
def test_long_comments_are_cut_and_the_rest_is_counted(body: str) -> None:
    (message,) = messages(review(body=body), *(line(number, body=body) for number in range(1, 11)))
    assert len(message.body.encode()) < 60_000
    shown = message.body.count("<strong>")
    assert shown >= 1
    assert shown == 10 or page.text(message.body).endswith(f"{10 - shown} more comments")


def test_more_reviews_than_are_gathered_are_told_piece_by_piece() -> None:
    bridge = Bridge().play([OPENED])
    bridge.waits = True
    for number in range(MAX_GATHERED):
        assert bridge.tell(*review(id=1000 + number)) == []
    (out,) = bridge.tell(*review(id=2000, body="x"))
    assert said_as(out.message) == ("Requested changes", "x")
    (out,) = bridge.tell(*line(7, pull_request_review_id=2000))
    assert page.text(out.message.title) == "Commented on README.md:7"
    assert len(bridge.settle()) == MAX_GATHERED


def test_a_maintainer_who_changes_a_comment_is_not_its_author() -> None:
    change = edited(
        "pull_request_review_comment",
        "B",
        id=707,
        by="ann",
        user=user("bob"),
        changes={"body": {"from": "x"}},
    )
    (message,) = messages(line(7), change)
    assert message.author.name == "bob"


def test_a_bot_that_reviews_is_known_as_one() -> None:
    bridge = Bridge(connection(bots="state")).play([("pull_request", on_pull("opened"))])
    assert messages(review(sender=user("lint[bot]")), bridge=bridge) == []


@pytest.mark.parametrize(
    ("count", "words"), [(1, "Reviewed with 1 comment"), (3, "Reviewed with 3 comments")]
)
def test_a_bots_review_is_one_line_with_a_count(count: int, words: str) -> None:
    bot = user("Copilot")
    (message,) = messages(
        review(state="commented", by="Copilot", user=bot, body="Much to read"),
        *(line(7 + number, by="Copilot", user=bot) for number in range(count)),
    )
    assert words in page.text(message.title)
    assert (message.event, message.body) == ("activity", "")
