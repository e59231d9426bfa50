"""Extra writes of a queue step, to keys of its own partition, in the same atomic script."""

from typing import Literal, NamedTuple


class Write(NamedTuple):
    """A write within a step of the queue."""

    command: Literal["SET", "BESIDE", "DEL", "SADD", "SREM", "NOTE", "COUNT", "LIVE"]
    """BESIDE sets the value only while its snapshot exists. NOTE prepends it to a list of the newest. COUNT
    increments a hash's field. LIVE only extends the key's lifetime."""
    key: str
    value: bytes | str
    seconds: int
    """Seconds that the key lives after this write."""
    kept: str = ""
    """The index of the repository's stored values, if the key counts in their budget."""
