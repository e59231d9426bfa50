"""Flowdock's stand-in as a program sees it: sources, messages, the driver's routes."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.kits.sandbox_flowdock import Sandbox, message, sandbox, thread


@pytest.fixture
async def flowdock() -> AsyncIterator[Sandbox]:
    async with sandbox() as running:
        yield running


class TestSources:
    async def test_flow_is_found_by_id_and_path(self, flowdock: Sandbox) -> None:
        headers = await flowdock.sign_in()
        found = await flowdock.get("/flows/find?id=acme:main", headers=headers)
        assert found == await flowdock.get("/flows/acme/main", headers=headers)
        assert (found["id"], found["name"], found["parameterized_name"]) == ("acme:main", "Main", "main")
        assert found["organization"]["parameterized_name"] == "acme"
        assert (found["url"], found["web_url"]) == (
            f"{flowdock.url}/flows/acme/main",
            f"{flowdock.url}/app/acme/main",
        )

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/flows/find?id=acme:ops", 403),
            ("/flows/acme/ops", 403),
            ("/flows/acme/ops/sources", 403),
            ("/flows/find?id=acme:none", 404),
            ("/flows/acme/none", 404),
            ("/flows/acme/main/sources/99", 404),
        ],
    )
    async def test_flow_is_closed_to_others(self, flowdock: Sandbox, path: str, status: int) -> None:
        async with flowdock.web.get(path, headers=await flowdock.sign_in(user=1003)) as response:
            assert response.status == status
            assert (await response.json())["message"]

    async def test_source_lives_and_dies(self, flowdock: Sandbox) -> None:
        headers = await flowdock.sign_in()
        wanted = {"name": "acme/component", "external_url": "https://github.com/acme/component"}
        path = "/flows/acme/main/sources"
        async with flowdock.web.post(path, json=wanted, headers=headers) as response:
            assert response.status == 201
            made = await response.json()
        token = made.pop("flow_token")
        assert made["url"] == f"{flowdock.url}{path}/{made['id']}"
        assert await flowdock.get(f"{path}/{made['id']}", headers=headers) == made
        assert await flowdock.get(path, headers=headers) == [made]
        assert (await flowdock.post(message(token))).status == 202
        async with flowdock.web.delete(f"{path}/{made['id']}", headers=headers) as response:
            assert response.status == 204
        assert await flowdock.get(path, headers=headers) == []
        assert (await flowdock.post(message(token))).status == 410

    @pytest.mark.parametrize(
        ("scope", "user", "flow", "body", "status"),
        [
            ("flow profile", 1001, "main", {"name": "x"}, 403),
            ("integration", 1003, "ops", {"name": "x"}, 403),
            ("integration", 1001, "main", {}, 400),
            ("integration", 1001, "main", {"name": "x", "external_url": "javascript:alert(1)"}, 400),
        ],
    )
    async def test_source_is_refused(
        self, flowdock: Sandbox, scope: str, user: int, flow: str, body: dict[str, str], status: int
    ) -> None:
        headers = await flowdock.sign_in(scope, user)
        async with flowdock.web.post(f"/flows/acme/{flow}/sources", json=body, headers=headers) as response:
            assert response.status == status

    async def test_error_message_is_set_and_cleared_by_flow_token(self, flowdock: Sandbox) -> None:
        source = await flowdock.add_source()
        for change in (
            {"error_message": "Token expired", "configuration_url": "https://x.example/"},
            {"error_message": ""},
        ):
            body = {"flow_token": source["flow_token"], **change}
            async with flowdock.web.put("/sources", json=body) as response:
                assert response.status == 200
                changed = await response.json()
            assert changed["error_message"] == change["error_message"]
            assert changed["configuration_url"] == "https://x.example/"
            assert "flow_token" not in changed

    @pytest.mark.parametrize("change", [{"error_message": 3}, {"configuration_url": "javascript:alert(1)"}])
    async def test_bad_source_update_is_refused(self, flowdock: Sandbox, change: dict[str, Any]) -> None:
        source = await flowdock.add_source()
        body = {"flow_token": source["flow_token"], **change}
        async with flowdock.web.put("/sources", json=body) as response:
            assert (response.status, list((await response.json())["errors"])) == (400, list(change))


class TestMessages:
    async def test_message_is_accepted_and_kept_as_sent(self, flowdock: Sandbox) -> None:
        source = await flowdock.add_source()
        sent = message(source["flow_token"], tags=["@ann", "review"], uuid="u-1", body="<p>Hi</p>")
        response = await flowdock.post(sent)
        assert (response.status, await response.json()) == (202, {})
        (kept,) = await flowdock.get("/_sandbox/messages?flow=acme/main")
        assert (kept["source"], kept["repeat"]) == (source["id"], False)
        del sent["flow_token"]
        assert sent.items() <= kept.items()
        assert "flow_token" not in kept
        assert await flowdock.get("/_sandbox/messages?flow=acme/ops") == []

    async def test_client_may_wait_for_the_message(self, flowdock: Sandbox) -> None:
        source = await flowdock.add_source()
        waiting = {"X-flowdock-wait-for-message": "true"}
        response = await flowdock.post(message(source["flow_token"]), headers=waiting)
        body = await response.json()
        assert response.status == 200
        assert (body["flow"], body["title"]) == ("acme:main", "opened pull request")
        assert (body["thread"]["activities"], body["thread"]["id"]) == (1, body["thread_id"])
        assert "flow_token" not in body

    async def test_thread_shows_what_was_sent_last(self, flowdock: Sandbox) -> None:
        token = (await flowdock.add_source())["flow_token"]
        merged = {
            "title": "Fix <a href='https://x.example'>it</a>",
            "status": {"color": "purple", "value": "merged"},
        }
        await flowdock.post(message(token))
        await flowdock.post(message(token, title="merged", thread=merged))
        await flowdock.post(message(token, event="discussion", title="commented", body="Nice", thread=None))
        (shown,) = await flowdock.get("/_sandbox/threads?flow=acme/main")
        assert shown["external_thread_id"] == "github:component:pr:42"
        assert (shown["title"], shown["status"]) == (merged["title"], merged["status"])
        assert (shown["fields"], shown["actions"], shown["messages"]) == ([], [], 3)

    async def test_threads_belong_to_their_source(self, flowdock: Sandbox) -> None:
        for name in ("acme/one", "acme/two"):
            await flowdock.post(message((await flowdock.add_source(name=name))["flow_token"]))
        assert len(await flowdock.get("/_sandbox/threads")) == 2

    async def test_repeated_uuid_is_kept_but_changes_nothing(self, flowdock: Sandbox) -> None:
        token = (await flowdock.add_source())["flow_token"]
        await flowdock.post(message(token, uuid="u-1"))
        late = message(token, uuid="u-1", thread=thread(status={"color": "red", "value": "closed"}))
        assert (await flowdock.post(late)).status == 202
        elsewhere = message(token, uuid="u-1", external_thread_id="other")
        waiting = {"X-flowdock-wait-for-message": "true"}
        assert (await flowdock.post(elsewhere, headers=waiting)).status == 200
        kept = await flowdock.get("/_sandbox/messages")
        assert [one["repeat"] for one in kept] == [False, True, True]
        (shown,) = await flowdock.get("/_sandbox/threads")
        assert (shown["status"]["value"], shown["messages"]) == ("open", 1)

    async def test_form_is_read_in_rails_notation(self, flowdock: Sandbox) -> None:
        token = (await flowdock.add_source())["flow_token"]
        pairs = [
            ("flow_token", token),
            ("event", "activity"),
            ("title", "opened"),
            ("external_thread_id", "1"),
            ("author[name]", "Ann"),
            ("tags[]", "a"),
            ("tags[]", "b"),
            ("thread[title]", "Thread"),
            ("thread[status][color]", "green"),
            ("thread[status][value]", "open"),
            ("thread[fields][][label]", "One"),
            ("thread[fields][][value]", "1"),
            ("thread[fields][][label]", "Two"),
            ("thread[fields][][value]", "2"),
        ]
        async with flowdock.web.post("/messages", data=pairs) as response:
            assert response.status == 202, await response.text()
        (kept,) = await flowdock.get("/_sandbox/messages")
        assert kept["tags"] == ["a", "b"]
        assert kept["thread"]["fields"] == [{"label": "One", "value": "1"}, {"label": "Two", "value": "2"}]

    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [
            (b"{", "application/json", 400),
            (b"\xff", "application/json", 400),
            (b"[]", "application/json", 400),
            (b"a=1&a[b]=2", "application/x-www-form-urlencoded", 400),
            (b"<x/>", "application/xml", 415),
            (b'"' + b"x" * 1024 * 1024 + b'"', "application/json", 413),
            (b"{}", "application/json", 401),
            (b'{"flow_token": "unknown"}', "application/json", 401),
            (b'{"flow_token": 3}', "application/json", 401),
        ],
    )
    async def test_unreadable_or_unknown_sender_is_refused(
        self, flowdock: Sandbox, body: bytes, content_type: str, status: int
    ) -> None:
        headers = {"Content-Type": content_type}
        async with flowdock.web.post("/messages", data=io.BytesIO(body), headers=headers) as response:
            assert response.status == status
            assert (await response.json())["message"]


class TestDriver:
    async def test_reset_forgets_all(self, flowdock: Sandbox) -> None:
        headers, source = await flowdock.sign_in(), await flowdock.add_source()
        await flowdock.post(message(source["flow_token"]))
        async with flowdock.web.post("/_sandbox/reset") as response:
            assert response.status == 204
        assert await flowdock.get("/_sandbox/messages") == await flowdock.get("/_sandbox/threads") == []
        assert (await flowdock.post(message(source["flow_token"]))).status == 401
        async with flowdock.web.get("/user", headers=headers) as response:
            assert response.status == 401

    async def test_faults_and_calls_are_there(self, flowdock: Sandbox) -> None:
        token = (await flowdock.add_source())["flow_token"]
        fault = {"path": "/messages", "status": 503}
        async with flowdock.web.post("/_sandbox/faults", json=fault) as response:
            assert response.status == 201
        assert [(await flowdock.post(message(token))).status for _ in range(2)] == [503, 202]
        statuses = [call["status"] for call in await flowdock.get("/_sandbox/calls")]
        assert statuses == [503, 202]

    @pytest.mark.parametrize("path", ["/_sandbox/messages?flow=x", "/_sandbox/threads?flow=x", "/nowhere"])
    async def test_unknown_place_is_404_in_json(self, flowdock: Sandbox, path: str) -> None:
        async with flowdock.web.get(path) as response:
            assert (response.status, response.content_type) == (404, "application/json")

    async def test_a_fault_can_wait_for_a_later_call(self, flowdock: Sandbox) -> None:
        token = (await flowdock.add_source())["flow_token"]
        for fault in (
            {"path": "/messages", "skip": 2, "status": 503},
            {"path": "/messages", "skip": 1, "status": 500},
        ):
            async with flowdock.web.post("/_sandbox/faults", json=fault) as response:
                assert response.status == 201
        assert [(await flowdock.post(message(token))).status for _ in range(4)] == [202, 500, 503, 202]
        assert [one["times"] for one in await flowdock.get("/_sandbox/faults")] == [0, 0]
