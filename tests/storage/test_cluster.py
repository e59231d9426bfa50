"""bridge on a Redis Cluster: real processes on three real nodes, whole and while the cluster changes."""

import asyncio
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest
import structlog
from redis import Redis
from redis.exceptions import MovedError, RedisError

from bridge.core.model import Envelope, FlowdockUser, GitHubToken, GitHubUser, LinkedAccount, Mention
from bridge.core.security.encryption import Vault
from bridge.queue.delivery_queue import DeliveryQueue
from bridge.queue.entries import EnqueueResult
from bridge.queue.producer import PartitionedProducer
from bridge.storage import availability, keys
from bridge.storage import cluster as clusters
from bridge.storage.accounts import AccountStore
from bridge.storage.client import MAX_CONNECTIONS, close_redis, connect_redis
from bridge.storage.flow_members import Members
from bridge.storage.lua_scripts import Script
from bridge.storage.pulls import PullRequestStore
from bridge.storage.streams import Streams
from scripts.sandbox import house as houses
from scripts.sandbox import story
from scripts.sandbox.demo import WITH_TEAM
from scripts.sandbox.house import House, until
from scripts.sandbox.team import gather
from tests.faults.load import Load
from tests.faults.processes import open_load
from tests.faults.row import THREADS, TOTAL
from tests.kits import loaded
from tests.kits.cluster import HOST, Node, RedisCluster, open_cluster, running

