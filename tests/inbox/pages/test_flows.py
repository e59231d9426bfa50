"""Pages of flows and threads, by what each kind of visitor gets, and what they show."""

import asyncio
import re
from typing import Any

import pytest
from aiohttp import web

from bridge.core.model import Mention
from bridge.inbox.flows import flows as flow_store
from bridge.inbox.pages import events, flow_settings, flows, message, thread, triage
from bridge.inbox.people.grants import OWN_PROGRAM
from bridge.inbox.tags import resolved
from bridge.inbox.threads.messages import thread_id
from tests.conftest import eventually
from tests.inbox.conftest import Team
from tests.inbox.threads.test_messages import a_pull, content
from tests.kits.controls import always, unguarded

FLOW = "/inbox/flows/team/main"
THREAD = f"{FLOW}/threads/{thread_id(1, 'pr:1')}"
SIGN_IN, PAGE, NOTHING, DONE, REFUSED = "sign in", "page", "nothing", "done", "refused"

# By method and address: nobody, another flow's, a member, the flow's owner.
TABLE: dict[tuple[str, str], tuple[str, str, str, str]] = {
    ("GET", "/inbox"): (SIGN_IN, PAGE, PAGE, PAGE),
    ("GET", "/inbox/events"): (SIGN_IN, PAGE, PAGE, PAGE),
    ("GET", "/inbox/search?q=1"): (SIGN_IN, PAGE, PAGE, PAGE),
    ("POST", "/inbox/triage"): (SIGN_IN, NOTHING, DONE, DONE),
    ("POST", "/inbox/flows"): (SIGN_IN, DONE, DONE, DONE),
    ("GET", FLOW): (SIGN_IN, NOTHING, PAGE, PAGE),
    ("GET", "/inbox/flows/team/none"): (SIGN_IN, NOTHING, NOTHING, NOTHING),
    ("POST", f"{FLOW}/read"): (SIGN_IN, NOTHING, DONE, DONE),
    ("GET", f"{FLOW}/settings"): (SIGN_IN, NOTHING, PAGE, PAGE),
    ("GET", f"{FLOW}/events?thread=none"): (SIGN_IN, NOTHING, PAGE, PAGE),
    ("GET", THREAD): (SIGN_IN, NOTHING, PAGE, PAGE),
    ("GET", f"{FLOW}/threads/none"): (SIGN_IN, NOTHING, NOTHING, NOTHING),
    ("POST", f"{THREAD}/messages"): (SIGN_IN, NOTHING, DONE, DONE),
    ("GET", f"{THREAD}/messages/1"): (SIGN_IN, NOTHING, REFUSED, REFUSED),
    ("POST", f"{THREAD}/messages/1"): (SIGN_IN, NOTHING, REFUSED, REFUSED),
    ("POST", f"{THREAD}/turn"): (SIGN_IN, NOTHING, DONE, DONE),
    ("GET", f"{THREAD}/actions"): (SIGN_IN, NOTHING, DONE, DONE),
    ("POST", f"{THREAD}/actions"): (SIGN_IN, NOTHING, DONE, DONE),
    ("POST", f"{FLOW}/settings"): (SIGN_IN, NOTHING, REFUSED, DONE),
    ("POST", f"{FLOW}/settings/people"): (SIGN_IN, NOTHING, REFUSED, DONE),
    ("POST", f"{FLOW}/settings/people/1002/owner"): (SIGN_IN, NOTHING, REFUSED, DONE),
    ("GET", f"{FLOW}/settings/people/1001/remove"): (SIGN_IN, NOTHING, REFUSED, PAGE),
    ("POST", f"{FLOW}/settings/people/1001/remove"): (SIGN_IN, NOTHING, REFUSED, REFUSED),
    ("GET", f"{FLOW}/settings/people/1002/remove"): (SIGN_IN, NOTHING, PAGE, PAGE),
    ("POST", f"{FLOW}/settings/people/1002/remove"): (SIGN_IN, NOTHING, DONE, DONE),
    ("GET", f"{FLOW}/settings/sources/1/remove"): (SIGN_IN, NOTHING, REFUSED, PAGE),
    ("POST", f"{FLOW}/settings/sources/1/remove"): (SIGN_IN, NOTHING, REFUSED, DONE),
    ("POST", f"{FLOW}/settings/readers"): (SIGN_IN, NOTHING, REFUSED, DONE),
    ("GET", f"{FLOW}/export"): (SIGN_IN, NOTHING, REFUSED, PAGE),
    ("GET", f"{FLOW}/settings/delete"): (SIGN_IN, NOTHING, REFUSED, PAGE),
    ("POST", f"{FLOW}/settings/delete"): (SIGN_IN, NOTHING, REFUSED, DONE),
}
OTHERS = {
    ("GET", "/inbox/flows/team/none"),
    ("GET", f"{FLOW}/threads/none"),
    *((method, f"{FLOW}/settings/people/1001/remove") for method in ("GET", "POST")),
}
"""Addresses of what is not there, and of somebody else."""

