"""Redelivery: GitHub repeats failed deliveries only on request, for three days.

https://docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

KEPT_SECONDS = 3 * 24 * 3600
"""Seconds that GitHub keeps a delivery: https://docs.github.com/webhooks/testing-and-troubleshooting-webhooks"""

MOST_ASKED = 3
"""Redeliveries to request of one delivery."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt of GitHub's to deliver: `guid` names the delivery, `id` the attempt; `at` Unix seconds."""

    id: int
    guid: str
    at: float
    status: str
    code: int
    redelivery: bool = False

    @property
    def ok(self) -> bool:
        """True if bridge accepted the delivery."""
        return self.status == "OK"

    @property
    def unreached(self) -> bool:
        """True if GitHub reached neither bridge nor its proxy; else the delivery was refused."""
        return not self.ok and not 400 <= self.code < 500


@dataclass(frozen=True, kw_only=True)
class Missed:
    """The failed deliveries of one webhook: one attempt each, the oldest first.

    `probing`: the last redelivery failed too, so one more, uncounted, tests the connection.
    """

    failed: tuple[Attempt, ...]
    chosen: tuple[Attempt, ...]
    probing: bool = False


def missed(attempts: Sequence[Attempt], asked: Mapping[str, int], *, now: float) -> Missed:
    """Choose the deliveries to redeliver.

    `attempts` are the newest first, `asked` counts the redeliveries of each guid; `now` in Unix seconds.
    """
    came = {attempt.guid for attempt in attempts if attempt.ok}
    newest: dict[str, Attempt] = {}
    for attempt in attempts:
        if attempt.guid not in came and now - attempt.at < KEPT_SECONDS:
            newest.setdefault(attempt.guid, attempt)
    failed = tuple(sorted(newest.values(), key=lambda attempt: (attempt.at, attempt.id)))
    last = attempts[0] if attempts else None
    if failed and last and last.redelivery and last.unreached:
        return Missed(failed=failed, chosen=failed[-1:], probing=True)
    chosen = tuple(attempt for attempt in failed if asked.get(attempt.guid, 0) < MOST_ASKED)
    return Missed(failed=failed, chosen=chosen)


def read_attempt(item: Any) -> Attempt:
    """Read an attempt as GitHub lists it; raises `ValueError`, `KeyError` or `TypeError` for anything else.

    https://docs.github.com/rest/repos/webhooks#list-deliveries-for-a-repository-webhook
    """
    moment = datetime.fromisoformat(item["delivered_at"])
    return Attempt(
        id=int(item["id"]),
        guid=str(item["guid"]),
        at=(moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(),
        status=str(item["status"]),
        code=int(item.get("status_code") or 0),
        redelivery=bool(item.get("redelivery")),
    )
