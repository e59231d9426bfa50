"""Make text from outside harmless in a log, in a terminal and on a page.

A line end would begin a line that bridge never wrote, an escape sequence moves a terminal's cursor, and a
direction mark (Unicode's Bidi_Control) reorders a line.
"""

import re
import unicodedata
from collections.abc import Set


def printable(text: str) -> str:
    r"""Return `text` with unprintable characters as escapes, such as `\u000a`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escape(ord(one)) for one in text)


# Shown as nothing, although no control character: Unicode's Default_Ignorable_Code_Point and blank letters.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
# Those that make one emoji or word of several: a joiner or a selector behind a letter, a flag's tags.
_JOINING = re.compile(
    "(?<=[^\x00-\x7f\u034f\u180b-\u180f\u200b-\u200f\u2028-\u202f\u2060-\u206f])[\u200c\u200d](?=[^\x00-\x7f\u200b-\u200f])"
    "|(?<=[^\x00-\x20\ufe00-\ufe0f])[\ufe0e\ufe0f]"
    "|(?<=\U0001f3f4)[\U000e0030-\U000e007a]{1,8}\U000e007f"
)
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_NOT_PLAIN = re.compile("[^ -~]")
_MARKS = "\u061c\u200e\u200f"
ISOLATE, END_ISOLATE = "\u2068", "\u2069"
_ISOLATED = re.compile(f"{ISOLATE}[^<>\u202a-\u202e\u2066-\u2069]*{END_ISOLATE}")


def visible(text: str) -> str:
    """Return `text` as one line that a page may show.

    Invisible characters and direction marks are escaped. Right-to-left text is isolated, so that it reorders
    nothing beside it. Blank only if `text` is spaces.
    """
    if text.isascii() and text.isprintable():
        return text
    turned = _has_right_to_left(text)
    shown = _reveal(text, marks=turned)
    return f"{ISOLATE}{shown}{END_ISOLATE}" if turned else shown


def reveal(page: str) -> str:
    """Return a page's markup with invisible characters and direction marks as escapes.

    Isolates of right-to-left text stay, as `visible` makes them.
    """
    odd = set(_NOT_PLAIN.findall(page)) - {"\r", "\n"}
    if not any(_is_unseen(one) or unicodedata.combining(one) for one in odd):
        return page
    lines = re.split("(\r?\n)", page)
    lines[::2] = map(_reveal_line, lines[::2])
    return "".join(lines)


def _reveal_line(line: str) -> str:
    if not _has_right_to_left(line):
        return _reveal(line, edges=">")
    pairs = (found for found in _ISOLATED.finditer(line) if _has_right_to_left(found[0]))
    isolates = {at for found in pairs for at in (found.start(), found.end() - 1)}
    return _reveal(line, marks=True, edges=">", kept=isolates)


def is_blank(text: str) -> bool:
    """Tell whether nothing of `text` is visible."""
    return all(one.isspace() or _is_unseen(one) for one in text)


def undirected(text: str) -> str:
    """Return `text` of several lines with characters that reverse a line as escapes."""
    return _DIRECTION.sub(lambda found: _escape(ord(found[0])), text)


def _has_right_to_left(text: str) -> bool:
    return any(
        unicodedata.bidirectional(one) in ("R", "AL", "AN") and one not in _MARKS
        for one in _NOT_PLAIN.findall(text)
    )


def _reveal(text: str, *, marks: bool = False, edges: str = "", kept: Set[int] = frozenset()) -> str:
    """Escape invisible characters, but for `marks` of direction and those at the places `kept`.

    After `edges`, a combining mark has no base.
    """
    joining = kept | {at for found in _JOINING.finditer(text) for at in range(*found.span())}

    def shown(found: re.Match[str]) -> str:
        one, at = found[0], found.start()
        if _is_unseen(one) and at not in joining and not (marks and one in _MARKS):
            return _escape(ord(one))
        # A mark without a base would be drawn over what stands before it.
        is_based = at > 0 and text[at - 1] not in edges
        return one if is_based or not unicodedata.combining(one) else f"\u25cc{one}"

    return _NOT_PLAIN.sub(shown, text)


def _is_unseen(one: str) -> bool:
    return one != "\t" and (
        unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") or bool(_BLANK.match(one))
    )


def _escape(number: int) -> str:
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
