"""GitHub's Markdown as HTML that is safe to show in Flowdock."""

import re
from collections.abc import Sequence

from bridge.core.messages.html import link
from bridge.core.names import LOGIN

MAX_SOURCE = 4000
"""Characters of Markdown that are shown; the rest is a link away."""

MAX_HTML = 16_000
"""Characters of its HTML: two of Markdown may become a hundred."""

MAX_READ = 16_000
"""Characters of Markdown that are searched for mentions."""

MENTION = re.compile(rf"(?<![0-9A-Za-z_])(?<![0-9A-Za-z_][\"'])@({LOGIN})(?![0-9A-Za-z_/-]|\.+[0-9A-Za-z_])")
"""GitHub's boundary is ASCII: letters of other scripts may stand beside a login. `"ann b"@bob` is a mail."""


def to_html(
    source: str, *, base_url: str, rest_url: str, repository_url: str = "", replaced: Sequence[str] = ()
) -> str:
    """Render Markdown as safe HTML, relative links resolved against `base_url`.

    `#42` and commits link into `repository_url`; without it they stay text. `replaced` are the lines that a
    suggestion in the text would replace.

    A text over `MAX_SOURCE`, or whose HTML is over `MAX_HTML`, is cut between paragraphs or lines and ends
    with a link to `rest_url`. Pictures become links: loading them would reveal the flow's readers to their
    host.
    """
    # Loaded on first use: the renderer is large.
    from bridge.core.messages import rendering

    limit = MAX_SOURCE
    while True:
        shown = cut(source, limit)
        safe = rendering.safe_html(shown, base_url=base_url, repository_url=repository_url, replaced=replaced)
        if len(safe) <= MAX_HTML:
            break
        limit //= 2
    if len(shown) < len(source):
        # Rendered apart: a tag that the cut left open (a comment, a <details>) must not swallow it.
        rest = f"<p>{link(rest_url, 'Read the rest on GitHub')}</p>"
        safe += rendering.clean(rest, base_url=base_url)
    return safe.strip()


def mentioned(source: str | None) -> tuple[str, ...]:
    """Return the logins that the prose of a Markdown text mentions, each once.

    https://docs.github.com/get-started/writing-on-github: mentioning people and teams
    """
    if not source or "@" not in source:
        return ()
    from bridge.core.messages import rendering

    pieces = rendering.prose(source[:MAX_READ])
    return tuple(dict.fromkeys(login for piece in pieces for login in MENTION.findall(piece)))


def cut(source: str, limit: int = MAX_SOURCE) -> str:
    """Cut `source` to at most `limit` characters, after a paragraph, else a line, else a word."""
    if len(source) <= limit:
        return source
    head = source[:limit]
    for separator in ("\n\n", "\n", " "):
        kept = head.rpartition(separator)[0]
        if len(kept) > limit // 2:
            return _close_fence(kept)
    return _close_fence(head)


def _close_fence(text: str) -> str:
    fences = [line for line in text.splitlines() if line.lstrip().startswith(("```", "~~~"))]
    return text + "\n" + fences[-1].strip()[:3] if len(fences) % 2 else text