REPOSITORY_KEY = keys.inbox(keys.partition_of(5000))
"""Of the first repository of a load."""


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[RedisCluster]:
    """Three nodes with a third of the slots each, and a fourth that has none."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    async with open_cluster(folder, spare=1) as opened:
        yield opened


@pytest.fixture
async def load(tmp_path: Path, cluster: RedisCluster) -> AsyncIterator[Load]:
    """A web process on the cluster, and two workers that share the partitions."""
    async with open_load(tmp_path, cluster.url, lease_seconds=3, cluster=True) as opened:
        for _ in range(2):
            opened.house.start("bridge", "worker")
        await _shared_evenly(cluster)
        yield opened


async def test_a_slot_that_moves_a_node_and_a_worker_that_are_killed_lose_nothing(
    load: Load, cluster: RedisCluster
) -> None:
    new = cluster.nodes[-1]
    # For the worker that is killed: all else may take longer than the whole load.
    load.hold(TOTAL * 3 // 4)
    sending = asyncio.create_task(load.send())
    await load.posted(TOTAL // 8)
    await cluster.begin_move(REPOSITORY_KEY, new)
    await load.posted(TOTAL // 4)
    await cluster.end_move(REPOSITORY_KEY, new)
    await load.posted(TOTAL * 3 // 8)
    killed = cluster.nodes[1]
    killed.kill()
    killed.start()
    await running(killed)
    await load.posted(TOTAL // 2)
    accepted = len(load.accepted)
    load.go_on()
    await load.sent(accepted + 1)
    load.house.processes[-1].kill()
    assert await load.not_posted() > 0
    await sending
    row = await load.finished("move a slot, kill a node and a worker", [])

    assert (row.deliveries, row.lost, row.out_of_order, row.stale, row.dead) == (TOTAL, 0, 0, 0, 0)
    assert row.repeated <= 2 * THREADS
    names = [node.names() for node in cluster.nodes]
    assert all(names), "each node has its part"
    assert len(set.union(*names)) == sum(map(len, names)), "each key lies on one node"
    assert REPOSITORY_KEY.replace("inbox", "fence") in names[-1]


async def test_the_client_bounds_its_connections_and_follows_what_moves(cluster: RedisCluster) -> None:
    redis = connect_redis(cluster.url, cluster=True)
    try:
        read = Script(redis, "return redis.call('GET', KEYS[1])")
        names = [f"{{q}}:{number}" for number in range(200)]
        await asyncio.gather(*(redis.set(name, name) for name in names))
        clients = cluster.owner("{q}").ask("CLIENT", "LIST")
        assert len(clients.splitlines()) <= MAX_CONNECTIONS + 1, "more wait for their turn"

        new = cluster.nodes[-1]
        await cluster.begin_move("{q}", new)
        moved = [f"{{q}}:new:{number}" for number in range(50)]
        await asyncio.gather(*(redis.set(name, name) for name in moved))
        assert set(moved) <= new.names(), "what is new is where the slot goes"
        assert await read(keys=[moved[0]]) == moved[0].encode(), "a script that this node did not know"
        await cluster.end_move("{q}", new)

        async with redis.pipeline(transaction=False) as pipe:
            for name in [*names, *moved]:
                read.add_to(pipe, keys=[name])
            assert await pipe.execute() == [name.encode() for name in [*names, *moved]]
        assert sum([await node.dbsize() for node in await redis.nodes()]) == len(names) + len(moved)
        async with redis.pipeline(transaction=True) as pipe:
            pipe.set("{q}:1", "a", ex=60)
            pipe.sadd("{q}:set", "b")
            await pipe.execute()
        assert await redis.smembers("{q}:set") == {b"b"}
        assert await redis.ttl("{q}:1") > 0
    finally:
        await close_redis(redis)


@pytest.mark.parametrize("is_cluster", [True, False])
async def test_a_redirection_that_nobody_follows_is_logged(
    cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch, is_cluster: bool
) -> None:
    """Without REDIS_CLUSTER, or once the client has given up."""
    monkeypatch.setattr(clusters, "PATIENCE", -1)
    monkeypatch.setattr(availability, "log", structlog.get_logger())
    redis = connect_redis(cluster.url, cluster=is_cluster)
    try:
        await redis.ping()
        await cluster.begin_move("{q}", cluster.nodes[-1])
        await cluster.end_move("{q}", cluster.nodes[-1])
        if is_cluster:
            assert await redis.get("{r}") is None
        with structlog.testing.capture_logs() as logs, pytest.raises(MovedError):
            await redis.get("{q}")
    finally:
        await close_redis(redis)
    assert [(line["event"], line["error"]) for line in logs] == [("redis_refused", "MovedError")]


async def test_a_reader_hears_of_any_partition_with_entries(cluster: RedisCluster) -> None:
    redis = connect_redis(cluster.url, cluster=True)
    names = {partition: keys.inbox(partition) for partition in range(keys.PARTITIONS)}
    here, there = (
        next(part for part, name in names.items() if cluster.owner(name) is node)
        for node in cluster.nodes[:2]
    )
    streams = Streams(redis)
    positions = {names[here]: "0", names[there]: "0"}

    async def read() -> list[str]:
        found = await streams.read(positions, count=9, block_ms=5000)
        positions.update((name, entry_id.decode()) for name, entry_id, _ in found)
        return [name for name, _, _ in found]

    try:
        waiting = asyncio.create_task(read())
        await until(_blocked(cluster.nodes[:2]), "the two streams are not waited for")
        await redis.xadd(names[there], {"number": 1})
        assert await waiting == [names[there]]
        assert await _blocked(cluster.nodes[:1])(), "the other is waited for still"
        await redis.xadd(names[here], {"number": 2})
        assert await read() == [names[here]], "its read went on meanwhile"
        repositories = [
            next(number for number in range(9999) if keys.partition_of(number) == partition)
            for partition in (here, there)
        ]
        cluster.nodes[0].kill()
        producer = PartitionedProducer(queue=DeliveryQueue(redis))
        refused, taken = await asyncio.gather(
            *(
                producer.enqueue(
                    Envelope(id="id", event="push", body=b"{}"), repository_id=repository, number=1
                )
                for repository in repositories
            ),
            return_exceptions=True,
        )
        assert (isinstance(refused, RedisError), taken) == (True, EnqueueResult.TAKEN)
        assert await read() == [names[there]], "another's node being away is no matter"
        assert await read() == [], "nor is it an error"
    finally:
        await streams.close()
        await close_redis(redis)


def _blocked(nodes: Sequence[Node]) -> Callable[[], Awaitable[bool]]:
    async def all_of_them() -> bool:
        return all(node.ask("INFO", "clients")["blocked_clients"] == 1 for node in nodes)

    return all_of_them


async def test_the_whole_story_and_the_commands(tmp_path: Path, cluster: RedisCluster) -> None:
    settings = {**WITH_TEAM, "REDIS_URL": cluster.url, "REDIS_CLUSTER": "1", "LOG_LEVEL": "warning"}
    with (tmp_path / "output.log").open("wb") as output:
        async with houses.open_house(
            tmp_path, ports=(0, 0), output=output, settings=settings, popen=loaded.Process
        ) as house:
            house.start("bridge", "web")
            await house.answers(f"{house.bridge}/readyz")
            house.start("bridge", "worker")
            await gather(house)
            await story.play(house, say=lambda _: None)
            await _keys_are_rotated(house)
            doctor = await house.command("doctor")
            assert "Redis nodes" in doctor
            assert "can be decrypted" in doctor
            assert "1 running" in doctor
            await house.answers(house.bridge)
    assert "Traceback" not in (tmp_path / "output.log").read_text()


async def test_a_dead_letter_is_told_of_and_tried_again(tmp_path: Path, cluster: RedisCluster) -> None:
    settings = {"REDIS_URL": cluster.url, "REDIS_CLUSTER": "1"}
    async with houses.open_house(
        tmp_path, output=subprocess.DEVNULL, settings=settings, popen=loaded.Process
    ) as house:
        house.start("bridge", "serve")
        await house.answers(f"{house.bridge}/readyz")
        await house.connect()
        await _a_dead_letter_is_told_of_and_tried_again(house)


async def test_data_of_a_single_redis_goes_on_in_a_cluster(
    tmp_path: Path, cluster: RedisCluster, redis_url: str
) -> None:
    async with houses.open_house(tmp_path, output=subprocess.DEVNULL, popen=loaded.Process) as house:
        house.settings |= {"REDIS_URL": redis_url, "LOG_LEVEL": "warning"}
        web = house.start("bridge", "web")
        await house.answers(f"{house.bridge}/readyz")
        await house.connect()
        pull = await house.act("ann-gh", "open", title="Before", head="fix", base="main")
        with Redis.from_url(redis_url) as single:

            async def waits() -> bool:
                return bool(single.keys("bridge:{*}:inbox"))

            await until(waits, "the delivery does not come")
            web.send_signal(signal.SIGTERM)
            web.wait()
            cluster.take(single)
            assert single.dbsize() == 0

        house.settings |= {"REDIS_URL": cluster.url, "REDIS_CLUSTER": "1"}
        house.start("bridge", "serve")
        await house.answers(f"{house.bridge}/readyz")
        await house.act("ann-gh", "edit", number=pull["number"], title="After")

        async def both() -> bool:
            messages = await house.get(f"{house.flowdock}/_sandbox/messages")
            titles = [message["title"] for message in messages]
            return titles == ["Opened pull request", "Changed the title from “Before”"]

        await until(both, "what waited was not posted, or what came after")
        assert [thread["title"] for thread in await house.threads()] == ["After"]


async def _a_dead_letter_is_told_of_and_tried_again(house: House) -> None:
    refused = {"path": "/messages", "status": 400, "times": 1}
    await house.post(f"{house.flowdock}/_sandbox/faults", refused)
    await house.act("ann-gh", "open", title="Again", head="again", base="main")

    async def listed() -> bool:
        told = await house.command("dead-letters")
        return "Flowdock answered 400" in told

    await until(listed, "there is no dead letter")
    await house.command("dead-letters", "redrive", "--all")

    async def shown() -> bool:
        return any("Again" in thread["title"] for thread in await house.threads())

    await until(shown, "the dead letter was not posted")


async def _keys_are_rotated(house: House) -> None:
    old = house.environ["ENCRYPTION_KEY"]
    house.settings["ENCRYPTION_KEY"] = f"{'n' * 32},{old}"
    first = await house.command("rotate-keys")
    house.settings["ENCRYPTION_KEY"] = "n" * 32
    again = await house.command("rotate-keys")
    kept = [_row(first, kind)[1] for kind in ("flow tokens", "GitHub tokens")]
    assert kept == ["1", "2"], first
    assert [_row(again, kind)[2] for kind in ("flow tokens", "GitHub tokens")] == kept, again
    house.settings["ENCRYPTION_KEY"] = f"{'n' * 32},{old}"


def _row(table: str, kind: str) -> list[str]:
    line = next(line for line in table.splitlines() if line.startswith(kind))
    return [kind, *line.removeprefix(kind).split()]


async def test_a_setting_that_does_not_fit_the_server_is_told_by_the_doctor(
    tmp_path: Path, cluster: RedisCluster, redis_server: str
) -> None:
    async with houses.open_house(tmp_path, output=subprocess.DEVNULL, popen=loaded.Process) as house:
        house.settings["REDIS_URL"] = cluster.url
        with pytest.raises(houses.Broken, match="set REDIS_CLUSTER=1"):
            await house.command("doctor")
        house.settings |= {"REDIS_CLUSTER": "1", "REDIS_URL": redis_server}
        with pytest.raises(houses.Broken, match="REDIS_CLUSTER needs a REDIS_URL"):
            await house.command("doctor")
        house.settings["REDIS_URL"] = f"redis://{HOST}:1"
        with pytest.raises(houses.Broken, match="or it is not a cluster"):
            await house.command("doctor")


async def _shared_evenly(cluster: RedisCluster) -> None:
    """Wait until two workers have half of the partitions each."""
    leases = [keys.lease(partition) for partition in range(keys.PARTITIONS)]
    owners = {name: cluster.owner(name) for name in leases}

    async def even() -> bool:
        workers = Counter(owners[name].ask("GET", name) for name in leases)
        return sorted(workers.values()) == [16, 16]

    await until(even, "two workers do not share the partitions evenly")


async def test_links_and_members_are_found_wherever_their_keys_lie(cluster: RedisCluster) -> None:
    redis = connect_redis(cluster.url, cluster=True)
    try:
        store, pulls = AccountStore(redis, Vault(["k" * 32])), PullRequestStore(redis)
        for number, login in ((1, "Ann-gh"), (2, "ann-2")):
            github = GitHubUser(id=number, login=login)
            user = FlowdockUser(id="1001", nick="ann", name="Ann")
            token = GitHubToken(access="t")
            await store.link(LinkedAccount(flowdock=user, github=github, token=token, linked_at=0))
            assert await store.linked_to(number) == ["1001"]
        await Members(redis).shown("acme/main", ["1001"])
        assert await store.linked_to(1) == []
        assert await pulls.tags([Mention("ann-gh")], flow="acme/main") == ()
        assert await pulls.tags([Mention("ANN-2"), Mention("ann-gh")], flow="acme/main") == ("@ann",)
        await store.unlink("1001")
        assert await store.logins() == {}
    finally:
        await close_redis(redis)
