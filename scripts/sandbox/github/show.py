"""Filters for the templates: Markdown, times, pictures."""

import colorsys
import html
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import emoji
import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin

from .records import User

_markdown = MarkdownIt("commonmark", {"breaks": True, "html": True}).use(gfm_autolink_plugin)
_markdown.enable(["table", "strikethrough"]).disable("image")
_TAGS = {
    "a", "p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li",
    "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "details", "summary",
}  # fmt: skip

AVATAR = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img" aria-label="{label}">'
    '<rect width="64" height="64" fill="{color}"/>'
    '<text x="32" y="33" font-family="system-ui, sans-serif" font-size="26" font-weight="600" fill="#fff" '
    'text-anchor="middle" dominant-baseline="central">{initials}</text></svg>'
)


def markdown(text: str | None) -> Markup:
    """Markdown as safe HTML."""
    named = emoji.emojize(_markdown.render(text or ""), language="alias")
    rendered = nh3.clean(named, tags=_TAGS, url_schemes={"http", "https", "mailto"})
    rendered = re.sub(r"(<li>|<p>)\[([ xX])\] ", _tick, rendered)
    return Markup(rendered)  # noqa: S704 - cleaned in the line above


def _tick(found: re.Match[str]) -> str:
    return f"{found[1]}{'☐' if found[2] == ' ' else '☑'} "


def when(at: datetime) -> Markup:
    """Return a time as an element that machines can read too."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), at.strftime("%H:%M:%S UTC"), at.strftime("%d %b %Y, %H:%M")
    )


def avatar_path(user: User) -> str:
    """Return where the picture of a user is, on the stand-in itself."""
    return f"/avatars/u/{user.id}?v=4"


def pretty(payload: Any) -> str:
    """JSON to read."""
    return json.dumps(payload, indent=2, ensure_ascii=False)


def avatar_svg(user: User) -> str:
    """Return the picture of a user: initials on a colour of their own."""
    red, green, blue = colorsys.hls_to_rgb(user.id * 0.37 % 1, 0.38, 0.55)
    color = f"#{int(red * 255):02x}{int(green * 255):02x}{int(blue * 255):02x}"
    initials = "".join(word[0] for word in user.name.split()[:2]).upper()
    return AVATAR.format(label=html.escape(user.name), color=color, initials=html.escape(initials))


FILTERS: Mapping[str, Callable[..., str]] = {
    "markdown": markdown,
    "when": when,
    "avatar_path": avatar_path,
    "pretty": pretty,
}
