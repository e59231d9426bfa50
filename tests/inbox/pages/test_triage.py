"""Triage by clicks: what a person moves, takes back and finds again, without a script and with one."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.inbox.pages.triage import returns_at, zone_of
from bridge.inbox.threads import search
from bridge.inbox.threads.lists import UNTIL_ACTIVITY
from bridge.inbox.threads.messages import thread_id
from tests.inbox.conftest import Team
from tests.inbox.pages.test_flows import FLOW, THREAD, posted
from tests.inbox.threads.test_messages import a_pull, content
from tests.kits.controls import unguarded

ID = thread_id(1, "pr:1")
PAGE = "/inbox/triage"
KYIV = "Europe/Kyiv"


def sections(page: str) -> dict[str, list[str]]:
    """The threads below each heading of the front page."""
    parts = re.findall(r'<h2 id="section-\w+">([^<]+)</h2>(.*?)</section>', page, re.DOTALL)
    return {name: found for name, part in parts if (found := re.findall(r'row-title">(Pull \d)', part))}


async def test_my_turn_has_a_section_for_each_thing_to_do(team: Team) -> None:
    kinds = {1: ("review", (1002,)), 2: ("author", (1002,)), 3: ("ready", (1002,)), 4: ("review", (1001,))}
    for number, (kind, holders) in kinds.items():
        said = a_pull(*holders, number=number, author=1002, involved=(1001, 1002), kind=kind)
        await posted(team, number, thread={"title": f"Pull {number}", "bridge": said})
    expected = {
        "Needs your review": ["Pull 1"],
        "Returned to you": ["Pull 2"],
        "Ready to merge": ["Pull 3"],
        "Waiting for others": ["Pull 4"],
    }
    page = (await team.visit("bob", "GET", "/inbox")).text
    assert sections(page) == expected
    assert page.count("became your turn") == 3
    for move in ("done", "activity"):
        await team.visit("bob", "POST", PAGE, {move: thread_id(1, f"pr:{1 if move == 'done' else 2}")})
    expected |= {"Recently done": ["Pull 1"], "Snoozed": ["Pull 2"]}
    del expected["Needs your review"], expected["Returned to you"]
    assert sections((await team.visit("bob", "GET", "/inbox")).text) == expected
    await team.inbox.flows.leave(team.flow.id, 1002)
    assert sections((await team.visit("bob", "GET", "/inbox")).text) == {}


@pytest.mark.parametrize(
    ("move", "said"),
    [
        ("done", "#1 is done."),
        ("activity", "#1 is snoozed until there is activity."),
        ("mute", "#1 is muted."),
    ],
)
async def test_a_move_says_what_it_did_and_is_taken_back_by_a_click(team: Team, move: str, said: str) -> None:
    await posted(team, thread={"title": "Pull 1", "bridge": a_pull(1002)})
    before = await team.dump()
    answer = await team.visit("bob", "POST", PAGE, {move: ID, "here": f"{FLOW}?show=turn"})
    page = await team.visit("bob", "GET", answer.headers["Location"])
    assert said in page.text
    assert ("Pull 1" in page.text) == (move == "mute")
    assert f'name="here" value="{FLOW}?show=turn"' in page.text
    undo = re.search(r'<button name="(\w+)" value="([^"]+)">Undo<', page.text)
    assert undo
    await team.visit("bob", "POST", PAGE, {undo[1]: undo[2]})
    after = await team.dump()
    assert {key for key in before | after if before.get(key) != after.get(key)} == {
        key for key in after if b":outcome:" in key
    }


async def test_a_script_gets_what_to_show_in_place_of_a_page(team: Team) -> None:
    await posted(team)
    answer = await team.visit("bob", "POST", PAGE, {"done": ID, "script": "1", "here": "/inbox"})
    assert (answer.status, answer.text.lstrip()[:20]) == (200, '<div class="notice o')


@unguarded("bridge.inbox.pages.triage.local_path", lambda path, *_, **__: path, row="//evil.example")
@pytest.mark.parametrize("here", ["https://evil.example/", "//evil.example", "/inbox\\..", ""])
async def test_a_move_leads_to_no_other_site(team: Team, here: str) -> None:
    await posted(team)
    answer = await team.visit("bob", "POST", PAGE, {"done": ID, "here": here})
    assert answer.headers["Location"].startswith("/inbox?outcome=")


@pytest.mark.parametrize(("form", "status"), [({}, 400), ({"done": "none"}, 404), ({"eat": ID}, 400)])
async def test_a_form_that_names_no_move_or_no_thread_is_refused(
    team: Team, form: dict[str, str], status: int
) -> None:
    await posted(team)
    assert (await team.visit("bob", "POST", PAGE, form)).status == status


@pytest.mark.parametrize(
    ("choice", "now", "zone", "expected"),
    [
        ("later", "2026-11-27 18:00", "", "2026-11-27 21:00"),
        ("tomorrow", "2026-11-27 18:00", "", "2026-11-28 09:00"),
        ("tomorrow", "2026-11-27 18:00", KYIV, "2026-11-28 07:00"),
        ("tomorrow", "2026-11-27 22:30", KYIV, "2026-11-29 07:00"),
        ("tomorrow", "2026-03-28 12:00", KYIV, "2026-03-29 06:00"),
        ("monday", "2026-11-27 18:00", "", "2026-11-30 09:00"),
        ("monday", "2026-11-30 08:00", "", "2026-12-07 09:00"),
        ("monday", "2026-11-29 23:00", KYIV, "2026-12-07 07:00"),
    ],
)
def test_a_snoozed_thread_returns_in_the_readers_morning(
    choice: str, now: str, zone: str, expected: str
) -> None:
    begun = datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp()
    found = datetime.fromtimestamp(returns_at(choice, begun, zone_of(zone)), UTC)
    assert f"{found:%Y-%m-%d %H:%M}" == expected


def test_until_activity_has_no_time_and_an_unknown_zone_is_utc() -> None:
    assert returns_at("activity", 0, UTC) == UNTIL_ACTIVITY
    assert [zone_of(one) for one in ("", "Mars/Base", "../etc/passwd", "\0", KYIV)] == [UTC] * 4 + [
        ZoneInfo(KYIV)
    ]


async def test_threads_are_filtered_by_what_they_are(team: Team) -> None:
    for number, (status, label, author) in enumerate(
        [("open", "bug", 1001), ("approved", "bug", 1002), ("open", "docs, api", 1002)], start=1
    ):
        thread = {
            "title": f"Pull {number}",
            "status": {"color": "green", "value": status},
            "fields": [{"label": "Labels", "value": f'<a href="https://x.example">{label}</a>'}],
            "bridge": a_pull(number=number, author=author, involved=(author,)),
        }
        await posted(team, number, thread=thread)

    async def found(query: str) -> list[str]:
        page = (await team.visit("bob", "GET", f"{FLOW}?{query}")).text
        return re.findall(r'row-title">Pull (\d)', page)

    assert await found("label=Bug") == ["2", "1"]
    assert await found("label=bug&author=person-1002") == ["2"]
    assert await found("label=bu") == []
    assert await found("label=api&status=open&repository=acme/component") == ["3"]
    assert await found("q=status:open+pull") == ["3", "1"]
    assert await found("show=mine") == ["3", "2"]
    page = (await team.visit("bob", "GET", f"{FLOW}?label=bug&q=pull")).text
    assert {"bug", "person-1001", "approved"} <= set(re.findall(r'<option value="([^"]+)">', page))


async def test_the_filter_suggests_every_repository_by_its_present_name(team: Team) -> None:
    """The source of a renamed one keeps its former name; another has no thread on the page."""
    await posted(team, thread={"title": "x", "bridge": a_pull() | {"repository": "acme/renamed"}})
    await team.inbox.sources.make(
        team.flow.id, name="acme/quiet", external_url="", client_id=team.inbox.client_id, creator=1001
    )
    page = (await team.visit("bob", "GET", FLOW)).text
    assert re.findall(r'<option value="(acme/[^"]+)">', page) == ["acme/quiet", "acme/renamed"]


async def test_one_press_marks_a_whole_flow_as_read(team: Team) -> None:
    for number in (1, 2):
        await posted(team, number)
    page = (await team.visit("bob", "GET", f"{FLOW}?show=unread")).text
    assert "<title>(2) Main" in page
    await team.visit("bob", "POST", f"{FLOW}/read", {})
    page = (await team.visit("bob", "GET", f"{FLOW}?show=unread")).text
    assert ("You have read everything." in page, "<title>Main" in page) == (True, True)


async def test_a_turn_is_passed_on_and_taken_until_bridge_tells_of_a_new_one(team: Team) -> None:
    async def turn_of(nick: str) -> str:
        page = (await team.visit(nick, "GET", THREAD)).text
        assert ("Take the turn" in page) == ("Needs your review" not in sections(await front(nick)))
        found = re.search("<dt>Turn</dt><dd>([^<]*)( <span[^>]*>you</span>)?</dd>", page)
        assert found
        assert bool(found[2]) == ("Take the turn" not in page)
        return found[1]

    async def front(nick: str) -> str:
        return (await team.visit(nick, "GET", "/inbox")).text

    async def told(*holders: int, kind: str = "review") -> None:
        said = a_pull(*holders, involved=(1001,), kind=kind)
        fields = [{"label": "Turn", "value": said["turn"]["who"]}]
        await posted(team, thread={"title": "Pull 1", "fields": fields, "bridge": said})

    await told(1001)
    assert await turn_of("ann") == "person-1001"
    assert (await team.visit("ann", "POST", f"{THREAD}/turn", {"to": "1002"})).status == 303
    assert [await turn_of(nick) for nick in ("ann", "bob")] == ["bob (passed on by ann)"] * 2
    assert "@bob, your turn." in (await team.visit("bob", "GET", THREAD)).text
    await told(1001)
    assert await turn_of("bob") == "bob (passed on by ann)", "bridge told nothing new"
    assert (await team.visit("ann", "POST", f"{THREAD}/turn", {"to": "1001"})).status == 303
    assert await turn_of("ann") == "ann (taken)"
    await told(1002)
    assert await turn_of("bob") == "person-1002"
    for to in ("1003", "", "x"):
        answer = await team.visit("bob", "POST", f"{THREAD}/turn", {"to": to})
        assert "is not in the flow" in (await team.visit("bob", "GET", answer.headers["Location"])).text
    assert await turn_of("bob") == "person-1002"


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
def test_a_title_passes_for_no_filter(guarded: bool) -> None:
    """Else a stranger's pull request is listed as one of Ann's, or an open one as closed."""
    for title in ("author:ann", "Status:Closed", "label:urgent"):
        state: dict[str, Any] = {"title": title, "status": {"value": "open"}}
        name, _, value = title.lower().partition(":")
        text = search.about(state).replace("\n ", "\n" if not guarded else "\n ")
        assert all(one in text for one in search.words("", {name: value})) is not guarded
        assert all(one in text for one in search.words(title, {"status": "open"}))


async def test_a_search_finds_open_threads_of_all_flows_of_the_reader(team: Team) -> None:
    await posted(team, 1, thread={"title": "Pull 1"})
    await posted(team, 2, thread={"title": "Pull 2", "status": {"color": "purple", "value": "merged"}})
    inbox = team.inbox
    for number, name, owner in ((3, "other", 1002), (4, "foreign", 1001), (5, "archived", 1002)):
        flow = await inbox.flows.make(organization="team", slug=name, name=name, owner=owner)
        assert flow
        source, _ = await inbox.sources.make(flow.id, name=name, external_url="", client_id="", creator=owner)
        await inbox.messages.post(flow.id, source.id, content(number, thread={"title": f"Pull {number}"}))
        if name == "archived":
            await inbox.flows.change(flow.id, is_archived=True)

    async def found(words: str) -> list[tuple[str, str]]:
        page = (await team.visit("bob", "GET", f"/inbox/search?q={words}")).text
        return re.findall(
            r'flows/team/(\w+)/threads/[^"]+">\s*<span class="row-top">.*row-title">Pull (\d)', page
        )

    assert await found("PULL") == [("other", "3"), ("main", "1")]
    assert await found("pull+1") == [("main", "1")]
    assert await found("") == []
    assert 'action="/inbox/search"' in (await team.visit("bob", "GET", "/inbox")).text


async def test_a_snoozed_thread_returns_to_all_open_pages_at_its_time(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.inbox.threads.feed.HEARTBEAT", 0.02)
    await posted(team, thread={"title": "Pull 1", "bridge": a_pull(1002)})
    [thread] = await team.inbox.messages.threads(team.flow.id)
    await team.inbox.lists.move(1002, thread, "snooze", until=4e9)
    last = str(await team.inbox.messages.last())
    flow = "/inbox/flows/team/main/events"
    async with (
        team.stream("bob", "/inbox/events", last=last) as front,
        team.stream("bob", flow, last=last) as of_flow,
    ):
        await team.inbox.lists.move(1002, thread, "snooze", until=1)
        assert await anext(front) == {"unread": 1}
        news = await anext(of_flow)
        assert (news["thread"], news["message"], news["unread"]) == (thread.id, 0, 1)
        assert ("thread-row unread" in news["row"], "snoozed" in news["row"]) == (True, False)
    assert sections((await team.visit("bob", "GET", "/inbox")).text) == {"Needs your review": ["Pull 1"]}
