"""The message that shows a small diff, which bridge read on GitHub."""

from collections.abc import Iterable

import msgspec

from bridge.core.messages.events.table import Happening, Said, on
from bridge.core.messages.html import code, escape, folded, link
from bridge.core.model import Connection
from bridge.core.options import Group
from bridge.core.pulls.diffs import Diff, FileDiff, is_small
from bridge.core.pulls.model import PullRequest
from bridge.core.pulls.own_events import DIFF
from bridge.core.pulls.snapshot import Snapshot

GROUP: Group = "diffs"


def is_wanted(pull: PullRequest, known: Snapshot, connections: Iterable[Connection]) -> bool:
    """Tell whether to read a diff: it is small, was not asked for yet, and some flow shows it."""
    if known.said.get("diff") or not pull.is_open or pull.draft or not is_small(pull):
        return False
    base, of_bot = pull.target, pull.author.bot
    return any(
        not one.paused
        and not one.options.mutes(group=GROUP, is_quiet=False, by_bot=False, base=base, of_bot=of_bot)
        for one in connections
    )


@on(DIFF, "")
def small_diff(happening: Happening) -> Said | None:
    """Show a small diff, folded; it names its commit, since others may follow."""
    pull = happening.pull
    if not pull.is_open:
        return None
    diff = msgspec.convert(happening.payload["diff"], Diff)
    at = link(f"{pull.url}/files", f"Diff of {diff.sha[:7]}")
    rest = f"<p>{link(f'{pull.url}/files', 'Read the rest on GitHub')}</p>" if diff.is_cut else ""
    count = "1 file" if len(diff.files) == 1 else f"{len(diff.files)} files"
    return Said(title=at, body=folded(count, "".join(map(_file, diff.files)) + rest), group=GROUP)


def _file(one: FileDiff) -> str:
    was = f" (was {escape(one.former_name)})" if one.former_name else ""
    return f"<p><strong>{escape(one.name)}</strong>{was}</p>{code(one.lines) if one.lines else ''}"
