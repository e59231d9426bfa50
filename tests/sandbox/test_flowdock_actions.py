"""The buttons of Flowdock's stand-in: the signed request, and how its answer is understood."""

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from tests.kits.sandbox_flowdock import CLIENT, Sandbox, button, message, sandbox, thread

# PyJWT warns of a secret as short as the stand-in's default one.
SECRET_WARNING = "ignore::jwt.warnings.InsecureKeyLengthWarning"


@pytest.fixture
async def flowdock() -> AsyncIterator[Sandbox]:
    async with sandbox() as running:
        yield running


class TestActions:
    async def _click(self, flowdock: Sandbox, **body: Any) -> tuple[int, dict[str, Any]]:
        url = f"{flowdock.application.url}/repos/acme/component/pulls/42/assign-to-me?x=a%2Fb"
        source = await flowdock.add_source()
        actions = [button(url), button(url + "&y", "Umarmen 🤗", "PUT")]
        await flowdock.post(message(source["flow_token"], thread=thread(actions=actions)))
        wanted = {"user": "ann", "flow": "acme/main", "thread": "github:component:pr:42"}
        click = {**wanted, "action": "Assign to me", **body}
        async with flowdock.web.post("/_sandbox/click", json=click) as response:
            return response.status, await response.json()

    @pytest.mark.filterwarnings(SECRET_WARNING)
    async def test_request_is_signed(self, flowdock: Sandbox) -> None:
        flowdock.application.answer = '{"status": "done", "message": "Assigned to Ann."}'
        assert await self._click(flowdock, user=1001, action="Umarmen 🤗") == (
            200,
            {"status": 200, "message": "Assigned to Ann.", "error": None, "challenge": None},
        )
        ((method, path, headers, body),) = flowdock.application.calls
        assert (method, path) == ("PUT", "/repos/acme/component/pulls/42/assign-to-me?x=a%2Fb&y")
        claims = jwt.decode(headers["flowdock-token"], CLIENT["client_secret"], ["HS256"])
        assert claims.keys() == {"sub", "exp", "signature"}
        assert (claims["sub"], claims["signature"]) == ("1001", hashlib.sha256(body).hexdigest())
        action = json.loads(body)
        assert action.pop("agent") == {
            "@type": "Person",
            "name": "Ann Ames",
            "image": f"{flowdock.url}/avatars/ann.svg",
        }
        assert action == button(f"{flowdock.application.url}{path}", "Umarmen 🤗", "PUT")
        assert headers["content-type"] == "application/json"

    CHALLENGE = "Flowdock-Token url=https://app.example/authorization?claim=a.b.c"
    OUTCOMES: tuple[tuple[int, dict[str, str], str, dict[str, Any]], ...] = (
        (204, {}, "", {"message": None, "error": None, "challenge": None}),
        (200, {}, "not JSON", {"message": None, "error": None}),
        (200, {}, '{"message": 3}', {"message": None, "error": None}),
        (401, {"WWW-Authenticate": CHALLENGE}, "{}", {"challenge": CHALLENGE.partition("=")[2]}),
        (401, {"WWW-Authenticate": "Flowdock-Token url=javascript:x"}, "{}", {"challenge": None}),
        (401, {"WWW-Authenticate": "Basic realm=x"}, '{"error": "No."}', {"challenge": None, "error": "No."}),
        (403, {"WWW-Authenticate": CHALLENGE}, '{"error": "No."}', {"challenge": None, "error": "No."}),
        (422, {}, '{"error": "Not mergeable."}', {"error": "Not mergeable.", "message": None}),
        (500, {}, "<h1>Oops</h1>", {"error": "bridge answered with status 500 and no reason."}),
        (
            302,
            {"Location": "/elsewhere"},
            "",
            {"error": "bridge answered with a redirect; Flowdock follows none."},
        ),
    )

    @pytest.mark.parametrize(("status", "headers", "answer", "expected"), OUTCOMES)
    async def test_answer_is_understood(
        self, flowdock: Sandbox, status: int, headers: dict[str, str], answer: str, expected: dict[str, Any]
    ) -> None:
        flowdock.application.status, flowdock.application.headers = status, headers
        flowdock.application.answer = answer
        code, outcome = await self._click(flowdock, action="assign-to-me?x=a%2Fb")
        assert (code, outcome["status"]) == (200, status)
        assert expected.items() <= outcome.items()
        assert len(flowdock.application.calls) == 1

    async def test_unreachable_application_is_told(self, flowdock: Sandbox) -> None:
        source = await flowdock.add_source()
        actions = [button("http://127.0.0.1:9/x")]
        await flowdock.post(message(source["flow_token"], thread=thread(actions=actions)))
        wanted = {"user": "ann", "flow": "acme/main", "thread": "github:component:pr:42", "action": "x"}
        async with flowdock.web.post("/_sandbox/click", json=wanted) as response:
            outcome = await response.json()
        assert outcome["status"] == 0
        assert "could not be reached" in outcome["error"]

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"user": "nobody"}, 404),
            ({"flow": "acme/none"}, 404),
            ({"flow": "acme/ops"}, 404),
            ({"flow": "acme/ops", "user": "cy"}, 403),
            ({"thread": "github:component:pr:43"}, 404),
            ({"action": "Launch"}, 404),
            ({"action": ""}, 404),
            ({"source": 99}, 404),
        ],
    )
    async def test_click_at_nothing_is_told(
        self, flowdock: Sandbox, change: dict[str, Any], status: int
    ) -> None:
        code, body = await self._click(flowdock, **change)
        assert (code, bool(body["message"])) == (status, True)
        assert flowdock.application.calls == []

    async def test_living_source_is_clicked_before_a_removed_one(self, flowdock: Sandbox) -> None:
        old = await flowdock.add_source()
        await flowdock.post(message(old["flow_token"]))
        async with flowdock.web.delete(f"/_sandbox/sources/{old['id']}") as response:
            assert response.status == 204
        assert (await self._click(flowdock))[1]["status"] == 200
        assert (await self._click(flowdock, source=old["id"]))[0] == 200
