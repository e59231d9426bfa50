"""Stacks of pull requests: each goes into the branch of the one below, and all into one base.

https://docs.github.com/pull-requests/reference/stacked-pull-requests-apis-and-webhooks
"""

from .deeds import Change, Fields, deed
from .model import Pull, Repo, World
from .payloads import Json, node_id, stamp, stamp_or_none
from .pull_payloads import simple_pull_payload, stack_payload
from .records import Stack
from .refusals import invalid, not_found
from .rest import endpoint
from .rest_call import Answer, Call


@deed("stack")
def stack(change: Change, pull: Pull, fields: Fields) -> None:
    """Make it part of a stack: `position` of `size`, on the branch `base`.

    `below` are the numbers of those beneath it, the bottom first, which become its stack in their turn.
    """
    change.require_author_or_push(pull)
    ref = str(fields.get("base") or change.repo.default_branch)
    if ref not in change.repo.heads:
        raise invalid("PullRequest", "base", "invalid")
    below = [change.repo.pulls[int(number)] for number in fields.get("below", [])]
    number, size = change.world.new_id(), max(int(fields.get("size", 2)), len(below) + 1)
    places = [*enumerate(below, 1), (len(below) + 1 if below else int(fields.get("position", 1)), pull)]
    for lower, upper in zip(below, [*below[1:], pull], strict=False):
        upper.base_ref, upper.base_sha = lower.head_ref, lower.head_sha
        change.repo.heads[lower.head_ref] = lower.head_sha
    for position, one in places:
        one.stack = Stack(
            id=number,
            number=number,
            base_ref=ref,
            base_sha=change.repo.heads[ref],
            position=position,
            size=len(places) if below else size,
        )
        change.note(one, "stacked", f"added this to a stack on {ref}")
        change.tell(one, "stacked", stack=stack_payload(one))


def members(repo: Repo, number: int) -> list[Pull]:
    """Return the pull requests of a stack, the bottom first."""
    found = [one for one in repo.pulls.values() if one.stack and one.stack.number == number]
    return sorted(found, key=lambda one: one.stack.position if one.stack else 0)


@endpoint(
    "GET",
    "/repos/{owner}/{repo}/stacks/{number:[0-9]+}",
    docs="pulls/stacks#get-a-pull-request-stack",
    new=True,
)
async def get_stack(call: Call) -> Answer:
    """Return a stack by its number."""
    repo, number = call.repo(), int(call.request.match_info["number"])
    if not (found := members(repo, number)):
        raise not_found()
    return Answer(_payload(call.services.world, repo, number, found))


def _payload(world: World, repo: Repo, number: int, found: list[Pull]) -> Json:
    first = found[0]
    return {
        "id": number,
        "number": number,
        "node_id": node_id("S", number),
        "url": f"{world.config.api_url}/repos/{repo.full_name}/stacks/{number}",
        "base": {"ref": first.stack.base_ref if first.stack else first.base_ref},
        "open": any(one.closed_at is None for one in found),
        "created_at": stamp(first.created_at),
        "pull_requests": [_member(world, repo, one) for one in found],
    }


def _member(world: World, repo: Repo, pull: Pull) -> Json:
    shown = simple_pull_payload(world, repo, pull)
    names = ("id", "node_id", "number", "url", "title", "state", "draft", "html_url", "user")
    sides = {
        side: {
            "ref": shown[side]["ref"],
            "sha": shown[side]["sha"],
            "repo": {name: shown[side]["repo"][name] for name in ("id", "url", "name")},
        }
        for side in ("head", "base")
    }
    return {name: shown[name] for name in names} | sides | {"merged_at": stamp_or_none(pull.merged_at)}
