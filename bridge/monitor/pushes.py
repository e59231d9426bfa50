"""Ask GitHub whether a fork's push was forced: its `push` event goes to the fork's webhooks alone."""

from typing import Any

from bridge.core.actions import Call
from bridge.core.pulls.own_events import FORCED
from bridge.monitor.question import Question

_FORCED = ("diverged", "behind")


async def compare(question: Question) -> None:
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
