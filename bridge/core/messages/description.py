"""Keep a description's HTML with its pull request: rendering it takes longer than the rest of a message.

The kept HTML names its source and renderer, and is shown only while both are the same. An edit or a new
renderer renders it again.
"""

import hashlib
from functools import cache
from importlib import metadata

import orjson
from msgspec.structs import replace

from bridge.core.messages.markdown import to_html
from bridge.core.pulls.model import PullRequest, Rendered
from bridge.core.pulls.snapshot import Snapshot

VERSION = 2
"""The version of the modules that render. Raise it when their output changes: a test tells."""

LIBRARIES = ("emoji", "markdown-it-py", "mdit-py-plugins", "mdurl", "nh3")


def html(pull: PullRequest) -> str:
    """Return the description as safe HTML."""
    if pull.html is not None:
        return pull.html
    kept = pull.rendered
    return kept.html if kept and kept.made_of == made_of(pull) else _rendered(pull)


def keeping_html(known: Snapshot, pull: PullRequest) -> tuple[Snapshot, PullRequest]:
    """Add the description's HTML to a snapshot and to its view."""
    made = made_of(pull)
    if pull.rendered and pull.rendered.made_of == made:
        return known, replace(pull, html=pull.rendered.html)
    rendered = Rendered(made, _rendered(pull))
    return replace(known, rendered=rendered), replace(pull, rendered=rendered, html=rendered.html)


def _rendered(pull: PullRequest) -> str:
    return to_html(pull.body, base_url=pull.url, rest_url=pull.url, repository_url=pull.repository_url)


def made_of(pull: PullRequest) -> str:
    """Return a digest of everything that the HTML depends on."""
    everything = orjson.dumps([renderer(), pull.body, pull.url, pull.repository_url])
    return hashlib.blake2b(everything, digest_size=16).hexdigest()


@cache
def renderer() -> str:
    """Return the versions of the renderer and its libraries."""
    return " ".join([str(VERSION), *(f"{name} {metadata.version(name)}" for name in LIBRARIES)])
