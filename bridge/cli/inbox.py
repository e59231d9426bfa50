"""The command `inbox`, and the address by which the first owner of the inbox comes in."""

from typing import TYPE_CHECKING

import click
import orjson

from bridge.cli import opening
from bridge.cli.opening import Environ
from bridge.cli.terminal import WrongArgument
from bridge.core.errors import BridgeError
from bridge.variables import LOGIN

if TYPE_CHECKING:
    from bridge.services import Services


class NoInbox(BridgeError):
    """bridge has another server's threads."""

    def __init__(self) -> None:
        super().__init__("there is no inbox: Flowdock is set by the environment")


@click.group("inbox", epilog="Example: bridge inbox owner octocat")
def group() -> None:
    """Manage bridge's own inbox.

    Needs ENCRYPTION_KEY, and REDIS_URL where bridge has one.
    """


@group.command(epilog="Example: bridge inbox owner octocat")
@click.argument("login", metavar="LOGIN")
@click.pass_obj
def owner(environ: Environ, login: str) -> None:
    """Make somebody an owner of the inbox, by their login at GitHub.

    Needs ENCRYPTION_KEY. They sign in with GitHub, and may then invite others.
    """
    login = login.removeprefix("@")
    if not LOGIN.fullmatch(login):
        raise WrongArgument(f"{login!r} is not a login at GitHub")
    needed = frozenset({"ENCRYPTION_KEY"})
    opening.with_services(environ, lambda services: _make_owner(services, login), needed=needed)


async def _make_owner(services: "Services", login: str) -> None:
    from bridge.inbox.people import PeopleStore

    if not services.settings.inbox:
        raise NoInbox
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


@group.command(epilog="Example: bridge inbox export team/main")
@click.argument("flow", metavar="FLOW")
@click.pass_obj
def export(environ: Environ, flow: str) -> None:
    """Write a flow as JSON to standard output.

    Needs ENCRYPTION_KEY. FLOW is the end of its address, such as team/main. Writes its people, sources,
    threads and messages.
    """
    needed = frozenset({"ENCRYPTION_KEY"})
    opening.with_services(environ, lambda services: _export(services, flow), needed=needed)


async def _export(services: "Services", path: str) -> None:
    from bridge.inbox.export import exported
    from bridge.web.inbox import make_inbox

    if not services.settings.inbox:
        raise NoInbox
    inbox = make_inbox(services)
    if (flow := await inbox.flows.at(path)) is None:
        raise WrongArgument(f"there is no flow {path!r}: its address ends in /inbox/flows/FLOW")
    async for piece in exported(inbox, flow):
        click.echo(piece, nl=False)


async def first_owner_address(services: "Services") -> str:
    """Make the address that lets in the first owner; empty if somebody owns the inbox, or there is none."""
    from bridge.inbox.invitations import InvitationStore
    from bridge.inbox.people import PeopleStore

    if not services.settings.inbox or await PeopleStore(services.redis).has_owner():
        return ""
    secret = await InvitationStore(services.redis).invite_first_owner()
    return f"{services.settings.web_url}/inbox/invitation/{secret}"
