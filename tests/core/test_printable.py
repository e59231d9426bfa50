"""Text as a page may show it: what cannot be seen, or turns other text around, is shown for what it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.messages import html, markdown
from bridge.core.printable import END_ISOLATE, ISOLATE, is_blank, reveal, visible
from tests.kits.core import page

SHOWN: list[tuple[str, str, str]] = [
    ("plain", "Fix <b> & é 漢字", "Fix <b> & é 漢字"),
    ("nothing", "", ""),
    ("zero width", "a\u200bb\ufeff\u2060", r"a\u200bb\ufeff\u2060"),
    ("only zero width", "\u200b", r"\u200b"),
    ("soft hyphens", "ad\u00admin", r"ad\u00admin"),
    ("letters without a shape", "\u3164\u115f\u1160\uffa0\u2800", r"\u3164\u115f\u1160\uffa0\u2800"),
    ("marks without a shape", "a\u034f\u180b\u17b4", r"a\u034f\u180b\u17b4"),
    ("an override", "Pay \u202egpj.exe", r"Pay \u202egpj.exe"),
    (
        "embeddings and isolates",
        "\u202a\u202b\u202c\u2066\u2067\u2068\u2069",
        r"\u202a\u202b\u202c\u2066\u2067\u2068\u2069",
    ),
    ("a direction mark alone", "a\u200f!", r"a\u200f!"),
    ("controls", "a\x00\x1b[31m\x7f\n", r"a\u0000\u001b[31m\u007f\u000a"),
    ("line ends of Unicode", "a\u2028b\u2029\x85", r"a\u2028b\u2029\u0085"),
    ("tags", "a\U000e0061\U000e0041", r"a\U000e0061\U000e0041"),
    ("a joiner between letters of ours", "ad\u200dmin", r"ad\u200dmin"),
    ("joiners alone", "漢\u200d\u200d", r"漢\u200d\u200d"),
    ("a family", "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 1\ufe0f⃣", "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 1\ufe0f⃣"),
    (
        "England",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ),
    ("a selector of nothing", "\ufe0f a", r"\ufe0f a"),
    ("a mark on nothing", "\u0301a", "◌\u0301a"),
    ("Hebrew", "שלום (1)", "\u2068שלום (1)\u2069"),
    ("Hebrew with its marks", "\u200fשלום!\u200f", "\u2068\u200fשלום!\u200f\u2069"),
    ("Hebrew that breaks out", "שלום\u2069 a", "\u2068שלום\\u2069 a\u2069"),
    ("Persian", "می\u200cخواهم", "\u2068می\u200cخواهم\u2069"),
    ("a tab", "a\tb", "a\tb"),
]


@pytest.mark.parametrize(("text", "shown"), [pytest.param(*row, id=name) for name, *row in SHOWN])
def test_invisible_characters_are_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


PAGES = [
    ("plain", "<p>It’s é 漢字</p>\n<p>b</p>\r\n", "<p>It’s é 漢字</p>\n<p>b</p>\r\n"),
    ("an override", "<p>Pay \u202egpj.exe</p>", r"<p>Pay \u202egpj.exe</p>"),
    ("zero width on one line of two", "<p>a\u200b</p>\r\n<p>é</p>", "<p>a\\u200b</p>\r\n<p>é</p>"),
    ("isolates", "<p>\u2068a\u2069</p>", r"<p>\u2068a\u2069</p>"),
    ("a Hebrew name as `visible` returns it", *2 * (f"<p>{visible('שלום')}</p>",)),
    ("zero width in isolated Hebrew", "<p>\u2068שלום\u200b\u2069</p>", "<p>\u2068שלום\\u200b\u2069</p>"),
    ("an isolate beside Hebrew", "<p>\u2068a\u2069שלום</p>", r"<p>\u2068a\u2069שלום</p>"),
    ("isolates across elements", "<p>\u2068שלום</p><p>\u2069</p>", r"<p>\u2068שלום</p><p>\u2069</p>"),
    ("isolated, with an override", "\u2068ש\u202ea\u2069", r"\u2068ש\u202ea\u2069"),
    ("controls", "<p>a\x1b\r</p>\tb", "<p>a\\u001b\\u000d</p>\tb"),
    ("a family, and an override", "👨\u200d👩\u202e", "👨\u200d👩\\u202e"),
    ("Hebrew with its mark", "<b>שלום!\u200f</b>", "<b>שלום!\u200f</b>"),
    ("a mark beside another line's Hebrew", "<b>שלום</b>\na\u200f", "<b>שלום</b>\na\\u200f"),
    ("a mark on a tag", "<b>\u0301a</b>", "<b>◌\u0301a</b>"),
    ("a mark on a letter", "<b>a\u0301</b>", "<b>a\u0301</b>"),
]


@pytest.mark.parametrize(("page", "shown"), [pytest.param(*row, id=name) for name, *row in PAGES])
def test_a_page_shows_what_cannot_be_seen(page: str, shown: str) -> None:
    assert reveal(page) == shown


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from("\u200b\u200d\u200f\u202e\u2066\u2068\u2069\u3164\ufe0f\U000e0061אaא1 \u0301"),
    max_size=20,
)


@given(text=TEXTS)
def test_no_text_turns_around_what_stands_beside_it(text: str) -> None:
    shown = visible(text)
    inner = shown.removeprefix(ISOLATE).removesuffix(END_ISOLATE) if shown.startswith(ISOLATE) else shown
    assert not any(
        unicodedata.bidirectional(one) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        for one in inner
    )
    if inner is shown:
        assert not any(unicodedata.bidirectional(one) in {"R", "AL", "AN"} for one in shown)


@given(text=TEXTS)
def test_only_spaces_show_nothing(text: str) -> None:
    if is_blank(visible(text)):
        assert not text.strip()


@given(text=TEXTS)
def test_a_link_can_always_be_clicked(text: str) -> None:
    assert not is_blank(page.text(html.link("https://a.example/x", text)))
    (tag,) = page.tags(html.link("https://a.example/x", text))
    assert tag.attributes == {"href": "https://a.example/x"}


IN_MARKDOWN = [
    ("[](https://a.example)", "https://a.example"),
    ("[\u200b](https://a.example)", "\u200bhttps://a.example"),
    ("[**\u3164**](https://a.example)", "\u3164https://a.example"),
    ("[\u202emoc.knab](https://a.example)", r"\u202emoc.knab"),
    ("`a\u2066b`\n\n```\n\u202eb\n```", "a\\u2066b\n\\u202eb\n"),
]


@pytest.mark.parametrize(("source", "shown"), IN_MARKDOWN, ids=ascii)
def test_markdown_hides_no_link_and_turns_no_line_around(source: str, shown: str) -> None:
    assert page.text(markdown.to_html(source, base_url="", rest_url="")) == shown
