"""The rig of every benchmark: a Redis, bridge's processes and their peers', all real, on loopback."""

import asyncio
import hashlib
import hmac
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from prometheus_client.parser import text_string_to_metric_families

from bridge.core.security.encryption import Vault
from bridge.storage import embedded, keys
from bridge.storage.client import connect_redis
from bridge.storage.connections import ConnectionStore
from bridge.storage.pulls import PullRequestStore
from scripts.sandbox.house import ROOT, STOP_SECONDS, Broken, House, free_port, open_house, until
from scripts.sandbox.process import Process

WEBHOOK = "/github/webhook"
REPOSITORY, REPOSITORY_ID = "acme/component", 1296269
AS_DEPLOYED = "scripts.benches.as_deployed"
PEER = ROOT / "scripts" / "benches" / "peer"


def say(sentence: str) -> None:
    """Progress, beside the table."""
    print(sentence, file=sys.stderr, flush=True)


@dataclass(kw_only=True)
class Rig:
    """A Redis and the processes on it; `house` has bridge's settings and its processes."""

    folder: Path
    redis_url: str
    redis: Any
    house: House
    running: list[Process] = field(default_factory=list)

    @property
    def store(self) -> ConnectionStore:
        """The connections, as bridge reads them."""
        return ConnectionStore(self.redis, Vault([self.house.environ["ENCRYPTION_KEY"]]))

    @property
    def pulls(self) -> PullRequestStore:
        """The pull requests, as bridge reads them."""
        return PullRequestStore(self.redis)

    async def start_web(self) -> Process:
        """bridge's web half, ready."""
        process = self.house.start(AS_DEPLOYED, "bridge", "web")
        await self.house.answers(f"{self.house.bridge}/readyz")
        return process

    def start_worker(self) -> Process:
        """bridge's worker half, starting."""
        return self.house.start(AS_DEPLOYED, "bridge", "worker")

    async def start_peer(self, name: str, *arguments: str, flow_token: str = "") -> str:
        """Start a peer that serves HTTP, by its module; returns its address once it answers."""
        port = free_port()
        self.house.start(
            f"scripts.benches.peer.{name}", "--port", str(port), *arguments, FLOW_TOKEN=flow_token
        )
        url = f"http://127.0.0.1:{port}"
        await self.listens(port)
        return url

    async def end(self, process: Process) -> None:
        """Have a process end, and wait for it."""
        process.terminate()
        await asyncio.to_thread(process.wait, STOP_SECONDS)
        self.house.processes.remove(process)

    async def listens(self, port: int) -> None:
        """Wait until somebody takes connections at a port."""

        async def open_() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await until(open_, f"nobody listens at port {port}")

    async def empty(self) -> None:
        """Empty Redis, and have its append-only file begin anew: each round finds the same."""
        await self.redis.flushall()
        await self.redis.execute_command("BGREWRITEAOF")

        async def rewritten() -> bool:
            persistence: Any = await self.redis.info("persistence")
            return not (persistence["aof_rewrite_in_progress"] or persistence["aof_rewrite_scheduled"])

        await until(rewritten, "Redis does not rewrite its append-only file")

    async def queued(self) -> int:
        """Deliveries and messages that are not done."""
        async with self.redis.pipeline(transaction=False) as pipe:
            for partition in range(keys.PARTITIONS):
                pipe.xlen(keys.inbox(partition))
                pipe.xlen(keys.outbox(partition))
            return sum(await pipe.execute())

    async def dead(self) -> int:
        """Dead letters."""
        async with self.redis.pipeline(transaction=False) as pipe:
            for partition in range(keys.PARTITIONS):
                pipe.xlen(keys.dead(partition))
            return sum(await pipe.execute())

    async def answers(self, url: str) -> dict[str, int]:
        """Count the deliveries that bridge at `url` answered, by status, as its /metrics does."""
        async with self.house.http.get(f"{url}/metrics") as response:
            text = await response.text()
        return {
            sample.labels["answer"]: int(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "bridge_deliveries_total"
        }


@asynccontextmanager
async def open_rig(*, inbox: bool = False, settings: dict[str, str] | None = None) -> AsyncIterator[Rig]:
    """Open a Redis as README.md asks for, with `appendfsync everysec`; all processes end on leaving.

    With `inbox`, bridge has its own in place of a Flowdock. Redis's append-only file is not rewritten by
    itself: a rewrite would disturb the measurement.
    """
    with tempfile.TemporaryDirectory(prefix="bridge-bench-") as name:
        folder = Path(name)
        with embedded.running(folder / "redis") as url, (folder / "log").open("wb") as output:
            redis = connect_redis(url)
            await redis.config_set("auto-aof-rewrite-percentage", "0")
            await redis.config_set("appendfsync", "everysec")
            async with aiohttp.ClientSession() as http:
                house = House(
                    data=folder,
                    bridge=f"http://127.0.0.1:{free_port()}",
                    flowdock="" if inbox else "http://127.0.0.1:9",
                    github="http://127.0.0.1:9",
                    http=http,
                    output=output,
                    settings={
                        "REDIS_URL": url,
                        "PAGE_LIMIT": "0",
                        "ACTION_LIMIT": "0",
                        # A benchmark's load is above every limit, and nobody reads its queue.
                        "QUEUE_BYTES": "900G",
                        "REPOSITORY_BYTES": "900G",
                        **(settings or {}),
                    },
                )
                try:
                    with _telling_the_log(folder / "log"):
                        yield Rig(folder=folder, redis_url=url, redis=redis, house=house)
                finally:
                    house.stop()
                    await redis.aclose()
                    await redis.connection_pool.disconnect()


@contextmanager
def _telling_the_log(log: Path) -> Iterator[None]:
    """Print the last lines of the processes' logs if a benchmark breaks."""
    try:
        yield
    except (Broken, aiohttp.ClientError, OSError) as error:
        said = log.read_text(errors="replace")[-2000:]
        raise Broken(f"{error or type(error).__name__}. The processes said last:\n{said}") from None


async def payload() -> dict[str, Any]:
    """Return the payload of a `pull_request` delivery, as the stand-in GitHub makes it: 23.6 kB."""
    with tempfile.TemporaryDirectory(prefix="bridge-bench-") as name:
        async with open_house(Path(name), output=subprocess.DEVNULL) as house:
            return await house.payload()


def sign(body: bytes, secret: str) -> str:
    """Return the value of X-Hub-Signature-256."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def expect(is_so: object, otherwise: str) -> None:
    """Raise `Broken` for a wrong count: the benchmark then measured nothing."""
    if not is_so:
        raise Broken(otherwise)


def dump(document: Any) -> bytes:
    """JSON as GitHub sends it: without spaces."""
    return orjson.dumps(document)
