"""Deliveries of bridge's own: what it found out by itself takes its turn like any delivery of GitHub's."""

from typing import Any

from bridge.core.model import Delivery
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import EnqueueResult, IncomingDelivery


async def announce(
    queue: DeliveryQueue,
    event: str,
    delivery_id: str,
    *,
    repository_id: int,
    name: str,
    number: int = 0,
    **fields: Any,
) -> bool:
    """Enqueue an event of a repository, or of its pull request `number`; tells whether there was room.

    The same `delivery_id` counts once.
    """
    payload: dict[str, Any] = {
        "repository": {"id": repository_id, "full_name": name},
        "sender": {"login": "GitHub"},
    }
    if number:
        payload["pull_request"] = {"number": number}
    delivery = Delivery.of(delivery_id, event, payload | fields)
    made = IncomingDelivery.of(delivery, repository_id=repository_id, number=number)
    (result,) = await queue.enqueue([made])
    return result in (EnqueueResult.TAKEN, EnqueueResult.DUPLICATE)
