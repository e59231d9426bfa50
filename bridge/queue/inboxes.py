"""Reading the inboxes."""

from collections.abc import Mapping

from bridge.queue.entries import InboxEntry, inbox_entry
from bridge.storage import keys
from bridge.storage.redis import Redis
from bridge.storage.streams import Streams


class Inboxes:
    """The inboxes for one reader; only one `read` at a time."""

    def __init__(self, redis: Redis) -> None:
        self._streams = Streams(redis)

    async def read(
        self, positions: Mapping[int, str], *, count: int, block_ms: int
    ) -> list[tuple[int, InboxEntry]]:
        """Read new deliveries, of each partition those after the given entry; waits up to `block_ms`."""
        partitions = {keys.inbox(partition): partition for partition in positions}
        found = await self._streams.read(
            {keys.inbox(partition): position for partition, position in positions.items()},
            count=count,
            block_ms=block_ms,
        )
        return [(partitions[stream], inbox_entry(entry_id, fields)) for stream, entry_id, fields in found]

    async def close(self) -> None:
        """Stop reading."""
        await self._streams.close()
