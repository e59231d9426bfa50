"""The cache of a partition: what was committed last of each pull request, until all is posted."""

import time

import orjson
import pytest
from msgspec.structs import replace

from bridge.core.model import Connection
from bridge.core.pulls.model import Person, PullRequest
from bridge.core.pulls.snapshot import Snapshot
from bridge.storage.connections import CONNECTION_SECONDS
from bridge.worker.partition_cache import MAX_SNAPSHOTS, PartitionCache
from tests.kits.queue import REPOSITORY_ID, outbox_message

PULL = PullRequest(
    repository="acme/api",
    repository_url="https://github.example/acme/api",
    number=1,
    url="https://github.example/acme/api/pull/1",
    title="first",
    body="",
    state="open",
    draft=False,
    author=Person(login="ann-gh"),
    head=None,
    base=None,
)


def test_a_letter_is_posted_with_the_last_commit_until_the_last_letter_is_done() -> None:
    cache, first, second = PartitionCache(), outbox_message("d1"), outbox_message("d2")
    cache.update({(REPOSITORY_ID, 1): PULL}, [first])
    cache.update({(REPOSITORY_ID, 1): replace(PULL, title="second")}, [second])
    silent = replace(PULL, title="silent")
    cache.update({(REPOSITORY_ID, 1): silent}, [])

    assert cache.pull(first) == cache.pull(second) == silent
    cache.release(first)
    assert cache.pull(second) == silent
    cache.release(second)
    assert cache.pull(second) is None


def test_nothing_is_kept_without_a_message_to_post() -> None:
    cache = PartitionCache()
    cache.update({(REPOSITORY_ID, 1): PULL}, [])
    cache.update({(REPOSITORY_ID + 1, 1): PULL}, [outbox_message("d1", number=2)])
    assert cache.pull(outbox_message("d1", number=1)) is None
    assert cache.pull(outbox_message("d1", number=2)) is None


def test_a_letter_that_lay_in_the_outbox_before_ends_without_harm() -> None:
    cache, old, new = PartitionCache(), outbox_message("d0"), outbox_message("d1")
    cache.update({(REPOSITORY_ID, 1): PULL}, [new])
    cache.release(old)
    assert cache.pull(new) is None
    cache.release(new)
    cache.update({(REPOSITORY_ID, 1): PULL}, [new])
    assert cache.pull(new) == PULL


def render(pull: PullRequest) -> orjson.Fragment:
    return orjson.Fragment(pull.title.encode())


def json_of(fragment: orjson.Fragment) -> bytes:
    return orjson.dumps(fragment)


def test_a_thread_is_drawn_once_for_all_that_show_the_same_and_anew_once_it_changed() -> None:
    cache, first, second = PartitionCache(), outbox_message("d1"), outbox_message("d2")
    cache.update({(REPOSITORY_ID, 1): PULL}, [first, second])
    rendered = cache.rendered(first, PULL, render)
    assert cache.rendered(second, PULL, render) is rendered

    changed = replace(PULL, title="second")
    cache.update({(REPOSITORY_ID, 1): changed}, [])
    assert json_of(cache.rendered(second, changed, render)) == b"second"
    # Whoever still holds the former state gets that one, and leaves none behind.
    assert json_of(cache.rendered(first, PULL, render)) == b"first"
    assert json_of(cache.rendered(second, changed, render)) == b"second"


CONNECTION = Connection(
    id="c1", repository="acme/api", repository_id=REPOSITORY_ID, name="api", flow_token="t", created_at=1
)


def test_a_connection_counts_for_a_moment_after_it_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, now = PartitionCache(), 100.0
    monkeypatch.setattr("bridge.worker.partition_cache.time.monotonic", lambda: now)
    assert cache.connection("c1") is None
    cache.update({}, [], [CONNECTION], read_at=now)
    now += CONNECTION_SECONDS - 0.01
    assert cache.connection("c1") == CONNECTION
    now += 0.02
    assert cache.connection("c1") is None


def test_a_connection_that_is_gone_is_forgotten_at_once() -> None:
    cache = PartitionCache()
    cache.update({}, [], [CONNECTION], read_at=time.monotonic())
    assert cache.connection("c1") == CONNECTION
    cache.forget_connection("c1")
    assert cache.connection("c1") is None


def test_stored_snapshots_are_known_while_messages_wait_and_not_after_a_commit_in_doubt() -> None:
    cache, first, second = PartitionCache(), outbox_message("d1"), outbox_message("d2")
    thread = REPOSITORY_ID, 1
    assert cache.snapshot(thread) is None
    cache.update({}, [], snapshots={thread: Snapshot()})
    assert cache.snapshot(thread) is None, "nothing is to be posted about it"

    cache.update({thread: PULL}, [first, second], snapshots={thread: Snapshot(said={"ready": True})})
    assert cache.snapshot(thread) == Snapshot(said={"ready": True})
    cache.forget_snapshots()
    assert cache.snapshot(thread) is None
    assert cache.pull(second) == PULL

    cache.update({}, [], snapshots={thread: Snapshot()})
    cache.release(first)
    assert cache.snapshot(thread) == Snapshot()
    cache.release(second)
    assert cache.snapshot(thread) is None


def test_stored_snapshots_of_only_a_few_pull_requests_are_kept() -> None:
    cache, snapshot = PartitionCache(), Snapshot(said={"ready": True})
    messages = [outbox_message("d", number=number) for number in range(1, MAX_SNAPSHOTS + 3)]
    threads = [(REPOSITORY_ID, one.number) for one in messages]
    cache.update({}, messages, snapshots=dict.fromkeys(threads, Snapshot()))
    known = [thread for thread in threads if cache.snapshot(thread) is not None]
    assert known == threads[:MAX_SNAPSHOTS]

    # Those that are kept are kept up to date, and whoever is done makes room.
    cache.update({}, [], snapshots={threads[0]: snapshot})
    assert cache.snapshot(threads[0]) == snapshot
    cache.release(messages[0])
    cache.update({}, [], snapshots={threads[-1]: snapshot, threads[-2]: snapshot})
    assert [cache.snapshot(thread) for thread in threads[-2:]] == [None, snapshot]
