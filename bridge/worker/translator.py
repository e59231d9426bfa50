"""Translate deliveries: look up their pull requests and connections, and have the core word them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from bridge.core.github import health
from bridge.core.messages import translate
from bridge.core.messages.translation import Translation
from bridge.core.model import Connection, Delivery
from bridge.core.pulls import checks, extract, own_events
from bridge.core.pulls.gathering import REVIEW_SECONDS
from bridge.core.pulls.model import Check
from bridge.core.pulls.push import Push
from bridge.queue.entries import InboxEntry
from bridge.storage.checkups import Checkups
from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import PullRequestStore
from bridge.worker import payloads
from bridge.worker.connection_lookup import ConnectionLookup, Connections
from bridge.worker.questions import Questions
from bridge.worker.translated import TranslatedBatch
from bridge.worker.unit_of_work import Known, UnitOfWork

log = structlog.get_logger()

WITHOUT_PAUSE = 16
"""Deliveries that are translated before other tasks get a turn: a millisecond or two."""


@dataclass(frozen=True, kw_only=True)
class _Prefetched:
    """State that deliveries of one batch share, read beforehand."""

    work: UnitOfWork
    questions: Questions
    deliveries: Mapping[str, Delivery]
    """By the entry's id: those that were read before their turn."""
    connections: Connections
    read_at: float
    """The time when the connections were read, by the monotonic clock."""


@dataclass(frozen=True, kw_only=True)
class _Task:
    """A delivery to translate, the connections that it concerns, and what its batch shares."""

    entry: InboxEntry
    delivery: Delivery
    connections: Sequence[Connection]
    work: UnitOfWork
    questions: Questions


