"""A start while Redis is away: bridge refuses all requests until Redis answers, and takes none before."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from bridge.storage import embedded, keys
from bridge.storage.client import close_redis, connect_redis
from tests.conftest import House, eventually
from tests.kits.commands import serving

OWN_INBOX = dict.fromkeys(("FLOWDOCK_CLIENT_ID", "FLOWDOCK_CLIENT_SECRET", "FLOWDOCK_API_URL"), "")

STARTS = {
    "serve": {},
    "serve, own inbox": OWN_INBOX,
    "web": {},
    "web, own inbox": OWN_INBOX,
    "web, several": {"WEB_CONCURRENCY": "2"},
}


async def answers(house: House) -> dict[str, tuple[int, str]]:
    """What bridge answers, and when to try again; nothing while it does not listen."""
    found = {}
    asked = [("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/"), ("POST", "/github/webhook")]
    for method, path in (*asked, ("POST", "/repos/acme/component/pulls/1/close")):
        try:
            async with house.http.request(method, house.bridge + path, data=b"{}") as response:
                found[path] = response.status, response.headers.get("Retry-After", "")
                assert "nosniff" in response.headers["X-Content-Type-Options"]
        except (OSError, aiohttp.ClientError):
            return {}
    return found


@pytest.mark.parametrize("start", STARTS)
async def test_a_start_without_redis_refuses_until_redis_answers(
    house: House, tmp_path: Path, start: str
) -> None:
    data, output = tmp_path / "redis", tmp_path / "bridge.log"
    with embedded.running(data) as url:
        pass

    def lines(event: str) -> int:
        return output.read_text().count(f'"event":"{event}"')

    async with AsyncExitStack() as closing:
        running = serving(house, url, output, half=start.partition(",")[0], **STARTS[start])
        ready = asyncio.create_task(closing.enter_async_context(running))
        refused = await eventually(lambda: answers(house))
        away = (503, "5")
        assert refused.pop("/healthz") == (200, "")
        assert set(refused.values()) == {away}, refused
        assert not ready.done()
        closing.enter_context(embedded.running(data))
        await ready
        served = await eventually(lambda: answers(house))
        assert away not in served.values(), served
        redis = connect_redis(url)
        assert await redis.get(keys.server("github")) == house.services.settings.github_api_url.encode()
        await close_redis(redis)
    if start != "web, several":
        assert [lines("redis_unavailable"), lines("redis_available")] == [1, 1], "for all loops together"


async def test_a_start_without_redis_ends_well_when_told_to_stop(house: House, tmp_path: Path) -> None:
    output = tmp_path / "bridge.log"
    async with AsyncExitStack() as closing:
        running = serving(house, "redis://127.0.0.1:1/0", output)
        ready = asyncio.create_task(closing.enter_async_context(running))
        await eventually(lambda: answers(house))
        ready.cancel()
        await asyncio.gather(ready, return_exceptions=True)
    assert "stopping" in output.read_text()
    assert "Traceback" not in output.read_text()
