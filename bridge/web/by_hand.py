"""What somebody needs to add a repository's webhook by hand: each value to copy, and where it goes."""

from dataclasses import dataclass, field

from bridge.hooks import EVENTS
from bridge.services import Services


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """The values of one repository's webhook, for the template `_by_hand.html`."""

    page: str
    """Where GitHub takes them."""
    payload_url: str
    secret: str = field(repr=False)
    """Signs for this repository only: bridge's own secret is never shown."""
    events: tuple[str, ...] = EVENTS


async def instructions(services: Services, *, repository_id: int, url: str) -> ByHand | None:
    """What to enter for the repository whose page is `url`; None where bridge has no secret of its own.

    Only for members of a flow that the repository is connected to.
    """
    return None
