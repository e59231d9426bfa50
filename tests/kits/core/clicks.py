"""An action driven by hand: GitHub's answers, or refusals, to its calls one after the other."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from bridge.core.actions import ACTIONS, Call, Click, Merging
from bridge.core.errors import GitHubRefused
from bridge.core.model import Target
from bridge.core.pulls.model import PullRequest
from tests.kits.core.story import Story

SHA = "a" * 40
PULLS = "/repos/{owner}/{repo}/pulls/{number}"
VARIABLES = {"owner": "acme", "repo": "component", "number": "42"}


@dataclass(frozen=True)
class Outcome:
    """The calls that an action made, with what it said or why it was refused."""

    calls: list[Call]
    said: str = ""
    merge: str = ""
    refused: GitHubRefused | None = None

    @property
    def asked(self) -> list[str]:
        """The calls in short."""
        return [f"{call.method} {call.url}" for call in self.calls]

    @property
    def why(self) -> str:
        assert self.refused is not None, self.said
        return str(self.refused)


def click(
    slug: str,
    *answers: Any,
    login: str = "ann-gh",
    user_id: int = 0,
    shown: PullRequest | None = None,
    sha: str = "",
) -> Outcome:
    """Do an action; each answer is GitHub's JSON, or a refusal. Fails unless it takes them all."""
    target = Target(owner="acme", repo="component", number=42, action=slug)
    made = Click(target=target, login=login, user_id=user_id, shown=shown, shown_sha=sha)
    steps = ACTIONS[slug].perform(made)
    calls = [next(steps)]
    for index, answer in enumerate(answers):
        try:
            if isinstance(answer, GitHubRefused):
                calls.append(steps.throw(answer))
            else:
                calls.append(steps.send(answer))
        except StopIteration as done:
            assert index + 1 == len(answers), f"it asked only for {index + 1} answers"
            if isinstance(done.value, Merging):
                return Outcome(calls, said=done.value.sentence, merge=done.value.uuid)
            assert isinstance(done.value, str)
            return Outcome(calls, said=done.value)
        except GitHubRefused as refused:
            assert index + 1 == len(answers), f"it asked only for {index + 1} answers"
            return Outcome(calls, refused=refused)
    raise AssertionError(f"{slug} asks for more: {calls[-1]}")


def call(method: str, url: str, data: dict[str, Any] | None = None, takes: Collection[int] = ()) -> Call:
    return Call(method=method, url=url, variables=VARIABLES, data=data or {}, takes=frozenset(takes))


def refusal(status: int, reason: str) -> GitHubRefused:
    """GitHub's refusal as the module that speaks to it raises it."""
    return GitHubRefused(
        f"GitHub refused: {reason}",
        status=409 if status in (405, 409) else 422,
        answered=status,
        reason=reason,
    )


def issue_with(*logins: str) -> Any:
    """GitHub's answer with these assignees, in its full shape."""
    story = Story()
    for login in logins:
        story.do("assign", assignee=login)
    return story.rest_issue()


def pull_after(*deeds: tuple[str, str], draft: bool = False) -> Any:
    """GitHub's answer after deeds, each by somebody, in its full shape; its head is `SHA`."""
    story = Story(draft=draft)
    for deed, who in deeds:
        story.do(deed, who)
    found = story.rest_pull()
    return {**found, "head": {**found["head"], "sha": SHA}}
