"""All names of the inbox's keys in Redis. Those of one atomic step share a hash tag, as in bridge's own."""

from typing import Literal

PEOPLE = "inbox:{people}:people"
"""Hash: a person's id → who they are, as JSON."""
NICKS = "inbox:{people}:nicks"
"""Hash: a nick in lower case → the id of the person who has it."""
OWNERS = "inbox:{people}:owners"
"""Set: the ids of the owners."""
SEEN = "inbox:{people}:seen"
"""Hash: a person's id → when they last asked for something."""

Personal = Literal["sessions"]
PERSONAL: tuple[Personal, ...] = ("sessions",)
"""Kinds of keys that are about one person alone: all of them go with the person, in one step."""


def personal(kind: Personal, person_id: int) -> str:
    """Return the key of one kind about one person.

    `sessions`: hash, the hash of a cookie's secret → when it began, when it was last used, by which browser.
    """
    return f"inbox:{{people}}:{kind}:{person_id}"
