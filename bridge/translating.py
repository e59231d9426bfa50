"""Stage one of the worker: a delivery from the inbox to what its commit writes and which letters go out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from bridge import journal
from bridge.checkups import Checkups
from bridge.core import checks, told, translate, trouble, webhook
from bridge.core.model import Connection, Delivery, Envelope
from bridge.core.pull import PullRequest
from bridge.core.registers import moment
from bridge.core.translate import Outgoing, Translation
from bridge.deliveries import InboxEntry, Letter, Write
from bridge.pulls import Pulls
from bridge.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What becomes of a delivery."""

    writes: Sequence[Write] = ()
    letters: Sequence[Letter] = ()
    pulls: Mapping[int, PullRequest] = field(default_factory=dict)
    """The pull requests it tells of, by number, as their threads show them once this is committed."""


@dataclass(kw_only=True)
class Translator:
    """Looks up what a delivery concerns and has the core translate it."""

    store: Store
    pulls: Pulls
    checkups: Checkups
    _named: dict[int, tuple[str, str]] = field(default_factory=dict)
    """What was noted last of a repository's name, and as of when."""

    async def translate(self, entry: InboxEntry) -> Outcome:
        """What to write and to send.

        Raises redis-py's errors, `Malformed`, and for an odd payload whatever comes.
        """
        delivery = webhook.whole(Envelope(id=entry.delivery_id, event=entry.event, body=entry.body))
        full_name = delivery.payload["repository"]["full_name"]
        connections = await self._connections(delivery, entry.repository_id, full_name)
        if not connections:
            log.info("delivery_skipped", delivery=delivery.id, repository=full_name, reason="not connected")
            return Outcome()
        await self._name(delivery, entry.repository_id, full_name)
        await self.checkups.order(
            (one for one in connections if trouble.concerns(delivery, one)), hint=trouble.hint_of(delivery)
        )
        if delivery.event in checks.EVENTS:
            return await self._checks(delivery, entry, connections)
        if translate.subject(delivery) is None:
            await self._repository(delivery, entry.repository_id, full_name)
            return Outcome()
        return await self._pull(delivery, entry, connections)

    async def _connections(self, delivery: Delivery, repository_id: int, full_name: str) -> list[Connection]:
        for former in translate.former_names(delivery):
            # Connected by the name it had before its first delivery.
            await self.store.connections_for(repository_id, former)
        return await self.store.connections_for(repository_id, full_name)

    async def _name(self, delivery: Delivery, repository_id: int, full_name: str) -> None:
        told = (full_name, moment(delivery.payload["repository"].get("updated_at")))
        if self._named.get(repository_id) == told:
            return
        former = translate.former_names(delivery)
        await self.pulls.name_repository(repository_id, full_name, at=told[1], former=former)
        self._named[repository_id] = told

    async def _pull(
        self, delivery: Delivery, entry: InboxEntry, connections: Sequence[Connection]
    ) -> Outcome:
        part = told.told(delivery)
        # Nearly always the head that it tells is the one that stands.
        known, registers = await self.pulls.known(entry.repository_id, entry.number, sha=part.head_sha)
        merged = known.merge(part)
        if merged.head_sha != part.head_sha:
            registers = await self.pulls.checks(entry.repository_id, merged.head_sha)
        result = translate.translate_pull(delivery, known, merged, checks.view(registers), connections)
        if result.snapshot.said.get("conflict") and known.head_sha != result.snapshot.head_sha:
            # A push that may have mended it.
            await self.pulls.watch(entry.repository_id, [entry.number])
        return Outcome(
            writes=[
                *self.pulls.writes(entry.repository_id, known, result.snapshot),
                *_skipped(entry, delivery, result, connections),
            ],
            letters=_letters(entry, delivery.action, result.outgoing),
            pulls=_drawn([result]),
        )

    async def _repository(self, delivery: Delivery, repository_id: int, full_name: str) -> None:
        """What an operator should hear of, and no thread; after a push, what it may have made unmergeable."""
        if (delivery.event, delivery.action) == ("meta", "deleted"):
            log.warning("webhook_removed", repository=full_name, todo="add the webhook again, or disconnect")
        elif delivery.event == "repository":
            log.info(f"repository_{delivery.action}", repository=full_name)
        elif branch := translate.pushed_branch(delivery):
            await self.pulls.watch(repository_id, await self.pulls.open_into(repository_id, branch))

    async def _checks(
        self, delivery: Delivery, entry: InboxEntry, connections: Sequence[Connection]
    ) -> Outcome:
        news = checks.told(delivery)
        if news is None:
            return Outcome()
        repository_id = entry.repository_id
        registers = checks.merge(await self.pulls.checks(repository_id, news.sha), news.checks)
        writes = [self.pulls.checks_write(repository_id, news.sha, registers)]
        letters: list[Letter] = []
        results: list[Translation] = []
        for number in sorted({*news.numbers, *await self.pulls.heads(repository_id, news.sha)}):
            known = await self.pulls.snapshot(repository_id, number)
            if known.is_known and known.head_sha == news.sha:
                result = translate.translate_checks(delivery, known, checks.view(registers), connections)
                results.append(result)
                writes += self.pulls.writes(repository_id, known, result.snapshot)
                writes += _skipped(entry, delivery, result, connections)
                letters += _letters(entry, delivery.action, result.outgoing)
        return Outcome(writes=writes, letters=letters, pulls=_drawn(results))


def _drawn(results: Sequence[Translation]) -> dict[int, PullRequest]:
    return {result.number: result.pull for result in results if result.pull is not None}


def _skipped(
    entry: InboxEntry, delivery: Delivery, result: Translation, connections: Sequence[Connection]
) -> list[Write]:
    """The journal's lines about connections that are not told."""
    told_to = {one.connection.id for one in result.outgoing}
    reasons = {
        one.id: result.muted.get(one.id, result.silence) for one in connections if one.id not in told_to
    }
    return journal.skipped(entry.repository_id, delivery, result.number, connections, reasons)


def _letters(entry: InboxEntry, action: str, outgoing: Sequence[Outgoing]) -> list[Letter]:
    return [
        Letter(
            connection_id=one.connection.id,
            repository_id=entry.repository_id,
            number=one.number,
            uuid=one.uuid,
            delivery_id=entry.delivery_id,
            event=entry.event,
            action=action,
            received_at=entry.received_at,
            message=one.message,
        )
        for one in outgoing
    ]
