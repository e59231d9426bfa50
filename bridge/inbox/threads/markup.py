"""Make others' HTML safe to show: by an allow-list, whatever was checked before."""

import re
from functools import cache

import nh3
from markupsafe import Markup

from bridge.core.messages.html import TAGS
from bridge.inbox.threads.validation import PLAIN_LINKS

_ODD = re.compile(r"[&\r\x00\ufeff]")
"""Without these, a text with no tag is what a browser makes of it."""
_LINK = re.compile(r"</?a\b[^>]*>")
_TAG = re.compile(r"<(/?)([a-z][^\s/>]*)")
_SOUND_TAG = re.compile(r"""<(/?)([a-z][a-z0-9]*)(?:\s+[a-z-]+(?:=(?:"[^"<>]*"|'[^'<>]*'))?)*\s*/?>""")
_TAG_BEGINS = re.compile(r"<[a-z/!?]")
_VOID = {"br", "hr", "img", "input", "wbr"}
SHORT = 400
"""Characters of a text that cannot cost much, whatever is in it."""
_BLOCK_ENDS = re.compile(r"</(?:p|pre|div|li|h[1-6]|t[dhr]|d[dt]|blockquote|summary)>|<br\b")
_SCHEMES = {"http", "https", "mailto"}
_TAGS = frozenset(TAGS | {"input", "samp", "tt", "u"})
_LINKS = frozenset({"a"})
_PRE = frozenset({"pre"})
_NOTHING = frozenset[str]()
_ATTRIBUTES = {
    "a": {"href", "title"},
    "input": {"checked"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
# A body may show task lists; nothing in it may be typed into.
_FORCED = {
    "a": {"target": "_blank"},
    "input": {"type": "checkbox", "disabled": ""},
    # Wide code scrolls: by the keyboard, too.
    "pre": {"tabindex": "0"},
}


def rich(html: str | None) -> Markup:
    """Return a body without scripts, styles, forms and pictures, whose hosts would learn who reads it."""
    return _clean(html, _TAGS)


def inline(html: str | None) -> Markup:
    """Return a title or a field's value with nothing but links in it."""
    return _clean(html, _LINKS)


def plain(html: str | None) -> str:
    """Return a title's text alone."""
    if not html:
        return ""
    if PLAIN_LINKS.fullmatch(html) and not _ODD.search(html):
        return _LINK.sub("", html) if "<" in html else html
    return _clean(html, _NOTHING).unescape()


def words(html: str) -> str:
    """Return what a message says: without its code, unless it has nothing else.

    The words of two blocks do not run into each other.
    """
    spaced = _BLOCK_ENDS.sub(r" \g<0>", html)
    return _clean(spaced, _NOTHING, without=_PRE).unescape().strip() or plain(spaced)


def _costs_much(html: str) -> bool:
    """Tell whether a text might become many times as long, or take far longer than others of its length.

    Each further block opens again all that `<p><b><i></p>` left open, so the tags that are open at each tag
    are added up. A tag closes the last one opened and no other; and none at all where a comment, a quotation
    or an element outside the allow-list may hide it from the sanitiser.
    """
    # No tag ends after the last `>`, as where the text was cut.
    html = html[: html.rfind(">") + 1].lower()
    tags = _SOUND_TAG.findall(html)
    is_sound = len(tags) == len(_TAG_BEGINS.findall(html)) and {name for _, name in tags} <= _TAGS | _VOID
    opened, sum_open = list[str](), 0
    for closes, name in tags if is_sound else _TAG.findall(html):
        if not closes and name not in _VOID:
            opened.append(name)
        elif closes and is_sound and opened and opened[-1] == name:
            opened.pop()
        sum_open += len(opened)
    return sum_open > 500 + 2 * len(html)


def _clean(html: str | None, tags: frozenset[str], *, without: frozenset[str] = _NOTHING) -> Markup:
    html = html or ""
    if len(html) > SHORT and _costs_much(html):
        html = html.replace("<", "&lt;")
    cleaned = sanitiser(tags, without).clean(html)
    return Markup(cleaned)  # noqa: S704 - nh3 has just made it safe


@cache
def sanitiser(tags: frozenset[str], without: frozenset[str]) -> nh3.Cleaner:
    """Return what cleans HTML; to make it takes as long as to clean a short text."""
    # Words that were taken back would run into those that came in their place.
    dropped = {"script", "style", *without} if tags else {"script", "style", "del", *without}
    return nh3.Cleaner(
        tags=set(tags),
        clean_content_tags=dropped,
        attributes={tag: names for tag, names in _ATTRIBUTES.items() if tag in tags},
        set_tag_attribute_values={tag: forced for tag, forced in _FORCED.items() if tag in tags},
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="nofollow noopener noreferrer",
    )
