"""Extra writes of a queue step, to keys of its own partition, in the same atomic script."""

from typing import Literal, NamedTuple


class Write(NamedTuple):
    """A write within a step of the queue."""

    command: Literal["SET", "BESIDE", "DEL", "SADD", "SREM", "NOTE", "COUNT", "LIVE"]
    """BESIDE sets what lies beside a snapshot, while that is there. NOTE puts the value at the head of a list
    of the newest. COUNT adds one to a hash's field. LIVE only has the key live on."""
    key: str
    value: bytes | str
    seconds: int
    """Seconds that the key lives after this write."""
    kept: str = ""
    """The list of what is kept of the repository, where the key takes room in that budget."""
