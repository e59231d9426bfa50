"""The small world every stand-in starts with."""

from dataclasses import replace
from datetime import UTC, datetime

from .config import Config
from .model import Permission, Repo, World
from .records import Label, Team, User

FOUNDED = datetime(2024, 3, 4, 9, 0, tzinfo=UTC)

PEOPLE = (
    User(id=1001, login="ann-gh", name="Ann Ames"),
    User(id=1002, login="bob-gh", name="Bob Burke"),
    User(id=1003, login="cy-gh", name="Cy Chen"),
    User(id=1004, login="dee-gh", name="Dee Doyle"),
)
ACME = User(id=9001, login="acme", name="Acme", kind="Organization")

TEAM = Team(
    id=501,
    slug="makers",
    name="Makers",
    description="Those who make the component",
    members=(PEOPLE[1].id, PEOPLE[2].id),
)

REPOSITORIES = (
    (1296269, "component", False, "The component everybody depends on"),
    (1296270, "gadgets", True, "Secret gadgets"),
)
LABELS = (
    ("bug", "d73a4a", "Something isn't working"),
    ("documentation", "0075ca", "Improvements or additions to documentation"),
    ("enhancement", "a2eeef", "New feature or request"),
    ("good first issue", "7057ff", "Good for newcomers"),
)


def new_world(config: Config) -> World:
    """Return the organization acme with its two repositories and a team, and four people.

    Ann may push, Bob may only read, Cy administers; all three are members. Dee sees what is public.
    """
    world = World(config)
    for user in (*PEOPLE, ACME):
        world.add_user(replace(user))
    world.teams[TEAM.slug] = replace(TEAM)
    ann, bob, cy, _dee = PEOPLE
    world.members[ACME.id] = {ann.id, bob.id, cy.id}
    held = {ann.login: Permission.WRITE, bob.login: Permission.READ, cy.login: Permission.ADMIN}
    for number, name, private, about in REPOSITORIES:
        add_repo(world, number, ACME, name, private=private, description=about, permissions=dict(held))
    return world


def add_repo(
    world: World,
    number: int,
    owner: User,
    name: str,
    *,
    private: bool,
    description: str,
    permissions: dict[str, Permission],
    created_at: datetime = FOUNDED,
) -> Repo:
    """Make a repository with two branches, a milestone and GitHub's first labels."""
    repo = Repo(
        id=number,
        owner=owner,
        name=name,
        private=private,
        description=description,
        created_at=created_at,
        pushed_at=created_at,
        permissions=permissions,
        heads={"main": world.new_sha(), "stable": world.new_sha()},
        milestones={"1.0": 1},
    )
    for label, color, about in LABELS:
        repo.labels[label] = Label(id=world.new_id(), name=label, color=color, description=about)
    return world.add_repo(repo)
