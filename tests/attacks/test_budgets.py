"""A signer of one repository sends it more than anybody reads: others still have their room.

Each attack is played with the guard, and once more without it: then it gets through.
"""

import copy
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from redis.asyncio import Redis

from bridge.core.budgets import LARGEST_DEAD, Budgets, DeadBounds
from bridge.storage import embedded, keys, lua_scripts
from tests.conftest import House, eventually, open_house
from tests.kits.payloads import badly_packed, pull_request
from tests.kits.worker import REPOSITORY_ID, idle, pulls

OTHER = next(
    number
    for number in range(1, 10_000)
    if keys.partition_of(number) == keys.partition_of(REPOSITORY_ID) and number != REPOSITORY_ID
)
"""A repository in the attacker's partition."""

ROOM = 8 * 2**20
GUARDED = Budgets(repository=2 * 2**20)
UNGUARDED = Budgets(queue=0, repository=0)

# As dead letters were bounded before: by their number, whoever's they are.
BY_NUMBER = """#!lua flags=allow-oom
local entry = redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2])[1]
redis.call('XADD', KEYS[4], 'MAXLEN', 4, '*', 'kind', ARGV[3], 'reason', ARGV[4], 'detail', ARGV[5],
    unpack(entry[2]))
redis.call('XDEL', KEYS[2], ARGV[2])
"""
_source = lua_scripts.source


def _with_by_number(package: str, name: str) -> str:
    return BY_NUMBER if name == "dead_letter" else _source(package, name)


class FewDead(Budgets):
    """So few that a short flood is enough."""

    def dead(self, *, partitions: int) -> DeadBounds:  # noqa: ARG002
        return DeadBounds(LARGEST_DEAD, 3, 10**6, 4, 10**6)


@pytest.fixture
async def small_redis(tmp_path: Path) -> AsyncIterator[str]:
    """A Redis of its own, soon full."""
    with embedded.running(tmp_path) as url:
        yield url


def of(payload: dict[str, Any], repository_id: int) -> dict[str, Any]:
    """The payload about another repository."""
    made = copy.deepcopy(payload)
    made["repository"] |= {"id": repository_id, "name": "other", "full_name": "acme/other"}
    made["pull_request"]["url"] = "https://api.github.com/repos/acme/other/pulls/1"
    return made


async def flood(house: House, payload: dict[str, Any], *, size: int, most: int = 1000) -> ClientResponse:
    """Signed deliveries with what packs badly in them, until one is refused; the last answer."""
    made = copy.deepcopy(payload)
    for at in range(most):
        made["pull_request"]["body"] = badly_packed(size, seed=at)
        response = await house.deliver(made)
        if response.status != 202:
            break
    return response


async def told(response: ClientResponse) -> str:
    return str((await response.json())["error"])


@pytest.mark.parametrize("budgets", [GUARDED, UNGUARDED], ids=["guarded", "unguarded"])
async def test_one_who_signs_for_one_repository_fills_the_queue(small_redis: str, budgets: Budgets) -> None:
    async with open_house(small_redis, budgets=budgets) as house:
        mine = await pull_request(house)
        redis: Any = house.redis
        used = int((await redis.info("memory"))["used_memory"])
        await redis.config_set("maxmemory", used + ROOM)

        await flood(house, mine, size=250_000)
        refused = await flood(house, mine, size=0)
        theirs = await house.deliver(of(mine, OTHER))
        while budgets is UNGUARDED and theirs.status == 202:
            # Redis had freed a little meanwhile: what its connections took.
            await flood(house, mine, size=0)
            theirs = await house.deliver(of(mine, OTHER))

        assert refused.status == 503, "either way there is an end to it"
        if budgets is GUARDED:
            assert theirs.status == 202
            assert "REPOSITORY_BYTES" in await told(refused)
            assert refused.headers["Retry-After"] == "60"
            assert await waiting(redis, REPOSITORY_ID) <= budgets.repository
        else:
            assert theirs.status == 503
            assert "Redis cannot store" in await told(theirs)


