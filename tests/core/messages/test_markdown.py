"""GitHub's Markdown as HTML: what it looks like, that nothing is smuggled in, that it takes no time."""

import time

import nh3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.messages import html, markdown
from bridge.core.printable import visible
from bridge.core.urls import web_address
from tests.kits.core import page
from tests.kits.core.evasions import EVASIONS

BASE = REST = "https://github.com/acme/component/pull/1"
REL = 'rel="nofollow noopener noreferrer"'
REST_LINK = f'<p><a href="{REST}" {REL}>Read the rest on GitHub</a></p>'


def shown(source: str) -> str:
    return markdown.to_html(source, base_url=BASE, rest_url=REST)


def a(address: str, text: str) -> str:
    return f'<a href="{address}" {REL}>{text}</a>'


LOOKS = {
    "nothing": ("", ""),
    "blank": (" \n\n", ""),
    "paragraphs": ("a\n\nb", "<p>a</p>\n<p>b</p>"),
    "emphasis": ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <s>c</s> <code>d</code></p>"),
    "heading": ("## Why", "<h2>Why</h2>"),
    "list": ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
    "numbers from 3": ("3. a", '<ol start="3">\n<li>a</li>\n</ol>'),
    "quote": ("> a", "<blockquote>\n<p>a</p>\n</blockquote>"),
    "code": ("```python\na < b\n```", "<pre><code>a &lt; b\n</code></pre>"),
    "open code": ("```\na", "<pre><code>a</code></pre>"),
    "tasks": ("- [x] a\n- [ ] b", "<ul>\n<li>☑ a</li>\n<li>☐ b</li>\n</ul>"),
    "rule": ("a\n\n---", "<p>a</p>\n<hr>"),
    "details": ("<details><summary>a</summary>b</details>", "<details><summary>a</summary>b</details>"),
    "attributes": ('<p lang="en" title="x" id="y" class="z" style="w">a</p>', "<p>a</p>"),
    "aligned cells": (
        '<table><tr><td align="right" width="9">a</td></tr></table>',
        '<table><tbody><tr><td align="right">a</td></tr></tbody></table>',
    ),
    "keys": ("<kbd>Ctrl</kbd>", "<p><kbd>Ctrl</kbd></p>"),
    "table": (
        "| a | b |\n| - | -: |\n| 1 | 2 |",
        '<table>\n<thead>\n<tr>\n<th>a</th>\n<th align="right">b</th>\n</tr>\n</thead>\n'
        '<tbody>\n<tr>\n<td>1</td>\n<td align="right">2</td>\n</tr>\n</tbody>\n</table>',
    ),
    "a comment of the template": ("a\n\n<!-- Describe your change -->\n\nb", "<p>a</p>\n\n<p>b</p>"),
    "a comment in a line": ("a <!-- x --> b", "<p>a  b</p>"),
    "signs": ("a < b & c", "<p>a &lt; b &amp; c</p>"),
    "entities": ("&lt;b&gt; &copy;", "<p>&lt;b&gt; ©</p>"),
    "link": ("[x](https://a.example/b?c=d&e)", f"<p>{a('https://a.example/b?c=d&amp;e', 'x')}</p>"),
    "link with a title": (
        "[x](https://a.example 'T')",
        f'<p><a href="https://a.example" title="T" {REL}>x</a></p>',
    ),
    "mail": ("[x](mailto:a@b.example)", f"<p>{a('mailto:a@b.example', 'x')}</p>"),
    "bare address": (
        "see https://a.example/b.",
        f"<p>see {a('https://a.example/b', 'https://a.example/b')}.</p>",
    ),
    "in angles": ("<https://a.example>", f"<p>{a('https://a.example', 'https://a.example')}</p>"),
    "bare mail": ("a@b.com", f"<p>{a('mailto:a@b.com', 'a@b.com')}</p>"),
    "file names": ("README.md, setup.py and main.rs", "<p>README.md, setup.py and main.rs</p>"),
    "relative": ("[x](files)", f"<p>{a('https://github.com/acme/component/pull/files', 'x')}</p>"),
    "relative upwards": (
        "[x](../blob/main/y)",
        f"<p>{a('https://github.com/acme/component/blob/main/y', 'x')}</p>",
    ),
    "rooted": ("[x](/acme)", f"<p>{a('https://github.com/acme', 'x')}</p>"),
    "fragment": ("[x](#y)", f"<p>{a(BASE + '#y', 'x')}</p>"),
    "relative in HTML": ('<a href="/acme">x</a>', f"<p>{a('https://github.com/acme', 'x')}</p>"),
    "relative in capitals": ('<A HREF="/acme">x</A>', f"<p>{a('https://github.com/acme', 'x')}</p>"),
    "without a scheme": ("[x](//a.example/b)", f"<p>{a('https://a.example/b', 'x')}</p>"),
    "no address at all": ("[x](http://[)", f"<p><a {REL}>x</a></p>"),
    "picture": ("![Screen](https://a.example/x.png)", f"<p>{a('https://a.example/x.png', '[Screen]')}</p>"),
    "picture without words": (
        "![](x.png)",
        f"<p>{a('https://github.com/acme/component/pull/x.png', '[picture]')}</p>",
    ),
    "picture of signs": (
        "![a < b & c <b>](https://a.example?x=1&copy=2)",
        f"<p>{a('https://a.example?x=1&amp;copy=2', '[a &lt; b &amp; c &lt;b&gt;]')}</p>",
    ),
    "picture of nothing": ("![x]()", "<p>[x]</p>"),
    "picture in HTML": (
        '<img width="9" alt=\'Screen &lt;1&gt;\' src="https://a.example/x.png?a=1&amp;b=2">',
        a("https://a.example/x.png?a=1&amp;b=2", "[Screen &lt;1&gt;]"),
    ),
    "picture in HTML without words": (
        '<p>\n<IMG SRC="x.png" />\n</p>',
        f"<p>\n{a('https://github.com/acme/component/pull/x.png', '[picture]')}\n</p>",
    ),
    "picture in HTML of nothing": ('<img alt="x">', "[x]"),
    "two pictures in HTML": (
        '<img src="https://a.example/1"><img src="https://a.example/2">',
        f"<p>{a('https://a.example/1', '[picture]')}{a('https://a.example/2', '[picture]')}</p>",
    ),
    "badge": (
        "[![Build](https://a.example/x.svg)](https://b.example) ![c](https://c.example)",
        f"<p>{a('https://b.example', '[Build]')} {a('https://c.example', '[c]')}</p>",
    ),
    "lines": ("a\nb", "<p>a<br>\nb</p>"),
    "mentions and numbers, of no repository": ("@ann-gh #1", "<p>@ann-gh #1</p>"),
}


