"""Paths that come from outside and that a browser is sent to."""

LONGEST = 200
"""Characters of a path to come back to: each of bridge's pages has fewer."""


def local_path(path: str, home: str = "/", *, longest: int = LONGEST) -> str:
    """Return `path` if it leads to a page of bridge's own, else `home`: never to another site."""
    odd = not path.startswith("/") or path.startswith("//") or len(path) > longest
    if odd or not path.isascii() or not path.isprintable() or "\\" in path:
        return home
    return path
