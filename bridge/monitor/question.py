"""A question to GitHub about a repository: asked as a linked account, answered by a delivery."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.errors import BridgeError, GitHubRefused, NotLinked, reason_of
from bridge.monitor.announce import announce
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.storage.pulls import PullRequestStore
from bridge.storage.watches import Watch

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question about a repository, which is called `name` now, and the services to ask and answer it."""

    watch: Watch
    name: str
    pulls: PullRequestStore
    accounts: LinkedAccounts
    queue: DeliveryQueue

    async def ask(self, read: Callable[[str], Awaitable[T | None]]) -> T | None:
        """Call `read` with each account's token in turn; None without an answer.

        An account that may not see the repository is passed by, as is one that `read` returns None for.
        """
        watch = self.watch
        for user in await self.pulls.readers(watch.repository_id, watch.number):
            try:
                if (answer := await self.accounts.reading(user, read)) is not None:
                    return answer
            except (GitHubRefused, NotLinked):
                continue
            except (BridgeError, LookupError, TypeError, AttributeError) as error:
                subject = {"number": watch.number} if watch.number else {"branch": watch.branch}
                log.info(
                    "question_unanswered",
                    about=watch.about,
                    repository=self.name,
                    **subject,
                    reason=reason_of(error),
                )
                break
        return None

    async def answer(self, event: str, key: str, *, number: int = 0, **fields: Any) -> None:
        """Enqueue the answer as a delivery, about a pull request if it has a `number`; each `key` once."""
        repository_id = self.watch.repository_id
        delivery_id = f"{self.watch.about}:{repository_id}:{key}"
        await announce(
            self.queue,
            event,
            delivery_id,
            repository_id=repository_id,
            name=self.name,
            number=number,
            **fields,
        )
