"""The form for options: a preset, or each option by itself.

Without a script a page cannot select "Custom" when the user changes an option. So the form remembers what it
showed: changed options count, unless another preset was selected as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from bridge.core.errors import BridgeError
from bridge.core.options import GROUPS, PRESETS, Options, Preset

OWN = "own"
"""The choice besides the presets: each option by itself."""

DEFAULT = "quiet"
"""The preset that a new connection is offered."""

MAX_BASES = 20
MAX_BASE = 200

ABOUT_GROUPS = {
    "pushes": "New commits and force-pushes",
    "diffs": "The diff of a pull request with up to 30 changed lines",
    "edits": "Changes to the title, description or base branch",
    "assignments": "Assignments",
    "review requests": "Review requests",
    "reviews": "Reviews and their conversations",
    "comments": "Comments on the pull request",
    "checks": "Checks that fail or recover",
    "merging": "Conflicts, auto-merge and the merge queue",
    "other": "Milestones, locks and stacks",
}
"""The groups of events besides status and labels, in words."""


class OptionsRefused(BridgeError):
    """The form holds an invalid option."""

    status = 400
    advice = "Go back, correct it and try again. Nothing was changed."


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The form's values: `preset` is the chosen one's slug, or `OWN`."""

    options: Options
    preset: str
    presets: tuple[Preset, ...] = PRESETS

    @property
    def groups(self) -> list[tuple[str, str, bool]]:
        """Each group's name, its description, and whether it is on."""
        return [(name, about, name in self.options.groups) for name, about in ABOUT_GROUPS.items()]

    @property
    def bases(self) -> str:
        """The base branches, as text."""
        return ", ".join(self.options.bases)

    @property
    def shown(self) -> str:
        """The hidden field that remembers the preset and the options shown."""
        return orjson.dumps([self.preset, self.options.dump()]).decode()


def choices(options: Options | None = None) -> Choices:
    """Return the form for a connection's options, or for a new connection."""
    if options is None:
        options = next(preset.options for preset in PRESETS if preset.slug == DEFAULT)
    named = (preset.slug for preset in PRESETS if _same(preset.options, options))
    return Choices(options=options, preset=next(named, OWN))


def read(fields: Iterable[tuple[str, Any]]) -> Options:
    """Read the options in a form's fields, as a browser sends them; raises `OptionsRefused`."""
    sent = [(name, value) for name, value in fields if isinstance(value, str)]
    one = dict(sent)
    own = _own(sent)
    preset, (preset_shown, shown) = one.get("preset", OWN), _shown(one.get("shown", ""))
    changed = shown is not None and not _same(shown, own)
    if preset == OWN or (changed and preset == preset_shown):
        return own
    found = next((each for each in PRESETS if each.slug == preset), None)
    if found is None:
        raise OptionsRefused("There is no such preset.")
    if changed:
        raise OptionsRefused(
            f"You chose “{found.name}” but also changed single options. Choose “Custom” to use those,"
            " or leave them as they were."
        )
    return found.options


def _own(sent: list[tuple[str, str]]) -> Options:
    one = dict(sent)
    heard = {value for name, value in sent if name == "group"} | {"status"}
    bases = [base.strip() for base in one.get("bases", "").replace("\n", ",").split(",") if base.strip()]
    if len(bases) > MAX_BASES or any(len(base) > MAX_BASE or not base.isprintable() for base in bases):
        raise OptionsRefused(f"Give at most {MAX_BASES} base branches, such as main, release/*.")
    try:
        return Options.read(
            {
                "groups": [group for group in GROUPS if group in heard] + sorted(heard - set(GROUPS)),
                "drafts": one.get("drafts", "all"),
                "bots": one.get("bots", "all"),
                "labels": "labels" in one,
                "bases": bases,
            }
        )
    except BridgeError as error:
        raise OptionsRefused(f"These options are not valid: {error}.") from None


def _shown(remembered: str) -> tuple[str, Options | None]:
    try:
        preset, options = orjson.loads(remembered)
        return str(preset), Options.read(options)
    except (orjson.JSONDecodeError, BridgeError, TypeError, ValueError):
        return "", None


def _same(one: Options, other: Options) -> bool:
    return _comparable(one) == _comparable(other)


def _comparable(options: Options) -> tuple[object, ...]:
    # Status always counts, labels have an option of their own.
    groups = set(options.groups) - {"status", "labels"}
    return (groups, options.drafts, options.bots, options.labels, options.bases)
