"""`bridge dead-letters`: the deliveries and messages that failed for good."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from bridge.cli import opening
from bridge.cli.opening import Environ
from bridge.cli.terminal import moment, table
from bridge.core.errors import NotFound
from bridge.core.printable import printable

if TYPE_CHECKING:
    from bridge.queue.delivery_queue import DeliveryQueue
    from bridge.queue.entries import DeadLetter


async def _find(queue: "DeliveryQueue", letter_id: str) -> "DeadLetter":
    for letter in await queue.dead_letters():
        if letter.id == letter_id:
            return letter
    raise NotFound(f"there is no dead letter {letter_id}: see bridge dead-letters list")


def _subject(letter: "DeadLetter") -> str:
    if letter.kind == "inbox":
        return f"delivery {letter.fields.get('delivery_id', '')} ({letter.fields.get('event', '')})"
    content = json.loads(letter.fields["message"])
    return f"message of delivery {content['delivery_id']} to connection {content['connection_id']}"


@click.group("dead-letters", invoke_without_command=True, epilog="Example: bridge dead-letters")
@click.pass_context
def group(context: click.Context) -> None:
    """List, show, redrive or drop what failed for good.

    A dead letter is a delivery or a message that bridge gave up on. Needs ENCRYPTION_KEY. Without a command,
    lists them.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_command)


def _with_queue(environ: Environ, run: Callable[["DeliveryQueue"], Awaitable[None]]) -> None:
    from bridge.queue.delivery_queue import DeliveryQueue

    opening.with_redis(environ, lambda redis, _: run(DeliveryQueue(redis)))


@group.command("list", epilog="Example: bridge dead-letters list")
@opening.given(_with_queue)
async def list_command(queue: "DeliveryQueue") -> None:
    """List the dead letters with their reasons.

    Changes nothing.
    """
    rows = [
        (letter.id, moment(letter.dead_since), _subject(letter), letter.reason[:80])
        for letter in await queue.dead_letters()
    ]
    print(table(("ID", "SINCE", "WHAT", "REASON"), rows) if rows else "There are no dead letters.")


@group.command(epilog="Example: bridge dead-letters show 7-1718000000000-0")
@click.argument("letter_id", metavar="ID")
@opening.given(_with_queue)
async def show(queue: "DeliveryQueue", *, letter_id: str) -> None:
    """Show a dead letter with its payload.

    Needs an ID from `list`. Changes nothing.
    """
    letter = await _find(queue, letter_id)
    for line in f"{letter.id}: {_subject(letter)}\n{letter.reason}\n{letter.detail}".rstrip().split("\n"):
        print(printable(line))
    if letter.dropped:
        print(f"{letter.dropped}.")
    for name, value in letter.fields.items():
        print(f"{name}: {printable(value)}")


@group.command(epilog="Example: bridge dead-letters redrive --all")
@click.argument("letter_id", metavar="[ID]", default="")
@click.option("--all", "every", is_flag=True, help="Redrive all of them.")
@click.pass_obj
def redrive(environ: Environ, letter_id: str, every: bool) -> None:
    """Put a dead letter back into the queue.

    Needs an ID from `list`, or --all. With --all, a letter without its payload stays a dead letter.
    """
    if bool(letter_id) is every:
        raise click.UsageError("Either ID or --all is required.")
    _with_queue(environ, lambda queue: _redrive(queue, letter_id, every=every))


async def _redrive(queue: "DeliveryQueue", letter_id: str, *, every: bool) -> None:
    for letter in await queue.dead_letters() if every else [await _find(queue, letter_id)]:
        if every and letter.dropped:
            print(f"{letter.id} stays: {letter.dropped}.")
            continue
        await queue.redrive(letter)
        print(f"{letter.id} is in the queue again.")


@group.command(epilog="Example: bridge dead-letters drop 7-1718000000000-0")
@click.argument("letter_id", metavar="ID")
@opening.given(_with_queue)
async def drop(queue: "DeliveryQueue", *, letter_id: str) -> None:
    """Delete a dead letter.

    Needs an ID from `list`. This cannot be undone.
    """
    letter = await _find(queue, letter_id)
    await queue.drop(letter)
    print(f"{letter.id} is deleted.")
