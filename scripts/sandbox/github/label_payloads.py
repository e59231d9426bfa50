"""Labels, milestones and teams in the shape GitHub gives them."""

from .model import Repo, World
from .payloads import Json, node_id, stamp, user_payload
from .records import Label, Team, User


def label_payload(world: World, repo: Repo, label: Label) -> Json:
    """Return a label of `repo`."""
    return {
        "id": label.id,
        "node_id": node_id("LA", label.id),
        "url": f"{world.config.api_url}/repos/{repo.full_name}/labels/{label.name.replace(' ', '%20')}",
        "name": label.name,
        "color": label.color,
        "default": True,
        "description": label.description,
    }


def milestone_payload(world: World, repo: Repo, title: str) -> Json:
    """Return a milestone of `repo`."""
    number = repo.milestones[title]
    url = f"{world.config.api_url}/repos/{repo.full_name}/milestones/{number}"
    return {
        "url": url,
        "html_url": f"{world.config.web_url}/{repo.full_name}/milestone/{number}",
        "labels_url": f"{url}/labels",
        "id": repo.id * 10 + number,
        "node_id": node_id("MI", repo.id * 10 + number),
        "number": number,
        "title": title,
        "description": None,
        "creator": user_payload(world, repo.owner),
        "open_issues": sum(p.milestone == title and not p.closed_at for p in repo.pulls.values()),
        "closed_issues": sum(p.milestone == title and p.closed_at is not None for p in repo.pulls.values()),
        "state": "open",
        "created_at": stamp(repo.created_at),
        "updated_at": stamp(repo.created_at),
        "due_on": None,
        "closed_at": None,
    }


def team_payload(world: World, organization: User, team: Team) -> Json:
    """Return a team of an organization, as webhooks carry it.

    https://docs.github.com/rest/teams/teams#get-a-team-by-name
    """
    url = f"{world.config.api_url}/organizations/{organization.id}/team/{team.id}"
    return {
        "name": team.name,
        "id": team.id,
        "node_id": node_id("T", team.id),
        "slug": team.slug,
        "description": team.description,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "url": url,
        "html_url": f"{world.config.web_url}/orgs/{organization.login}/teams/{team.slug}",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
        "permission": "push",
        "parent": None,
    }


def with_team_types(pull: Json) -> Json:
    """Return a pull request as only REST shows it: it tells what kind of team each of its teams is."""
    teams = [team | {"type": "organization"} for team in pull["requested_teams"]]
    return pull | {"requested_teams": teams}
