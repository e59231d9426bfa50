"""Noise control: which messages a connection's flow gets.

Muting keeps a thread's state true: the next message brings it. A change of status (opened, merged, closed,
reopened) is never muted.
"""

from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from bridge.core.errors import BridgeError

Group = Literal[
    "status", "pushes", "edits", "assignments", "review requests", "reviews", "comments", "checks", "merging",
    "diffs", "labels", "other",
]  # fmt: skip
GROUPS: tuple[str, ...] = get_args(Group)
"""The groups of messages; `status` cannot be muted."""

Bots = Literal["all", "state", "none"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of one connection.

    `groups` are posted. `drafts`: "quiet" posts nothing about a draft until it is ready. `bots`: "state"
    posts only changes of status where a bot acts, "none" also nothing about a bot's pull request. `labels`
    adds label changes. `bases` are globs of base branches: pull requests into others are not posted (empty:
    all).
    """

    groups: tuple[str, ...] = tuple(group for group in GROUPS if group != "labels")
    drafts: Literal["all", "quiet"] = "all"
    bots: Bots = "all"
    labels: bool = False
    bases: tuple[str, ...] = ()

    @classmethod
    def read(cls, values: dict[str, Any]) -> "Options":
        """Read options from JSON; raises `BridgeError` naming the problem."""
        if unknown := set(values) - {one.name for one in fields(cls)}:
            raise BridgeError(f"there is no option {', '.join(sorted(unknown))}")
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        for name, value in given.items():
            if name in ("groups", "bases") and not _are_words(value):
                raise BridgeError(f"{name} must be a list of words")
        if not isinstance(given.get("labels", False), bool):
            raise BridgeError("labels must be true or false")
        chosen = cls(**given)
        if unknown := set(chosen.groups) - set(GROUPS):
            raise BridgeError(
                f"there is no group {', '.join(sorted(unknown))}; the groups are {', '.join(GROUPS)}"
            )
        for name, allowed in (("drafts", ("all", "quiet")), ("bots", get_args(Bots))):
            if getattr(chosen, name) not in allowed:
                raise BridgeError(f"{name} must be one of {', '.join(allowed)}")
        return chosen

    def dump(self) -> dict[str, Any]:
        """Return the options as JSON values."""
        return asdict(self)

    def leaves_out(self, *, base: str, of_bot: bool) -> str:
        """Return why nothing about a pull request into `base` is posted; empty if something is."""
        if self.bases and not any(fnmatchcase(base, pattern) for pattern in self.bases):
            return f"the base branch {base} is not in the option bases"
        if self.bots == "none" and of_bot:
            return "the pull request is a bot's (option bots=none)"
        return ""

    def mutes(self, *, group: str, base: str, is_quiet: bool, by_bot: bool, of_bot: bool) -> str:
        """Return why a message of `group`, about a pull request into `base`, is not posted; empty if it is.

        `is_quiet`: it is a draft that was never ready, or its status does not change. `by_bot`: a bot did it;
        `of_bot`: the pull request is a bot's.
        """
        if why := self.leaves_out(base=base, of_bot=of_bot):
            return why
        if self.bots != "all" and group != "status" and (by_bot or of_bot):
            return f"it was done by a bot (option bots={self.bots})"
        if is_quiet and self.drafts == "quiet":
            return "it is a draft (option drafts=quiet)"
        if group == "status" or (self.labels if group == "labels" else group in self.groups):
            return ""
        return f"{group} are muted (option {'labels' if group == 'labels' else 'groups'})"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Options that people choose by one name; `about` says in a sentence what they mean."""

    slug: str
    name: str
    about: str
    options: Options


_NOISE = ("pushes", "edits", "labels", "other")

PRESETS: tuple[Preset, ...] = (
    Preset(
        slug="everything",
        name="Everything",
        about="Everything that happens on a pull request, including labels.",
        options=Options(labels=True),
    ),
    Preset(
        slug="quiet",
        name="Quiet",
        about=(
            "Drafts wait until they are ready. From bots only status changes. No pushes, edits or labels."
        ),
        options=Options(
            groups=tuple(group for group in GROUPS if group not in _NOISE), drafts="quiet", bots="state"
        ),
    ),
    Preset(
        slug="status",
        name="Status only",
        about="Opened, ready, merged, closed and reopened. Nothing else.",
        options=Options(groups=("status",)),
    ),
)
"""The presets to choose from, the most talkative first."""


def _are_words(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(word, str) for word in value)
