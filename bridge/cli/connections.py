"""The commands about connections and their options.

Each prints to standard output, and raises `BridgeError` for a user's mistake.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from bridge.cli import opening, terminal
from bridge.cli.opening import Environ
from bridge.cli.terminal import WrongArgument, moment, table
from bridge.core.errors import BridgeError, NotFound
from bridge.core.model import Connection
from bridge.core.options import Options

if TYPE_CHECKING:
    from bridge.services import Services
    from bridge.storage.connections import ConnectionStore

FROM_STDIN = frozenset("-")


async def connect(
    services: "Services", *, repository: str, flow_token: str, name: str, flow: str = ""
) -> None:
    """Connect a repository to a flow, once Flowdock knows the token and nothing else uses either."""
    from bridge.clients.flowdock import is_flow

    repository = terminal.repository(repository)
    flow_token = (sys.stdin.readline() if flow_token in FROM_STDIN else flow_token).strip()
    if not flow_token or not flow_token.isascii() or not flow_token.isprintable() or " " in flow_token:
        raise WrongArgument("the flow token is empty or has odd characters: copy it from the flow's source")
    if flow and not is_flow(flow):
        raise WrongArgument(f"{flow!r} is not a flow: write ORGANIZATION/FLOW, as in its address")
    source = await services.flowdock.source(flow_token)
    if flow and source.flow and flow.lower() != source.flow.lower():
        raise BridgeError(f"this flow token is of {source.flow}, not of {flow}: nothing was connected")
    if not (flow := source.flow or flow):
        chat = services.settings.chat
        raise BridgeError(f"{chat} does not say which flow this token is of: add --flow ORGANIZATION/FLOW")
    for known in await services.connections.all():
        known_name = await services.pulls.present_name(known)
        _refuse_second(known, known_name, repository=repository, flow=flow, flow_token=flow_token)
    connection, is_new = await services.connections.connect(
        repository, flow_token=flow_token, name=name or repository, flow=flow, source_id=source.id
    )
    if not is_new:
        print(f"{repository} is already connected to {flow}, as {connection.id}.")
        return
    print(
        f"Connected {repository} to {flow} as {connection.id}. Its next pull request event starts a thread."
    )


def _refuse_second(
    known: Connection, known_name: str, *, repository: str, flow: str, flow_token: str
) -> None:
    """Refuse a second connection of one repository and flow, or of one token: their threads would be shared.

    `known_name` is the present name of the repository that `known` is of.
    """
    is_same = known_name.lower() == repository.lower()
    if known.flow_token == flow_token and not is_same:
        raise BridgeError(
            f"this flow token already serves {known_name}, as {known.id}:"
            f" add a source of its own to {flow} for {repository}"
        )
    if known.flow_token != flow_token and is_same and known.flow.lower() == flow.lower():
        raise BridgeError(
            f"{repository} is already connected to {flow}, as {known.id}."
            f" To replace that one, first: bridge disconnect {known.id}"
        )


async def disconnect(services: "Services", *, connection_id: str) -> None:
    """Remove a connection and its flow token, and tell its threads."""
    connection = await _found(services.connections, connection_id)
    await services.connections.remove(connection_id)
    await services.last_words.say(connection)
    print(f"Disconnected {connection.repository} ({connection.id}). bridge has forgotten its flow token.")


async def _found(store: "ConnectionStore", connection_id: str) -> Connection:
    if connection := await store.get(connection_id):
        return connection
    raise NotFound(f"there is no connection {connection_id}: see bridge connections")


def _option(change: str, known: Sequence[str]) -> tuple[str, Any]:
    name, equals, value = change.partition("=")
    if not equals:
        raise WrongArgument(f"{change!r} has no value: write NAME=VALUE, such as drafts=quiet")
    if name not in known:
        meant = "".join(f" Did you mean {one}?" for one in get_close_matches(name, known, n=1))
        raise WrongArgument(f"there is no option {name!r}; the options are {', '.join(known)}.{meant}")
    if name in ("groups", "bases"):
        return name, [part.strip() for part in value.split(",") if part.strip()]
    if name == "labels":
        # What is neither true nor false is refused with the others.
        return name, {"true": True, "false": False}.get(value, value)
    return name, value


@click.command("connect", epilog="Example: bridge connect acme/component --flow-token -")
@click.argument("repository", metavar="OWNER/REPO")
@click.option(
    "--flow-token", required=True, metavar="TOKEN", help="The source's token, or - to read it from stdin."
)
@click.option(
    "--flow",
    default="",
    metavar="ORGANIZATION/FLOW",
    help="The source's flow. Needed only if Flowdock does not name it.",
)
@click.option("--name", default="", help="Name of the connection. [default: OWNER/REPO]")
@click.pass_obj
def connect_command(environ: Environ, /, **given: str) -> None:
    """Connect a repository to a flow.

    Needs ENCRYPTION_KEY and the token of a source in the flow. Asks Flowdock about the token: with an inbox
    of its own, bridge must be running. Stores the connection in Redis, with the token encrypted. Creates no
    webhook: see `hook`.
    """
    opening.with_services(environ, lambda services: connect(services, **given))


def _with_store(environ: Environ, run: Callable[["ConnectionStore"], Awaitable[None]]) -> None:
    from bridge.storage.connections import ConnectionStore

    opening.with_redis(environ, lambda redis, vault: run(ConnectionStore(redis, vault)))


@click.command("connections", epilog="Example: bridge connections --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@opening.given(_with_store)
async def list_command(store: "ConnectionStore", *, as_json: bool) -> None:
    """List the connections.

    Needs ENCRYPTION_KEY. Changes nothing, and shows no flow token.
    """
    found = [
        {
            "id": connection.id,
            "repository": connection.repository,
            "repository_id": connection.repository_id,
            "name": connection.name,
            "created_at": moment(connection.created_at),
        }
        for connection in await store.all()
    ]
    if as_json:
        print(json.dumps(found, indent=2))
    elif not found:
        print("There are no connections. Make one: bridge connect OWNER/REPO --flow-token TOKEN")
    else:
        waits = {"repository_id": "waits for its first delivery"}
        names = ("id", "repository", "name", "repository_id", "created_at")
        rows = [[one[name] or waits.get(name, "") for name in names] for one in found]
        print(table(("ID", "REPOSITORY", "NAME", "GITHUB ID", "SINCE"), rows))


@click.command("disconnect", epilog="Example: bridge disconnect 3f9c2a7be1d04c58")
@click.argument("connection_id", metavar="ID")
@click.pass_obj
def disconnect_command(environ: Environ, connection_id: str) -> None:
    """Remove a connection.

    Needs ENCRYPTION_KEY, and an ID from `connections`. Deletes the flow token, and posts a last message to
    the threads of open pull requests. The threads stay, and so does the webhook on GitHub.
    """
    opening.with_services(environ, lambda services: disconnect(services, connection_id=connection_id))


@click.command("options", epilog="Example: bridge options 3f9c2a7be1d04c58 drafts=quiet bases=main")
@click.argument("connection_id", metavar="ID")
@click.argument("changes", metavar="[NAME=VALUE]...", nargs=-1)
@opening.given(_with_store)
async def options_command(store: "ConnectionStore", *, connection_id: str, changes: Sequence[str]) -> None:
    """Show or change a connection's options.

    Needs ENCRYPTION_KEY, and an ID from `connections`. Changes nothing without NAME=VALUE. The options are
    groups, drafts, bots, labels and bases; groups and bases are lists, separated by commas.
    """
    chosen = dict(_option(change, list(Options().dump())) for change in changes)
    connection = await _found(store, connection_id)
    if chosen:
        try:
            options = Options.read(connection.options.dump() | chosen)
        except BridgeError as error:
            raise WrongArgument(str(error)) from None
        connection = await store.change(connection_id, options=options)
    rows = [
        (name, ", ".join(value) if isinstance(value, tuple) else str(value).lower())
        for name, value in connection.options.dump().items()
    ]
    print(table(("OPTION", "VALUE"), rows))
