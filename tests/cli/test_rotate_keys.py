"""`rotate-keys`: all that lies sealed in Redis gets the first key's seal, whatever else happens meanwhile."""

import re
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis import Redis as BlockingRedis

from bridge.cli.rotate_keys import rotate_keys
from bridge.core.errors import BridgeError
from bridge.core.security.encryption import Vault, key_name
from bridge.storage import key_rotation, keys
from bridge.storage.connections import ConnectionStore
from bridge.storage.one_time import OneTimeStore
from tests.conftest import House
from tests.kits.commands import run
from tests.kits.dump import everything
from tests.kits.github_app import make, open_app_house
from tests.kits.whole_story import Seen, Watched, told

OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32
_BASE64 = re.compile(rb"[A-Za-z0-9_-]{32,}={0,2}")


async def rotate(redis: Any, *known: str, dry_run: bool = False) -> key_rotation.Rotated:
    return await key_rotation.rotate(redis, Vault(known), dry_run=dry_run, progress=lambda *_: None)


def counted(done: key_rotation.Rotated) -> dict[str, tuple[int, int, int]]:
    """The values re-encrypted, already new and undecryptable, by the kinds that there were."""
    tallies = {name: (one.rewritten, one.newest, one.unreadable) for name, one in done.kinds.items()}
    return {name: tally for name, tally in tallies.items() if any(tally)}


@pytest.fixture
async def redis(house: House) -> AsyncIterator[Any]:
    yield house.redis


@pytest.fixture
async def store(redis: Any) -> ConnectionStore:
    """An installation with the old key: two connections, an account, a value that works once."""
    kept = ConnectionStore(redis, Vault([OLD]))
    for number in (1, 2):
        await kept.connect(f"acme/{number}", flow_token=f"flow-token-{number}", name="")
    await OneTimeStore(redis, Vault([OLD])).put("session", "hash", {"access_token": "at"}, seconds=500)
    return kept


async def test_all_gets_the_new_keys_seal_and_keeps_its_lifetime(redis: Any, store: ConnectionStore) -> None:
    before = await redis.get(keys.once("session", "hash"))
    assert counted(await rotate(redis, NEW, OLD)) == {
        "flow tokens": (2, 0, 0),
        "sessions and sign-ins": (1, 0, 0),
    }
    new = ConnectionStore(redis, Vault([NEW]))
    assert {one.flow_token for one in await new.all()} == {"flow-token-1", "flow-token-2"}
    assert await redis.get(keys.once("session", "hash")) != before
    assert 0 < await redis.ttl(keys.once("session", "hash")) <= 500
    assert await redis.ttl(keys.connection((await new.all())[0].id)) == -1
    assert await OneTimeStore(redis, Vault([NEW])).pop("session", "hash") == {"access_token": "at"}


async def test_once_more_changes_nothing(redis: Any, store: ConnectionStore) -> None:
    await rotate(redis, NEW, OLD)
    before = await everything(redis)
    assert counted(await rotate(redis, NEW, OLD)) == {
        "flow tokens": (0, 2, 0),
        "sessions and sign-ins": (0, 1, 0),
    }
    assert await everything(redis) == before


async def test_a_dry_run_only_counts(redis: Any, store: ConnectionStore) -> None:
    before = await everything(redis)
    done = await rotate(redis, NEW, OLD, dry_run=True)
    assert counted(done) == {"flow tokens": (2, 0, 0), "sessions and sign-ins": (1, 0, 0)}
    assert await everything(redis) == before


async def test_more_than_one_page_of_keys(redis: Any, store: ConnectionStore) -> None:
    names = [f"{number}" for number in range(key_rotation.PAGE * 2 + 50)]
    vault = Vault([OLD])
    await redis.mset({keys.once("claim", name): vault.encrypt(b"{}", aad=f"claim:{name}") for name in names})
    told: list[tuple[int, int]] = []
    done = await key_rotation.rotate(
        redis, Vault([NEW, OLD]), dry_run=False, progress=lambda *step: told.append(step)
    )
    assert done.kinds["sessions and sign-ins"].rewritten == len(names) + 1
    assert len(told) > 2, "no step takes them all"
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] >= len(names)


FOREIGN = Vault([OTHER]).encrypt(b'{"some":"thing"}', aad="claim:spoilt")


@pytest.mark.parametrize(
    ("spoilt", "missing", "damaged"),
    [
        (FOREIGN, 1, 0),
        (FOREIGN[:-8], 1, 0),
        (FOREIGN[:20], 0, 1),
        (b"{}", 0, 1),
        (b"", 0, 1),
        (b"\xff\x00", 0, 1),
        (Vault([OLD]).encrypt(b"{}", aad="claim:elsewhere"), 0, 1),
        (Vault([NEW]).encrypt(b"{}", aad="claim:elsewhere"), 0, 1),
    ],
    ids=["another key", "another key, cut", "cut", "open", "empty", "bytes", "moved", "moved, new"],
)
async def test_an_undecryptable_value_is_left_as_it_is(
    redis: Any, store: ConnectionStore, spoilt: bytes, missing: int, damaged: int
) -> None:
    name = keys.once("claim", "spoilt")
    await redis.set(name, spoilt, ex=100)
    done = await rotate(redis, NEW, OLD)
    assert counted(done)["sessions and sign-ins"] == (1, 0, 1)
    assert (sum(done.missing.values()), done.damaged) == (missing, damaged)
    assert await redis.get(name) == spoilt
    assert 0 < await redis.ttl(name) <= 100


