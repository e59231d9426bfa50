"""Which messages Flowdock's stand-in takes, and what it says of the others: one row a case."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.kits.sandbox_flowdock import Sandbox, button, message, sandbox, thread


@pytest.fixture
async def flowdock() -> AsyncIterator[Sandbox]:
    async with sandbox() as running:
        yield running


BLANK, NOT_TEXT, NOT_LISTED = "can't be blank", "must be a string", "is not included in the list"
NOT_URL, NOT_LIST, NOT_OBJECT = "must be an http or https URL", "must be a list", "must be an object"
ONLY_LINKS = 'may contain no HTML but links: <a href="https://…">…</a>'
BAD_INLINE = (
    "<b>bold</b>",
    "<script>alert(1)</script>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#115;cript:alert(1)">x</a>',
    '<a href="/relative">x</a>',
    "<a>no address</a>",
    '<a href="https://x.example" onclick="alert(1)">x</a>',
    '<a href="https://x.example">unclosed',
    '<a href="https://x.example"><a href="https://y.example">nested</a></a>',
    "closed only</a>",
    "<!-- comment -->",
    "broken <script",
)


def _in_thread(**changes: Any) -> dict[str, Any]:
    return {"thread": thread(**changes)}


def _action(**changes: Any) -> dict[str, Any]:
    return _in_thread(actions=[{**button("https://app.example/x"), **changes}])


def _target(**changes: Any) -> dict[str, Any]:
    return _action(target={**button("https://app.example/x")["target"], **changes})


INVALID: list[tuple[dict[str, Any], str, str]] = [
    ({"event": None}, "event", BLANK),
    ({"event": "message"}, "event", NOT_LISTED),
    ({"event": ["activity"]}, "event", NOT_LISTED),
    ({"title": None}, "title", BLANK),
    ({"title": "  "}, "title", BLANK),
    ({"title": 5}, "title", NOT_TEXT),
    *(({"title": text}, "title", ONLY_LINKS) for text in BAD_INLINE),
    ({"body": 5}, "body", NOT_TEXT),
    ({"author": None}, "author", BLANK),
    ({"author": "Ann"}, "author", NOT_OBJECT),
    ({"author": {"avatar": "https://x.example/a.png"}}, "author.name", BLANK),
    ({"author": {"name": 3}}, "author.name", NOT_TEXT),
    ({"author": {"name": "Ann", "avatar": "javascript:x"}}, "author.avatar", NOT_URL),
    ({"external_thread_id": None}, "external_thread_id", BLANK),
    ({"external_thread_id": 42}, "external_thread_id", NOT_TEXT),
    ({"uuid": 42}, "uuid", NOT_TEXT),
    ({"tags": "a"}, "tags", NOT_LIST),
    ({"tags": ["a", 3]}, "tags.1", NOT_TEXT),
    ({"tags": [""]}, "tags.0", BLANK),
    ({"thread": None}, "thread", BLANK),
    ({"thread": "x"}, "thread", NOT_OBJECT),
    ({"thread": {}}, "thread.title", BLANK),
    (_in_thread(title="<i>x</i>"), "thread.title", ONLY_LINKS),
    (_in_thread(body=["x"]), "thread.body", NOT_TEXT),
    (_in_thread(external_url="ftp://x.example"), "thread.external_url", NOT_URL),
    (_in_thread(external_url="https://[broken"), "thread.external_url", NOT_URL),
    (_in_thread(status="open"), "thread.status", NOT_OBJECT),
    (_in_thread(status={"value": "open"}), "thread.status.color", BLANK),
    (_in_thread(status={"color": "pink", "value": "open"}), "thread.status.color", NOT_LISTED),
    (_in_thread(status={"color": "red"}), "thread.status.value", BLANK),
    (_in_thread(fields={}), "thread.fields", NOT_LIST),
    (_in_thread(fields=["x"]), "thread.fields.0", NOT_OBJECT),
    (_in_thread(fields=[None]), "thread.fields.0", BLANK),
    (_in_thread(fields=[{"value": "x"}]), "thread.fields.0.label", BLANK),
    (_in_thread(fields=[{"label": "x"}]), "thread.fields.0.value", BLANK),
    (_in_thread(fields=[{"label": "x", "value": 3}]), "thread.fields.0.value", NOT_TEXT),
    (_in_thread(fields=[{"label": "x", "value": "<img src=x>"}]), "thread.fields.0.value", ONLY_LINKS),
    (_in_thread(fields=[{"label": "<b>x</b>", "value": ""}]), "thread.fields.0.label", ONLY_LINKS),
    (_in_thread(actions={}), "thread.actions", NOT_LIST),
    (_action(**{"@type": "DeleteAction"}), "thread.actions.0.@type", NOT_LISTED),
    (_action(name=""), "thread.actions.0.name", BLANK),
    (_action(**{"@type": "ViewAction"}), "thread.actions.0.url", BLANK),
    (_action(**{"@type": "ViewAction", "url": "javascript:x"}), "thread.actions.0.url", NOT_URL),
    (_action(target=None), "thread.actions.0.target", BLANK),
    (_target(**{"@type": "Place"}), "thread.actions.0.target.@type", NOT_LISTED),
    (_target(urlTemplate="/relative"), "thread.actions.0.target.urlTemplate", NOT_URL),
    (_target(httpMethod="BREW"), "thread.actions.0.target.httpMethod", NOT_LISTED),
]


class TestValidation:
    @pytest.mark.parametrize(("change", "where", "problem"), INVALID)
    async def test_invalid_field_is_named(
        self, flowdock: Sandbox, change: dict[str, Any], where: str, problem: str
    ) -> None:
        token = (await flowdock.add_source())["flow_token"]
        response = await flowdock.post(message(token, **change))
        assert response.status == 400
        body = await response.json()
        assert (body["message"], body["errors"]) == ("Validation error", {where: [problem]})
        assert await flowdock.get("/_sandbox/messages") == []

    @pytest.mark.parametrize(
        "change",
        [
            {"title": "<a href=\"https://x.example/?a=1&amp;b=>\">one</a> & <a href='mailto:a@b.c'>b</a>"},
            {"title": "1 < 2 and 3 > 2 && x<3"},
            {"body": "<script>alert(1)</script>"},
            {"body": None, "tags": [], "uuid": None},
            {"author": {"name": "Ann", "avatar": None, "email": "ann@x.example"}},
            _in_thread(fields=[{"label": "Labels", "value": ""}], status=None, body=None, external_url=None),
            _in_thread(actions=[{"@type": "ViewAction", "name": "Diff", "url": "https://x.example/files"}]),
            {"unheard": {"of": 1}},
        ],
    )
    async def test_valid_message_is_accepted(self, flowdock: Sandbox, change: dict[str, Any]) -> None:
        token = (await flowdock.add_source())["flow_token"]
        assert (await flowdock.post(message(token, **change))).status == 202
