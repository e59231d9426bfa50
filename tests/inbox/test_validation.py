"""The quick look at links and addresses lets nothing pass that the whole one would refuse."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from bridge.inbox.validation import LONGEST, PLAIN_LINKS, PLAIN_URL, TOO_LONG, check_message
from tests.inbox.test_messages import content

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


def test_no_text_is_longer_than_can_be_shown_at_once() -> None:
    for length, problem in ((LONGEST, []), (LONGEST + 1, [TOO_LONG])):
        text = "&" * length
        thread = {"title": text, "body": text, "fields": [{"label": "x", "value": text}]}
        errors = check_message(content(1, title=text, body=text, thread=thread), thread_known=False)
        named = ("title", "body", "thread.title", "thread.body", "thread.fields.0.value")
        assert errors == (dict.fromkeys(named, problem) if problem else {})
