"""People's lists as Redis keeps them: what each message and each move does to them."""

import asyncio
import re
from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.core.budgets import InboxBounds
from bridge.inbox import keys
from bridge.inbox.flows.flows import FlowStore
from bridge.inbox.limits import LimitReached
from bridge.inbox.threads import lists, placing
from bridge.inbox.threads.extension import pull_of
from bridge.inbox.threads.lists import ListStore, Move
from bridge.inbox.threads.marks import MarkStore
from bridge.inbox.threads.messages import Accepted, MessageStore, UnknownThread, thread_id
from bridge.inbox.threads.stored import InboxThread
from tests.inbox.conftest import read_all
from tests.inbox.threads.test_messages import SOURCE, a_pull, content

ANN, BOB, CY = 1001, 1002, 1003
NAMES = {ANN: "person-1001", BOB: "person-1002"}


class Office:
    """A flow with Ann and Bob; Cy is elsewhere."""

    def __init__(self, redis: Any) -> None:
        self.redis = redis
        self.store = MessageStore(redis=redis)
        self.lists = ListStore(redis)
        self.marks = MarkStore(redis=redis)
        self.flow = ""

    async def open(self) -> "Office":
        flows = FlowStore(self.redis)
        flow = await flows.make(organization="team", slug="main", name="Main", owner=ANN)
        assert flow
        await flows.join(flow.id, BOB)
        self.flow = flow.id
        return self

    async def post(self, *holders: int, number: int = 1, by: int = 0, **fields: Any) -> None:
        """News of a pull request of Ann's, after which it is the turn of these people."""
        said = a_pull(*holders, number=number, involved=(ANN, BOB), **fields)
        thread = {"title": f"Pull {number}", "bridge": said}
        author = {"name": NAMES.get(by, "somebody")}
        await self.store.post(self.flow, SOURCE, content(number, thread=thread, author=author))

    async def thread(self, number: int = 1) -> InboxThread:
        found = await self.store.thread(self.flow, thread_id(SOURCE, f"pr:{number}"))
        assert found
        return found

    async def move(self, person: int, move: Move, **how: float) -> None:
        await self.lists.move(person, await self.thread(), move, **how)

    async def seen(self, person: int) -> set[str]:
        """The lists in which a person finds pull request 1."""
        name = thread_id(SOURCE, "pr:1")
        on, _ = await self.lists.on(
            person, [self.flow], [kind for kind in get_args(keys.ListName) if kind != "unread-counts"], 9
        )
        on |= {kind: list(await self.lists.triaged(person, kind, 9)) for kind in keys.TRIAGE}
        return {kind for kind, ids in on.items() if name in ids}

    async def unread(self, person: int) -> int | None:
        thread = await self.thread()
        return (await self.lists.unread_in(person, [thread])).get(thread.id)


@pytest.fixture
async def office(redis: Any) -> Office:
    return await Office(redis).open()


@pytest.mark.parametrize(
    ("kind", "holders", "expected"),
    [
        ("review", (BOB,), {"1001": ["mine", "waiting"], "1002": ["turn", "review"]}),
        ("author", (ANN,), {"1001": ["mine", "turn", "returned"], "1002": ["waiting"]}),
        ("ready", (ANN,), {"1001": ["mine", "turn", "ready"], "1002": ["waiting"]}),
        ("maintainer", (), {"1001": ["mine", "waiting"], "1002": ["waiting"]}),
        ("waiting", (), {"1001": ["mine", "waiting"], "1002": ["waiting"]}),
        ("review", (CY,), {"1001": ["mine", "waiting"], "1002": ["waiting"], "1003": ["turn", "review"]}),
        (None, (), {"1001": ["mine"], "1002": []}),
    ],
)
def test_a_thread_is_on_the_lists_of_the_people_that_bridge_names(
    kind: str | None, holders: tuple[int, ...], expected: dict[str, list[str]]
) -> None:
    said = a_pull(*holders, involved=(ANN, BOB), kind=kind)
    if kind is None:
        said["turn"] = None
    assert placing.lists_of({"bridge": said}) == expected


def test_a_thread_of_another_application_is_on_nobodys_list() -> None:
    assert placing.lists_of({"title": "Build 5", "status": {"value": "open"}}) == {}


