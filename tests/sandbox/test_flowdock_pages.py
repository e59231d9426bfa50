"""Flowdock's stand-in as a person sees it: the pages and their live events."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse

from tests.kits.sandbox_flowdock import Sandbox, button, message, sandbox, thread

ATTACK = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


@pytest.fixture
async def flowdock() -> AsyncIterator[Sandbox]:
    async with sandbox() as running:
        yield running


async def _page(flowdock: Sandbox, path: str, *, user: str = "ann", status: int = 200) -> str:
    headers = {"Cookie": f"flowdock_user={user}"}
    async with flowdock.web.get(path, headers=headers) as response:
        assert (response.status, response.content_type) == (status, "text/html")
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        return await response.text()


async def _open_thread(flowdock: Sandbox, **changes: Any) -> tuple[str, dict[str, Any]]:
    """Post a thread; its page's path, and its source."""
    source = await flowdock.add_source()
    assert (await flowdock.post(message(source["flow_token"], **changes))).status == 202
    (shown,) = await flowdock.get("/_sandbox/threads")
    return f"/app/acme/main/threads/{shown['id']}", source


class TestPages:
    async def test_home_is_the_main_flow(self, flowdock: Sandbox) -> None:
        async with flowdock.web.get("/", allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "/app/acme/main")

    async def test_empty_inbox_says_what_to_do(self, flowdock: Sandbox) -> None:
        page = await _page(flowdock, "/app/acme/main")
        setup = f"{flowdock.application.url}/setup?flow=acme:main&amp;flow_url={flowdock.url}/flows/acme/main"
        assert "Nothing here yet" in page
        assert setup in page

    async def test_thread_is_shown_whole(self, flowdock: Sandbox) -> None:
        path, _ = await _open_thread(flowdock, tags=["x"])
        page = await _page(flowdock, path)
        for mark in (
            "thread-row",
            "thread-status",
            "thread-title",
            "thread-fields",
            "actions-menu",
            "activity",
        ):
            assert f'data-testid="{mark}"' in page
        assert 'data-testid="action-assign-to-me"' in page
        assert 'href="https://github.com/acme/component/pull/42"' in page
        assert "Fix bug in thread API · Flowdock</title>" in page

    async def test_fragment_is_the_main_part_alone(self, flowdock: Sandbox) -> None:
        path, _ = await _open_thread(flowdock)
        for page in (path, "/app/acme/main", "/app/acme/main/integrations"):
            fragment = await _page(flowdock, f"{page}?fragment")
            assert "page-part" in fragment
            assert "<html" not in fragment

    async def test_nothing_sent_becomes_markup(self, flowdock: Sandbox) -> None:
        body = f"<p onclick='x()'>kept {ATTACK}<a href='javascript:x()'>a</a><iframe src='//x'></iframe></p>"
        status = {"color": "red", "value": ATTACK}
        actions = [button("https://app.example/x?a=%22", ATTACK)]
        state = thread(body=body, status=status, actions=actions, fields=[])
        path, source = await _open_thread(flowdock, author={"name": ATTACK}, thread=state)
        talk = message(source["flow_token"], event="discussion", title="said", body=body, thread=None)
        assert (await flowdock.post(talk)).status == 202
        page = await _page(flowdock, path)
        assert re.findall(r"<script[^>]*>", page) == ['<script type="module" src="/static/app.js">']
        for danger in ("<img src=x", "<iframe", "javascript:", "onclick=", "style="):
            assert danger not in page
        assert not re.search(r"<img[^>]* onerror", page)
        assert page.count("<p>kept ") == 2

    async def test_repeat_is_not_shown(self, flowdock: Sandbox) -> None:
        path, source = await _open_thread(flowdock, uuid="u")
        assert (await flowdock.post(message(source["flow_token"], uuid="u"))).status == 202
        assert (await _page(flowdock, path)).count('data-testid="activity"') == 1

    async def test_flow_is_closed_to_others(self, flowdock: Sandbox) -> None:
        page = await _page(flowdock, "/app/acme/ops", user="cy", status=403)
        assert "Cy Chen is not in the flow Ops." in page
        assert "Bob Burke" in page
        assert "/app/acme/ops" not in await _page(flowdock, "/app/acme/main", user="cy")

    @pytest.mark.parametrize("path", ["/app/acme/none", "/app/acme/main/threads/none", "/app/none"])
    async def test_missing_page_is_told(self, flowdock: Sandbox, path: str) -> None:
        assert "Go to the inbox" in await _page(flowdock, path, status=404)

    @pytest.mark.parametrize(
        ("back", "location"),
        [("/app/acme/ops", "/app/acme/ops"), ("//evil.example", "/"), ("https://x/", "/")],
    )
    async def test_visitor_becomes_somebody_else(self, flowdock: Sandbox, back: str, location: str) -> None:
        form = {"user": "bob", "back": back}
        async with flowdock.web.post("/app/user", data=form, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, location)
            assert response.cookies["flowdock_user"].value == "bob"
            assert response.cookies["flowdock_user"]["httponly"]

    async def test_source_is_configured_and_removed(self, flowdock: Sandbox) -> None:
        source = await flowdock.add_source()
        problem = {"flow_token": source["flow_token"], "error_message": f"Token expired {ATTACK}"}
        async with flowdock.web.put("/sources", json=problem) as response:
            assert response.status == 200
        page = await _page(flowdock, "/app/acme/main/integrations")
        where = f"/configure?source={source['id']}&amp;source_url={source['url']}"
        assert where in page
        assert page.count("Token expired &#34;&gt;&lt;img") == 2
        removal = f"/app/acme/main/sources/{source['id']}/remove"
        async with flowdock.web.post(removal, allow_redirects=False) as response:
            assert response.status == 303
        assert (await flowdock.post(message(source["flow_token"]))).status == 410
        assert "Nothing posts to this inbox yet" in await _page(flowdock, "/app/acme/main/integrations")

    @pytest.mark.parametrize(
        "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}]
    )
    @pytest.mark.parametrize("path", ["/app/user", "/oauth/authorize", "/app/acme/main/sources/1/remove"])
    async def test_other_sites_post_nothing(
        self, flowdock: Sandbox, path: str, headers: dict[str, str]
    ) -> None:
        async with flowdock.web.post(path, data={"user": "bob"}, headers=headers) as response:
            assert response.status == 403
            assert "Set-Cookie" not in response.headers

    async def test_own_form_is_taken(self, flowdock: Sandbox) -> None:
        headers = {"Origin": flowdock.url, "Sec-Fetch-Site": "same-origin"}
        form = {"user": "bob", "back": "/"}
        async with flowdock.web.post(
            "/app/user", data=form, headers=headers, allow_redirects=False
        ) as response:
            assert response.status == 303

    async def test_button_that_is_gone_is_told(self, flowdock: Sandbox) -> None:
        path, _ = await _open_thread(flowdock)
        headers = {"Accept": "application/json"}
        async with flowdock.web.post(f"{path}/actions", json={"key": "old"}, headers=headers) as response:
            assert response.status == 409
            assert "no longer offered" in (await response.json())["message"]

    @pytest.mark.parametrize("nick", ["ann", "bob", "cy"])
    async def test_avatar_is_served_here(self, flowdock: Sandbox, nick: str) -> None:
        async with flowdock.web.get(f"/avatars/{nick}.svg") as response:
            assert (response.status, response.content_type) == (200, "image/svg+xml")


