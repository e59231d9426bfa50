"""Tags of a message: accounts that its event names or its text mentions, and those whose turn it became."""

from collections.abc import Iterable, Sequence

from bridge.core.model import Mention
from bridge.core.pulls.model import Person, PullRequest
from bridge.core.pulls.turn import Turn


def on_turn(found: Turn | None) -> tuple[Person, ...]:
    """Return the people of a turn, without deleted accounts."""
    return tuple(one for one in found.people if one.id) if found else ()


def mentions(
    pull: PullRequest, sender: Person, *, people: Sequence[Person], logins: Iterable[str]
) -> tuple[Mention, ...]:
    """Return each account once, `sender` and bots left out: the `people` by id, and the `logins` of a text.

    A login of somebody involved in the pull request stands for that account; GitHub gives no id for others.
    """
    known = {one.login.lower(): one for one in (*pull.people, *people, sender)}
    found: dict[int | str, Mention] = {}
    for one in (*(known.get(login.lower(), Person(login=login)) for login in logins), *people):
        if not one.bot:
            found.setdefault(one.id or one.login.lower(), Mention(login=one.login, id=one.id))
    found.pop(sender.id or sender.login.lower(), None)
    return tuple(found.values())
