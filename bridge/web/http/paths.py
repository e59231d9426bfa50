"""Paths from outside that bridge redirects a browser to."""

LONGEST = 200
"""The most characters of such a path: those of bridge's pages have fewer."""


def local_path(path: str, home: str = "/", *, longest: int = LONGEST) -> str:
    """Return `path` if it leads to a page of bridge's own, else `home`: never to another site."""
    odd = not path.startswith("/") or path.startswith("//") or len(path) > longest
    if odd or not path.isascii() or not path.isprintable() or "\\" in path:
        return home
    return path
