"""Stage one of the worker: from deliveries in the inbox to the writes of their commit and its messages."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from redis.exceptions import RedisError

from bridge.core import names
from bridge.core.errors import Malformed
from bridge.core.github import health, partial
from bridge.core.messages import translate
from bridge.core.messages.events.table import given
from bridge.core.messages.translate import Outgoing, Translation
from bridge.core.model import Connection, Delivery, Envelope
from bridge.core.pulls import checks, extract
from bridge.core.pulls.lww import moment
from bridge.core.pulls.model import Commit, PullKey, PullRequest
from bridge.core.pulls.snapshot import Snapshot
from bridge.queue.entries import InboxEntry, OutboxMessage
from bridge.storage import delivery_log
from bridge.storage.checkups import Checkups
from bridge.storage.connections import ConnectionStore, RepoKey
from bridge.storage.pulls import PullRequestStore
from bridge.storage.writes import Write
from bridge.worker.connection_cache import ConnectionCache
from bridge.worker.unit_of_work import Known, UnitOfWork

log = structlog.get_logger()

_SHA = {
    "check_run": ("check_run", "head_sha"),
    "check_suite": ("check_suite", "head_sha"),
    "workflow_run": ("workflow_run", "head_sha"),
    "status": ("sha",),
    "deployment_status": ("deployment", "sha"),
}
"""Where deliveries about checks tell their commit."""

NAMES_KEPT = 10_000
NAME_SECONDS = 60
"""How long a name that was read counts: GitHub may have said another one to another process."""

AT_A_STRETCH = 16
"""Deliveries that are translated without a pause: a millisecond or two."""


@dataclass(kw_only=True)
class Outcome:
    """What becomes of deliveries."""

    entries: list[InboxEntry] = field(default_factory=list)
    """Those that are translated."""
    writes: list[Write] = field(default_factory=list)
    messages: list[OutboxMessage] = field(default_factory=list)
    pulls: dict[PullKey, PullRequest] = field(default_factory=dict)
    """The pull requests that they tell of, as their threads show them once this is committed."""
    snapshots: dict[PullKey, Snapshot] = field(default_factory=dict)
    """What Redis then holds of them."""
    connections: list[Connection] = field(default_factory=list)
    """Those of their repositories, as far as they were read beforehand, `read_at` by the monotonic clock."""
    read_at: float = 0
    errors: dict[str, Exception] = field(default_factory=dict)
    """What is wrong with those that cannot be translated, by the entry's id."""

    def add(
        self, entry: InboxEntry, delivery: Delivery, result: Translation, connections: Sequence[Connection]
    ) -> None:
        """Take in what a delivery means for a pull request."""
        self.writes += _skipped(entry, delivery, result, connections)
        self.messages += _messages(entry, delivery.action, result.outgoing)
        if result.pull is not None:
            self.pulls[entry.repository_id, result.number] = result.pull


@dataclass(frozen=True, kw_only=True)
class _Round:
    """What deliveries that are translated together share, read beforehand."""

    ledger: UnitOfWork
    deliveries: Mapping[str, Delivery]
    """By the entry's id; those that had to be read to know what they need."""
    connections: dict[RepoKey, list[Connection]]
    read_at: float
    """When, by the monotonic clock."""


