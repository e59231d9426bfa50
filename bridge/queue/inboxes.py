"""The inboxes as a worker reads them."""

from collections.abc import Mapping

from bridge.queue.entries import InboxEntry, inbox_entry
from bridge.storage import keys
from bridge.storage.redis import Redis
from bridge.storage.streams import Streams


class Inboxes:
    """What one reader reads of the inboxes, one `read` after the other."""

    def __init__(self, redis: Redis) -> None:
        self._streams = Streams(redis)

    async def read(
        self, positions: Mapping[int, str], *, count: int, block_ms: int
    ) -> list[tuple[int, InboxEntry]]:
        """New deliveries of these partitions, each after the entry named; waits up to `block_ms`."""
        partitions = {keys.inbox(partition): partition for partition in positions}
        found = await self._streams.read(
            {keys.inbox(partition): position for partition, position in positions.items()},
            count=count,
            block_ms=block_ms,
        )
        return [(partitions[stream], inbox_entry(entry_id, fields)) for stream, entry_id, fields in found]

    async def close(self) -> None:
        """Read nothing more."""
        await self._streams.close()
