"""Reviews, comments and conversations: discussions with their place and code, each told once."""

from typing import Any

import pytest

from bridge.core.pulls.gathering import DUE
from bridge.storage import keys
from tests.conftest import House, eventually, open_house, set_to_work
from tests.kits.life import Life, begin, drive, tags, text, titles
from tests.kits.worker import PARTITION, next_worker, stop_worker


@pytest.fixture
async def life(working: House) -> Life:
    life = await begin(working)
    await life.act("ann-gh", "open", title="Count", head="fix")
    return life


def _lines(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [
        {"path": "counter.py", "line": 10 + line, "body": f"Nit {line}", **fields} for line in range(count)
    ]


async def test_a_review_with_ten_comments_is_one_message_and_ten_conversations(life: Life) -> None:
    (message,) = await life.act("bob-gh", "request_changes", body="See **below**", comments=_lines(10))

    assert titles([message]) == ["bob-gh: Requested changes with 10 comments"]
    assert message["event"] == "discussion"
    assert "<strong>below</strong>" in message["body"]
    assert [f"counter.py:{10 + line}" in message["body"] for line in range(10)] == [True] * 10
    assert "#pullrequestreview-" in message["title"]
    conversations = (await life.thread()).raw["Conversations"]
    assert text(conversations) == "10 unresolved: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
    assert conversations.count("#discussion_r") == 10


async def test_nothing_is_told_of_pinned_comments_sub_issues_and_the_fields_of_issues(life: Life) -> None:
    await drive(life.house, "webhooks", {"mode": "hold"})
    await life.house.act("bob-gh", "comment", number=1, body="Why?")
    (held,) = (await drive(life.house, "webhooks", {}))["held"]
    await drive(life.house, "webhooks/release", {"order": [], "drop": True})
    for event, action in (
        ("issue_comment", "pinned"),
        ("issue_comment", "unpinned"),
        ("issues", "field_added"),
        ("issues", "typed"),
        ("sub_issues", "sub_issue_added"),
    ):
        answer = await life.house.deliver({**held["payload"], "action": action}, event=event)
        assert answer.status in {202, 204}
    assert await life.news() == []


async def test_a_review_of_comments_alone_is_one_message_too_in_any_order(life: Life) -> None:
    (message,) = await life.act("bob-gh", "review", comments=_lines(3))
    assert (message["event"], text(message["title"])) == ("discussion", "Reviewed with 3 comments")

    await drive(life.house, "webhooks", {"mode": "hold"})
    await life.house.act("bob-gh", "review", number=1, comments=_lines(3))
    held = (await drive(life.house, "webhooks", {}))["held"]
    assert len(held) == 4
    await drive(life.house, "webhooks/release", {"order": [3, 2, 0, 1, 3, 0], "drop": True})
    assert titles(await life.news()) == ["bob-gh: Reviewed with 3 comments"]


async def test_each_review_is_told_for_itself(life: Life) -> None:
    for number in (1, 2):
        news = await life.act("bob-gh", "review", body=f"Review {number}", comments=_lines(2))
        assert len(news) == 1
        assert f"Review {number}" in news[0]["body"]


async def test_a_comment_on_a_line_quotes_the_code_and_a_reply_and_a_suggestion_do_not(life: Life) -> None:
    (message,) = await life.act("bob-gh", "review_comment", path="a b/<x>.py", line=7, body="Why?")
    assert message["event"] == "discussion"
    assert text(message["title"]) == "Commented on a b/<x>.py:7"
    assert "#discussion_r" in message["title"]
    assert message["body"].startswith("<pre><code> total = 0\n+total += 1</code></pre>")
    assert "Why?" in message["body"]

    (reply,) = await life.act("ann-gh", "reply", body="Because")
    assert "total" not in reply["body"]
    suggestion = "```suggestion\ntotal += 2\n```"
    (suggested,) = await life.act("bob-gh", "review_comment", path="b.py", line=1, body=suggestion)
    assert "-total += 1\n+total += 2" in suggested["body"]
    assert "total = 0" not in suggested["body"]


async def test_a_comment_is_a_discussion_its_edit_is_told_and_its_deletion_too(life: Life) -> None:
    (message,) = await life.act("bob-gh", "comment", body="Is *this* #7?")
    assert message["event"] == "discussion"
    assert titles([message]) == ["bob-gh: Commented"]
    assert "<em>this</em>" in message["body"]
    assert f'href="{life.house.github}/acme/component/issues/7"' in message["body"]

    (edited,) = await life.act("bob-gh", "edit_comment", body="Is that so?")
    assert titles([edited]) == ["bob-gh: Edited a comment"]
    assert edited["body"] == "<p>Is <del>*this* #7?</del><ins>that so?</ins></p>"
    (gone,) = await life.act("bob-gh", "delete_comment")
    assert (titles([gone]), gone["event"]) == (["bob-gh: Deleted a comment"], "activity")


async def test_conversations_are_counted_until_they_are_resolved_or_gone(life: Life) -> None:
    for line in (1, 2, 3):
        await life.act("bob-gh", "review_comment", path="a.py", line=line, body="Hm")
    thread = await life.thread()
    assert thread.fields["Conversations"] == "3 unresolved: 1, 2, 3"
    assert thread.fields["Turn"] == "ann-gh (conversations to resolve)"

    assert titles(await life.act("ann-gh", "resolve")) == ["ann-gh: Resolved a conversation"]
    assert (await life.thread()).fields["Conversations"] == "2 unresolved: 1, 2"
    assert titles(await life.act("ann-gh", "unresolve")) == ["ann-gh: Unresolved a conversation"]
    assert (await life.thread()).fields["Conversations"].startswith("3 unresolved")
    assert len(await life.act("bob-gh", "delete_review_comment")) == 1
    assert (await life.thread()).fields["Conversations"].startswith("2 unresolved")
    for _ in range(2):
        await life.act("ann-gh", "resolve")
    assert "Conversations" not in (await life.thread()).fields


async def test_a_conversation_lasts_while_a_reply_is_left(life: Life) -> None:
    await life.act("bob-gh", "review_comment", path="a.py", line=1, body="Hm")
    begun = (await life.thread()).raw["Conversations"].partition("#discussion_r")[2].partition('"')[0]
    await life.act("ann-gh", "reply", body="Because")
    await life.act("bob-gh", "delete_review_comment", id=begun)
    assert (await life.thread()).fields["Conversations"] == "1 unresolved: 1"
    await life.act("ann-gh", "delete_review_comment")
    assert "Conversations" not in (await life.thread()).fields


async def test_linked_people_who_are_mentioned_are_tagged_each_once_and_nobody_else(life: Life) -> None:
    body = "@Bob-GH @Bob-GH, what do @cy-gh, `@ann-gh` and x@ann-gh say?\n```\n@ann-gh\n```"
    (message,) = await life.act("cy-gh", "comment", body=body)
    assert message["tags"] == ["@bob"]

    (own,) = await life.act("bob-gh", "comment", body="I, @bob-gh, ask @ann-gh")
    assert own["tags"] == ["@ann"]
    (edited,) = await life.act("bob-gh", "edit_comment", body="I ask @ann-gh and @ann-gh")
    assert tags([edited]) == []
    (unlinked,) = await life.act("ann-gh", "comment", body="@cy-gh @nobody-at-all")
    assert tags([unlinked]) == []


async def test_people_who_link_are_tagged_from_then_on_until_they_unlink(life: Life) -> None:
    store = life.house.services.account_store
    bob = await store.get("1002")
    assert bob is not None
    await store.unlink("1002")
    assert tags(await life.act("ann-gh", "comment", body="@bob-gh")) == []
    await store.link(bob)
    assert tags(await life.act("ann-gh", "comment", body="@bob-gh")) == ["@bob"]


async def test_the_latest_review_of_each_reviewer_decides_and_a_dismissed_one_counts_no_more(
    life: Life,
) -> None:
    await life.act("bob-gh", "request_changes")
    await life.act("cy-gh", "approve")
    assert (await life.thread()).status == "changes requested"
    await life.act("bob-gh", "approve")
    assert (await life.thread()).status == "approved"
    await life.act("bob-gh", "comment", body="By the way")
    await life.act("bob-gh", "review", body="More")
    assert (await life.thread()).fields["Reviewers"] == "✓ bob-gh (approved), ✓ cy-gh (approved)"

    news = await life.act("cy-gh", "dismiss_review")
    assert titles(news) == ["cy-gh: Dismissed the review by bob-gh"]
    await life.act("bob-gh", "request_changes", body="No")
    assert (await life.thread()).status == "changes requested"
    await life.act("cy-gh", "dismiss_review")
    assert (await life.thread()).status == "approved"
    assert (await life.thread()).fields["Reviewers"] == "✓ cy-gh (approved)"


async def test_a_review_event_that_lacks_half_of_the_pull_request_takes_nothing_away(life: Life) -> None:
    await life.act("ann-gh", "push", count=2)
    before = (await life.thread()).fields
    (message,) = await life.act("bob-gh", "review", body="Fine so far")

    assert (await life.thread()).fields["Changes"] == before["Changes"]
    assert message["thread"]["status"]["value"] == "open"


async def test_a_review_that_waits_outlasts_its_worker_and_is_told_once(redis_url: str) -> None:
    async with open_house(redis_url, review_seconds=3600) as house:
        life = await begin(await set_to_work(house))
        await life.act("ann-gh", "open", title="Count", head="fix")
        await house.act("bob-gh", "request_changes", number=1, body="No", comments=_lines(3))

        redis: Any = house.redis
        inbox = keys.inbox(PARTITION)

        async def all_wait() -> bool:
            entries = await redis.xrange(inbox)
            return [fields[b"event"].decode() for _, fields in entries] == [DUE] * 4

        await eventually(all_wait)
        await stop_worker(house)
        assert len(await house.messages()) == 1
        # An hour later.
        for entry_id, fields in await redis.xrange(inbox):
            await redis.xadd(inbox, {**fields, b"received_at": b"1"})
            await redis.xdel(inbox, entry_id)
        async with next_worker(house, redis_url):
            (message,) = await life.news()
        assert titles([message]) == ["bob-gh: Requested changes with 3 comments"]
