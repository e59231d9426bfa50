"""Paths that come from outside and that a browser is sent to."""

LONGEST = 1000
"""Characters of a path to come back to: the inbox's authorization has some 300, and a cookie holds it."""


def local_path(path: str, home: str = "/") -> str:
    """Return `path` if it leads to a page of bridge's own, else `home`: never to another site."""
    odd = not path.startswith("/") or path.startswith("//") or len(path) > LONGEST
    if odd or not path.isascii() or not path.isprintable() or "\\" in path:
        return home
    return path
