"""Ask GitHub about a branch: its rules, and whether a fork's push was forced.

A fork's `push` event goes to the fork's webhooks alone.
"""

import time
from functools import partial
from typing import Any

import msgspec

from bridge.clients.github_rules import read_rules
from bridge.core.actions import Call
from bridge.core.pulls.own_events import FORCED, RULES
from bridge.core.pulls.rules import BranchRules
from bridge.monitor.question import Question

_FORCED = ("diverged", "behind")


async def read_branch_rules(question: Question) -> None:
    """Read a branch's rules as a linked account, keep them, and have its open pull requests show them."""
    repository_id, branch, read_at = question.watch.repository_id, question.watch.branch, time.time()
    read_as = partial(read_rules, question.accounts.github, repository_id, question.name, branch)
    rules = await question.ask(read_as) or BranchRules(branch=branch, is_known=False)
    await question.pulls.rules.keep(repository_id, rules, at=read_at)
    await question.answer(RULES, f"{branch}:{read_at}", rules=msgspec.to_builtins(rules), read_at=read_at)


async def compare_push(question: Question) -> None:
    """Compare the commits before and after the last push, and have the thread tell if it was forced.

    https://docs.github.com/rest/commits/commits#compare-two-commits
    """
    watch = question.watch
    moved = (await question.pulls.snapshot(watch.repository_id, watch.number)).said.get("moved")
    if not moved:
        return
    before, after, sender = moved
    variables = {"id": str(watch.repository_id), "before": before, "after": after}
    call = Call(method="GET", url="/repositories/{id}/compare/{before}...{after}", variables=variables)

    async def status(token: str) -> Any:
        return (await question.accounts.github.call(call, token=token, subject=question.name))["status"]

    if await question.ask(status) in _FORCED:
        key = f"{watch.number}:{before}:{after}"
        await question.answer(FORCED, key, number=watch.number, before=before, after=after, sender=sender)
