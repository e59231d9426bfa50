"""Post a last message in threads that a flow no longer shows, and one in threads that it shows again."""

from collections.abc import Sequence

from bridge.core.messages.addressing import Outgoing, Round, left_out, outgoing
from bridge.core.messages.html import escape
from bridge.core.model import Author, Message
from bridge.core.pulls.snapshot import Snapshot

BRIDGE = Author(name="bridge")

DISCONNECTED = Message(event="activity", title="Disconnected from this flow", author=BRIDGE)


def last_words(
    round_: Round, merged: Snapshot, told: Sequence[Outgoing]
) -> tuple[tuple[Outgoing, ...], Snapshot]:
    """Return these messages, and the snapshot that notes which connections show it and which no longer do.

    `told` are the messages that go out anyway. A merged pull request needs none: its thread stays true.
    """
    shown, left = set(merged.said.get("shown_to", ())), set(merged.said.get("left", ()))
    receivers = {one.connection.id for one in told}
    messages, now_shown, now_left = [], [], []
    for connection in round_.connections:
        why, name = left_out(connection, round_.pull), connection.id
        if name in (shown if why else left - receivers):
            title = f"No longer shown here: {escape(why)}" if why else "Shown here again"
            message = Message(event="activity", title=title, author=BRIDGE)
            messages.append(outgoing(round_, message, connection, part="/leaving"))
        if why:
            now_left += [name] if name in shown | left else []
        elif round_.pull.state != "merged":
            now_shown += [name] if name in shown | left | receivers else []
    return tuple(messages), merged.saying(shown_to=now_shown, left=now_left)