VISITORS = ("", "cy", "bob", "ann")
FORM = {
    "typed": "Main",
    "name": "Other",
    "content": "Hm.",
    "person": "1003",
    "key": "none",
    "sure": "1",
    "done": thread_id(1, "pr:1"),
}


async def posted(team: Team, number: int = 1, **fields: Any) -> None:
    """A message of the flow's first source, which is made once."""
    if not team.flow_token:
        team.flow_token = (await team.source())["flow_token"]
    body = content(number, flow_token=team.flow_token, **fields)
    assert (await team.call("POST", "/messages", body))[0] == 202


def test_the_table_names_every_address() -> None:
    ids = {
        "{org}": "team",
        "{flow}": "main",
        "{thread}": thread_id(1, "pr:1"),
        "{person}": "1002",
        "{id}": "1",
    }
    there = set()
    for module in (events, flow_settings, flows, message, thread, triage):
        for route in module.routes:
            assert isinstance(route, web.RouteDef)
            path = route.path.replace("{role:owner|member}", "owner").replace("{id:[0-9]{1,15}}", "{id}")
            for name, value in ids.items():
                path = path.replace(name, value)
            there.add((route.method, path))
    assert there == {(method, path.partition("?")[0]) for method, path in TABLE} - OTHERS


ANSWERS = {401: SIGN_IN, 200: PAGE, 303: DONE, 404: NOTHING, 403: REFUSED, 409: REFUSED, 400: REFUSED}


@pytest.mark.parametrize(("method", "path"), TABLE)
async def test_each_visitor_gets_what_is_theirs(team: Team, method: str, path: str) -> None:
    await posted(team)
    for nick, expected in zip(VISITORS, TABLE[method, path], strict=True):
        form = FORM | {"name": f"Of {nick}"} if method == "POST" else None
        response = await team.visit(nick, method, path, form)
        signs_in = "/sign-in" in response.headers.get("Location", "")
        assert (SIGN_IN if signs_in else ANSWERS[response.status]) == expected, nick
        if expected not in (PAGE, DONE):
            assert "Pull 1" not in response.text, nick


@unguarded("hmac.compare_digest", always)
async def test_a_form_without_the_sessions_value_changes_nothing(team: Team) -> None:
    await posted(team)
    before = await team.dump()
    for method, path in TABLE:
        if method == "POST":
            assert (await team.visit("ann", method, path, FORM, csrf="guessed")).status == 403, path
            assert await team.dump() == before, path