@pytest.mark.parametrize(("source", "html"), [pytest.param(*row, id=name) for name, row in LOOKS.items()])
def test_markdown_looks_as_on_github(source: str, html: str) -> None:
    assert shown(source) == html


# A long text


def test_a_text_of_just_the_limit_is_shown_whole() -> None:
    source = "x" * markdown.MAX_SOURCE
    assert shown(source) == f"<p>{source}</p>"


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("aaa\n\nbbb\ncc ddd eee", "aaa\n\nbbb"),
        ("aaaaaaa\n\nb\nc d", "aaaaaaa"),
        ("aaa aaa\nbbbbbbbbbbbbbb", "aaa aaa"),
        ("aaa aaa bbbbbbbbbbbbb", "aaa aaa"),
        ("aaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaa"),
        ("a\n\nbbbbbbbbbbbbbbbbbb", "a\n\nbbbbbbbbb"),
        ("aaaaa\nbbbbbbbbbbbbbbb", "aaaaa\nbbbbbb"),
        ("aaaaaa\nbbbbbbbbbbbbbb", "aaaaaa\nbbbbb"),
        ("aaaaaaa\nbbbbbbbbbbbbb", "aaaaaaa"),
        ("```\naaa\nbbbbbbbbb", "```\naaa\n```"),
        (" ~~~~\naa\nbbbbbbbbb", " ~~~~\naa\n~~~"),
        ("```\n```\n```\nbbbbbbbbb", "```\n```\n```\n```"),
        ("```\na\n```\nbbbbbbbbb", "```\na\n```"),
        ("short", "short"),
    ],
)
def test_a_long_text_ends_with_a_paragraph_or_line_or_word_if_not_half_is_lost(
    source: str, kept: str
) -> None:
    assert markdown.cut(source, 12) == kept


@settings(max_examples=100, deadline=None)
@given(source=st.text("ab \n`~", max_size=60), limit=st.integers(1, 40))
def test_a_cut_text_is_a_beginning_of_bounded_length(source: str, limit: int) -> None:
    kept = markdown.cut(source, limit)
    beginning = kept.removesuffix("\n```").removesuffix("\n~~~")
    assert source.startswith(kept) or source.startswith(beginning)
    assert len(kept) <= max(limit, 1) + 4
    if len(source) <= limit:
        assert kept == source


WORDS = "word " * 2000

LONG = {
    "words": (WORDS, "<p>word"),
    "paragraphs": ("word\n\n" * 2000, "<p>word</p>"),
    "code": ("```\n" + "line\n" * 2000 + "```", "<pre><code>line"),
    "code of another kind": ("~~~\n" + "line\n" * 2000 + "~~~", "<pre><code>line"),
    "an open comment": ("a\n\n<!-- " + WORDS + "-->", "<p>a</p>"),
    "open details": ("<details><summary>a</summary>\n\n" + WORDS + "</details>", "<details>"),
    "an open tag": ("<b>" + WORDS + "</b>", "<p><b>word"),
    "an open attribute": ('<a title="' + WORDS + '">x</a>', "<p>&lt;a title"),
    "an open table": ("<table><tr><td>" + WORDS, "<table>"),
    "a declaration": ("<!A" + WORDS, ""),
    "an instruction": ("<?" + WORDS, ""),
    "a script": ("<script>" + WORDS, ""),
}


