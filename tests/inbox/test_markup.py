"""Others' HTML on the inbox's pages: nothing that runs, whatever was let in before."""

from html.parser import HTMLParser

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bridge.inbox import markup
from tests.kits.core.evasions import EVASIONS

SCHEMES = ("http:", "https:", "mailto:")


class Found(HTMLParser):
    """Collects tags, and what is odd about their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.odd: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            leads = name in ("href", "src") and not (value or "").startswith(SCHEMES)
            if name.startswith("on") or name in ("style", "class", "id", "srcdoc", "action") or leads:
                self.odd.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("evasion", EVASIONS)
def test_no_evasion_gets_through(evasion: str) -> None:
    body = Found(markup.rich(f"<p>{evasion}</p>"))
    assert body.odd == []
    assert not body.tags & {"script", "style", "iframe", "form", "button", "object", "svg", "math", "meta"}
    assert Found(markup.inline(evasion)).tags <= {"a"}
    assert Found(markup.inline(evasion)).odd == []


def test_text_stays_text_and_links_open_elsewhere() -> None:
    assert markup.plain("a &amp; <b>b</b> &lt;i&gt;") == "a & b <i>"
    assert markup.plain("the table <del>today</del><ins>on Friday</ins>") == "the table on Friday"
    assert markup.words("<p>Two <b>thing</b>s.</p><pre>a\n</pre><ul><li>b<br>c</li></ul>").split() == [
        *("Two", "things.", "b", "c")
    ]
    assert markup.words("<pre>a\n</pre><pre>b</pre>").split() == ["a", "b"]
    link = markup.inline('<a href="https://x.example/" target="_self">x</a>')
    assert 'target="_blank"' in link
    assert 'rel="nofollow noopener noreferrer"' in link
    task = markup.rich('<input type="text" name="password" value="x" checked>')
    assert Found(task).tags == {"input"}
    assert 'type="checkbox"' in task
    assert "name" not in task
    assert "disabled" in task


@pytest.mark.parametrize(
    ("part", "tag"),
    [
        *(("<div>", "div"), ("<ul><li>", "ul"), ("<i></p>", "i"), ("<DIV>x", "div"), ("<a></b>", "a")),
        ("<div>" * 300 + "</div>" * 300, "div"),
    ],
)
def test_what_nests_so_deep_that_it_costs_seconds_is_shown_as_text(part: str, tag: str) -> None:
    hostile = part * (65_000 // len(part))
    assert tag not in Found(markup.rich(hostile)).tags
    assert Found(markup.inline(hostile)).tags == set()
    assert tag in Found(markup.rich(part.replace(" ", "")[: 100 * len(tag)])).tags, "what is short is let be"


@pytest.mark.parametrize(
    "part", ["<p>x</p>", "<table><tr><td>x</td></tr></table>", "x<br>", "<p>a <b>b</b></p>"]
)
def test_a_long_text_keeps_its_tags(part: str) -> None:
    shown = Found(markup.rich(part * 3000))
    assert shown.tags >= Found(part).tags


_TEXTS = st.text(st.one_of(st.sampled_from("&>\r\n\t\0\ufeff\u2028;ax\"'"), st.characters(codec="utf-8")))
_LINKS = st.builds('<a href="https://x.example/{}">{}</a>'.format, st.text("ax/>'", max_size=3), _TEXTS)


@given(st.lists(st.one_of(_TEXTS, _LINKS), max_size=4).map("".join))
def test_a_text_with_nothing_but_links_is_told_as_the_sanitiser_would(text: str) -> None:
    assert markup.plain(text) == Markup(nh3.clean(text, tags=set())).unescape()