async def test_a_thread_shows_its_state_and_what_was_written(team: Team) -> None:
    await posted(
        team,
        thread={
            "title": "Pull <a href='https://x.example/'>1</a>",
            "external_url": "https://github.com/acme/component/pull/1",
            "status": {"color": "green", "value": "open"},
            "fields": [{"label": "Turn", "value": "ann-gh"}],
            "body": "<p onclick='x()'>Hello <script>alert(1)</script><b>there</b></p>",
        },
    )
    page = (await team.visit("bob", "GET", THREAD)).text
    assert re.search(r"<p>Hello <b>there</b></p>", page)
    assert "alert(1)" not in page
    assert 'class="pill green">open<' in page
    answer = await team.visit("bob", "POST", f"{THREAD}/messages", {"content": "Look, @ann & @cy: <b>"})
    assert answer.status == 303
    page = (await team.visit("ann", "GET", THREAD)).text
    assert "Look, @ann &amp; @cy: &lt;b&gt;" in page
    assert page.count("mentions you") == 1
    [kept] = await team.inbox.messages.threads(team.flow.id)
    assert kept.newest.content["tags"] == [":user:1001", ":unread:1001"]


async def test_a_thread_is_unread_until_opened_and_again_with_news(team: Team) -> None:
    async def unread() -> bool:
        return "thread-row unread" in (await team.visit("bob", "GET", FLOW)).text

    await posted(team)
    assert await unread()
    await team.visit("bob", "GET", THREAD)
    assert not await unread()
    await posted(team, title="pushed")
    assert await unread()
    assert 'id="new"' in (await team.visit("bob", "GET", THREAD)).text
    await team.visit("bob", "POST", f"{THREAD}/messages", {"content": "Mine."})
    assert not await unread()


