"""People, flows, sources, threads and messages as the API shows them (Flowdock's API documents)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from bridge.inbox.context import PAGES, Inbox
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.flows.sources import FlowSource
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.threads.stored import InboxThread, StoredMessage


def user(person: InboxPerson) -> dict[str, Any]:
    """Show a person."""
    return {
        "id": person.id,
        "nick": person.nick,
        "name": person.name,
        "email": None,
        "avatar": person.avatar,
    }


def flow(inbox: Inbox, team: TeamFlow, members: Iterable[InboxPerson] | None = None) -> dict[str, Any]:
    """Show a flow to one of its members, with all `members` if they are given."""
    shown = {
        "id": team.id,
        "name": team.name,
        "parameterized_name": team.slug,
        "organization": {
            "id": 1,
            "name": team.organization,
            "parameterized_name": team.organization,
            "active": True,
            "url": f"{inbox.api_url}/organizations/{team.organization}",
        },
        "open": not team.is_archived,
        "joined": True,
        "access_mode": "invitation",
        "url": flow_url(inbox, team),
        "web_url": f"{inbox.web_url}{PAGES}/flows/{team.path}",
    }
    return shown if members is None else shown | {"users": [user(one) for one in members]}


def flow_url(inbox: Inbox, team: TeamFlow) -> str:
    """Return a flow's address in the API."""
    return f"{inbox.api_url}/flows/{team.path}"


def source(inbox: Inbox, team: TeamFlow, one: FlowSource, creator: InboxPerson | None) -> dict[str, Any]:
    """Show a source, without its token."""
    is_own = one.client_id == inbox.client_id
    return {
        "id": one.id,
        "name": one.name,
        "url": source_url(inbox, team, one),
        "external_url": one.external_url or None,
        "created_at": _iso(one.made_at),
        "updated_at": _iso(one.changed_at),
        "error_message": one.error_message,
        "configuration_url": one.configuration_url or None,
        "application": _application(inbox) if is_own else None,
        "creator": user(creator) if creator else None,
    }


def source_url(inbox: Inbox, team: TeamFlow, one: FlowSource) -> str:
    """Return a source's address in the API."""
    return f"{flow_url(inbox, team)}/sources/{one.id}"


def message(one: StoredMessage, about: InboxThread | None = None) -> dict[str, Any]:
    """Show a message, with its thread if it is given."""
    shown = {
        "tags": [],
        "attachments": [],
        **one.content,
        "id": one.id,
        "sent": one.sent,
        "created_at": _iso(one.sent / 1000),
        "app": "chat" if one.author else "influx",
        "user": str(one.author),
        "flow": one.flow_id,
        "thread_id": one.thread_id,
    }
    return shown if about is None else shown | {"thread": thread(about)}


def thread(one: InboxThread) -> dict[str, Any]:
    """Show a thread in its present state."""
    return {
        "actions": [],
        "fields": [],
        **one.state,
        "id": one.id,
        "source": {"id": one.source_id},
        "activities": one.activities,
        "internal_comments": one.comments,
        "external_comments": one.discussions,
        "initial_message": one.first,
        "updated_at": _iso(one.newest.sent / 1000),
    }


def _application(inbox: Inbox) -> dict[str, Any]:
    uri = f"{inbox.application_url}/flowdock/configure"
    return {"id": 1, "name": "bridge", "configuration_uri": uri}


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