async def waiting(redis: Redis, repository_id: int) -> int:
    held: Any = redis
    return int(await held.hget(keys.backlog(keys.partition_of(repository_id)), str(repository_id)))


@pytest.mark.parametrize("is_guarded", [True, False], ids=["guarded", "unguarded"])
async def test_many_repositories_together_fill_the_queue(redis_url: str, *, is_guarded: bool) -> None:
    budgets = Budgets(queue=2**20 if is_guarded else 0, repository=4 * 2**20)
    async with open_house(redis_url, budgets=budgets) as house:
        payload = await pull_request(house)
        for repository_id in range(OTHER + 1, OTHER + 5):
            await flood(house, of(payload, repository_id), size=400_000, most=2)
        await house.services.queue.backlog.read()

        more = await flood(house, of(payload, OTHER + 1), size=250_000, most=1)
        assert more.status == (503 if is_guarded else 202)
        theirs = await house.deliver(of(payload, OTHER))
        assert theirs.status == 202, f"who has nothing waiting goes on: {await theirs.text()}"


@pytest.mark.parametrize("is_guarded", [True, False], ids=["guarded", "unguarded"])
async def test_one_who_signs_for_one_repository_buries_the_dead_letters_of_others(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    if not is_guarded:
        monkeypatch.setattr(lua_scripts, "source", _with_by_number)
    async with open_house(redis_url, budgets=FewDead()) as house:
        payload = await pull_request(house)
        house.start_worker()
        await deadly(house, of(payload, OTHER))
        await dead_of(house, OTHER, 1)
        for _ in range(9):
            await deadly(house, payload)
        await settled(house)

        left = [int(one.fields["repository_id"]) for one in await house.services.queue.dead_letters()]
        assert (OTHER in left) is is_guarded
        assert len(left) == 4


@pytest.mark.parametrize("is_guarded", [True, False], ids=["guarded", "unguarded"])
async def test_one_fills_redis_with_large_dead_letters(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    if not is_guarded:
        monkeypatch.setattr(lua_scripts, "source", _with_by_number)
    async with open_house(redis_url) as house:
        payload = await pull_request(house)
        house.start_worker()
        payload["pull_request"]["body"] = badly_packed(300_000)
        await deadly(house, payload)
        await settled(house)

        (letter,) = await house.services.queue.dead_letters()
        assert bool(letter.dropped) is is_guarded
        assert ("body" in letter.fields) is not is_guarded
        assert letter.fields["event"] == "pull_request"


async def deadly(house: House, payload: dict[str, Any]) -> None:
    """A delivery that the web accepts and the worker cannot read: a number too large for any float."""
    body = json.dumps(payload | {"odd": 0}).replace('"odd": 0', '"odd": 1e999')
    assert (await house.deliver_bytes(body.encode())).status == 202


async def dead_of(house: House, repository_id: int, count: int) -> None:
    async def there() -> bool:
        found = await house.services.queue.dead_letters()
        return sum(one.fields["repository_id"] == str(repository_id) for one in found) == count

    await eventually(there)


async def settled(house: House) -> None:
    async def empty() -> bool:
        return not await house.redis.xlen(keys.inbox(keys.partition_of(REPOSITORY_ID)))

    await eventually(empty)


@pytest.mark.parametrize("repository", [20_000, 0], ids=["guarded", "unguarded"])
async def test_one_fills_redis_with_invented_pull_requests(redis_url: str, repository: int) -> None:
    async with open_house(redis_url, budgets=Budgets(repository=repository)) as house:
        made = await pulls(house)
        await house.connect()
        house.start_worker()
        for number in range(1, 41):
            await made.deliver(number, "x")
            await idle(house)
        redis: Any = house.redis
        sizes = [await redis.strlen(name) for name in await redis.keys("bridge:*:snapshot:*")]
        assert (sum(sizes) <= 20_000) is bool(repository)
        assert 10 < len(sizes) < 40 if repository else len(sizes) == 40
        assert len(await redis.keys("bridge:*:shown:*")) == len(sizes)
        newest = await house.services.pulls.snapshot(REPOSITORY_ID, 40)
        assert newest.is_known
