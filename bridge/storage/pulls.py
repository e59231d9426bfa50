"""Pull requests in Redis: snapshots, checks by commit, names, and heads that threads showed."""

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.core.errors import GitHubRefused
from bridge.core.model import Connection, FlowdockUser, Mention, Target
from bridge.core.pulls import checks, snapshot
from bridge.core.pulls.lww import LwwRegister
from bridge.core.pulls.model import Commit, PullKey, PullRequest
from bridge.core.pulls.snapshot import Snapshot
from bridge.storage import keys
from bridge.storage.accounts import people
from bridge.storage.branch_rules import BranchRulesStore
from bridge.storage.due_queue import DueQueue
from bridge.storage.flow_members import among
from bridge.storage.lua_scripts import load_script
from bridge.storage.readings import Readings
from bridge.storage.redis import Redis
from bridge.storage.watches import Watches
from bridge.storage.writes import Write

SECONDS = 400 * 24 * 3600
"""Seconds that a pull request is remembered after its last delivery."""

MAX_UPDATED = 100
"""Threads that are brought up to date at once; others with their next delivery."""

MAX_READERS = 3
"""Linked accounts that a question to GitHub is tried with."""

CHECKS_SECONDS = 60 * 24 * 3600
"""Seconds that a commit's checks are remembered after the last of them."""

_RENAMED = 2
_NAMES = [keys.REPOSITORY_IDS, keys.REPOSITORY_NAMES, keys.REPOSITORY_FORMER_IDS, keys.REPOSITORY_NAMED_AT]


@dataclass(frozen=True, kw_only=True)
class ClickTarget:
    """The pull request that a thread showed when its button was clicked.

    `repository_id` is the repository that has the name in the button's address, None if none is known;
    `pull` what is known of the pull request (None: nothing), `head_sha` the head that its thread showed last.
    """

    target: Target
    repository_id: int | None = None
    pull: PullRequest | None = None
    head_sha: str = ""


