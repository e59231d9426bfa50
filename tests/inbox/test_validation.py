"""The quick look at links and addresses lets nothing pass that the whole one would refuse."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inbox.validation import PLAIN_LINKS, PLAIN_URL


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


@settings(max_examples=50)
@given(st.from_regex(PLAIN_URL, fullmatch=True))
def test_a_plain_url_is_of_the_web(url: str) -> None:
    parts = urlsplit(url)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert not set(url) & set(' \t\r\n<>"')


@settings(max_examples=50)
@given(st.from_regex(PLAIN_LINKS, fullmatch=True))
def test_plain_links_are_all_that_a_text_has(text: str) -> None:
    tags = Tags(text)
    assert tags.seen == ["a href", "/a"] * len(tags.urls)
    assert {urlsplit(url).scheme for url in tags.urls} <= {"http", "https"}
