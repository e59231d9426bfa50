"""Tags of a message: accounts that its event names or its text mentions, and those whose turn it became."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from bridge.core.model import Delivery, Mention
from bridge.core.pulls.lww import moment, seconds_between
from bridge.core.pulls.model import Person, PullRequest
from bridge.core.pulls.snapshot import Snapshot
from bridge.core.pulls.turn import Turn

ONE_DEED = 2
"""Seconds in which a person's events are one deed, such as opening, assigning and requesting a review."""

_NONE: list[Any] = [0, "", []]


def on_turn(found: Turn | None) -> tuple[Person, ...]:
    """Return the people of a turn, without deleted accounts."""
    return tuple(one for one in found.people if one.id) if found else ()


def mentions(
    pull: PullRequest, sender: Person, *, people: Sequence[Person], logins: Iterable[str]
) -> tuple[Mention, ...]:
    """Return each account once, `sender` and bots left out: the `people` by id, and the `logins` of a text.

    A login of somebody involved in the pull request stands for that account; GitHub gives no id for others.
    """
    known = {one.login.lower(): one for one in (*pull.named, *people, sender)}
    found: dict[int | str, Mention] = {}
    for one in (*(known.get(login.lower(), Person(login=login)) for login in logins), *people):
        if not one.bot:
            found.setdefault(one.id or one.login.lower(), Mention(login=one.login, id=one.id))
    found.pop(sender.id or sender.login.lower(), None)
    return tuple(found.values())


def anew(
    found: Collection[Mention], delivery: Delivery, sender: Person, known: Snapshot
) -> tuple[Mention, ...]:
    """Return the mentions without those whom another event of the same deed tagged."""
    if not found:
        return ()
    tagged = _tagged(delivery, sender, known)
    new = (one for one in found if one.id not in tagged and (one.id or one.login.lower() not in tagged))
    return tuple(replace(one, unless_by_login=True) if one.login.lower() in tagged else one for one in new)


def noted(told: Collection[Mention], delivery: Delivery, sender: Person, known: Snapshot) -> Snapshot:
    """Note the accounts tagged for a deed; once one of them does something, they may be tagged again."""
    if told and (at := _at(delivery)):
        names = {name for one in told for name in (one.login.lower(), one.id)} - {0}
        tagged = names | _tagged(delivery, sender, known)
        return known.saying(deed=[sender.id, at, sorted(tagged, key=str)])
    return known.saying(deed=_NONE) if sender.id in known.said.get("deed", _NONE)[2] else known


def _tagged(delivery: Delivery, sender: Person, known: Snapshot) -> set[int | str]:
    by, at, tagged = known.said.get("deed", _NONE)
    now = _at(delivery)
    is_same = bool(by and at and now) and by == sender.id and seconds_between(at, now) <= ONE_DEED
    return set(tagged) if is_same else set()


def _at(delivery: Delivery) -> str:
    """Return when a deed was done; comments and reviews are each a deed of its own."""
    return (
        moment(delivery.payload["pull_request"].get("updated_at")) if delivery.event == "pull_request" else ""
    )
