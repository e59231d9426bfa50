"""GitHub's Markdown as HTML that is safe to show in Flowdock."""

from bridge.core.messages.html import link

MAX_SOURCE = 4000
"""Characters of Markdown that are shown; the rest is a link away."""


def to_html(source: str, *, base_url: str, rest_url: str, repository_url: str = "") -> str:
    """Safe HTML of a Markdown text, relative links resolved against `base_url`.

    `repository_url` is where `#42` and commits are; without it they stay text.

    A text over `MAX_SOURCE` is cut between paragraphs, or lines, and ends with a link to `rest_url`.
    Pictures become links: showing them would tell their host who reads the flow.
    """
    shown = cut(source)
    safe = _safe(shown, base_url, repository_url)
    if len(shown) < len(source):
        # By itself: what the cut left open (a comment, a <details>) must not swallow it.
        safe += _cleaned(f"<p>{link(rest_url, 'Read the rest on GitHub')}</p>", base_url)
    return safe.strip()


def _safe(shown: str, base_url: str, repository_url: str) -> str:
    # Only who shows Markdown loads what renders it: it is large.
    from bridge.core.messages import rendering

    return rendering.safe_html(shown, base_url=base_url, repository_url=repository_url)


def _cleaned(unsafe: str, base_url: str) -> str:
    from bridge.core.messages import rendering

    return rendering.clean(unsafe, base_url=base_url)


def cut(source: str, limit: int = MAX_SOURCE) -> str:
    """At most `limit` characters of `source`, ended at a paragraph, else a line, else a word."""
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
