"""What the holder of a partition need not ask Redis for: the pull requests it is about to post about.

All that changes them goes through the holder's own commits, so what the last commit left is the newest.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from bridge.core.pull import PullRequest
from bridge.deliveries import Letter

_Thread = tuple[int, int]


class Newest:
    """The newest state of each pull request that has letters to post, until the last of them is done."""

    def __init__(self) -> None:
        self._letters: Counter[_Thread] = Counter()
        self._pulls: dict[_Thread, PullRequest] = {}

    def committed(
        self, repository_id: int, pulls: Mapping[int, PullRequest], letters: Iterable[Letter]
    ) -> None:
        """Note what a commit left, and the letters it wrote."""
        self._letters.update((letter.repository_id, letter.number) for letter in letters)
        for number, pull in pulls.items():
            if (repository_id, number) in self._letters:
                self._pulls[repository_id, number] = pull

    def of(self, letter: Letter) -> PullRequest | None:
        """What a letter's thread shows; None: Redis knows."""
        return self._pulls.get((letter.repository_id, letter.number))

    def done(self, letter: Letter) -> None:
        """A letter is posted, or given up."""
        which = letter.repository_id, letter.number
        self._letters[which] -= 1
        if self._letters[which] <= 0:
            del self._letters[which]
            self._pulls.pop(which, None)