@pytest.mark.parametrize("value", [b"[]", b"{}", b'{"flow_token":7}', b"no JSON", b"null"])
async def test_a_connection_that_is_none_is_left_as_it_is(
    redis: Any, store: ConnectionStore, value: bytes
) -> None:
    await redis.set(keys.connection("odd"), value)
    assert counted(await rotate(redis, NEW, OLD))["flow tokens"] == (2, 0, 1)
    assert await redis.get(keys.connection("odd")) == value


class Meddling(Vault):
    """Somebody changes Redis each time between the reading and the replacing, `times` times."""

    def __init__(self, given: list[str], meddle: Any, times: int) -> None:
        super().__init__(given)
        self._meddle, self._times = meddle, times

    def decrypt(self, encrypted: bytes, *, aad: str) -> bytes:
        if self._times > 0 and aad.startswith("connection:"):
            self._times -= 1
            self._meddle()
        return super().decrypt(encrypted, aad=aad)


async def meddled(redis: Any, url: str, times: int, meddle: Any) -> key_rotation.Rotated:
    with BlockingRedis.from_url(url) as beside:
        vault = Meddling([NEW, OLD], lambda: meddle(beside), times)
        return await key_rotation.rotate(redis, vault, dry_run=False, progress=lambda *_: None)


async def test_a_concurrent_change_is_never_lost(redis_url: str, redis: Any) -> None:
    made, _ = await ConnectionStore(redis, Vault([OLD])).connect("acme/1", flow_token="token", name="")
    names: list[str] = []

    def rename(beside: BlockingRedis) -> None:
        name = keys.connection(made.id)
        fields = orjson.loads(beside.get(name))  # type: ignore[arg-type]
        names.append(f"name {len(names)}")
        beside.set(name, orjson.dumps(fields | {"name": names[-1]}))

    done = await meddled(redis, redis_url, 3, rename)
    assert counted(done) == {"flow tokens": (1, 0, 0)}
    kept = await ConnectionStore(redis, Vault([NEW])).get(made.id)
    assert kept is not None
    assert (kept.name, kept.flow_token) == ("name 2", "token")


async def test_a_value_removed_meanwhile_stays_removed(redis_url: str, redis: Any) -> None:
    made, _ = await ConnectionStore(redis, Vault([OLD])).connect("acme/1", flow_token="token", name="")
    done = await meddled(redis, redis_url, 1, lambda beside: beside.delete(keys.connection(made.id)))
    assert counted(done) == {}
    assert await redis.exists(keys.connection(made.id)) == 0


async def test_a_value_encrypted_anew_meanwhile_counts_as_new(redis_url: str, redis: Any) -> None:
    made, _ = await ConnectionStore(redis, Vault([OLD])).connect("acme/1", flow_token="token", name="")
    sealed = Vault([NEW]).encrypt(b"other", aad=f"connection:{made.id}").decode()

    def reconnect(beside: BlockingRedis) -> None:
        name = keys.connection(made.id)
        beside.set(name, orjson.dumps(orjson.loads(beside.get(name)) | {"flow_token": sealed}))  # type: ignore[arg-type]

    assert counted(await meddled(redis, redis_url, 1, reconnect)) == {"flow tokens": (0, 1, 0)}


async def test_the_github_app_gets_the_new_keys_seal(redis_url: str) -> None:
    async with open_app_house(redis_url, encryption_keys=(OLD,)) as house:
        async with Watched(house.bridge, Seen()) as browser:
            await make(house, browser)
        app = await house.services.credentials.app()
        assert app is not None
        assert counted(await rotate(house.redis, NEW, OLD)) == {"GitHub App": (1, 0, 0)}
    async with open_app_house(redis_url, encryption_keys=(NEW,)) as house:
        assert await house.services.credentials.app() == app