@dataclass(kw_only=True)
class Translator:
    """Looks up what deliveries concern and has the core translate them."""

    connections: ConnectionStore
    pulls: PullRequestStore
    checkups: Checkups
    _connected: ConnectionCache = field(init=False)
    _named: dict[int, tuple[str, str]] = field(default_factory=dict)
    """What was noted last of a repository's name, and as of when."""
    _full_names: dict[int, str] = field(default_factory=dict)
    """Repositories' full names, as their last deliveries told them and as far as they may tell."""
    _known_names: dict[int, tuple[float, str | None]] = field(default_factory=dict)
    """Repositories' full names as Redis has them, and when each was read, by the monotonic clock."""

    def __post_init__(self) -> None:
        self._connected = ConnectionCache(self.connections)

    async def translate(self, entries: Sequence[InboxEntry], known: Known = lambda _: None) -> Outcome:
        """What to write and to send for deliveries of one partition, in their order.

        Pull requests that are `known` need not be read.

        Where one cannot be translated, neither are those of the same repository behind it. Raises redis-py's
        errors, and what reading a connection raises.
        """
        shared = await self._read(entries, known)
        outcome = Outcome(
            connections=[one for some in shared.connections.values() for one in some], read_at=shared.read_at
        )
        held: set[int] = set()
        for at, entry in enumerate(entries, start=1):
            if entry.repository_id in held:
                continue
            if at % AT_A_STRETCH == 0:
                # Others of this process have a turn: the web half, if it is here too.
                await asyncio.sleep(0)
            try:
                await self._translate(entry, shared, outcome)
            except (RedisError, OSError):
                raise
            except Exception as error:
                held.add(entry.repository_id)
                outcome.errors[entry.id] = error
        outcome.snapshots = shared.ledger.changed()
        outcome.writes += shared.ledger.writes(outcome.snapshots)
        return outcome

    async def _read(self, entries: Sequence[InboxEntry], known: Known) -> _Round:
        """Ask Redis at once for what nearly all deliveries need; the rest is asked for where it is needed.

        A delivery is not read before its turn, when it is translated while it is in the processor's caches;
        only to know whose checks are told it must be.
        """
        repositories = {
            (entry.repository_id, self._full_names[entry.repository_id])
            for entry in entries
            if entry.repository_id in self._full_names
        }
        ledger = UnitOfWork(self.pulls, known)
        read_at = time.monotonic()
        connections = await self._connected.of(repositories)
        unconnected = {repository[0] for repository, some in connections.items() if not some}
        concerned = [entry for entry in entries if entry.repository_id not in unconnected]
        deliveries = {
            entry.id: delivery
            for entry in concerned
            if entry.event in checks.EVENTS and (delivery := _opened(entry))
        }
        await ledger.fetch((entry.repository_id, entry.number) for entry in concerned if entry.number)
        checked = [_head(entry, deliveries[entry.id]) for entry in concerned if entry.id in deliveries]
        if checked:
            await ledger.fetch_heads(checked)
        await ledger.fetch_checks(checked)
        return _Round(ledger=ledger, deliveries=deliveries, connections=connections, read_at=read_at)

    async def _translate(self, entry: InboxEntry, shared: _Round, outcome: Outcome) -> None:
        """Add what becomes of one delivery; raises `Malformed`, and for an odd payload whatever comes."""
        delivery = shared.deliveries.get(entry.id) or _open(entry)
        _hold_to_heading(delivery, entry)
        connections = await self._named_connections(entry, delivery, shared)
        if not connections:
            log.info(
                "delivery_skipped",
                delivery=delivery.id,
                repository=delivery.payload["repository"]["full_name"],
                reason="not connected",
            )
            outcome.entries.append(entry)
            return
        await self.checkups.order(
            (one for one in connections if health.concerns(delivery, one)), hint=health.hint_of(delivery)
        )
        if delivery.event in checks.EVENTS:
            results = await self._checks(delivery, entry, connections, shared.ledger)
        elif translate.subject(delivery) is None:
            await self._repository(delivery, entry.repository_id, shared.ledger)
            results = []
        else:
            results = [await self._pull(delivery, entry, connections, shared.ledger)]
        for result in results:
            shared.ledger.keep(entry.repository_id, result.snapshot)
            outcome.add(entry, delivery, result, connections)
        outcome.entries.append(entry)

    async def _named_connections(
        self, entry: InboxEntry, delivery: Delivery, shared: _Round
    ) -> Sequence[Connection]:
        """The repository's connections, the payload held to a name that is known to be this repository's.

        Buttons lead where names say. So a name is believed if the operator's secret signed it and no other
        repository has it; else the one that bridge knows stands, and GitHub is asked.
        """
        repository = delivery.payload["repository"]
        told, known = names.full_name(repository["full_name"]), None
        if entry.signer == "repository":
            known = await self._known_name(entry.repository_id)
            if known is None:
                return []
        connections = await self._connections(entry, delivery, known or told, shared)
        if not connections or ((known or told) == told and await self._name(entry, delivery, told)):
            return connections
        log.warning("name_not_believed", repository_id=entry.repository_id, told=told, delivery=delivery.id)
        await self.checkups.order(connections, hint="heard")
        known = known or await self._known_name(entry.repository_id)
        repository["full_name"] = known
        return connections if known else []

    async def _known_name(self, repository_id: int) -> str | None:
        """The name that bridge knows a repository by; None if it knows none."""
        read_at, known = self._known_names.get(repository_id, (0.0, None))
        now = time.monotonic()
        if known is None or now - read_at > NAME_SECONDS:
            if len(self._known_names) >= NAMES_KEPT:
                self._known_names.clear()
            known = await self.pulls.repository_name(repository_id)
            if known is None and (connected := await self.connections.by_repository_id(repository_id)):
                known = connected[0].repository
            if known is not None:
                self._known_names[repository_id] = now, known
        return known

    async def _connections(
        self, entry: InboxEntry, delivery: Delivery, full_name: str, shared: _Round
    ) -> Sequence[Connection]:
        repository = entry.repository_id, full_name
        former_names = translate.former_names(delivery) if entry.signer == "operator" else []
        for former in former_names:
            # Connected by the name it had before its first delivery.
            await self._bound(entry.repository_id, former)
        if former_names or repository not in shared.connections:
            shared.connections[repository] = await self._bound(*repository)
        if len(self._full_names) >= NAMES_KEPT:
            self._full_names.clear()
        self._full_names[entry.repository_id] = full_name
        return shared.connections[repository]

    async def _bound(self, repository_id: int, full_name: str) -> list[Connection]:
        """The repository's connections, those made by its name included unless another one has the name."""
        if await self.pulls.may_be_called(repository_id, full_name):
            return await self.connections.of_repository(repository_id, full_name)
        return await self.connections.by_repository_id(repository_id)

    async def _name(self, entry: InboxEntry, delivery: Delivery, full_name: str) -> bool:
        """Note the repository's name if this delivery may tell it; False if another one has it."""
        told = (full_name, moment(delivery.payload["repository"].get("updated_at")))
        if entry.signer == "repository" or self._named.get(entry.repository_id) == told:
            return True
        former = translate.former_names(delivery)
        noted = await self.pulls.name_repository(entry.repository_id, full_name, at=told[1], former=former)
        if noted:
            self._named[entry.repository_id] = told
        return noted

    async def _pull(
        self, delivery: Delivery, entry: InboxEntry, connections: Sequence[Connection], ledger: UnitOfWork
    ) -> Translation:
        part = extract.delta(delivery)
        known = await ledger.snapshot(entry.repository_id, entry.number)
        merged = known.merge(part)
        registers = await ledger.checks(entry.repository_id, merged.head_sha)
        result = translate.translate_pull(delivery, known, merged, checks.view(registers), connections)
        if result.snapshot.said.get("conflict") and known.head_sha != result.snapshot.head_sha:
            # A push that may have mended it.
            await self.pulls.watch(entry.repository_id, [entry.number])
        return result

    async def _repository(self, delivery: Delivery, repository_id: int, ledger: UnitOfWork) -> None:
        """What an operator should hear of, and no thread; after a push, what it may have made unmergeable."""
        full_name = delivery.payload["repository"]["full_name"]
        if (delivery.event, delivery.action) == ("meta", "deleted"):
            log.warning("webhook_removed", repository=full_name, todo="add the webhook again, or disconnect")
        elif delivery.event == "repository":
            log.info(f"repository_{delivery.action}", repository=full_name)
        elif branch := translate.pushed_branch(delivery):
            await self.pulls.watch(repository_id, await ledger.open_into(repository_id, branch))

    async def _checks(
        self, delivery: Delivery, entry: InboxEntry, connections: Sequence[Connection], ledger: UnitOfWork
    ) -> list[Translation]:
        news = checks.delta(delivery)
        if news is None:
            return []
        repository_id = entry.repository_id
        registers = checks.merge(await ledger.checks(repository_id, news.sha), news.checks)
        results = []
        for number in sorted({*news.numbers, *await ledger.heads(repository_id, news.sha)}):
            known = await ledger.snapshot(repository_id, number)
            if known.is_known and known.head_sha == news.sha:
                results.append(
                    translate.translate_checks(delivery, known, checks.view(registers), connections)
                )
        ledger.keep_checks(repository_id, news.sha, registers)
        return results


