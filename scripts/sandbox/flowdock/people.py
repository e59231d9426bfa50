"""The users, and the flows of their one organization."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class User:
    """A Flowdock user."""

    id: int
    nick: str
    name: str

    @property
    def email(self) -> str:
        """A made-up address."""
        return f"{self.nick}@acme.example"

    def avatar(self, web_url: str) -> str:
        """Return an address at the stand-in itself, where there is no picture."""
        return f"{web_url}/avatars/{self.nick}.svg"


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A flow: a team's workspace with an inbox. `members` are the user ids it begins with."""

    organization: str
    slug: str
    name: str
    about: str
    members: frozenset[int]

    @property
    def id(self) -> str:
        """The id as Flowdock formed it: `organization:flow`."""
        return f"{self.organization}:{self.slug}"

    @property
    def path(self) -> str:
        """The last two segments of every address of the flow."""
        return f"{self.organization}/{self.slug}"


ORGANIZATION = "acme"
ANN = User(id=1001, nick="ann", name="Ann Ames")
BOB = User(id=1002, nick="bob", name="Bob Burke")
CY = User(id=1003, nick="cy", name="Cy Chen")
USERS = (ANN, BOB, CY)
FLOWS = (
    Flow(
        organization=ORGANIZATION,
        slug="main",
        name="Main",
        about="Where the whole team meets",
        members=frozenset({1001, 1002, 1003}),
    ),
    Flow(
        organization=ORGANIZATION,
        slug="ops",
        name="Ops",
        about="What keeps the lights on",
        members=frozenset({1001, 1002}),
    ),
)


def find_user(key: object) -> User | None:
    """Return the user with this id (a number or its digits) or nick; None if there is none."""
    return next((user for user in USERS if str(key) in {str(user.id), user.nick}), None)


def find_nick(nick: str) -> User | None:
    """Return the user with this nick; None if there is none."""
    return next((user for user in USERS if user.nick == nick), None)


def find_flow(path: str) -> Flow | None:
    """Return the flow at `organization/flow`; None if there is none."""
    return next((flow for flow in FLOWS if flow.path == path), None)
