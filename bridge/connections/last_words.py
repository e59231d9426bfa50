"""Post a removed connection's last messages, and refuse clicks in threads that no flow shows."""

import asyncio
import uuid
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from bridge.clients.flowdock import Flowdock
from bridge.core.errors import BridgeError, GitHubRefused, reason_of
from bridge.core.messages import thread
from bridge.core.messages.addressing import is_shown, left_out
from bridge.core.messages.leaving import DISCONNECTED
from bridge.core.model import Connection
from bridge.core.pulls import snapshot
from bridge.core.pulls.snapshot import Snapshot
from bridge.storage.connections import CONNECTION_SECONDS, ConnectionStore
from bridge.storage.pulls import ClickTarget, PullRequestStore

MAX_THREADS = 50
"""The newest open pull requests, whose threads get a message; a click in any other is refused."""

SECONDS = 12

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class LastWords:
    """Posts last messages."""

    pulls: PullRequestStore
    flowdock: Flowdock

    async def say(self, connection: Connection) -> None:
        """Post to the threads of a removed connection, as far as possible; a failure is logged."""
        try:
            async with asyncio.timeout(SECONDS):
                if await self._threads(connection):
                    # A worker may still post; of a post that takes longer it says the last word.
                    await asyncio.sleep(2 * CONNECTION_SECONDS)
                    await self._tell(connection)
        except (BridgeError, RedisError, OSError) as error:
            log.warning("last_messages_failed", connection=connection.id, reason=reason_of(error))

    async def _tell(self, connection: Connection) -> None:
        for number, known in (await self._threads(connection)).items():
            await self.flowdock.post(
                DISCONNECTED,
                flow_token=connection.flow_token,
                thread_id=connection.thread_id(number),
                thread=thread.render(snapshot.view(known), web_url="", is_left=True),
                uuid=str(uuid.uuid4()),
            )

    async def _threads(self, connection: Connection) -> dict[int, Snapshot]:
        repository_id = connection.repository_id or 0
        numbers = (await self.pulls.open_numbers(repository_id))[::-1][:MAX_THREADS]
        found, _ = await self.pulls.read([(repository_id, number) for number in numbers], ())
        return {
            number: known
            for (_, number), known in found.items()
            if known.is_known and is_shown(known, connection.id)
        }


async def hold_to_connections(
    shown: ClickTarget, connections: ConnectionStore, pulls: PullRequestStore
) -> ClickTarget:
    """Return what a click's thread showed, with its repository's id if a connection names it.

    Refuses a click in a thread that no flow shows any longer: it may be out of date.
    """
    target = shown.target
    full_name = f"{target.owner}/{target.repo}"
    if shown.repository_id is None:
        named = [one for one in await connections.all() if one.repository.lower() == full_name.lower()]
        ids = {one.repository_id for one in named if one.repository_id is not None}
        if len(ids) != 1:
            # No delivery ever told of it: no thread shows it.
            return shown
        shown = await pulls.shown_in(ids.pop(), target)
    found = await _told_about(shown, connections, pulls)
    reasons = [left_out(one, shown.pull) if shown.pull else "" for one in found]
    if not all(reasons):
        return shown
    why = reasons[0] if found else f"{full_name} is no longer connected to this flow"
    raise GitHubRefused(
        f"{target} is no longer shown here: {why}. Open it on GitHub, or change that on bridge's page",
        status=409,
    )


async def _told_about(
    shown: ClickTarget, connections: ConnectionStore, pulls: PullRequestStore
) -> list[Connection]:
    if (known := shown.repository_id) is None:
        return []
    name = await pulls.repository_name(known)
    return await (connections.of_repository(known, name) if name else connections.by_repository_id(known))
