"""Show what an edit changed in a text, rather than repeat the whole."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import takewhile

from bridge.core.messages.html import escape

MAX_COMPARED = 400
"""Words of each text that are compared one by one, which takes quadratic time."""

MAX_SHOWN = 1000
"""Characters shown of each removed or added text."""

CONTEXT = 12
"""Words, and the spaces between them, shown before and after a change."""

_WORDS = re.compile(r"\n|[^\S\n]+|\S+")


def changes(before: str | None, after: str | None) -> str:
    """Return the diff of two texts as safe HTML: words removed, words added, a few around them."""
    old, new = _WORDS.findall(before or ""), _WORDS.findall(after or "")
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))))
    rest = zip(reversed(old[same:]), reversed(new[same:]), strict=False)
    end = len(list(takewhile(lambda pair: pair[0] == pair[1], rest)))
    middle = _changed(old[same : len(old) - end], new[same : len(new) - end])
    begins, ends = old[:same], old[len(old) - end :]
    return f"<p>{_around(begins, before=True)}{''.join(middle)}{_around(ends, behind=True)}</p>"


def _changed(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    if len(old) > MAX_COMPARED or len(new) > MAX_COMPARED:
        yield _marked("del", old) + _marked("ins", new)
        return
    gone: list[str] = []
    put: list[str] = []
    for what, begin, end, new_begin, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal" and any(word.strip() for word in old[begin:end]):
            yield _marked("del", gone) + _marked("ins", put)
            yield _around(old[begin:end], behind=True, before=True)
            gone, put = [], []
        else:
            gone += old[begin:end]
            put += new[new_begin:new_end]
    yield _marked("del", gone) + _marked("ins", put)


def _marked(tag: str, words: Sequence[str]) -> str:
    text = "".join(words)
    shown = text[:MAX_SHOWN] + ("…" if len(text) > MAX_SHOWN else "")
    return f"<{tag}>{_lines(shown)}</{tag}>" if shown else ""


def _around(words: Sequence[str], *, behind: bool = False, before: bool = False) -> str:
    """Shorten unchanged words: keep the first after a change, the last before the next one."""
    first, last = words[:CONTEXT] if behind else [], words[-CONTEXT:] if before else []
    if len(first) + len(last) >= len(words):
        return _lines("".join(words)[-MAX_SHOWN:])
    return _lines("".join(first)[:MAX_SHOWN] + "…" + "".join(last)[-MAX_SHOWN:])


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.split("\n"))
