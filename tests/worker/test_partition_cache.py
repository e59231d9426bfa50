"""What a holder remembers of pull requests: the newest that was committed, until all is posted."""

import time

import orjson
import pytest
from msgspec.structs import replace

from bridge.core.model import Connection
from bridge.core.pulls.model import Person, PullRequest
from bridge.core.pulls.snapshot import Snapshot
from bridge.worker.partition_cache import CONNECTION_SECONDS, SNAPSHOTS_KEPT, PartitionCache
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


def test_a_letter_is_posted_with_what_was_committed_last_until_the_last_letter_is_done() -> None:
    newest, first, second = PartitionCache(), outbox_message("d1"), outbox_message("d2")
    newest.committed({(REPOSITORY_ID, 1): PULL}, [first])
    newest.committed({(REPOSITORY_ID, 1): replace(PULL, title="second")}, [second])
    silent = replace(PULL, title="silent")
    newest.committed({(REPOSITORY_ID, 1): silent}, [])

    assert newest.of(first) == newest.of(second) == silent
    newest.done(first)
    assert newest.of(second) == silent
    newest.done(second)
    assert newest.of(second) is None


def test_of_what_has_nothing_to_post_nothing_is_kept() -> None:
    newest = PartitionCache()
    newest.committed({(REPOSITORY_ID, 1): PULL}, [])
    newest.committed({(REPOSITORY_ID + 1, 1): PULL}, [outbox_message("d1", number=2)])
    assert newest.of(outbox_message("d1", number=1)) is None
    assert newest.of(outbox_message("d1", number=2)) is None


def test_a_letter_that_lay_in_the_outbox_before_ends_without_harm() -> None:
    newest, old, new = PartitionCache(), outbox_message("d0"), outbox_message("d1")
    newest.committed({(REPOSITORY_ID, 1): PULL}, [new])
    newest.done(old)
    assert newest.of(new) is None
    newest.done(new)
    newest.committed({(REPOSITORY_ID, 1): PULL}, [new])
    assert newest.of(new) == PULL


def drawing(pull: PullRequest) -> orjson.Fragment:
    return orjson.Fragment(pull.title.encode())


def drawn_by(fragment: orjson.Fragment) -> bytes:
    return orjson.dumps(fragment)


def test_a_thread_is_drawn_once_for_all_that_show_the_same_and_anew_once_it_changed() -> None:
    newest, first, second = PartitionCache(), outbox_message("d1"), outbox_message("d2")
    newest.committed({(REPOSITORY_ID, 1): PULL}, [first, second])
    drawn = newest.drawn(first, PULL, drawing)
    assert newest.drawn(second, PULL, drawing) is drawn

    changed = replace(PULL, title="second")
    newest.committed({(REPOSITORY_ID, 1): changed}, [])
    assert drawn_by(newest.drawn(second, changed, drawing)) == b"second"
    # Whoever still holds the former state gets that one, and leaves none behind.
    assert drawn_by(newest.drawn(first, PULL, drawing)) == b"first"
    assert drawn_by(newest.drawn(second, changed, drawing)) == b"second"


CONNECTION = Connection(
    id="c1", repository="acme/api", repository_id=REPOSITORY_ID, name="api", flow_token="t", created_at=1
)


def test_a_connection_counts_for_a_moment_after_it_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    newest, now = PartitionCache(), 100.0
    monkeypatch.setattr("bridge.worker.partition_cache.time.monotonic", lambda: now)
    assert newest.connection("c1") is None
    newest.committed({}, [], [CONNECTION], read_at=now)
    now += CONNECTION_SECONDS - 0.01
    assert newest.connection("c1") == CONNECTION
    now += 0.02
    assert newest.connection("c1") is None


def test_a_connection_that_is_gone_is_forgotten_at_once() -> None:
    newest = PartitionCache()
    newest.committed({}, [], [CONNECTION], read_at=time.monotonic())
    assert newest.connection("c1") == CONNECTION
    newest.forget("c1")
    assert newest.connection("c1") is None


def test_what_redis_holds_is_known_while_letters_wait_and_no_more_once_it_is_in_doubt() -> None:
    newest, first, second = PartitionCache(), outbox_message("d1"), outbox_message("d2")
    thread = REPOSITORY_ID, 1
    assert newest.snapshot(thread) is None
    newest.committed({}, [], snapshots={thread: Snapshot()})
    assert newest.snapshot(thread) is None, "nothing is to be posted about it"

    newest.committed({thread: PULL}, [first, second], snapshots={thread: Snapshot(said={"ready": True})})
    assert newest.snapshot(thread) == Snapshot(said={"ready": True})
    newest.doubt()
    assert newest.snapshot(thread) is None
    assert newest.of(second) == PULL

    newest.committed({}, [], snapshots={thread: Snapshot()})
    newest.done(first)
    assert newest.snapshot(thread) == Snapshot()
    newest.done(second)
    assert newest.snapshot(thread) is None


def test_of_few_pull_requests_it_is_kept_what_redis_holds() -> None:
    newest, snapshot = PartitionCache(), Snapshot(said={"ready": True})
    messages = [outbox_message("d", number=number) for number in range(1, SNAPSHOTS_KEPT + 3)]
    threads = [(REPOSITORY_ID, one.number) for one in messages]
    newest.committed({}, messages, snapshots=dict.fromkeys(threads, Snapshot()))
    known = [thread for thread in threads if newest.snapshot(thread) is not None]
    assert known == threads[:SNAPSHOTS_KEPT]

    # Those that are kept are kept up to date, and whoever is done makes room.
    newest.committed({}, [], snapshots={threads[0]: snapshot})
    assert newest.snapshot(threads[0]) == snapshot
    newest.done(messages[0])
    newest.committed({}, [], snapshots={threads[-1]: snapshot, threads[-2]: snapshot})
    assert [newest.snapshot(thread) for thread in threads[-2:]] == [None, snapshot]
