"""Read and write pull requests for the deliveries of one commit: each sees what those before it changed."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from bridge.core.pulls.lww import LwwRegister
from bridge.core.pulls.model import Commit, PullKey
from bridge.core.pulls.snapshot import Snapshot
from bridge.storage.branch_rules import is_fresh
from bridge.storage.pulls import PullRequestStore
from bridge.storage.writes import Write

Known = Callable[[PullKey], Snapshot | None]
"""A pull request's snapshot in Redis, as far as it is known without asking; None: ask."""

MAX_WATCHED = 50
"""Pull requests that GitHub is asked about after one push."""


class UnitOfWork:
    """Reads from Redis what it has not read yet, and collects what to write.

    All repositories must be of one partition. Raises redis-py's errors.
    """

    def __init__(self, pulls: PullRequestStore, known: Known) -> None:
        self._pulls = pulls
        self._known = known
        self._stored: dict[PullKey, Snapshot] = {}
        self._snapshots: dict[PullKey, Snapshot] = {}
        self._checks: dict[Commit, dict[str, LwwRegister]] = {}
        self._changed_checks: set[Commit] = set()
        self._heads: dict[Commit, set[int]] = {}
        self._rules: dict[tuple[int, str], LwwRegister | None] = {}

    async def fetch(self, threads: Iterable[PullKey]) -> None:
        """Read pull requests, all at once."""
        wanted = {one for one in threads if one not in self._stored}
        snapshots = {one: snapshot for one in wanted if (snapshot := self._known(one)) is not None}
        read, _ = await self._pulls.read(wanted - snapshots.keys(), ())
        snapshots |= read
        self._stored |= snapshots
        self._snapshots |= snapshots

    def has_head(self, repository_id: int, number: int) -> bool:
        """Tell whether the head of a pull request was read."""
        known = self._snapshots.get((repository_id, number))
        return known is not None and known.head_sha != ""

    async def fetch_checks(self, commits: Iterable[Commit] = ()) -> None:
        """Read the checks of commits, and of the heads of all pull requests read so far, all at once."""
        heads = ((thread[0], snapshot.head_sha) for thread, snapshot in self._stored.items())
        await self._read_checks((*commits, *heads))

    async def _read_checks(self, commits: Iterable[Commit]) -> None:
        wanted = {one for one in commits if one[1] and one not in self._checks}
        _, found = await self._pulls.read((), wanted)
        self._checks |= found

    async def fetch_heads(self, commits: Iterable[Commit]) -> None:
        """Read the pull requests that have these commits as their heads."""
        wanted = list({one for one in commits if one not in self._heads})
        found = await asyncio.gather(*(self._pulls.heads(*one) for one in wanted))
        self._heads |= dict(zip(wanted, found, strict=True))
        await self.fetch((one[0], number) for one in wanted for number in self._heads[one])

    async def fetch_rules(self, threads: Iterable[PullKey]) -> None:
        """Read the rules that the snapshots of pull requests read so far lack, all at once."""
        read = [(one[0], self._stored[one]) for one in threads if one in self._stored]
        lacking = {(repository, one.target) for repository, one in read if one.is_open and not has_rules(one)}
        self._rules |= await self._pulls.rules.current(one for one in lacking if one[1])

    async def snapshot(self, repository_id: int, number: int) -> Snapshot:
        """Return a pull request's snapshot; empty before its first delivery."""
        if (repository_id, number) not in self._snapshots:
            await self.fetch([(repository_id, number)])
        return self._snapshots[repository_id, number]

    async def checks(self, repository_id: int, sha: str) -> dict[str, LwwRegister]:
        """Return the checks of a commit."""
        if not sha:
            return {}
        if (repository_id, sha) not in self._checks:
            await self._read_checks([(repository_id, sha)])
        return self._checks[repository_id, sha]

    async def heads(self, repository_id: int, sha: str) -> set[int]:
        """Return the pull requests whose head a commit is, was, or will be by a push that was noted."""
        if (repository_id, sha) not in self._heads:
            await self.fetch_heads([(repository_id, sha)])
        here = {
            number
            for (repository, number), one in self._snapshots.items()
            if repository == repository_id and sha in one.heads
        }
        return self._heads[repository_id, sha] | here

    async def rules(self, repository_id: int, branch: str) -> LwwRegister | None:
        """Return the rules of a branch; None if GitHub must be asked for them."""
        if (repository_id, branch) not in self._rules:
            self._rules |= await self._pulls.rules.current([(repository_id, branch)])
        return self._rules[repository_id, branch]

    async def forget_rules(self, repository_id: int) -> None:
        """Forget the rules of a repository's branches, and ask GitHub for those that are needed."""
        self._rules.clear()
        await self._pulls.rules.forget(repository_id)
        await self._pulls.rules.ask_all(repository_id, await self._bases(repository_id))

    async def open_into(self, repository_id: int, branch: str) -> list[int]:
        """Return the open pull requests into a branch, at most the `MAX_WATCHED` newest."""
        here = {number for repository, number in self._snapshots if repository == repository_id}
        numbers = sorted({*await self._pulls.open_numbers(repository_id), *here}, reverse=True)
        found: list[int] = []
        for at in range(0, len(numbers), MAX_WATCHED):
            threads = [(repository_id, number) for number in numbers[at : at + MAX_WATCHED]]
            # Not kept: there may be thousands.
            others, _ = await self._pulls.read([one for one in threads if one not in self._snapshots], ())
            known = {**others, **self._snapshots}
            found += [thread[1] for thread in threads if _is_open_into(known[thread], branch)]
            if len(found) >= MAX_WATCHED:
                break
        return found[:MAX_WATCHED]

    def keep(self, repository_id: int, snapshot: Snapshot) -> None:
        """Have a snapshot written, unless too little is known of its pull request."""
        if (number := snapshot.value("number")) is not None:
            self._snapshots[repository_id, number] = snapshot

    def keep_checks(self, repository_id: int, sha: str, registers: dict[str, LwwRegister]) -> None:
        """Have a commit's checks written."""
        self._checks[repository_id, sha] = registers
        self._changed_checks.add((repository_id, sha))

    def changed(self) -> dict[PullKey, Snapshot]:
        """Return the snapshots that changed."""
        return {one: new for one, new in self._snapshots.items() if new is not self._stored.get(one)}

    def writes(self, changed: Mapping[PullKey, Snapshot]) -> list[Write]:
        """Return the writes for the snapshots that `changed`, and for checks."""
        checks = [self._pulls.checks_write(*one, self._checks[one]) for one in self._changed_checks]
        return checks + [
            write
            for thread, snapshot in changed.items()
            for write in self._pulls.writes(thread[0], self._stored.get(thread, Snapshot()), snapshot)
        ]

    async def _bases(self, repository_id: int) -> list[tuple[str, int]]:
        """Return each branch that a newest open pull request goes into, with one of those."""
        newest = (await self._pulls.open_numbers(repository_id))[::-1][:MAX_WATCHED]
        await self.fetch((repository_id, number) for number in newest)
        found = {self._snapshots[repository_id, number].target: number for number in newest}
        return [(branch, number) for branch, number in found.items() if branch]


def has_rules(snapshot: Snapshot) -> bool:
    """Tell whether a snapshot has the rules of the branch that its pull request goes into, read lately."""
    known = snapshot.values.get("rules")
    return known is not None and known.value["branch"] == snapshot.target and is_fresh(known)


def _is_open_into(snapshot: Snapshot, branch: str) -> bool:
    base = snapshot.value("base")
    return snapshot.is_open and branch in (snapshot.target, base and base["ref"])
