"""GitHub's payloads without a network: made by the stand-in's own rules, held against GitHub's schemas."""

import copy
import json
from functools import cache
from typing import Any

from scripts.sandbox.github.changes import open_pull
from scripts.sandbox.github.config import Config
from scripts.sandbox.github.deeds import Change, perform
from scripts.sandbox.github.model import Pull, Repo
from scripts.sandbox.github.payloads import organization_payload, repo_payload
from scripts.sandbox.github.pull_payloads import issue_payload, pull_payload
from scripts.sandbox.github.seed import new_world
from tests.sandbox.schemas import validate

WEB = "https://github.com"
ASSIGNEE = "cy-gh"
BEFORE = "the title before"


class Story:
    """One pull request of acme/component and all that was sent about it, `(event, payload)` each.

    With `tick`, no two changes share a second.
    """

    def __init__(self, who: str = "ann-gh", *, tick: bool = True, **fields: Any) -> None:
        self.world = new_world(Config(web_url=WEB))
        self.world.clock.tick = tick
        self.sent: list[tuple[str, dict[str, Any]]] = []
        repo = self.world.repo("acme/component")
        assert repo is not None
        self.repo: Repo = repo
        self.pull: Pull = open_pull(
            self._change(who), {"title": "Fix bug in thread API", "head": "fix", **fields}
        )

    def do(self, deed: str, who: str = "ann-gh", **fields: Any) -> dict[str, Any]:
        """Somebody does something; the payload that GitHub sends about it."""
        before = len(self.sent)
        perform(self._change(who), deed, self.pull, fields)
        assert len(self.sent) > before, f"{deed} sends nothing"
        return self.sent[-1][1]

    @property
    def payload(self) -> dict[str, Any]:
        """The newest payload."""
        return self.sent[-1][1]

    @property
    def payloads(self) -> list[dict[str, Any]]:
        """All payloads of `pull_request`, in the order of the deeds."""
        return [payload for event, payload in self.sent if event == "pull_request"]

    def rest_pull(self) -> Any:
        """The pull request as GitHub's REST API answers it."""
        return json.loads(json.dumps(pull_payload(self.world, self.repo, self.pull)))

    def rest_issue(self) -> Any:
        """The issue that the pull request also is, as GitHub's REST API answers it."""
        return json.loads(json.dumps(issue_payload(self.world, self.repo, self.pull)))

    def _change(self, who: str) -> Change:
        user = self.world.user(who)
        assert user is not None
        return Change(self.world, self._emit, user, self.repo)

    def _emit(self, repo: Repo, event: str, payload: dict[str, Any]) -> None:
        full = payload | {
            "repository": repo_payload(self.world, repo),
            "organization": organization_payload(self.world, repo.owner),
        }
        # Through JSON: what the stand-in does next must not change what was sent.
        sent = json.loads(json.dumps(full))
        validate(event, sent)
        self.sent.append((event, sent))


def changed(payload: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A payload whose pull request has other `fields`, still one that GitHub may send."""
    other = {**payload, "pull_request": {**payload["pull_request"], **fields}}
    validate("pull_request", other)
    return other


def payload_of(action: str) -> dict[str, Any]:
    """GitHub's payload for an action of `pull_request`, and for `merged`, which is an action of ours."""
    return copy.deepcopy(_payload_of(action))


@cache
def _payload_of(action: str) -> dict[str, Any]:
    story = Story(draft=action == "ready_for_review", title=BEFORE)
    match action:
        case "opened":
            return story.payload
        case "edited":
            return story.do("edit", title="the title after")
        case "closed":
            return story.do("close")
        case "merged":
            return story.do("merge", "cy-gh")
        case "reopened":
            story.do("close")
            return story.do("reopen")
        case "assigned":
            return story.do("assign", assignee=ASSIGNEE)
        case "unassigned":
            story.do("assign", assignee=ASSIGNEE)
            return story.do("unassign", assignee=ASSIGNEE)
        case "synchronize":
            return story.do("push")
        case "ready_for_review":
            return story.do("ready")
        case "converted_to_draft":
            return story.do("draft")
        case "labeled":
            return story.do("label", label="bug")
        case _:
            raise ValueError(f"no story has {action}")
