"""`bridge doctor` as a whole: all is well, nothing is set, and as a process."""

import json
import re
from pathlib import Path

from tests.conftest import REPOSITORY, House, eventually
from tests.kits.accounts import link
from tests.kits.commands import environ_of, run, token_of
from tests.kits.doctor import WEBHOOK, Doctor, Found


async def test_an_installation_in_which_all_is_well(asking: Doctor) -> None:
    house = asking.house
    await link(house, "cy")
    await house.connect()
    house.start_worker()
    (connection,) = await house.services.connections.all()
    await house.services.connections.change(connection.id, installer="1003")
    token = await token_of(house, "cy-gh")
    repository = await house.services.hooks.repositories.by_name(REPOSITORY, token=token)
    await house.services.hooks.ensure(repository, token=token)
    found = await eventually_fine(asking)
    http = ("warn", "WEB_URL is not https: anyone on the network can read cookies and claims")
    assert found.pop("address") == http
    assert {check: state for check, (state, _) in found.items()} == dict.fromkeys(
        [
            *("Redis settings", "Flowdock settings", "GitHub settings", "secrets", "other settings"),
            *("Redis", "Redis when full", "Redis on disk", "Redis memory"),
            *("Redis for the queue", "stored tokens", "stored ids", "workers", "queue"),
            *("waiting", "dead letters", "GitHub", "GitHub credentials", "Flowdock credentials"),
            *("public address", WEBHOOK),
        ],
        "fine",
    )
    assert found["stored tokens"][1] == "can be decrypted"
    assert found["workers"][1] == "1 running"
    assert found[WEBHOOK][1].startswith("pinged ")


async def eventually_fine(asking: Doctor) -> Found:
    """Once the worker has told that it lives, and GitHub's first ping has come."""

    async def fine() -> Found | None:
        found = await asking.asked()
        ready = found["workers"][0] == "fine" and found[WEBHOOK][1].startswith("pinged ")
        return found if ready else None

    found: Found = await eventually(fine)
    return found


async def test_as_a_process(house: House, redis_url: str, tmp_path: Path) -> None:
    await house.connect()
    environ = environ_of(house, redis_url)
    fine = await run(tmp_path, "doctor", environ=environ, anew=True)
    assert (fine.returncode, fine.stderr) == (0, ""), fine
    assert fine.stdout.startswith("CHECK ")
    assert re.search(r"^public address +fine +http://127", fine.stdout, re.MULTILINE)
    offline = await run(tmp_path, "doctor", "--offline", environ=environ)
    assert (offline.returncode, "GitHub credentials" in offline.stdout) == (0, False)

    listed = await run(tmp_path, "doctor", "--json", environ={**environ, "GITHUB_CLIENT_SECRET": "wrong-one"})
    found = json.loads(listed.stdout)
    assert {row["state"] for row in found} == {"fine", "warn", "wrong"}
    assert all(row.keys() == {"check", "state", "to_do"} for row in found)
    assert (listed.returncode, listed.stderr) == (1, f"bridge: 1 of {len(found)} checks failed\n")

    broken = await run(
        tmp_path,
        "doctor",
        environ={**environ, "REDIS_URL": "redis://:s3cret@127.0.0.1:1/0", "GITHUB_URL": "http://127.0.0.1:1"},
    )
    assert broken.returncode == 1
    assert "REDIS_URL does not answer" in broken.stdout
    odd = await run(tmp_path, "doctor", environ={**environ, "REDIS_URL": "elsewhere://s3cret"})
    assert (odd.returncode, "REDIS_URL must be an address such as" in odd.stdout) == (1, True)
    everything = "".join(done.stdout + done.stderr for done in (fine, offline, listed, broken, odd))
    assert "Traceback" not in everything
    chosen = house.services.settings
    for secret in (
        *("s3cret", "wrong-one", house.flow_token, *chosen.cookie_secrets, chosen.flowdock_client_secret),
        *chosen.github_webhook_secrets,
        *chosen.encryption_keys,
    ):
        assert secret not in everything


async def test_nothing_at_all_is_set(tmp_path: Path) -> None:
    done = await run(tmp_path, "doctor", "--offline", environ={})
    assert done.returncode == 1
    assert "COOKIE_SECRET is missing" in done.stdout
    assert "the embedded Redis is not meant for production" in done.stdout
    assert "Traceback" not in done.stderr
