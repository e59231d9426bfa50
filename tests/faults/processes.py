"""The processes that a load needs: stand-ins, web processes and workers, for one load or several."""

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bridge.settings import INBOX_API
from bridge.storage.client import close_redis, connect_redis
from scripts.sandbox.house import free_port, open_house
from tests.faults.load import Load
from tests.faults.wire import open_wire
from tests.kits import hygiene, loaded


class Shared:
    """The processes of one load, for one after the other: to start them takes longer than a load."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._secrets = dict(hygiene.KNOWN)
        self._read = 0

    @asynccontextmanager
    async def anew(self) -> AsyncIterator[Load]:
        """Another load; what the processes print meanwhile is searched for secrets, as of any test."""
        hygiene.KNOWN.update(self._secrets)
        await self._load.again()
        yield self._load
        printed = self._load.output.read_text()
        hygiene.saw(printed[self._read :])
        self._read = len(printed)


@asynccontextmanager
async def open_load(
    data: Path, redis_url: str, *, lease_seconds: float, more_webs: int = 0, cluster: bool = False
) -> AsyncIterator[Load]:
    """Stand-ins and web half running, repositories connected; the workers are for the test to start."""
    settings = {"REDIS_URL": redis_url, "LEASE_SECONDS": str(lease_seconds), "LOG_LEVEL": "warning"}
    if cluster:
        settings["REDIS_CLUSTER"] = "1"
    printed = data / "output.log"
    with printed.open("wb") as output:
        async with (
            open_house(data, output=subprocess.DEVNULL, settings=settings, popen=loaded.Process) as house,
            open_wire(house.flowdock) as wire,
        ):
            # Of bridge's processes alone: what the stand-ins say of cut connections is no concern.
            house.output = output
            house.settings["FLOWDOCK_API_URL"] = wire.url + INBOX_API
            webs = [house.bridge, *(f"http://127.0.0.1:{free_port()}" for _ in range(more_webs))]
            started = [house.start("bridge", "web", PORT=web.rpartition(":")[2]) for web in webs]
            redis = connect_redis(redis_url, cluster=cluster)
            try:
                load = Load(
                    house=house,
                    redis=redis,
                    payload=await house.payload(),
                    webs=webs,
                    wire=wire,
                    output=printed,
                    web=started[0],
                )
                await load.connect()
                for web in webs:
                    await house.answers(f"{web}/readyz")
                yield load
            finally:
                await close_redis(redis)
    assert "Traceback" not in printed.read_text()
