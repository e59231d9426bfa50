"""Read the rules of a branch on GitHub, as a linked account that may, and enqueue them as a delivery."""

import time
from functools import partial

import msgspec

from bridge.clients.github_rules import read_rules
from bridge.core.pulls.own_events import RULES
from bridge.core.pulls.rules import BranchRules
from bridge.monitor.question import Question


async def read(question: Question) -> None:
    """Read a branch's rules, keep them, and have its open pull requests show them."""
    repository_id, branch, read_at = question.watch.repository_id, question.watch.branch, time.time()
    read_as = partial(read_rules, question.accounts.github, repository_id, question.name, branch)
    rules = await question.ask(read_as) or BranchRules(branch=branch, is_known=False)
    await question.pulls.rules.keep(repository_id, rules, at=read_at)
    await question.answer(RULES, f"{branch}:{read_at}", rules=msgspec.to_builtins(rules), read_at=read_at)