async def test_an_app_is_kept_also_where_the_one_before_is_sealed_anew_in_that_moment(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app_house(redis_url, encryption_keys=(NEW, OLD)) as house:
        kept, redis = house.services.credentials, house.redis
        async with Watched(house.bridge, Seen()) as browser:
            await make(house, browser)
        before = await kept.app()
        assert before is not None
        before_sealed = Vault([OLD]).encrypt(orjson.dumps(asdict(before)), aad=keys.GITHUB_APP)
        await redis.set(keys.GITHUB_APP, before_sealed)
        decrypt = Vault.decrypt
        turns: list[bytes] = []

        def meanwhile(self: Vault, encrypted: bytes, *, aad: str) -> bytes:
            if not turns:
                turns.append(encrypted)
                with BlockingRedis.from_url(redis_url) as beside:
                    beside.set(
                        keys.GITHUB_APP,
                        Vault([NEW]).encrypt(orjson.dumps(asdict(before)), aad=keys.GITHUB_APP),
                    )
            return decrypt(self, encrypted, aad=aad)

        monkeypatch.setattr(Vault, "decrypt", meanwhile)
        await kept.keep(replace(before, id=before.id + 1), instead_of=before.id)
        assert turns == [before_sealed]
        data: Any = await redis.get(keys.GITHUB_APP)
        assert orjson.loads(Vault([NEW]).decrypt(data, aad=keys.GITHUB_APP))["id"] == before.id + 1


# The command


async def test_the_command_tells_what_it_did(
    house: House, redis_url: str, store: ConnectionStore, tmp_path: Path
) -> None:
    environ = {"REDIS_URL": redis_url, "ENCRYPTION_KEY": f"{NEW},{OLD}"}
    looked = await run(tmp_path, "rotate-keys", "--dry-run", environ=environ, anew=True)
    assert (looked.returncode, looked.stderr) == (0, "")
    assert "TO RE-ENCRYPT" in looked.stdout
    done = await run(tmp_path, "rotate-keys", environ=environ)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [re.split(r"  +", line) for line in done.stdout.splitlines()]
    assert rows[0] == ["KIND", "RE-ENCRYPTED", "ALREADY NEW", "CANNOT BE DECRYPTED"]
    assert ["flow tokens", "2", "0", "0"] in rows
    assert ["GitHub tokens", "0", "0", "0"] in rows


async def test_the_command_fails_where_a_key_is_missing_and_says_which(
    house: House, redis_url: str, store: ConnectionStore, tmp_path: Path
) -> None:
    done = await run(tmp_path, "rotate-keys", environ={"REDIS_URL": redis_url, "ENCRYPTION_KEY": NEW})
    missing, present = Vault([OLD]).key_names[0], Vault([NEW]).key_names[0]
    assert done.returncode == 1
    assert re.search(r"^flow tokens +0 +0 +2$", done.stdout, re.MULTILINE)
    assert f"3 values are encrypted with the key {missing}, but ENCRYPTION_KEY has {present}." in done.stderr
    assert "after the new one (ENCRYPTION_KEY=NEW,OLD) and run this again" in done.stderr
    assert "They were left as they are" in done.stderr
    assert {one.flow_token for one in await store.all()} == {"flow-token-1", "flow-token-2"}


async def test_a_damaged_value_is_counted_apart(redis: Any, store: ConnectionStore) -> None:
    await redis.set(keys.once("claim", "x"), b"?")
    with pytest.raises(BridgeError, match="1 value is damaged") as failed:
        await rotate_keys(redis, Vault([NEW, OLD]), dry_run=False)
    assert "encrypted with the key" not in str(failed.value)


async def test_a_long_run_tells_how_far_it_is(
    redis: Any, store: ConnectionStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bridge.cli.rotate_keys.PROGRESS_SECONDS", 0)
    await rotate_keys(redis, Vault([NEW, OLD]), dry_run=True)
    printed = capsys.readouterr()
    assert re.fullmatch(r"(\d+ of \d+ keys checked\n)+", printed.err)
    assert "checked" not in printed.out


# That no kind is forgotten


async def test_after_a_whole_story_nothing_sealed_is_left_with_the_old_key(
    house: House,
) -> None:
    house.start_worker()
    old, redis = Vault(house.services.settings.encryption_keys), house.redis
    async with told(house):
        before = sealed_with(old, await everything(redis))
        assert before, "there is much that is sealed"
        done = await key_rotation.rotate(
            redis,
            Vault([NEW, *house.services.settings.encryption_keys]),
            dry_run=False,
            progress=lambda *_: None,
        )
        after = await everything(redis)
    assert sealed_with(old, after) == {}
    assert set(before) <= set(sealed_with(Vault([NEW]), after))
    kinds = {kind for kind, tally in counted(done).items() if tally[0] and not tally[2]}
    assert kinds == {kind.name for kind in key_rotation.KINDS} - {
        "GitHub App",
        "inbox's application",
        "inbox's key for push services",
        "GitHub tokens of the inbox",
        "GitHub tokens to link",
    }


def sealed_with(vault: Vault, kept: dict[str, bytes]) -> dict[str, bytes]:
    """Whatever looks as if this vault's first key had sealed it, wherever it lies."""
    names = {name: _BASE64.findall(value) for name, value in kept.items()}
    return {
        name: kept[name]
        for name, found in names.items()
        if any(key_name(one) == vault.key_names[0] for one in found)
    }
