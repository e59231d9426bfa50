"""People change and delete their own messages: the API, the page, what is live, and what Redis keeps."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bridge.inbox.threads.changes import MessageChanges
from bridge.inbox.threads.messages import thread_id
from bridge.inbox.threads.stored import StoredMessage
from tests.conftest import PATIENCE
from tests.inbox.conftest import Team
from tests.inbox.threads.test_messages import content
from tests.kits.controls import unguarded

THREAD = f"/inbox/flows/team/main/threads/{thread_id(1, 'pr:1')}"
MESSAGES = "/flows/team/main/messages"


async def talked(team: Team) -> list[int]:
    """A thread with a source's message, two of Bob's and one of Ann's; their ids."""
    token = (await team.source())["flow_token"]
    assert (await team.call("POST", "/messages", content(1, flow_token=token)))[0] == 202
    for nick, words in (("bob", "first @ann"), ("bob", "secretword"), ("ann", "third")):
        assert (await team.visit(nick, "POST", f"{THREAD}/messages", {"content": words})).status == 303
    [thread] = await team.inbox.messages.threads(team.flow.id)
    return [one.id for one in await team.inbox.messages.messages(thread)]


async def words(team: Team) -> list[str]:
    _, found = await team.call("GET", f"{MESSAGES}?event=message", token=await team.token())
    return [one["content"] for one in found]


async def everything(team: Team) -> bytes:
    """All values of the flow's keys, as far as they are text."""
    redis: Any = team.services.redis
    found = []
    for key in await redis.keys("inbox:{main}:*"):
        kind = await redis.type(key)
        match kind:
            case b"hash":
                found.append(repr(await redis.hgetall(key)))
            case b"stream":
                found.append(repr(await redis.xrange(key)))
    return "\n".join(found).encode()


async def bytes_used(team: Team) -> tuple[int, int]:
    redis: Any = team.services.redis
    [thread] = await team.inbox.messages.threads(team.flow.id)
    of_flow = await redis.hget(f"inbox:{{main}}:usage:{team.flow.id}", "bytes")
    return int(of_flow), int(await redis.hget(f"inbox:{{main}}:thread:{thread.id}", "bytes"))


async def test_nothing_stays_of_words_that_their_author_changed_or_deleted(team: Team) -> None:
    ids = await talked(team)
    before, token = await bytes_used(team), await team.token("bob")
    status, changed = await team.call("PUT", f"{MESSAGES}/{ids[2]}", {"content": "other @bob"}, token=token)
    assert (status, changed["content"], changed["tags"]) == (
        200,
        "other @bob",
        [":user:1002", ":unread:1002"],
    )
    assert (changed["id"], changed["sent"] <= changed["edited"]) == (ids[2], True)
    assert await words(team) == ["first @ann", "other @bob", "third"]
    assert b"secretword" not in await everything(team)
    status, _ = await team.call("PUT", f"{MESSAGES}/{ids[2]}", {"content": "secretword"}, token=token)
    assert status == 200
    for number in ids[1:3]:
        assert (await team.call("DELETE", f"{MESSAGES}/{number}", token=token))[0] == 204
        assert (await team.call("DELETE", f"{MESSAGES}/{number}", token=token))[0] == 404
        assert (await team.call("PUT", f"{MESSAGES}/{number}", {"content": "x"}, token=token))[0] == 404
    assert await words(team) == ["third"]
    kept = await everything(team)
    assert (b"secretword" in kept, b"first @ann" in kept) == (False, False)
    [thread] = await team.inbox.messages.threads(team.flow.id)
    assert thread.comments == 1
    after = await bytes_used(team)
    assert (after[0], after[0] < before[0]) == (after[1], True)


_change = MessageChanges.change


async def _as_its_author(
    changes: MessageChanges, message: StoredMessage, _: int, content: Mapping[str, Any] | None
) -> None:
    await _change(changes, message, message.author, content)


@unguarded("bridge.inbox.threads.changes.MessageChanges.change", _as_its_author)
async def test_nobody_changes_a_message_of_another_person_or_a_source(team: Team) -> None:
    ids = await talked(team)
    for nick, number in (("ann", ids[1]), ("bob", ids[0]), ("bob", ids[3])):
        token = await team.token(nick)
        assert (await team.call("PUT", f"{MESSAGES}/{number}", {"content": "x"}, token=token))[0] == 403
        assert (await team.call("DELETE", f"{MESSAGES}/{number}", token=token))[0] == 403
        for form in ({"content": "x"}, {"delete": "1"}):
            assert (await team.visit(nick, "POST", f"{THREAD}/messages/{number}", form)).status == 403
        assert (await team.visit(nick, "GET", f"{THREAD}/messages/{number}")).status == 403
    outsider = await team.token("cy")
    assert (await team.call("PUT", f"{MESSAGES}/{ids[1]}", {"content": "x"}, token=outsider))[0] == 404
    assert await words(team) == ["first @ann", "secretword", "third"]


@pytest.mark.parametrize(
    ("body", "field"), [({}, "content"), ({"content": " "}, "content"), ({"content": "x", "tags": 1}, "tags")]
)
async def test_a_change_without_words_is_refused(team: Team, body: dict[str, Any], field: str) -> None:
    ids = await talked(team)
    status, found = await team.call("PUT", f"{MESSAGES}/{ids[1]}", body, token=await team.token("bob"))
    assert (status, list(found["errors"])) == (400, [field])


async def test_the_page_shows_the_change_and_whose_it_is_and_others_see_it_live(team: Team) -> None:
    ids = await talked(team)
    path = f"/inbox/flows/team/main/events?thread={thread_id(1, 'pr:1')}"
    async with asyncio.timeout(PATIENCE), team.stream("ann", path, last=str(ids[-1])) as news:
        answer = await team.visit("bob", "POST", f"{THREAD}/messages/{ids[2]}", {"content": "better"})
        assert answer.headers["Location"] == f"{THREAD}#message-{ids[2]}"
        told = await anext(news)
        assert (told["changed"], "better" in told["entry"], ", edited" in told["entry"]) == (
            ids[2],
            True,
            True,
        )
        await team.visit("bob", "POST", f"{THREAD}/messages/{ids[2]}", {"delete": "1"})
        told = await anext(news)
        assert (told["changed"], "entry" in told) == (ids[2], False)
    page = (await team.visit("bob", "GET", THREAD)).text
    assert ("better" in page, page.count("Edit<span")) == (False, 1)
    await team.visit("ann", "POST", f"{THREAD}/messages/{ids[3]}", {"delete": "1"})
    rows = (await team.visit("bob", "GET", "/inbox/flows/team/main")).text
    assert ("deleted a message" in rows, "third" in rows) == (True, False)


async def test_a_stream_tells_of_a_change_as_flowdock_did(team: Team) -> None:
    ids = await talked(team)
    bob = await team.token("bob")
    await team.call("PUT", f"{MESSAGES}/{ids[1]}", {"content": "new"}, token=bob)
    await team.call("DELETE", f"{MESSAGES}/{ids[2]}", token=bob)
    path = f"{MESSAGES}?since_id={ids[-1]}&sort=asc"
    _, found = await team.call("GET", path, token=bob)
    assert [(one["event"], one["content"]) for one in found] == [
        ("message-edit", {"message": ids[1], "updated_content": "new"}),
        ("message-delete", {"message": ids[2]}),
    ]
    assert {one["user"] for one in found} == {"1002"}
