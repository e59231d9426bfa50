"""Ask GitHub as one of the linked accounts that may see a repository."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bridge.connections.linked_accounts import LinkedAccounts
from bridge.core.errors import BridgeError, GitHubRefused, NotLinked
from bridge.storage.pulls import PullRequestStore
from bridge.storage.watches import Watch

MAX_READERS = 3

T = TypeVar("T")

log = structlog.get_logger()


async def ask(
    watch: Watch,
    question: Callable[[str], Awaitable[T | None]],
    *,
    name: str,
    pulls: PullRequestStore,
    accounts: LinkedAccounts,
) -> T | None:
    """Ask a question about the repository `name` with each account's token in turn; None without an answer.

    An account that may not see it is passed by, as is one that `question` returns None for.
    """
    for user in await pulls.readers(watch.repository_id, watch.number, limit=MAX_READERS):
        try:
            if (answer := await accounts.reading(user, question)) is not None:
                return answer
        except (GitHubRefused, NotLinked):
            continue
        except (BridgeError, LookupError, TypeError, AttributeError) as error:
            subject = {"number": watch.number} if watch.number else {"branch": watch.branch}
            log.info("question_unanswered", about=watch.about, repository=name, **subject, reason=str(error))
            break
    return None
