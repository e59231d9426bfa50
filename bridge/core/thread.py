"""A snapshot as Flowdock's `thread`: the whole current state, buttons included."""

from typing import Any
from urllib.parse import quote

from bridge.core import markdown
from bridge.core.actions import ACTIONS
from bridge.core.markdown import escape, link
from bridge.core.model import Target
from bridge.core.snapshot import Branch, Person, PullRequest

MAX_TITLE = 300


def render(pull: PullRequest, *, web_url: str) -> dict[str, Any]:
    """The JSON object that `POST /messages` takes as `thread`; `web_url` is where the buttons lead.

    Flowdock's API documents, "Messages": title, field labels and values take only the tag `a`.
    """
    return {
        "title": escape(pull.title[:MAX_TITLE]) or escape(pull.url),
        "body": markdown.to_html(pull.body, base_url=pull.url + "/", rest_url=pull.url),
        "external_url": pull.url,
        "status": status(pull),
        "fields": fields(pull),
        "actions": [*_links(pull), *_buttons(pull, web_url)],
    }


def status(pull: PullRequest) -> dict[str, str]:
    """The coloured word at the thread's head."""
    if pull.merged:
        return {"color": "purple", "value": "merged"}
    if pull.state == "closed":
        return {"color": "red", "value": "closed"}
    if pull.draft:
        return {"color": "grey", "value": "draft"}
    return {"color": "green", "value": "open"}


def fields(pull: PullRequest) -> list[dict[str, str]]:
    """The rows below the title; one without a value is left out."""
    rows = {
        "Author": _person(pull.author),
        "Branch": f"{_branch(pull.head, pull.base)} → {_branch(pull.base, pull.base)}",
        "Assignees": ", ".join(_person(user) for user in pull.assignees),
    }
    return [{"label": label, "value": value} for label, value in rows.items() if value]


def _person(person: Person) -> str:
    return link(person.url, person.login)


def _branch(branch: Branch, base: Branch) -> str:
    """The branch as a link, with its fork's name where it is one."""
    fork = branch.repository.partition("/")[0] if branch.repository != base.repository else ""
    if not branch.repository:
        return escape(f"{branch.ref} (fork deleted)")
    return link(
        f"{branch.repository_url}/tree/{quote(branch.ref)}", f"{fork}:{branch.ref}" if fork else branch.ref
    )


def _links(pull: PullRequest) -> list[dict[str, Any]]:
    pages = {"Conversation": "", "Diff": "/files", "Checks": "/checks"}
    return [{"@type": "ViewAction", "name": name, "url": pull.url + path} for name, path in pages.items()]


def _buttons(pull: PullRequest, web_url: str) -> list[dict[str, Any]]:
    owner, repo = pull.owner_and_name
    return [
        {
            "@type": "UpdateAction",
            "name": action.name,
            "target": {
                "@type": "EntryPoint",
                "urlTemplate": web_url
                + Target(owner=owner, repo=repo, number=pull.number, action=action.slug).path,
                "httpMethod": "POST",
            },
        }
        for action in ACTIONS.values()
        if action.offered(pull)
    ]