async def test_news_is_unread_for_members_but_not_for_those_who_made_it(office: Office) -> None:
    await office.post(BOB, by=ANN)
    assert (await office.unread(ANN), await office.unread(BOB), await office.unread(CY)) == (None, 1, None)
    await office.store.reply(
        office.flow, thread_id(SOURCE, "pr:1"), BOB, {"event": "message", "content": "Hm."}
    )
    assert (await office.unread(ANN), await office.unread(BOB)) == (1, 1)
    await office.marks.read(BOB, await office.thread())
    assert await office.unread(BOB) is None
    assert await office.lists.unread(BOB, [office.flow]) == {office.flow: 0}


# What Bob does, what follows, and where he finds the thread then; it was his turn, and unread.
AFTER: list[tuple[str, list[Any], set[str], int | None]] = [
    ("done", ["done"], {"done"}, None),
    ("done until activity", ["done", (BOB,)], {"turn", "review", "unread"}, 1),
    ("done until another's turn", ["done", (ANN,)], {"waiting", "unread"}, 1),
    ("done, and his own deed changes nothing", ["done", (BOB, "by himself")], {"done"}, None),
    ("done, undone", ["done", "undo"], {"turn", "review", "unread"}, 1),
    ("snoozed until activity", ["snooze"], {"snoozed"}, None),
    ("back by activity", ["snooze", (BOB,)], {"turn", "review", "unread"}, 2),
    ("snoozed until tomorrow, whatever happens", ["tomorrow", (BOB,), (BOB,)], {"snoozed"}, None),
    ("snoozed again as done", ["tomorrow", "done"], {"done"}, None),
    ("woken, with what came", ["now", (BOB,), "wake"], {"turn", "review", "unread"}, 2),
    ("snoozed, undone", ["tomorrow", "undo"], {"turn", "review", "unread"}, 1),
    ("reminded of what was read", ["read", "now", "wake"], {"turn", "review", "unread"}, 0),
    ("not woken early", ["tomorrow", "wake"], {"snoozed"}, None),
    ("muted: still his turn, never unread", ["mute", (BOB,)], {"turn", "review", "muted"}, None),
    ("unmuted", ["mute", "unmute"], {"turn", "review", "unread"}, 1),
    ("unmuted while it is done", ["mute", "done", "unmute"], {"done"}, None),
    ("read", ["read"], {"turn", "review"}, None),
    ("read while it is done", ["done", "read", "undo"], {"turn", "review"}, None),
    ("closed", ["closed"], {"unread"}, 2),
]


@pytest.mark.parametrize(
    ("steps", "places", "unread"), [one[1:] for one in AFTER], ids=[one[0] for one in AFTER]
)
async def test_a_triaged_thread_comes_back_when_it_should(
    office: Office, steps: list[Any], places: set[str], unread: int | None
) -> None:
    await office.post(BOB)
    for step in steps:
        match step:
            case "tomorrow":
                await office.move(BOB, "snooze", until=4e9)
            case "now":
                await office.move(BOB, "snooze", until=1e9)
                await office.redis.zadd(keys.triaged("snoozed", BOB), {thread_id(SOURCE, "pr:1"): 3.9e12})
            case "wake":
                await _pass_time(office)
                await office.lists.wake(BOB)
            case "read":
                await office.marks.read(BOB, await office.thread())
            case "closed":
                await office.store.post(
                    office.flow,
                    SOURCE,
                    content(
                        1, thread={"title": "Pull 1", "bridge": a_pull(involved=(BOB,)) | {"turn": None}}
                    ),
                )
            case (int(holder), *by):
                await office.post(holder, by=BOB if by else 0)
            case _:
                await office.move(BOB, step)
    assert (await office.seen(BOB), await office.unread(BOB)) == (places, unread)


async def _pass_time(office: Office) -> None:
    """Let what was snoozed for a little while be due."""
    key = keys.triaged("snoozed", BOB)
    for name, until in await office.redis.zrange(key, 0, -1, withscores=True):
        if until == 3.9e12:
            await office.redis.zadd(key, {name: 1})


async def test_triage_changes_the_lists_of_its_person_alone(office: Office) -> None:
    await office.post(ANN, BOB)
    await office.move(BOB, "done")
    assert await office.seen(ANN) == {"mine", "turn", "review", "unread"}


