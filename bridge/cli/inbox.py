"""The commands `inbox …`, and the address by which the first owner of the inbox comes in."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import click
import orjson

from bridge.cli import opening
from bridge.cli.opening import Environ
from bridge.cli.terminal import WrongArgument
from bridge.core.errors import BridgeError, NotFound
from bridge.core.names import is_login

if TYPE_CHECKING:
    from bridge.services import Services


class NoInbox(BridgeError):
    """bridge has another server's threads."""

    sentence = "there is no inbox: Flowdock is set by the environment"


@click.group("inbox", invoke_without_command=True, epilog="Example: bridge inbox owner octocat")
@click.pass_context
def group(context: click.Context) -> None:
    """Run the inbox alone, or manage it.

    Without a command, serves the inbox to a bridge elsewhere, its application, in WEB_CONCURRENCY processes.
    Needs WEB_URL, INBOX_APPLICATION_URL, GITHUB_CLIENT_ID, GITHUB_CLIENT_SECRET, COOKIE_SECRET and
    ENCRYPTION_KEY, and Redis as `serve` does. On SIGTERM, finishes its requests within 25 seconds.
    """
    if context.invoked_subcommand is None:
        from bridge.cli import serve

        serve.start("inbox", context.obj)


def _with_inbox(
    environ: Environ, command: Callable[["Services"], Awaitable[None]], *, needs_address: bool = False
) -> None:
    async def run(services: "Services") -> None:
        if not services.settings.inbox:
            raise NoInbox
        await command(services)

    opening.with_services(environ, run, needs_address=needs_address)


@group.command(epilog="Example: bridge inbox application")
@opening.given(partial(_with_inbox, needs_address=True))
async def application(services: "Services") -> None:
    """Print a bridge's settings for this inbox.

    They are for a bridge elsewhere, whose threads this inbox shows. Needs the inbox's WEB_URL and
    ENCRYPTION_KEY. The secret is the same each time.
    """
    from bridge.clients.flowdock_credentials import with_own_credentials

    settings = await with_own_credentials(services.settings, services.redis)
    click.echo(f"FLOWDOCK_API_URL={settings.flowdock_api_url}")
    click.echo(f"FLOWDOCK_CLIENT_ID={settings.flowdock_client_id}")
    click.echo(f"FLOWDOCK_CLIENT_SECRET={settings.flowdock_client_secret}")


@group.command(epilog="Example: bridge inbox owner octocat", short_help="Make someone an owner of the inbox.")
@click.argument("login", metavar="LOGIN", callback=lambda _context, _parameter, typed: _login(typed))
@opening.given(_with_inbox)
async def owner(services: "Services", *, login: str) -> None:
    """Make someone an owner of the inbox, by their login on GitHub.

    Needs ENCRYPTION_KEY. They sign in with GitHub, and may then invite others.
    """
    from bridge.inbox.people.people import PeopleStore

    user = orjson.loads(await services.github.public_user(login))
    people = PeopleStore(services.redis)
    person = await people.put(
        user["id"],
        nick=user["login"],
        name=str(user.get("name") or ""),
        avatar=str(user.get("avatar_url") or ""),
        admitted_by="operator",
    )
    await people.make_owner(person.id)
    click.echo(f"@{person.nick} owns the inbox. Sign in at {services.settings.web_url}/inbox")


def _login(typed: str) -> str:
    """Return a login, which people type with or without an @; raises `WrongArgument`."""
    login = typed.removeprefix("@")
    if not is_login(login):
        raise WrongArgument(f"{login!r} is not a login on GitHub")
    return login


@group.command(epilog="Example: bridge inbox export team/main")
@click.argument("path", metavar="FLOW")
@opening.given(_with_inbox)
async def export(services: "Services", *, path: str) -> None:
    """Write a flow as JSON to standard output.

    Needs ENCRYPTION_KEY. FLOW is the end of its address, such as team/main. Writes its people, sources,
    threads and messages.
    """
    from bridge.inbox.api.export import exported
    from bridge.web.inbox import make_inbox

    inbox = make_inbox(services)
    if (flow := await inbox.flows.at(path)) is None:
        raise NotFound(f"there is no flow {path!r}: its address ends in /inbox/flows/FLOW")
    async for piece in exported(inbox, flow):
        click.echo(piece, nl=False)


async def first_owner_address(services: "Services") -> str:
    """Make the address that lets in the first owner; empty if someone owns the inbox, or there is none."""
    from bridge.inbox.people.invitations import InvitationStore
    from bridge.inbox.people.people import PeopleStore

    if not services.settings.inbox or await PeopleStore(services.redis).has_owner():
        return ""
    secret = await InvitationStore(services.redis).invite_first_owner()
    return f"{services.settings.web_url}/inbox/invitation/{secret}"
