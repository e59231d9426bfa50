"""The commands about what bridge keeps: connections, their options, dead letters.

Each prints to standard output and raises `BridgeError` for what a user can get wrong.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

from bridge.cli import terminal
from bridge.cli.terminal import moment, table
from bridge.clients.flowdock import is_flow
from bridge.core.errors import BridgeError, NotFound
from bridge.core.options import Options
from bridge.core.printable import printable
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import DeadLetter
from bridge.storage.connections import ConnectionStore

FROM_STDIN = frozenset("-")


async def connect(
    store: ConnectionStore, *, repository: str, flow_token: str, name: str, flow: str = ""
) -> None:
    """Tie a repository to a flow."""
    repository = terminal.repository(repository)
    flow_token = (sys.stdin.readline() if flow_token in FROM_STDIN else flow_token).strip()
    if not flow_token or not flow_token.isascii() or not flow_token.isprintable() or " " in flow_token:
        raise BridgeError("the flow token is empty or has odd characters: copy it from the flow's source")
    if flow and not is_flow(flow):
        raise BridgeError(f"{flow!r} is no flow: write ORGANIZATION/FLOW, as in its address in Flowdock")
    connection, is_new = await store.connect(
        repository, flow_token=flow_token, name=name or repository, flow=flow
    )
    if not is_new:
        print(f"{repository} was connected to that flow before, as {connection.id}.")
        return
    print(f"Connected {repository} as {connection.id}. Its next pull request event starts a thread.")
    if not flow:
        print(
            "Nobody is tagged there: name the flow with --flow ORGANIZATION/FLOW to have its members tagged."
        )


async def connections(store: ConnectionStore, *, as_json: bool) -> None:
    """List the connections; flow tokens are never shown."""
    found = await store.all()
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "id": connection.id,
                        "repository": connection.repository,
                        "repository_id": connection.repository_id,
                        "name": connection.name,
                        "created_at": moment(connection.created_at),
                    }
                    for connection in found
                ],
                indent=2,
            )
        )
        return
    if not found:
        print("There is no connection yet: python -m bridge connect OWNER/REPO --flow-token TOKEN")
        return
    rows = [
        (
            connection.id,
            connection.repository,
            connection.name,
            str(connection.repository_id or "waits for its first delivery"),
            moment(connection.created_at),
        )
        for connection in found
    ]
    print(table(("ID", "REPOSITORY", "NAME", "GITHUB ID", "SINCE"), rows))


async def disconnect(store: ConnectionStore, *, connection_id: str) -> None:
    """Remove a connection and its flow token."""
    connection = await store.remove(connection_id)
    print(f"Disconnected {connection.repository} ({connection.id}); its flow token is forgotten.")


async def options(store: ConnectionStore, *, connection_id: str, changes: Sequence[str]) -> None:
    """Show what a connection's flow hears of, or change it: `NAME=VALUE`, lists comma-separated."""
    connection = await store.get(connection_id)
    if connection is None:
        raise NotFound(f"there is no connection {connection_id}")
    if changes:
        chosen = Options.read(connection.options.dump() | dict(map(_option, changes)))
        connection = await store.change(connection_id, options=chosen)
    rows = [
        (name, ", ".join(value) if isinstance(value, tuple) else str(value).lower())
        for name, value in connection.options.dump().items()
    ]
    print(table(("OPTION", "VALUE"), rows))


def _option(change: str) -> tuple[str, Any]:
    name, equals, value = change.partition("=")
    if not equals:
        raise BridgeError(f"{change!r} is no option: write NAME=VALUE, such as drafts=quiet")
    if name in ("groups", "bases"):
        return name, [part.strip() for part in value.split(",") if part.strip()]
    if name == "labels":
        if value not in ("true", "false"):
            raise BridgeError("labels must be true or false")
        return name, value == "true"
    return name, value


async def dead_letters(deliveries: DeliveryQueue, *, do: str, letter_id: str | None, every: bool) -> None:
    """List, show, redrive or drop what could not be delivered."""
    found = await deliveries.dead_letters()
    if do == "list":
        rows = [
            (letter.id, moment(letter.dead_since), _subject(letter), letter.reason[:80]) for letter in found
        ]
        print(table(("ID", "SINCE", "WHAT", "REASON"), rows) if rows else "There is no dead letter.")
        return
    chosen = found if every else [letter for letter in found if letter.id == letter_id]
    if not chosen and not every:
        raise NotFound(f"there is no dead letter {letter_id}: see python -m bridge dead-letters list")
    for letter in chosen:
        if do == "show":
            _show(letter)
        elif do == "redrive" and every and letter.dropped:
            print(f"{letter.id} is left: {letter.dropped}.")
        elif do == "redrive":
            await deliveries.redrive(letter)
            print(f"{letter.id} is in the queue again.")
        else:
            await deliveries.drop(letter)
            print(f"{letter.id} is dropped.")


def _subject(letter: DeadLetter) -> str:
    if letter.kind == "inbox":
        return f"delivery {letter.fields.get('delivery_id', '')} ({letter.fields.get('event', '')})"
    content = json.loads(letter.fields["message"])
    return f"message of delivery {content['delivery_id']} to connection {content['connection_id']}"


def _show(letter: DeadLetter) -> None:
    for line in f"{letter.id}: {_subject(letter)}\n{letter.reason}\n{letter.detail}".rstrip().split("\n"):
        print(printable(line))
    if letter.dropped:
        print(f"{letter.dropped}.")
    for name, value in letter.fields.items():
        print(f"{name}: {printable(value)}")