class TestEvents:
    async def test_news_arrive_as_they_happen(self, flowdock: Sandbox) -> None:
        _, source = await _open_thread(flowdock)
        async with _stream(flowdock) as events:
            talk = message(source["flow_token"], event="discussion", title="said", body="<p>Hi</p>")
            await flowdock.post(talk)
            name, data, _ = await anext(events)
        assert name == "news"
        assert 'data-testid="discussion"' in data["entry"]
        assert 'data-testid="thread-row"' in data["row"]
        assert 'data-testid="thread-status"' in data["head"]

    async def test_missed_news_are_caught_up_once(self, flowdock: Sandbox) -> None:
        path, source = await _open_thread(flowdock)
        since = re.findall(r'data-since="([^"]*)"', await _page(flowdock, path))[0]
        for title in ("one", "two", "three"):
            await flowdock.post(message(source["flow_token"], title=title))
        async with _stream(flowdock, since=since) as events:
            seen = [await anext(events) for _ in range(3)]
        assert [re.findall("one|two|three", data["entry"])[0] for _, data, _ in seen] == [
            "one",
            "two",
            "three",
        ]
        async with _stream(flowdock, since=since, last=seen[1][2]) as events:
            assert "three" in (await anext(events))[1]["entry"]

    async def test_another_epoch_begins_anew(self, flowdock: Sandbox) -> None:
        async with _stream(flowdock, since="other-3") as events:
            assert (await anext(events))[0] == "reset"
        async with _stream(flowdock) as events:
            async with flowdock.web.post("/_sandbox/reset") as response:
                assert response.status == 204
            assert (await anext(events))[0] == "reset"

    async def test_source_in_trouble_is_announced(self, flowdock: Sandbox) -> None:
        source = await flowdock.add_source()
        async with _stream(flowdock) as events:
            problem = {"flow_token": source["flow_token"], "error_message": "Token expired"}
            async with flowdock.web.put("/sources", json=problem) as response:
                assert response.status == 200
            name, data, _ = await anext(events)
        assert name == "sources"
        assert "Token expired" in data["banners"]
        assert "Token expired" in data["sources"]

    async def test_stream_is_closed_to_others(self, flowdock: Sandbox) -> None:
        headers = {"Cookie": "flowdock_user=cy"}
        async with flowdock.web.get("/app/acme/ops/events", headers=headers) as response:
            assert response.status == 403


@asynccontextmanager
async def _stream(
    flowdock: Sandbox, *, since: str = "", last: str = ""
) -> AsyncIterator[AsyncIterator[tuple[str, dict[str, Any], str]]]:
    """The flow's events as (name, data, id), once the server listens."""
    headers = {"Last-Event-ID": last} if last else {}
    query: dict[str, str | int] = {"since": since, "sources": flowdock.world.sources_version}
    async with flowdock.web.get("/app/acme/main/events", params=query, headers=headers) as response:
        assert response.content_type == "text/event-stream"
        assert (await response.content.readuntil(b"\n\n")).startswith(b"retry:")
        yield _events(response)


async def _events(response: ClientResponse) -> AsyncIterator[tuple[str, dict[str, Any], str]]:
    while True:
        block = (await response.content.readuntil(b"\n\n")).decode()
        fields = dict(line.split(": ", 1) for line in block.strip().splitlines())
        yield fields["event"], json.loads(fields["data"]), fields.get("id", "")
