"""A description's HTML, kept with its pull request: to render it takes longer than the rest of a message.

What is kept names all it was made of, the renderer included, and is shown only while that is so: an edited
description is rendered anew, and nothing is shown that an older sanitiser let through.
"""

import hashlib
from functools import cache
from importlib import metadata, resources

import orjson
from msgspec.structs import replace

from bridge.core.messages.markdown import to_html
from bridge.core.pulls.model import PullRequest, Rendered
from bridge.core.pulls.snapshot import Snapshot

MODULES = (
    "messages/description.py",
    "messages/markdown.py",
    "messages/autolink.py",
    "messages/rendering.py",
    "urls.py",
)
LIBRARIES = ("emoji", "linkify-it-py", "markdown-it-py", "mdit-py-plugins", "mdurl", "nh3")


def html(pull: PullRequest) -> str:
    """Safe HTML of a pull request's description, as its thread shows it."""
    if pull.html is not None:
        return pull.html
    kept = pull.rendered
    return kept.html if kept and kept.made_of == made_of(pull) else _rendered(pull)


def keeping_html(told: Snapshot, pull: PullRequest) -> tuple[Snapshot, PullRequest]:
    """A snapshot and what is seen of it (`snapshot.view`), both with the HTML of the description as it is."""
    made = made_of(pull)
    if pull.rendered and pull.rendered.made_of == made:
        return told, replace(pull, html=pull.rendered.html)
    rendered = Rendered(made, _rendered(pull))
    return replace(told, rendered=rendered), replace(pull, rendered=rendered, html=rendered.html)


def _rendered(pull: PullRequest) -> str:
    return to_html(pull.body, base_url=pull.url + "/", rest_url=pull.url, repository_url=pull.repository_url)


def made_of(pull: PullRequest) -> str:
    """A digest of all that the HTML is made of."""
    everything = orjson.dumps([renderer(), pull.body, pull.url, pull.repository_url])
    return hashlib.blake2b(everything, digest_size=16).hexdigest()


@cache
def renderer() -> str:
    """What renders: bridge's own modules by their text, the libraries by their versions.

    Read, not counted by hand: a number that somebody forgets to raise would go on showing what was mended.
    """
    own = hashlib.blake2b(digest_size=16)
    for name in MODULES:
        own.update(resources.files("bridge.core").joinpath(name).read_bytes())
    return " ".join([own.hexdigest(), *(f"{name} {metadata.version(name)}" for name in LIBRARIES)])
