"""Markdown rendered and sanitised.

markdown-it-py renders (tables, strikethrough, task lists, autolinks, references), nh3 sanitises what
comes out: nothing else stands between a stranger's pull request and a flow's page.
"""

import html
import re
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.tasklists import tasklists_plugin

from bridge.core.messages import autolink
from bridge.core.messages.html import escape
from bridge.core.urls import web_address

_TAGS = {
    *(
        "a",
        "b",
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "details",
        "div",
        "dl",
        "dt",
        "em",
        "hr",
        "i",
        "ins",
    ),
    *("h1", "h2", "h3", "h4", "h5", "h6", "kbd", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "sup"),
    *("summary", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
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


def safe_html(source: str, *, base_url: str, repository_url: str) -> str:
    """Safe HTML of a Markdown text; as `bridge.core.messages.markdown.to_html`, which see."""
    return clean(_MARKDOWN.render(source, {"repository_url": repository_url}), base_url=base_url)


def clean(unsafe: str, *, base_url: str) -> str:
    """HTML without what could do harm, its relative links resolved against `base_url`."""
    sanitiser = nh3.Cleaner(
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        url_relative=("rewrite_with_base", base_url) if web_address(base_url) else "deny",
        link_rel="nofollow noopener noreferrer",
    )
    return sanitiser.clean(unsafe)


def _image(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    label = escape(f"[{renderer.renderInlineAsText(token.children or [], options, env) or 'picture'}]")
    address = str(token.attrs.get("src", ""))
    around = sum(other.nesting for other in tokens[:index] if other.type in ("link_open", "link_close"))
    # A badge in a link: the link is the author's; one within the other is not HTML.
    return f'<a href="{escape(address)}">{label}</a>' if address and not around else label


def _raw(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """Raw HTML: its pictures become links, and the task list plugin's boxes characters."""
    content = tokens[index].content
    if 'class="task-list-item-checkbox"' in content:
        return "☑ " if "checked" in content else "☐ "
    return _RAW_IMAGE.sub(_raw_image, content)


def _raw_image(found: "re.Match[str]") -> str:
    """GitHub's own markup for a screenshot that was pasted."""
    attributes = {name.lower(): html.unescape(value) for name, _, value in _ATTRIBUTE.findall(found[0])}
    label = escape(f"[{attributes.get('alt') or 'picture'}]")
    address = attributes.get("src", "")
    return f'<a href="{escape(address)}">{label}</a>' if address else label


def _cell(renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any) -> str:
    """A table's cell: its alignment as an attribute, since styles are not allowed."""
    token = tokens[index]
    style = str(token.attrs.pop("style", ""))
    if style.startswith("text-align:"):
        token.attrs["align"] = style.removeprefix("text-align:")
    return renderer.renderToken(tokens, index, options, env)


def _build() -> MarkdownIt:
    # `breaks`: in descriptions and comments GitHub keeps the line breaks.
    markdown = MarkdownIt("gfm-like", {"html": True, "linkify": True, "breaks": True})
    markdown.use(tasklists_plugin).use(autolink.plugin)
    markdown.add_render_rule("image", _image)
    for rule in ("html_inline", "html_block"):
        markdown.add_render_rule(rule, _raw)
    for rule in ("td_open", "th_open"):
        markdown.add_render_rule(rule, _cell)
    if markdown.linkify:
        # As GitHub does it: README.md is a file, not a host in Moldova. Guessing is also slow.
        markdown.linkify.set({"fuzzy_link": False})
    return markdown


_MARKDOWN = _build()