async def test_no_list_holds_more_than_its_bound(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST", 2)
    for number in (1, 2, 3):
        await office.post(BOB, number=number)
    threads = [await office.thread(number) for number in (1, 2, 3)]
    for one in threads[:2]:
        await office.lists.move(BOB, one, "snooze")
    with pytest.raises(LimitReached):
        await office.lists.move(BOB, threads[2], "snooze")
    for move, state in (("done", "done"), ("mute", "muted")):
        for one in threads:
            await office.lists.move(BOB, one, move)  # type: ignore[arg-type]
        assert len(await office.lists.triaged(BOB, state, 9)) == 2  # type: ignore[arg-type]


async def test_nothing_is_left_of_a_removed_person_or_thread(office: Office) -> None:
    await office.post(BOB)
    await office.move(BOB, "mute")
    await office.move(BOB, "done")
    await office.marks.read(BOB, await office.thread())
    office.store = MessageStore(redis=office.redis, bounds=InboxBounds(threads=1))
    await office.post(BOB, number=2)
    await FlowStore(office.redis).leave(office.flow, BOB)
    await office.marks.forget(BOB)
    left = {one.decode().split(":")[2] for one in await office.redis.keys(f"*{BOB}*")}
    assert left == {"turn", "review"}, "by bridge's word of the thread that is left"
    assert await office.seen(BOB) == set()
    assert await office.store.find(keys.personal_list("turn", office.flow, BOB), limit=9) == [
        await office.thread(2)
    ]


Deed = tuple[str, int, int]
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["post", "reply", "done", "snooze", "mute", "unmute", "undo", "read"]),
        st.sampled_from([ANN, BOB]),
        st.sampled_from([1, 2]),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
async def test_a_thread_is_in_one_place_after_any_events(redis: Any, deeds: list[Deed]) -> None:
    await redis.flushdb()
    office = await Office(redis).open()
    for number in (1, 2):
        await office.post(BOB, number=number)
    for deed, person, number in deeds:
        thread = await office.thread(number)
        if deed == "post":
            await office.post(person, number=number)
        elif deed == "reply":
            await office.store.reply(office.flow, thread.id, person, {"event": "message", "content": "x"})
        elif deed == "read":
            await office.marks.read(person, thread)
        else:
            await office.lists.move(person, thread, deed)  # type: ignore[arg-type]
    [holder] = [one.id for one in pull_of((await office.thread()).state).turn.people]  # type: ignore[union-attr]
    for person in (ANN, BOB):
        seen = await office.seen(person)
        away, here = seen & {"done", "snoozed"}, seen & {"review", "waiting"}
        assert len(away) + len(here) == 1, seen
        assert not (away or "muted" in seen) or "unread" not in seen
        assert not here or here == ({"review"} if person == holder else {"waiting"})


POSTS = st.lists(
    st.tuples(
        st.sampled_from(["news", "closed", "words", "without a thread"]),
        st.sampled_from([ANN, BOB, CY]),
        st.sampled_from([1, 2, 3, 4]),
        st.sampled_from(["", "u1", "u2"]),
    ),
    min_size=2,
    max_size=12,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(posts=POSTS)
async def test_messages_taken_together_end_as_if_taken_one_by_one(redis: Any, posts: list[Any]) -> None:
    alone = await _posted(redis, posts, together=False)
    assert await _posted(redis, posts, together=True) == alone


async def _posted(redis: Any, posts: list[Any], *, together: bool) -> list[Any]:
    """Post where Bob put a thread away in each way; return the answers, and all that Redis keeps then."""
    await redis.flushdb()
    office = await Office(redis).open()
    office.store = MessageStore(redis=redis, bounds=InboxBounds(thread_messages=3))
    moves: tuple[Move, ...] = ("done", "snooze", "mute")
    for number, move in enumerate(moves, start=1):
        await office.post(BOB, number=number)
        await office.lists.move(BOB, await office.thread(number), move)
    taken = [_taken(office, *post) for post in posts]
    answers = await asyncio.gather(*taken) if together else [await one for one in taken]
    kept = await read_all(redis, but=[keys.NEWS])
    # Times, and the name of the flow, are of the run.
    text = re.sub(r"\b1[78]\d{8,11}(\.\d+)?\b", "TIME", repr(kept)).replace(office.flow, "FLOW")
    return [answers, text]


async def _taken(office: Office, kind: str, person: int, number: int, uuid: str) -> Accepted | None:
    said = content(number, author={"name": NAMES.get(person, "somebody")}, tags=[f":user:{BOB}"], uuid=uuid)
    step = a_pull(person, number=number, involved=(ANN, BOB))
    said["thread"] |= {"bridge": step if kind == "news" else step | {"turn": None}}
    if kind == "without a thread":
        del said["thread"]
    with suppress(UnknownThread):
        if kind != "words":
            return await office.store.post(office.flow, SOURCE, said)
        words = {"event": "message", "content": "Hm.", "uuid": uuid}
        return await office.store.reply(office.flow, thread_id(SOURCE, f"pr:{number}"), person, words)
    return None
