"""What the holder of a partition need not ask Redis for.

All that changes pull requests goes through the holder's own commits, so what the last commit left of those it
is about to post about is the newest. A connection may be changed by anybody: what was read of it counts for a
moment only.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import orjson

from bridge.core.model import Connection
from bridge.core.pull import PullRequest, Thread
from bridge.deliveries import Letter

CONNECTION_SECONDS = 1
"""How long what was read of a connection counts: who pauses or removes it does not wait for more."""

Drawing = Callable[[PullRequest], orjson.Fragment]


class Newest:
    """The newest state of each pull request that has letters to post, until the last of them is done."""

    def __init__(self) -> None:
        self._letters: Counter[Thread] = Counter()
        self._pulls: dict[Thread, PullRequest] = {}
        self._drawn: dict[Thread, orjson.Fragment] = {}
        self._connections: dict[str, tuple[float, Connection]] = {}

    def committed(
        self,
        pulls: Mapping[Thread, PullRequest],
        letters: Iterable[Letter],
        connections: Iterable[Connection] = (),
    ) -> None:
        """Note what a commit left, the letters it wrote, and the connections it was made for."""
        for letter in letters:
            self._letters[letter.repository_id, letter.number] += 1
        for thread, pull in pulls.items():
            if thread in self._letters:
                self._pulls[thread] = pull
                self._drawn.pop(thread, None)
        now = time.monotonic()
        self._connections = {
            name: read for name, read in self._connections.items() if _is_fresh(read[0], now)
        }
        self._connections.update((connection.id, (now, connection)) for connection in connections)

    def of(self, letter: Letter) -> PullRequest | None:
        """What a letter's thread shows; None: Redis knows."""
        return self._pulls.get((letter.repository_id, letter.number))

    def drawn(self, letter: Letter, pull: PullRequest, draw: Drawing) -> orjson.Fragment:
        """The thread of `pull` in JSON, drawn once for all letters that show the same."""
        thread = letter.repository_id, letter.number
        if pull is not self._pulls.get(thread):
            return draw(pull)
        if thread not in self._drawn:
            self._drawn[thread] = draw(pull)
        return self._drawn[thread]

    def connection(self, connection_id: str) -> Connection | None:
        """A connection that was read just now; None: Redis knows."""
        at, connection = self._connections.get(connection_id, (0, None))
        return connection if _is_fresh(at, time.monotonic()) else None

    def forget(self, connection_id: str) -> None:
        """A connection is not what it was."""
        self._connections.pop(connection_id, None)

    def done(self, letter: Letter) -> None:
        """A letter is posted, or given up."""
        which = letter.repository_id, letter.number
        self._letters[which] -= 1
        if self._letters[which] <= 0:
            del self._letters[which]
            self._pulls.pop(which, None)
            self._drawn.pop(which, None)


def _is_fresh(read_at: float, now: float) -> bool:
    return now - read_at < CONNECTION_SECONDS
