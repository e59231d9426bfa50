"""The description of bridge's addresses is whole and true: what it says may be asked is asked, at random."""

import asyncio
import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from yarl import URL

from bridge.web.app import create_app
from bridge.web.endpoints import openapi
from scripts.sandbox.browse import Browser
from tests import sign
from tests.conftest import House
from tests.core.evasions import EVASIONS
from tests.personal_kit import connection, noted, sign_in


async def description(house: House) -> dict[str, Any]:
    async with house.http.get(f"{house.bridge}/openapi.json") as response:
        assert response.status == 200
        found: dict[str, Any] = await response.json()
        return found


async def test_every_route_is_described_and_nothing_else(house: House) -> None:
    described = {
        (method.upper(), path)
        for path, operations in (await description(house))["paths"].items()
        for method in operations
    }
    assert described == set(openapi.addresses(create_app(house.services)))
    assert described == set(openapi.OPERATIONS)


async def test_it_refers_to_nothing_that_is_not_there(house: House) -> None:
    whole = await description(house)
    schemes = whole["components"]["securitySchemes"]
    for path, operations in whole["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            assert all(set(needed) <= set(schemes) for needed in operation.get("security", []))
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))
    for reference in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(whole)):
        Draft202012Validator.check_schema(whole["components"]["schemas"][reference])


EXAMPLES = 250
"""Random requests for each kind of visitor."""

KNOWN = ["", "0", "-1", "9" * 400, "acme:main", "acme/main", "\x00", "%00", "//evil.example", "\U0001f600"]
LETTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.one_of(st.sampled_from([*EVASIONS, *KNOWN]), st.text(LETTERS, max_size=40))
SEGMENTS = TEXTS.filter(lambda text: text not in ("", ".", ".."))
TYPES = st.sampled_from(
    ["application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "x"]
)


class Asked:
    """One request, drawn from what the description says an operation takes, and from what it does not."""

    def __init__(
        self, draw: Any, method: str, path: str, described: dict[str, Any], mine: dict[str, str]
    ) -> None:
        self.method, self.path = method, path
        target, query = path, {}
        for parameter in described.get("parameters", []):
            name, schema = parameter["name"], parameter["schema"]
            if parameter["in"] == "query":
                if draw(st.booleans()):
                    query[name] = draw(TEXTS)
                continue
            likely = [mine[name]] if name in mine else schema.get("enum", ["1"])
            value = draw(st.one_of(st.sampled_from(likely), st.sampled_from(likely), SEGMENTS))
            target = target.replace(f"{{{name}}}", quote(value, safe=""))
        self.target = target + (f"?{urlencode(query)}" if query else "")
        self.headers: dict[str, str] = {}
        self.body = b""
        if method == "POST":
            self._draw_body(draw, described, mine)

    def _draw_body(self, draw: Any, described: dict[str, Any], mine: dict[str, str]) -> None:
        ((kind, body),) = described["requestBody"]["content"].items()
        if kind == "application/json":
            self.body = draw(st.one_of(st.binary(max_size=60), JSON_TEXTS))
        else:
            fields = body["schema"]["properties"]
            drawn = {
                name: mine.get(name) or draw(TEXTS) for name in fields if name in mine or draw(st.booleans())
            }
            self.body = urlencode(drawn).encode()
        self.headers["Content-Type"] = draw(st.one_of(st.just(kind), st.just(kind), TYPES))


JSON_TEXTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())


async def send(house: House, browser: Browser, one: Asked) -> tuple[int, str, bytes]:
    async with browser.session.request(
        one.method,
        URL(house.bridge + one.target, encoded=True),
        data=one.body if one.method == "POST" else None,
        headers=one.headers,
        allow_redirects=False,
    ) as response:
        return response.status, response.content_type, await response.read()


def check(described: dict[str, Any], one: Asked, status: int, kind: str, body: bytes) -> None:
    """Whether the answer is one of those that are described, and looks as it is described."""
    asked = (one.method, one.target, one.headers, one.body, status, body[:300])
    # Where the path itself is none of bridge's, there is no operation whose answer it could be.
    if status == 404 and "parameters" in described:
        return
    assert str(status) in described["responses"], asked
    content = described["responses"][str(status)].get("content")
    if content is None:
        assert kind == "application/octet-stream" or not body or status == 303, asked
    elif "*/*" not in content:
        assert kind in content, asked
        if kind == "application/json":
            found = json.loads(body)
            assert isinstance(found, dict), asked
            assert status < 400 or "error" in found or "status" in found, asked


@pytest.mark.parametrize("visitor", ["nobody", "ann"])
async def test_whatever_is_asked_is_answered_as_described(house: House, visitor: str) -> None:
    whole = await description(house)
    operations = [
        (method.upper(), path, operation)
        for path, found in whole["paths"].items()
        for method, operation in found.items()
        # It ends the session, and so would leave the rest to nobody.
        if path != "/signout"
    ]
    secret = house.services.settings.github_webhook_secrets[0]
    kept = await connection(house)
    delivery = await noted(house, kept, "posted")
    mine = {"id": kept.id, "delivery": delivery, "owner": "acme", "repo": "component"}
    asked: set[str] = set()
    async with Browser() as browser:
        if visitor != "nobody":
            page = await sign_in(house, browser, visitor)
            mine["csrf"] = re.findall(r'name="csrf" value="([0-9a-f]+)"', page.text)[0]

        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(st.data())
        def ask(data: Any) -> None:
            method, path, described = data.draw(st.sampled_from(operations))
            one = Asked(data.draw, method, path, described, mine)
            if path == "/github/webhook" and data.draw(st.booleans()):
                one.headers |= {
                    "X-GitHub-Event": data.draw(st.sampled_from(["pull_request", "ping", "status"])),
                    "X-GitHub-Delivery": data.draw(st.uuids()).hex,
                    "X-Hub-Signature-256": sign.webhook(one.body, secret),
                }
            if "/pulls/" in path and data.draw(st.booleans()):
                one.headers["FLOWDOCK-TOKEN"] = sign.flowdock_token(one.body)
            asked.add(path)
            answer = asyncio.run_coroutine_threadsafe(send(house, browser, one), loop).result(30)
            check(described, one, *answer)

        loop = asyncio.get_running_loop()
        await asyncio.to_thread(ask)
    assert len(asked) > len(operations) / 2