async def test_a_long_thread_opens_at_the_first_unread_message_and_leads_both_ways(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def page(query: str = "") -> tuple[list[int], set[str], bool, bool]:
        """The messages shown, the links to others, whether it is live, and whether it marks what is new."""
        text = (await team.visit("bob", "GET", THREAD + query)).text
        ids = [int(one) for one in re.findall(r'data-message="(\d+)"', text)]
        links = set(re.findall(r'threads/[^"?]+(\?\w+=\d+|#end)">(?!To)', text))
        assert ('id="content"' in text) == ("data-events" in text)
        return ids, links, "data-events" in text, 'id="new"' in text

    monkeypatch.setattr(thread, "PAGE", 3)
    for number in range(8):
        await posted(team, title=f"did {number}")
    assert await page() == ([1, 2, 3], {"?after=3", "#end"}, False, False), "all of it is unread"
    assert await page("?after=3") == ([4, 5, 6], {"?before=4", "?after=6", "#end"}, False, False)
    assert await page("?after=6") == ([7, 8], {"?before=7"}, True, False)
    assert await page() == ([6, 7, 8], {"?before=6"}, True, False), "all of it is read"
    assert await page("?before=6") == ([3, 4, 5], {"?before=3", "?after=5", "#end"}, False, False)
    await posted(team, title="did 8")
    assert await page() == ([7, 8, 9], {"?before=7"}, True, True)
    for number in range(4):
        await posted(team, title=f"did {number}")
    assert await page() == ([10, 11, 12], {"?before=10", "?after=12", "#end"}, False, True)
    assert await page("?after=99") == ([], set(), True, False)


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_nobody_takes_all_flows(team: Team, monkeypatch: pytest.MonkeyPatch, guarded: bool) -> None:
    monkeypatch.setattr(flow_store, "MOST_OF_ONE", 1 if guarded else 9)
    answer = await team.visit("ann", "POST", "/inbox/flows", {"name": "Another"})
    assert answer.status == (409 if guarded else 303)
    assert ("already own 1 flows" in answer.text) is ("Delete one that is unused." in answer.text) is guarded
    assert (await team.visit("bob", "POST", "/inbox/flows", {"name": "Bob's"})).status == 303


@unguarded("bridge.inbox.views.visible", str)
async def test_no_name_looks_like_anothers(team: Team) -> None:
    for odd in ("bo\u200bb", "\u202ebob", "\u2066Main"):
        for path in ("/inbox/flows", f"{FLOW}/settings"):
            assert (await team.visit("ann", "POST", path, {"name": odd})).status == 422, (path, odd)
        body = {"name": odd}
        status, refused = await team.call(
            "POST", f"/flows/{team.flow.path}/sources", body, token=await team.token()
        )
        assert (status, refused["errors"]) == (400, {"name": ["has invisible characters"]})
    await posted(team, author={"name": "bo\u200bb\u202e"})
    page = (await team.visit("ann", "GET", THREAD)).text
    assert "bo\\u200bb\\u202e" in page
    assert not {"\u200b", "\u202e"} & set(page)


@unguarded("bridge.web.app.avatar_origins", lambda _: ("https:/",))
async def test_pictures_come_from_github_alone(team: Team) -> None:
    fine = ["https://avatars.githubusercontent.com/u/1?v=4", "https://github.com/ann.png"]
    foreign = ["https://evil.example/1.png", "http://github.com/1.png", f"{fine[0][:37]}.evil.example/1.png"]
    for address in fine + foreign:
        await posted(team, author={"name": "Ann", "avatar": address})
    page = await team.visit("bob", "GET", THREAD)
    assert re.findall(r'<img[^>]* src="([^"]+)"', page.text) == fine
    policy = page.headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://github.com https://avatars.githubusercontent.com;" in policy


async def test_a_page_shows_the_newest_messages_whole_and_others_as_far_as_there_is_room(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def page(query: str = "") -> tuple[list[int], list[str]]:
        """How much of each long message is shown, and the links to whole ones."""
        text = (await team.visit("bob", "GET", THREAD + query)).text
        return [len(one) for one in re.findall(r"x+(?=</div>)", text)], re.findall(
            r'href="[^"?]+(\?before=\d+)#message-\d+">Show the whole message', text
        )

    for _ in range(4):
        await posted(team, body="x" * 2500)
    await posted(team, body="x" * 900)
    assert await page() == ([2500, 2500, 2500, 2500, 900], [])
    monkeypatch.setattr(thread, "WHOLE", 6000)
    assert await page() == ([1000, 1000, 2500, 2500, 900], ["?before=2", "?before=3"])
    assert await page("?before=2") == ([2500], [])


async def test_a_row_says_where_it_cuts_a_message_short(team: Team) -> None:
    for length, end in ((120, "x"), (121, "…")):
        await posted(team, event="discussion", body=f"<p>{'x' * length}</p>")
        page = (await team.visit("bob", "GET", FLOW)).text
        assert f"</strong> {'x' * 119}{end} <span" in page


async def test_the_scripts_of_every_page_are_bridges_own(team: Team) -> None:
    await posted(team)
    for nick, path in (
        ("bob", FLOW),
        ("bob", THREAD),
        ("bob", f"{FLOW}/settings"),
        ("", "/inbox/sign-in"),
        ("", "/"),
        ("", f"/handover/{'x' * 32}"),
    ):
        answer = await team.visit(nick, "GET", path)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self';")
        assert "; script-src 'self'; connect-src 'self'" in policy
        assert re.findall(r"<script[^>]*>", answer.text) == [
            f'<script type="module" src="/static/{"inbox" if path in (FLOW, THREAD) else "away"}.js">'
        ], path


async def test_the_front_page_begins_with_the_threads_in_which_it_is_my_turn(team: Team) -> None:
    turns = {1: a_pull(1002), 2: a_pull(1001, author=1002), 3: a_pull(1001, 10022), 4: a_pull(), 5: None}
    for number, pull in turns.items():
        # Only bridge's word counts, not the field that people read.
        fields = [{"label": "Turn", "value": "bob"}]
        await posted(team, number, thread={"title": f"Pull {number}", "fields": fields, "bridge": pull})
    page = (await team.visit("bob", "GET", "/inbox")).text
    mine = page.partition("My turn")[2].partition("Your flows")[0]
    assert re.findall(r"Pull \d", mine) == ["Pull 1"]
    assert re.search(r">Main</a> <a class=\"count\" [^>]*>5 unread<", page)


async def test_threads_are_found_by_turn_by_what_is_unread_and_by_words(team: Team) -> None:
    for number in range(1, 5):
        pull = a_pull(1002 if number == 2 else 1001)
        await posted(team, number, thread={"title": f"Pull {number}", "bridge": pull})
    await posted(team, 3, event="discussion", body="<p>Could this be <b>simpler</b>?</p>")
    await team.visit("bob", "GET", f"{FLOW}/threads/{thread_id(1, 'pr:4')}")

    async def found(query: str) -> list[str]:
        page = (await team.visit("bob", "GET", f"{FLOW}?{query}")).text
        return re.findall(r'row-title">Pull (\d)', page)

    assert await found("show=turn") == ["2"]
    assert await found("show=unread") == ["3", "2", "1"]
    assert await found("q=SIMPLER+this") == ["3"]
    assert await found("q=pull+person-1002") == ["2"], "the turn of 3 went with its newest state"
    assert await found("q=nothing") == []
    assert await found("show=turn&q=simpler") == []


async def test_a_message_keeps_the_name_of_an_author_who_left(team: Team) -> None:
    await posted(team)
    await team.visit("bob", "POST", f"{THREAD}/messages", {"content": "Mine."})
    await team.inbox.people.remove(1002)
    assert "<strong>bob</strong>" in (await team.visit("ann", "GET", THREAD)).text


async def test_closed_threads_are_out_of_the_way_and_long_lists_are_paged(team: Team) -> None:
    for number in range(60):
        await posted(team, number)
    await posted(team, 59, thread={"title": "Pull 59", "status": {"color": "purple", "value": "merged"}})
    page = (await team.visit("bob", "GET", FLOW)).text
    assert page.count('class="thread-row') == 50
    assert "Pull 59" not in page
    older = re.search(r'href="([^"]+before=\d+[^"]*)"', page)
    assert older
    assert (await team.visit("bob", "GET", older[1])).text.count('class="thread-row') == 9
    assert "Pull 59" in (await team.visit("bob", "GET", f"{FLOW}?show=all")).text


async def test_an_open_page_gets_missed_and_new_messages(team: Team) -> None:
    await posted(team)
    async with team.stream("bob", f"{FLOW}/events", last="0") as lines:
        assert [one["message"] for one in [await anext(lines)]] == [1]
        await asyncio.gather(posted(team), posted(team, 2))
        news = [await anext(lines), await anext(lines)]
        assert [one["message"] for one in news] == [2, 3]
        assert {one["thread"] for one in news} == {thread_id(1, "pr:1"), thread_id(1, "pr:2")}
        assert "thread-row" in news[0]["row"]
        await team.inbox.flows.leave(team.flow.id, 1002)
        await posted(team, 3)
        with pytest.raises(StopAsyncIteration):
            await anext(lines)


async def test_nobody_leaves_a_flow_or_removes_anything_by_one_press(team: Team) -> None:
    await posted(team)
    before = await team.dump()
    for nick, of, asks in (
        ("bob", "people/1002", "Leave Main?"),
        ("ann", "people/1002", "Remove @bob?"),
        ("ann", "sources/1", "Remove acme/component?"),
    ):
        asking = f"{FLOW}/settings/{of}/remove"
        pressed = await team.visit(nick, "POST", asking, {})
        # Back from the next page leads here, not to a form that the browser would send once more.
        assert (pressed.status, pressed.headers["Location"]) == (303, asking)
        answer = await team.visit(nick, "GET", asking)
        assert (answer.status, asks in answer.text, 'name="sure"' in answer.text) == (200, True, True), asks
    assert await team.dump() == before


@pytest.mark.parametrize("is_bridges", [True, False])
async def test_a_members_source_does_not_pass_for_a_repository(team: Team, is_bridges: bool) -> None:
    client = team.inbox.client_id if is_bridges else f"{OWN_PROGRAM}0123abcd"
    source, _ = await team.inbox.sources.make(
        team.flow.id, name="acme/gadgets", external_url="", client_id=client, creator=1002
    ) or pytest.fail("there is no flow")
    await team.inbox.messages.post(team.flow.id, source.id, content(1))
    for path in (FLOW, f"{FLOW}/threads/{thread_id(source.id, 'pr:1')}", f"{FLOW}/settings"):
        page = await team.visit("ann", "GET", path)
        assert "acme/gadgets" in page.text
        assert ("acme/gadgets, added with an API token" not in page.text) is is_bridges, path


@pytest.mark.parametrize(
    ("mentions", "called"),
    [
        ([Mention("elsewhere", id=1002)], ["1002"]),
        ([Mention("BOB"), Mention("bob", id=1002), Mention("nobody")], ["1002"]),
        ([Mention("bob", id=1002, unless_by_login=True)], []),
        ([Mention("cy", id=1003), Mention("cy")], []),
    ],
    ids=[
        "by id, whatever they are called",
        "by login",
        "another message tagged them by login",
        "not in the flow",
    ],
)
async def test_a_mention_tags_members_of_the_flow_alone_who_need_link_no_account(
    team: Team, mentions: list[Mention], called: list[str]
) -> None:
    tags = await team.services.pulls.tags(mentions, flow="team/renamed")
    found = [tag for tag in await resolved(team.inbox, team.flow.id, tags) if tag.startswith(":")]
    assert found == [f":{kind}:{number}" for number in called for kind in ("user", "unread")]


async def test_an_archived_name_and_the_last_owner_stay_clear(team: Team) -> None:
    answer = await team.visit("bob", "POST", "/inbox/flows", {"name": "  MAIN "})
    assert (answer.status, "with this name already" in answer.text) == (422, True)
    await team.visit("ann", "POST", f"{FLOW}/settings", {"name": "Main & co", "archived": "1"})
    assert "Main &amp; co" in (await team.visit("ann", "GET", "/inbox")).text
    answer = await team.visit("ann", "POST", f"{FLOW}/settings/people/1001/member", {})
    assert (answer.status, "needs an owner" in answer.text) == (409, True)


async def test_a_flow_is_deleted_by_its_typed_name_alone_with_all_connections(team: Team) -> None:
    await posted(team)
    pressed = await team.visit("ann", "POST", f"{FLOW}/settings/delete", {})
    answer = await team.visit("ann", "GET", pressed.headers["Location"])
    assert (pressed.status, answer.status, "acme/component" in answer.text) == (303, 200, True)
    answer = await team.visit("ann", "POST", f"{FLOW}/settings/delete", {"typed": "main"})
    assert (answer.status, "Nothing was deleted." in answer.text) == (422, True)
    assert await team.inbox.flows.get(team.flow.id) == team.flow
    connections = team.services.connections
    for flow in ("Team/main", "team/mainly"):
        await connections.connect("acme/component", flow_token=f"of {flow}", name=flow, flow=flow)
    answer = await team.visit("ann", "POST", f"{FLOW}/settings/delete", {"typed": " Main "})
    assert answer.status == 303
    front = await team.visit("ann", "GET", answer.headers["Location"])
    assert "Main was deleted for everyone." in front.text
    assert (await team.visit("ann", "GET", FLOW)).status == 404

    async def is_gone() -> bool:
        return not await team.dump_of(team.flow.id)

    await eventually(is_gone)
    assert [one.flow for one in await connections.all()] == ["team/mainly"]


async def test_a_full_inbox_says_that_another_name_does_not_help(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_store, "MOST", 1)
    page = await team.visit("ann", "POST", "/inbox/flows", {"name": "Other"})
    assert (page.status, "delete it" in page.text, "another name" in page.text) == (409, True, False)
