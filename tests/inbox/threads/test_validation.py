"""The quick look at links and addresses lets nothing pass that the whole one would refuse."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.core.urls import web_address
from bridge.inbox.threads.validation import (
    BLANK,
    LONGEST,
    NOT_LIST,
    NOT_LISTED,
    NOT_OBJECT,
    NOT_TEXT,
    NOT_URL,
    ONLY_LINKS,
    PLAIN_LINKS,
    PLAIN_URL,
    TOO_LONG,
    check_message,
    url_problem,
)
from tests.inbox.threads.test_messages import content
from tests.kits.controls import unguarded

URLS = [
    "https://",
    "http://",
    "javascript:",
    "x.example",
    "-",
    ".",
    ":8080",
    ":x",
    "/a",
    "?b=c",
    "#d",
    "[",
    "]",
    "@",
    "\\",
]
PIECES = [
    *URLS,
    "<",
    ">",
    "</a>",
    '<a href="',
    "<a href='",
    '"',
    '">',
    "'>",
    "<b>",
    "&#58;",
    "&",
    " ",
    "\n",
    "onclick=",
    "x",
]


def made_of(pieces: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces), max_size=9).map("".join)


class Tags(HTMLParser):
    """The tags of a text as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.urls: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(" ".join([tag, *(name for name, _ in attrs)]))
        self.urls += [value or "" for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(f"/{tag}")


@given(made_of(URLS))
@example("https://x.example:8080/a?b=c#d")
def test_a_plain_url_is_of_the_web(url: str) -> None:
    if PLAIN_URL.fullmatch(url):
        parts = urlsplit(url)
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert not set(url) & set(' \t\r\n<>"')


@given(st.one_of(made_of(URLS), st.text().map("https://x.example/".__add__)))
@example("https://x.example/\u202egpj")
def test_an_address_that_bridge_sends_is_accepted(url: str) -> None:
    """A message with another one would be a dead letter."""
    assert not web_address(url) or url_problem(url) == ""


@given(made_of(PIECES))
@example('x <a href="https://x.example">x</a>, <a href="http://x.example/a">x</a>')
def test_plain_links_are_all_that_a_text_has(text: str) -> None:
    if PLAIN_LINKS.fullmatch(text):
        tags = Tags(text)
        assert tags.seen == ["a href", "/a"] * len(tags.urls)
        assert {urlsplit(url).scheme for url in tags.urls} <= {"http", "https"}


def test_usual_texts_are_plain() -> None:
    assert PLAIN_URL.fullmatch("https://x.example:8080/a?b=c#d")
    assert PLAIN_LINKS.fullmatch('x <a href="https://x.example">x</a>, <a href="http://x.example/a">x</a>')
    assert PLAIN_LINKS.fullmatch("1 > 0")


@unguarded("bridge.inbox.threads.validation.LONGEST", 10**9)
def test_no_text_is_longer_than_can_be_shown_at_once() -> None:
    for length, problem in ((LONGEST, []), (LONGEST + 1, [TOO_LONG])):
        text = "&" * length
        thread = {"title": text, "body": text, "fields": [{"label": "x", "value": text}]}
        errors = check_message(content(1, title=text, body=text, thread=thread), thread_known=False)
        named = ("title", "body", "thread.title", "thread.body", "thread.fields.0.value")
        assert errors == (dict.fromkeys(named, problem) if problem else {})


THREAD = {
    "title": "Fix bug in thread API",
    "external_url": "https://github.com/acme/component/pull/42",
    "status": {"color": "green", "value": "open"},
    "fields": [{"label": "Assignee", "value": '<a href="https://github.com/ann">ann</a>'}],
}
ACTION: dict[str, Any] = {
    "@type": "UpdateAction",
    "name": "Assign to me",
    "target": {"@type": "EntryPoint", "urlTemplate": "https://app.example/x", "httpMethod": "POST"},
}
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
    return {"thread": {**THREAD, **changes}}


def _action(**changes: Any) -> dict[str, Any]:
    return _in_thread(actions=[{**ACTION, **changes}])


def _target(**changes: Any) -> dict[str, Any]:
    return _action(target={**ACTION["target"], **changes})


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
    (_in_thread(external_url="https://x.example/\0"), "thread.external_url", NOT_URL),
    (_in_thread(external_url="https://x.example/\u202egpj"), "thread.external_url", NOT_URL),
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


def errors_of(change: dict[str, Any]) -> dict[str, list[str]]:
    message = content(1, thread=THREAD) | change
    return check_message(
        {name: value for name, value in message.items() if value is not None}, thread_known=False
    )


@pytest.mark.parametrize(("change", "where", "problem"), INVALID)
def test_an_invalid_field_is_named(change: dict[str, Any], where: str, problem: str) -> None:
    assert errors_of(change) == {where: [problem]}


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
def test_a_valid_message_has_no_errors(change: dict[str, Any]) -> None:
    assert errors_of(change) == {}