class Translator:
    """Translates deliveries to the writes and messages of one commit."""

    def __init__(
        self,
        connections: ConnectionStore,
        pulls: PullRequestStore,
        checkups: Checkups,
        *,
        review_seconds: float = REVIEW_SECONDS,
    ) -> None:
        self._pulls = pulls
        self._checkups = checkups
        self._review_seconds = review_seconds
        self._lookup = ConnectionLookup(connections, pulls, checkups)

    async def translate(
        self, entries: Sequence[InboxEntry], known: Known = lambda _: None
    ) -> TranslatedBatch:
        """Translate deliveries of one partition, in their order; pull requests that are `known` are not read.

        Where a delivery fails, those of its repository behind it are left out. Raises redis-py's errors, and
        what reading a connection raises.
        """
        shared = await self._prefetch(entries, known)
        batch = TranslatedBatch(
            connections=[one for some in shared.connections.values() for one in some],
            read_at=shared.read_at,
            review_seconds=self._review_seconds,
        )
        failed: set[int] = set()
        for at, entry in enumerate(entries, start=1):
            if entry.repository_id in failed:
                continue
            if at % WITHOUT_PAUSE == 0:
                await asyncio.sleep(0)
            try:
                await self._translate(entry, shared, batch)
            except (RedisError, OSError):
                raise
            except Exception as error:
                failed.add(entry.repository_id)
                batch.errors[entry.id] = payloads.explained(entry, error)
        await shared.questions.schedule()
        batch.snapshots = shared.work.changed()
        batch.writes += shared.work.writes(batch.snapshots)
        return batch

    async def _prefetch(self, entries: Sequence[InboxEntry], known: Known) -> _Prefetched:
        """Ask Redis at once for what nearly all deliveries need; the rest is read where it is needed.

        Payloads are read in their turn, while they are in the processor's caches, but for those about checks:
        their commit is needed. Of each pull request's first, the head alone is read.
        """
        work, read_at = UnitOfWork(self._pulls, known), time.monotonic()
        connections, _ = await asyncio.gather(
            self._lookup.prefetch(entries),
            work.fetch((entry.repository_id, entry.number) for entry in entries if entry.number),
        )
        unconnected = {repository[0] for repository, some in connections.items() if not some}
        concerned = [entry for entry in entries if entry.repository_id not in unconnected]
        deliveries = payloads.read_ahead(entry for entry in concerned if entry.event in checks.EVENTS)
        commits = payloads.commits(concerned, deliveries)
        if commits:
            await work.fetch_heads(commits)
        firsts = {
            (one.repository_id, one.number): one
            for one in reversed(concerned)
            if one.event in payloads.PULL_REQUEST_EVENTS and not work.has_head(one.repository_id, one.number)
        }
        commits += payloads.heads(firsts.values())
        told = [(one.repository_id, one.number) for one in concerned if one.event == "pull_request"]
        await asyncio.gather(work.fetch_checks(commits), work.fetch_rules(told))
        return _Prefetched(
            work=work,
            questions=Questions(self._pulls),
            deliveries=deliveries,
            connections=connections,
            read_at=read_at,
        )

    async def _translate(self, entry: InboxEntry, shared: _Prefetched, batch: TranslatedBatch) -> None:
        """Add what one delivery becomes; raises `Malformed`, and for an odd payload anything."""
        delivery = shared.deliveries.get(entry.id) or payloads.read(entry)
        connections = await self._lookup.find(entry, delivery, shared.connections)
        if not connections:
            log.info(
                "delivery_skipped",
                delivery=delivery.id,
                repository=delivery.payload["repository"]["full_name"],
                reason="not connected",
            )
            batch.skip(entry)
            return
        await self._checkups.schedule(
            (one for one in connections if health.concerns(delivery, one)), hint=health.hint_of(delivery)
        )
        task = _Task(
            entry=entry,
            delivery=delivery,
            connections=connections,
            work=shared.work,
            questions=shared.questions,
        )
        for translation in await self._translations(task):
            shared.work.keep(entry.repository_id, translation.snapshot)
            batch.add(entry, delivery, translation, connections)
            if translation.again_in:
                await self._pulls.update_later(
                    entry.repository_id, translation.number, delay=translation.again_in
                )
        batch.deliveries.append(entry)

    async def _translations(self, task: _Task) -> list[Translation]:
        """Translate a delivery, once for each pull request."""
        if task.delivery.event in checks.EVENTS:
            return await self._of_checks(task)
        if task.delivery.event == own_events.RULES:
            return await self._of_rules(task)
        if task.delivery.event == own_events.JOB_LOG:
            return await self._of_job(task)
        if translate.subject(task.delivery) is None:
            return await self._of_repository(task)
        return [await self._of_pull(task)]

    async def _of_pull(self, task: _Task) -> Translation:
        repository_id, number, delivery = task.entry.repository_id, task.entry.number, task.delivery
        before = await task.work.snapshot(repository_id, number)
        merged = before.merge(extract.delta(delivery))
        merged = await task.questions.with_rules(task.entry, delivery, merged, task.work)
        found = checks.view(await task.work.checks(repository_id, merged.head_sha))
        result = translate.translate_pull(delivery, before, merged, found, task.connections, now=time.time())
        task.questions.about_pull(task.entry, delivery, before, result)
        return result

    async def _of_rules(self, task: _Task) -> list[Translation]:
        """Translate what bridge read of a branch's rules, once for each open pull request into it."""
        repository_id, delivery, results = task.entry.repository_id, task.delivery, []
        told = extract.delta(delivery)
        for number in await task.work.open_into(repository_id, delivery.payload["rules"]["branch"]):
            before = await task.work.snapshot(repository_id, number)
            merged = before.merge(told)
            found = checks.view(await task.work.checks(repository_id, merged.head_sha))
            results.append(
                translate.translate_pull(delivery, before, merged, found, task.connections, now=time.time())
            )
        return results

    async def _of_repository(self, task: _Task) -> list[Translation]:
        """Log what an operator should know; after a push, watch the pull requests it may conflict with."""
        repository_id, delivery = task.entry.repository_id, task.delivery
        full_name = delivery.payload["repository"]["full_name"]
        if (delivery.event, delivery.action) == ("meta", "deleted"):
            log.warning(
                "webhook_removed",
                delivery=delivery.id,
                repository=full_name,
                advice="add the webhook again, or disconnect",
            )
        elif delivery.event in translate.RULE_EVENTS:
            await task.work.forget_rules(repository_id)
        elif delivery.event == "repository":
            log.info("repository_changed", delivery=delivery.id, repository=full_name, action=delivery.action)
        elif branch := translate.pushed_branch(delivery):
            numbers = await task.work.open_into(repository_id, branch)
            await self._pulls.watches.mergeable(repository_id, numbers)
            if push := Push.read(delivery):
                return await self._of_push(task, push)
        return []

    async def _of_push(self, task: _Task, push: Push) -> list[Translation]:
        """Note a push for the `synchronize` that follows; translate a forced one that comes after it."""
        repository_id, work, results = task.entry.repository_id, task.work, []
        for number in await work.heads(repository_id, push.before):
            known = await work.snapshot(repository_id, number)
            if known.is_known:
                work.keep(repository_id, push.note(known))
        for number in sorted(await work.heads(repository_id, push.after)) if push.forced else ():
            known = await work.snapshot(repository_id, number)
            if known.is_known and push.is_late(known):
                found = checks.view(await work.checks(repository_id, known.head_sha))
                results.append(
                    translate.translate_late_push(
                        task.delivery, push, known, found, task.connections, now=time.time()
                    )
                )
        return results

    async def _of_checks(self, task: _Task) -> list[Translation]:
        delta = checks.delta(task.delivery)
        if delta is None:
            return []
        repository_id, work = task.entry.repository_id, task.work
        registers = checks.merge(await work.checks(repository_id, delta.sha), delta.checks)
        results = []
        for number in sorted({*delta.numbers, *await work.heads(repository_id, delta.sha)}):
            before = await work.snapshot(repository_id, number)
            if before.is_known and before.head_sha == delta.sha:
                found = checks.view(registers)
                result = translate.translate_checks(
                    task.delivery, before, found, task.connections, now=time.time()
                )
                task.questions.if_ready(repository_id, task.delivery, result)
                results.append(result)
        work.keep_checks(repository_id, delta.sha, registers)
        if number := checks.queued_number(task.delivery):
            results += await self._of_queue(task, number, (checks.view(registers), delta.sha))
        task.questions.about_jobs(task.entry, delta.sha, results)
        return results

    async def _of_job(self, task: _Task) -> list[Translation]:
        """Translate why a job failed, for the pull requests that it still concerns."""
        repository_id, work = task.entry.repository_id, task.work
        job, results = task.delivery.payload["job"], []
        of_commit = checks.view(await work.checks(repository_id, job["sha"]))
        failed = [one for one in of_commit if one.job_id == job["id"] and one.state == "failed"]
        for number in job["numbers"] if failed else ():
            known = await work.snapshot(repository_id, number)
            if known.is_open and job["sha"] in (known.head_sha, known.said.get("queue", ("",))[0]):
                of_head = checks.view(await work.checks(repository_id, known.head_sha))
                results.append(
                    translate.translate_job_log(
                        task.delivery, failed[0], known, of_head, task.connections, now=time.time()
                    )
                )
        return results

    async def _of_queue(
        self, task: _Task, number: int, commit: tuple[tuple[Check, ...], str]
    ) -> list[Translation]:
        """Translate checks that a merge queue runs, for the pull request that it checks."""
        repository_id = task.entry.repository_id
        known = await task.work.snapshot(repository_id, number)
        if not known.is_known:
            return []
        of_head = checks.view(await task.work.checks(repository_id, known.head_sha))
        told = translate.translate_checks(
            task.delivery, known, of_head, task.connections, now=time.time(), queue_commit=commit
        )
        return [told]
