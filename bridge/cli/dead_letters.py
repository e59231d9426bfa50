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


async def list_all(queue: "DeliveryQueue") -> None:
    """List the dead letters."""
    rows = [
        (letter.id, moment(letter.dead_since), _subject(letter), letter.reason[:80])
        for letter in await queue.dead_letters()
    ]
    print(table(("ID", "SINCE", "WHAT", "REASON"), rows) if rows else "There are no dead letters.")


async def show(queue: "DeliveryQueue", letter_id: str) -> None:
    """Show one with its payload; raises `NotFound`."""
    letter = await _find(queue, letter_id)
    for line in f"{letter.id}: {_subject(letter)}\n{letter.reason}\n{letter.detail}".rstrip().split("\n"):
        print(printable(line))
    if letter.dropped:
        print(f"{letter.dropped}.")
    for name, value in letter.fields.items():
        print(f"{name}: {printable(value)}")


async def redrive(queue: "DeliveryQueue", letter_id: str) -> None:
    """Put one back into the queue; raises `NotFound`, or `BridgeError` if its payload is gone."""
    letter = await _find(queue, letter_id)
    await queue.redrive(letter)
    print(f"{letter.id} is in the queue again.")


async def redrive_all(queue: "DeliveryQueue") -> None:
    """Put all of them back into the queue, but those without their payload."""
    for letter in await queue.dead_letters():
        if letter.dropped:
            print(f"{letter.id} stays: {letter.dropped}.")
            continue
        await queue.redrive(letter)
        print(f"{letter.id} is in the queue again.")


async def drop(queue: "DeliveryQueue", letter_id: str) -> None:
    """Delete one for good; raises `NotFound`."""
    letter = await _find(queue, letter_id)
    await queue.drop(letter)
    print(f"{letter.id} is deleted.")


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

    A dead letter is a delivery or a message that bridge gave up on. Needs ENCRYPTION_KEY. Without a command
    it lists them.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_command)


@group.command("list", epilog="Example: bridge dead-letters list")
@click.pass_obj
def list_command(environ: Environ) -> None:
    """List the dead letters with their reasons.

    Changes nothing.
    """
    _with_queue(environ, list_all)


@group.command("show", epilog="Example: bridge dead-letters show 7-1718000000000-0")
@click.argument("letter_id", metavar="ID")
@click.pass_obj
def show_command(environ: Environ, letter_id: str) -> None:
    """Show a dead letter with its payload.

    Needs an ID from `list`. Changes nothing.
    """
    _with_queue(environ, lambda queue: show(queue, letter_id))


@group.command("redrive", epilog="Example: bridge dead-letters redrive --all")
@click.argument("letter_id", metavar="[ID]", default="")
@click.option("--all", "every", is_flag=True, help="Redrive all of them.")
@click.pass_obj
def redrive_command(environ: Environ, letter_id: str, every: bool) -> None:
    """Put a dead letter back into the queue.

    Needs an ID from `list`, or --all. With --all, a letter without its payload stays a dead letter.
    """
    if bool(letter_id) is every:
        raise click.UsageError("Either ID or --all is required.")
    _with_queue(environ, redrive_all if every else lambda queue: redrive(queue, letter_id))


@group.command("drop", epilog="Example: bridge dead-letters drop 7-1718000000000-0")
@click.argument("letter_id", metavar="ID")
@click.pass_obj
def drop_command(environ: Environ, letter_id: str) -> None:
    """Delete a dead letter.

    Needs an ID from `list`. This cannot be undone.
    """
    _with_queue(environ, lambda queue: drop(queue, letter_id))


def _with_queue(environ: Environ, run: Callable[["DeliveryQueue"], Awaitable[None]]) -> None:
    from bridge.queue.delivery_queue import DeliveryQueue

    opening.with_redis(environ, lambda redis, _: run(DeliveryQueue(redis)))
