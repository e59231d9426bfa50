"""Others' HTML on the inbox's pages: nothing that runs, whatever was let in before."""

from html.parser import HTMLParser
from types import SimpleNamespace

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bridge.inbox.threads import markup
from tests.kits.controls import unguarded
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


@unguarded(
    "bridge.inbox.threads.markup.sanitiser",
    lambda *_: SimpleNamespace(clean=str),
    row="<script>alert(1)</script>",
)
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


_OPEN = "".join(f"<b {one}{other}>" for one in "abcdefghij" for other in "abcde")
_HIDDEN = [
    "<b a><!--</b>-->",
    "<b a><i title='</b>'></i>",
    "<b a><select></b></select>",
    "<b a><object></b></object>",
]


@pytest.mark.parametrize(
    "hostile",
    [
        *("<div>" * 3000, "<ul><li>" * 3000, "<i></p>" * 3000, "<DIV>x" * 3000, "<a></b>" * 3000),
        *(("<div>" * 300 + "</div>" * 300) * 10, "<b></i>" * 200),
        # Each paragraph opens all fifty again.
        f"<p>{_OPEN}</p>" + "<p>x</p>" * 1000,
        f"<p>{_OPEN}</p>" + "<p>x</p>" * 100,
        *(f"<p>{hidden * 50}</p>" + "<p>x</p>" * 1000 for hidden in _HIDDEN),
    ],
)
def test_markup_that_costs_far_more_than_its_length_is_shown_as_text(hostile: str) -> None:
    shown = markup.rich(hostile)
    assert Found(shown).tags <= {"a"}
    assert len(shown) < 5 * len(hostile)
    assert Found(markup.inline(hostile)).tags == set()


@pytest.mark.parametrize("times", [100, 1000])
def test_control_the_sanitiser_by_itself_makes_many_times_as_much_of_it(times: int) -> None:
    hostile = f"<p>{_OPEN}</p>" + "<p>x</p>" * times
    assert len(nh3.clean(hostile, tags={"b", "p"})) > 20 * len(hostile)


@pytest.mark.parametrize(
    "part",
    [
        *("<p>x</p>", "<table><tr><td>x</td></tr></table>", "x<br>", "<p>a <b>b</b></p>"),
        "<p><a title=\"a &lt; b\" href='https://x.example/?a=b&amp;c'>b</a><br /></p>",
        f"{'<blockquote><ul><li>' * 8}A line of a list{'</li></ul></blockquote>' * 8}",
    ],
)
@pytest.mark.parametrize("end", ["", "<p", '<p title="a <'])
def test_a_long_text_keeps_its_tags(part: str, end: str) -> None:
    assert Found(markup.rich(part * 300 + end)).tags >= Found(part).tags


_TEXTS = st.text(
    st.one_of(st.sampled_from("&>\r\n\t\0\ufeff\u2028;ax\"'"), st.characters(exclude_categories=["Cs"]))
)
_LINKS = st.builds('<a href="https://x.example/{}">{}</a>'.format, st.text("ax/>'", max_size=3), _TEXTS)


@given(st.lists(st.one_of(_TEXTS, _LINKS), max_size=4).map("".join))
def test_a_text_with_nothing_but_links_becomes_what_the_sanitiser_makes_of_it(text: str) -> None:
    assert markup.plain(text) == Markup(nh3.clean(text, tags=set())).unescape()
