"""Markdown rendered as GitHub does, and sanitised.

markdown-it-py and its plugins render, nh3 sanitises the result: nothing else stands between a stranger's
pull request and a flow's page. Markup that Flowdock lacks becomes markup that it has: a picture a link, an
alert a quotation, a formula code.
https://docs.github.com/get-started/writing-on-github
"""

import html
import re
from collections.abc import Sequence
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.gfm import gfm_plugin

from bridge.core.messages import autolink
from bridge.core.messages.html import TAGS, escape
from bridge.core.printable import is_blank, undirected
from bridge.core.urls import web_address

_ATTRIBUTES: dict[str, set[str]] = {
    # Without it nh3 lets `lang` and `title` through on every tag.
    "*": set(),
    "a": {"href", "title"},
    "td": {"align"},
    "th": {"align"},
    "ol": {"start"},
}

_RAW_IMAGE = re.compile(r"<img\b[^<>]{0,2000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([A-Za-z-]+)\s*=\s*(["'])(.*?)\2""", re.DOTALL)


def safe_html(source: str, *, base_url: str, repository_url: str, replaced: Sequence[str] = ()) -> str:
    """Render a Markdown text as safe HTML, as `bridge.core.messages.markdown.to_html` documents."""
    about = {"repository_url": repository_url, "replaced": replaced}
    return clean(_MARKDOWN.render(undirected(source), about), base_url=base_url)


def clean(unsafe: str, *, base_url: str) -> str:
    """Sanitise HTML, and resolve its relative links against `base_url`; without one they are no links."""
    # Each base needs a sanitiser of its own, which takes five times as long to make as to use.
    has_base = "href" in unsafe.lower() and web_address(base_url)
    try:
        sanitiser = _sanitiser(("rewrite_with_base", base_url) if has_base else "deny")
    except ValueError:
        # An address that no browser takes either, such as `https://github.com.0`.
        sanitiser = _sanitiser("deny")
    return sanitiser.clean(unsafe)


@lru_cache(maxsize=16)
def _sanitiser(relative: Any) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        url_relative=relative,
        link_rel="nofollow noopener noreferrer",
    )


def prose(source: str) -> list[str]:
    """Yield the prose of a Markdown text, without code, links and quoted mail."""
    reader = _Prose()
    reader.feed(safe_html(source, base_url="", repository_url=""))
    reader.close()
    return reader.found


class _Prose(HTMLParser):
    """Collects the text of sanitised HTML, where every tag that opens is closed."""

    _OTHER = frozenset({"a", "code", "kbd", "pre"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []
        self._last = ""

    def handle_starttag(self, tag: str, _attributes: Any) -> None:
        is_mail = tag == "blockquote" and self._last.endswith("wrote:")
        if tag not in _VOID and (self._open or is_mail or tag in self._OTHER):
            self._open.append(tag)

    def handle_endtag(self, _tag: str) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self.found.append(data)
        self._last = data.strip() or self._last


_VOID = ("br", "hr")


def _image(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    address = str(token.attrs.get("src", ""))
    if address.endswith("#gh-dark-mode-only"):
        # Its twin for light pages is shown.
        return ""
    label = escape(f"[{renderer.renderInlineAsText(token.children or [], options, env) or 'picture'}]")
    around = sum(other.nesting for other in tokens[:index] if other.type in ("link_open", "link_close"))
    # A badge in a link: the link is the author's; one within the other is not HTML.
    return f'<a href="{escape(address)}">{label}</a>' if address and not around else label


def _raw(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """Render raw HTML: its pictures become links."""
    return _RAW_IMAGE.sub(_raw_image, tokens[index].content)


def _raw_image(found: "re.Match[str]") -> str:
    """Render GitHub's own markup for a screenshot that was pasted."""
    attributes = {name.lower(): html.unescape(value) for name, _, value in _ATTRIBUTE.findall(found[0])}
    label = escape(f"[{attributes.get('alt') or 'picture'}]")
    address = attributes.get("src", "")
    return f'<a href="{escape(address)}">{label}</a>' if address else label


def _cell(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """Render a table's cell, its alignment as an attribute, since styles are not allowed."""
    token = tokens[index]
    style = str(token.attrs.pop("style", ""))
    if style.startswith("text-align:"):
        token.attrs["align"] = style.removeprefix("text-align:")
    return renderer.renderToken(tokens, index, options, env)


def _item(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    box = {None: "", True: "☑ ", False: "☐ "}[tokens[index].meta.get("checked")]
    return renderer.renderToken(tokens, index, options, env) + box


def _math(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """Render a formula as it is written; its own backticks are GitHub's markup."""
    written = f"<code>{html.escape(tokens[index].content.strip().strip('`'))}</code>"
    return f"<pre>{written}</pre>\n" if tokens[index].block else written


def _fence(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """Render a block of code; a suggestion as its change."""
    token = tokens[index]
    if token.info.split()[:1] == ["suggestion"]:
        after = token.content.removesuffix("\n").split("\n") if token.content else []
        lines = [*(f"-{line}" for line in env["replaced"]), *(f"+{line}" for line in after)]
        return f"<pre><code>{html.escape(chr(10).join(lines))}\n</code></pre>\n"
    return RendererHTML.fence(renderer, tokens, index, options, env)


def _footnote(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """Render a footnote's number. Links there and back would need ids, which are not allowed."""
    return f"<sup>[{tokens[index].meta['id'] + 1}]</sup>"


_INSTEAD = {
    "alert_open": "<blockquote>\n",
    "alert_title_open": "<p><strong>",
    "alert_title_close": "</strong></p>\n",
    "alert_close": "</blockquote>\n",
    "footnote_anchor": "",
}


def _fill_links(state: StateCore) -> None:
    """Show the address of a link that would show nothing."""
    for inline in state.tokens:
        filled: list[Token] = []
        for token in inline.children or []:
            if token.type == "link_close" and (address := _empty_link(filled)):
                filled.append(Token("text", "", 0, content=address))
            filled.append(token)
        inline.children = filled


def _empty_link(tokens: Sequence[Token]) -> str:
    """Return the address of the last link that began, if it shows nothing so far."""
    for token in reversed(tokens):
        if token.type == "link_open":
            return str(token.attrs["href"])
        if token.type in ("image", "html_inline") or not is_blank(token.content):
            break
    return ""


def _build() -> MarkdownIt:
    # `breaks`: in descriptions and comments GitHub keeps the line breaks.
    markdown = MarkdownIt("commonmark", {"html": True, "breaks": True})
    markdown.use(gfm_plugin)
    markdown.use(
        dollarmath_plugin,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,
        allow_blank_lines=False,
        double_inline=True,
    )
    markdown.use(autolink.plugin)
    markdown.core.ruler.push("fill_links", _fill_links)
    for name, words in _INSTEAD.items():
        markdown.add_render_rule(name, lambda *_, words=words: words)
    for name, rule in _RULES.items():
        markdown.add_render_rule(name, rule)
    return markdown


_RULES = {
    "fence": _fence,
    "footnote_ref": _footnote,
    "html_block": _raw,
    "html_inline": _raw,
    "image": _image,
    "list_item_open": _item,
    "math_block": _math,
    "math_inline": _math,
    "math_inline_double": _math,
    "td_open": _cell,
    "th_open": _cell,
}
_MARKDOWN = _build()