def _opened(entry: InboxEntry) -> Delivery | None:
    """The delivery; None if it is an odd one, of which to translate it tells more."""
    try:
        return _open(entry)
    except (Malformed, ValueError):
        return None


def _open(entry: InboxEntry) -> Delivery:
    return partial.read(Envelope(id=entry.delivery_id, event=entry.event, body=entry.body))


def _hold_to_heading(delivery: Delivery, entry: InboxEntry) -> None:
    """Raise `Malformed` if a delivery is not about what it was taken for at a glance (`heading.glance`)."""
    repository = delivery.payload.get("repository")
    about = repository.get("id") if isinstance(repository, dict) else None
    if about != entry.repository_id or (translate.subject(delivery) or 0) != entry.number:
        raise Malformed("the payload is about another pull request than it seems to be by its beginning")
    if not translate.is_what_it_is_called(delivery):
        raise Malformed(f"the payload is none of the event {delivery.event}")


def _head(entry: InboxEntry, delivery: Delivery) -> Commit:
    """The commit whose checks a delivery tells; an empty SHA: none that can be read."""
    sha = given(delivery.payload, *_SHA[delivery.event])
    return entry.repository_id, sha if isinstance(sha, str) else ""


def _skipped(
    entry: InboxEntry, delivery: Delivery, result: Translation, connections: Sequence[Connection]
) -> list[Write]:
    """The journal's lines about connections that are not told."""
    if len(result.outgoing) == len(connections):
        return []
    told_to = {one.connection.id for one in result.outgoing}
    reasons = {
        one.id: result.muted.get(one.id, result.silence) for one in connections if one.id not in told_to
    }
    return delivery_log.skipped(entry.repository_id, delivery, result.number, connections, reasons)


def _messages(entry: InboxEntry, action: str, outgoing: Sequence[Outgoing]) -> list[OutboxMessage]:
    return [
        OutboxMessage(
            connection_id=one.connection.id,
            repository_id=entry.repository_id,
            number=one.number,
            uuid=one.uuid,
            delivery_id=entry.delivery_id,
            event=entry.event,
            action=action,
            received_at=entry.received_at,
            content=one.message,
        )
        for one in outgoing
    ]