class PullRequestStore:
    """Reads what commits of the worker wrote, and makes the writes of the next."""

    def __init__(self, redis: Redis, *, has_inbox: bool = False) -> None:
        """Take the Redis; with `has_inbox`, a person has the id of their GitHub account."""
        self._redis, self._has_inbox = redis, has_inbox
        self._name = load_script(redis, "bridge.storage", "name_repository")
        self.watches = Watches(redis)
        self._updates = DueQueue(redis, keys.UPDATES)
        self.readings = Readings(redis)
        self.rules = BranchRulesStore(redis, self.watches)

    async def snapshot(self, repository_id: int, number: int) -> Snapshot:
        """Return the snapshot of a pull request; an empty one before its first delivery."""
        return snapshot.load(await self._redis.get(keys.snapshot(repository_id, number)))

    async def read(
        self, threads: Iterable[PullKey], commits: Iterable[Commit]
    ) -> tuple[dict[PullKey, Snapshot], dict[Commit, dict[str, LwwRegister]]]:
        """Return snapshots and commits' checks of one partition, read at once."""
        threads, commits = list(threads), list(commits)
        names = [
            *(keys.snapshot(*thread) for thread in threads),
            *(keys.checks(*commit) for commit in commits),
        ]
        found = await self._redis.mget(names) if names else []
        return (
            {one: snapshot.load(data) for one, data in zip(threads, found, strict=False)},
            {one: checks.load(data) for one, data in zip(commits, found[len(threads) :], strict=True)},
        )

    async def titles(self, repository_id: int, numbers: Iterable[int]) -> dict[int, str]:
        """Return the titles of pull requests of one repository; empty where too little is known."""
        read, _ = await self.read([(repository_id, number) for number in numbers], ())
        return {
            number: snapshot.view(one, ()).title if one.is_known else "" for (_, number), one in read.items()
        }

    async def pull(self, repository_id: int, number: int) -> PullRequest | None:
        """Return a pull request as its thread shows it, None if too little is known."""
        known = await self.snapshot(repository_id, number)
        if not known.is_known:
            return None
        data = await self._redis.get(keys.checks(repository_id, sha)) if (sha := known.head_sha) else None
        return snapshot.view(known, checks.view(checks.load(data)))

    async def heads(self, repository_id: int, sha: str) -> set[int]:
        """Return the pull requests whose head a commit is, was, or will be by a push that was noted."""
        return {int(number) for number in await self._redis.smembers(keys.heads(repository_id, sha))}

    async def open_numbers(self, repository_id: int) -> list[int]:
        """Return a repository's open pull requests."""
        return sorted(int(number) for number in await self._redis.smembers(keys.open_pulls(repository_id)))

    async def ask_unknown_rules(self, repository_id: int) -> None:
        """Ask again for the rules of branches that no linked account could read."""
        if not (unknown := await self.rules.unknown(repository_id)):
            return
        threads = [(repository_id, number) for number in await self.open_numbers(repository_id)]
        known, _ = await self.read(threads, [])
        numbers = {one.target: number for (_, number), one in known.items() if one.target in unknown}
        await self.rules.ask_all(repository_id, numbers.items())

    def writes(self, repository_id: int, before: Snapshot, after: Snapshot) -> list[Write]:
        """Return the writes for a pull request's snapshot and its places in the indexes."""
        number = after.value("number")
        if number is None or before == after:
            return []
        place, kept = keys.snapshot(repository_id, number), keys.kept(repository_id, "pulls")
        writes = [Write("SET", place, snapshot.dump(after), SECONDS, kept)]
        for sha in sorted(after.heads - before.heads):
            heads, kept = keys.heads(repository_id, sha), keys.kept(repository_id, "commits")
            writes.append(Write("SADD", heads, str(number), CHECKS_SECONDS, kept))
        place = keys.open_pulls(repository_id)
        if before.value("number") is None or before.is_open != after.is_open:
            writes.append(Write("SADD" if after.is_open else "SREM", place, str(number), SECONDS))
        elif _day(before) != _day(after):
            # It is in the indexes; to extend their lifetime once a day is enough.
            writes.append(Write("LIVE", place, "", SECONDS))
        return writes

    def checks_write(self, repository_id: int, sha: str, registers: dict[str, LwwRegister]) -> Write:
        """Return the writes for a commit's checks."""
        place, kept = keys.checks(repository_id, sha), keys.kept(repository_id, "commits")
        return Write("SET", place, checks.dump(registers), CHECKS_SECONDS, kept)

    def shown_writes(self, repository_id: int, pull: PullRequest) -> list[Write]:
        """Return the write that notes the head commit a posted thread showed."""
        if pull.head is None:
            return []
        return [Write("BESIDE", keys.shown(repository_id, pull.number), pull.head.sha, SECONDS)]

    # Names and people

    async def name_repository(
        self, repository_id: int, full_name: str, *, at: str, former: Iterable[str] = ()
    ) -> bool:
        """Record a repository's name as of `at` (a `moment`), from a delivery with the operator's secret.

        Buttons with a `former` name keep working, and open threads learn the new one. Returns False if
        another repository has the name as far as bridge knows: then GitHub must be asked.
        """
        return await self._note_name(repository_id, full_name, "delivery", at, *former)

    async def name_by_github(self, repository_id: int, full_name: str) -> None:
        """Record a repository's name as GitHub's API tells it."""
        await self._note_name(repository_id, full_name, "github", "")

    async def _note_name(self, repository_id: int, *told: str) -> bool:
        outcome = await self._name(keys=_NAMES, args=[repository_id, *told])
        if outcome == _RENAMED:
            # GitHub's redirects from the former name end once another repository takes it.
            await self.watches.mergeable(repository_id, await self._newest_open(repository_id))
        return bool(outcome)

    async def shown(self, target: Target) -> ClickTarget:
        """Return the pull request that a click's thread showed.

        Raises `GitHubRefused` if the address may mean two repositories that both have this number.
        """
        name = f"{target.owner}/{target.repo}".lower()
        found = [
            await self.shown_in(int(repository_id), target)
            for place in (keys.REPOSITORY_IDS, keys.REPOSITORY_FORMER_IDS)
            if (repository_id := await self._redis.hget(place, name)) is not None
        ]
        known = [one for one in found if one.pull is not None]
        if len(known) > 1:
            raise GitHubRefused(
                f"{target.owner}/{target.repo} is now the name of another repository: do it on GitHub",
                status=409,
            )
        return (known or found or [ClickTarget(target=target)])[0]

    async def called(self, shown: ClickTarget) -> str:
        """Name what a click's thread showed by its repository's present name: its button may have another."""
        name = await self.repository_name(shown.repository_id) if shown.repository_id else None
        return f"{name}#{shown.target.number}" if name else str(shown.target)

    async def shown_in(self, repository_id: int, target: Target) -> ClickTarget:
        """Return a repository's pull request as a click's thread showed it."""
        sha = await self._redis.get(keys.shown(repository_id, target.number))
        return ClickTarget(
            target=target,
            repository_id=repository_id,
            pull=await self.pull(repository_id, target.number),
            head_sha=sha.decode() if sha else "",
        )

    async def may_be_called(self, repository_id: int, full_name: str) -> bool:
        """Tell whether no other repository has a name now, as far as bridge knows."""
        holder = await self._redis.hget(keys.REPOSITORY_IDS, full_name.lower())
        if holder is None or int(holder) == repository_id:
            return True
        present = await self.repository_name(int(holder))
        return present is not None and present.lower() != full_name.lower()

    async def tags(self, mentions: Iterable[Mention], *, flow: str) -> tuple[str, ...]:
        """Return the Flowdock tags (`@nick`) of members of a flow who linked these GitHub accounts.

        In bridge's own inbox everybody is tagged, linked or not: it knows itself who is in a flow.
        """
        mentions = tuple(mentions)
        found = await people(self._redis, mentions) if flow else []
        if self._has_inbox:
            return _inbox_tags(mentions, found)
        inside = await among(self._redis, flow, [one.id for one in found])
        return tuple(dict.fromkeys(f"@{one.nick}" for one in found if one.id in inside))

    # Updates

    async def update_later(self, repository_id: int, number: int, *, delay: float) -> None:
        """Schedule an update of a thread in `delay` seconds, or sooner if one is due before."""
        await self._updates.add([f"{repository_id}:{number}"], delay=delay)

    async def update_open(self, repository_id: int) -> None:
        """Have the threads of the newest open pull requests updated, after a change of a connection."""
        newest = await self._newest_open(repository_id)
        await self._updates.add((f"{repository_id}:{number}" for number in newest), delay=0)

    async def _newest_open(self, repository_id: int) -> list[int]:
        return (await self.open_numbers(repository_id))[::-1][:MAX_UPDATED]

    async def next_update(self) -> PullKey | None:
        """Return a pull request whose thread is due for an update, for this caller alone."""
        found = await self._updates.pop()
        if found is None:
            return None
        repository_id, _, number = found[0].partition(":")
        return int(repository_id), int(number)

    async def repository_name(self, repository_id: int) -> str | None:
        """Return a repository's present full name, None if it is unknown."""
        name = await self._redis.hget(keys.REPOSITORY_NAMES, str(repository_id))
        return name.decode() if name else None

    async def repository_names(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the present full names of repositories, as far as they are known."""
        wanted = list(dict.fromkeys(ids))
        found = await self._redis.hmget(keys.REPOSITORY_NAMES, wanted) if wanted else []
        return {one: name.decode() for one, name in zip(wanted, found, strict=True) if name}

    async def present_name(self, connection: Connection) -> str:
        """Return the present full name of a connection's repository, as far as bridge knows."""
        known = connection.repository_id
        return (await self.repository_name(known) if known else None) or connection.repository

    async def readers(self, repository_id: int, number: int) -> list[str]:
        """Return a few users whose linked account may see a pull request, its author and reviewers first."""
        pull = await self.pull(repository_id, number)
        at_work = pull.people if pull else ()
        mentions = [Mention(login="", id=one.id) for one in at_work if one.id]
        near = [user.id for user in await people(self._redis, mentions)]
        others = await self._redis.hrandfield(keys.LINKED, MAX_READERS) or []
        return list(dict.fromkeys([*near, *(user.decode() for user in others)]))[:MAX_READERS]


def _inbox_tags(mentions: Iterable[Mention], linked: Iterable[FlowdockUser]) -> tuple[str, ...]:
    """Return the tags of people by their id; by login where GitHub told no id."""
    told = [str(one.id) for one in mentions if one.id and not one.unless_by_login]
    ids = dict.fromkeys([*(one.id for one in linked), *told])
    logins = dict.fromkeys(f"@{one.login}" for one in mentions if not one.id)
    return (*(f":{kind}:{number}" for number in ids for kind in ("user", "unread")), *logins)


def _day(snapshot: Snapshot) -> str:
    """Return the day of the newest delivery, by GitHub's clock."""
    return snapshot.values["number"].at[:10]