@pytest.mark.parametrize(("source", "begins"), [pytest.param(*row, id=name) for name, row in LONG.items()])
def test_a_long_text_ends_with_a_link_to_the_rest_that_stands_by_itself(source: str, begins: str) -> None:
    html = shown(source)
    page.check_body(html)
    assert html.startswith(begins)
    assert html.endswith(REST_LINK)
    assert html.count("Read the rest") == 1
    before = html.removesuffix(REST_LINK)
    for tag in ("details", "b", "table", "code", "p"):
        assert before.count(f"<{tag}>") == before.count(f"</{tag}>")


# Nothing is smuggled in

SANITISER = nh3.Cleaner(
    tags=set(page.BODY_TAGS),
    attributes={"*": set(), "a": {"href", "title"}, "td": {"align"}, "th": {"align"}, "ol": {"start"}},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="nofollow noopener noreferrer",
)
PLACES = [
    "{}",
    "> {}",
    "- {}",
    "# {}",
    "**{}**",
    "a\n\n{}\n\nb",
    "| {} |\n| - |",
    "[{}](x)",
    "[x]({})",
    "<b>{}",
    "`{}",
]


@pytest.mark.parametrize("evasion", EVASIONS)
def test_no_evasion_gets_through(evasion: str) -> None:
    for place in PLACES:
        html = shown(place.format(evasion))
        page.check_body(html)
        assert SANITISER.clean(html).strip() == html


def test_there_are_evasions_enough() -> None:
    assert len(set(EVASIONS)) >= 90


PIECES = st.one_of(
    st.sampled_from(EVASIONS),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text("<>[]()*_`~!&;:/\\\"'=-#|@ \n\tax1", max_size=12),
    st.sampled_from(
        ["<b>", "</b>", "<a href=x>", "</a>", "<p>", "<table>", "<td>", "</table>", "<li>", "<pre>"]
    ),
    st.sampled_from(
        ["\n\n", "http://", "www.", "javascript:", "&#", "<!--", "-->", "](", "![", "```", "- [x] "]
    ),
)
SOURCES = st.lists(PIECES, max_size=8).map("".join)


@settings(max_examples=200, deadline=None)
@given(source=SOURCES)
def test_any_text_is_shown_with_allowed_markup_only(source: str) -> None:
    page.check_body(shown(source))


@settings(max_examples=100, deadline=None)
@given(source=SOURCES.map(lambda source: source.replace("<", "")))
def test_the_sanitiser_leaves_rendered_markdown_as_it_is(source: str) -> None:
    html = shown(source)
    assert SANITISER.clean(html).strip() == html


@settings(max_examples=100, deadline=None)
@given(source=SOURCES)
def test_read_again_by_a_browser_it_holds_nothing_new(source: str) -> None:
    """A stranger's own tags may be nested so that a second reading nests them otherwise, no more."""
    html = shown(source)
    again = SANITISER.clean(html)
    page.check_body(again)
    assert addresses(again) <= addresses(html)
    assert sorted(page.text(again).split()) == sorted(page.text(html).split())


def addresses(html: str) -> set[str]:
    return {tag.attributes.get("href", "") for tag in page.tags(html)}


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=40), address=st.text(max_size=40) | st.just("https://a.example/?a=1&b='"))
def test_a_line_shows_text_and_address_as_they_are(text: str, address: str) -> None:
    line = html.link(address, text)
    page.check_line(line)
    linked = bool(web_address(address))
    assert page.text(line) == visible(text if text.strip() or not linked else address)
    if linked:
        assert page.tags(line)[0].attributes == {"href": address}
    page.check_line(html.escape(text))
    assert page.text(html.escape(text)) == visible(text)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "", "/x", "//a.example", "ftp://a", "http:a", " http://a"]
)
def test_a_line_links_only_to_the_web(address: str) -> None:
    assert html.link(address, "<x>") == "&lt;x&gt;"


# It takes no time

SLOW = [
    *("[", "*", "<", ">", "> ", "`", "~", "_a", "![", "[](", "[a](<", "[a][", "](", "a@", "a.", "1.", "- "),
    *("http://", "www.", "www.|~", "=www.", "://", "//a.", "mailto:a@", "&", "&#", "\\", "'\"", "|a", "#"),
    *("$", "$$", "$`", "$a", "[^1]", "[^1]: a\n", "> [!NOTE]\n", "~", "<details>", "GH-", "w", ":"),
    *("a**b", "*a _b ", "1. ", "[a]: x\n", "a|\n-|\n", "([_/(>", '-a"](/&http://', "\n", "\t", "<a "),
    *("<!--", "<?", "<!A", "<![CDATA[", '<a x="', "<b>", "<a><b>", "<div>", "<table>", "<table><a>"),
    *("<table><tr><td>", "<b><i><s><a href=x></p>", "<img", "<img ", '<img a="', "<img src=x>", "|:-:"),
]


@pytest.mark.parametrize("piece", SLOW)
def test_a_text_made_to_be_slow_is_not(piece: str) -> None:
    source = piece * (2 * markdown.MAX_SOURCE // len(piece))
    start = time.process_time()
    page.check_body(shown(source))
    assert time.process_time() - start < 1
