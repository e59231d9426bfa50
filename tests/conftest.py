"""Shared by the tests: a real Redis, both stand-ins and bridge on real sockets, all in this process."""

import asyncio
import gc
import io
import json
import os
import secrets
import shutil
import socket
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import hypothesis
import pytest
import structlog
from aiohttp import web
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect
from redis import Redis

from bridge import settings
from bridge.services import Services, open_services
from bridge.storage import embedded
from bridge.storage.client import close_redis, connect_redis
from bridge.web.app import create_app, make_runner
from scripts.sandbox import browse, faults, flowdock, github
from scripts.sandbox.flowdock import RecordingInbox, views
from tests.faults import table
from tests.kits import controls, hygiene, loaded, order, redis_of_flowdock, sign, templates

FLOW = "acme/main"
REPOSITORY = "acme/component"
PATIENCE = 60
"""Seconds: how long a test waits for what must come, so long that no loaded machine fails one."""

SCREEN: ViewportSize = {"width": 1280, "height": 800}
WHOLE_BROWSERS = ("chromium", "chromium-browser")
BROWSERS = ("chromium-headless-shell", *WHOLE_BROWSERS)
"""The first has no windows and no notifications: the same pages take it a quarter of the time."""
BROWSER_OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    # A page is left before its scripts run often enough to repay the optimising compilers.
    "--js-flags=--no-opt --no-maglev",
)

expect.set_options(timeout=PATIENCE * 1000)
# A property that takes 300 ms on a loaded machine holds all the same. Each run draws the same examples: no
# change is blamed for another's mistake. `--hypothesis-profile=default` draws others.
hypothesis.settings.register_profile(
    "patient",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")

PATIENT = "AbortSignal.timeout = () => new AbortController().signal"
"""A page's own limit is a person's patience: a machine that is busy takes longer to answer."""


pytest_generate_tests, pytest_pyfunc_call = controls.pytest_generate_tests, controls.pytest_pyfunc_call
take_guard_away = controls.take_guard_away


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-docs", action="store_true", help="renew docs/faults.md and the pictures")


def pytest_xdist_auto_num_workers() -> int:
    """Two processes a core: half of the time a test waits, for another process or for what is due later."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the longest tests begin first."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    kept = controls.without_other_rows(items)
    items[:] = order.dealt([(item.nodeid, item) for item in kept], processes)


# Whatever is collected stays: to look for garbage in it takes longer than to make it.
gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage from here on, but seldom: by default it takes a twentieth of the time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


# Before anything makes a secret.
hygiene.install()


def pytest_runtest_setup() -> None:
    """The secrets of each test are its own."""
    hygiene.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail the test if a secret of its house was printed, by bridge in this process or in another."""
    report = yield
    if report.when == "teardown" and report.passed:
        printed = [text for _, text in report.sections] + hygiene.logs(item)
        if leaked := hygiene.printed_leaks("\n".join(printed)):
            report.outcome = "failed"
            report.longrepr = f"what was printed shows {', '.join(leaked)}"
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show the table of faults, which the reports of the fault tests carry here from their processes."""
    rows = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for name, value in report.user_properties
        if name == table.PROPERTY
    ]
    if not rows:
        return
    drawn = table.draw(rows)
    terminalreporter.section("faults")
    terminalreporter.write(drawn)
    if config.getoption("--write-docs"):
        table.write(drawn)


@pytest.fixture(scope="session", autouse=True)
def _templates_are_compiled_once() -> Iterator[None]:
    with templates.compiled_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_logger_is_frozen() -> Iterator[None]:
    """A logger first used while a command's test had set up the log would keep that for all later tests."""
    configure = structlog.configure

    def uncached(**options: Any) -> None:
        configure(**options | {"cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(structlog, "configure", uncached)
        yield


@pytest.fixture(autouse=True)
def _the_log_is_set_up_anew() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def _what_was_loaded_ends() -> Iterator[None]:
    yield
    loaded.stop()
    redis_of_flowdock.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis for this run; it waits for no disk, as nothing here cuts the power."""
    with embedded.running(Path(tmp_path_factory.mktemp("redis"))) as url:
        with Redis.from_url(url) as redis:
            redis.config_set("appendfsync", "no")
        yield url


@pytest.fixture
async def redis_url(redis_server: str) -> str:
    """The Redis, emptied."""
    return await emptied(redis_server)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Any]:
    """bridge's own client of the Redis."""
    client = connect_redis(redis_url)
    yield client
    await close_redis(client)


@pytest.fixture
async def browser() -> AsyncIterator[browse.Browser]:
    """A browser without JavaScript, which keeps its cookies."""
    async with browse.Browser() as opened:
        yield opened


async def emptied(redis_server: str) -> str:
    """The same Redis, once it is empty."""
    redis = connect_redis(redis_server)
    await redis.flushall()
    await redis.aclose()
    await redis.connection_pool.disconnect()
    return redis_server


@dataclass
class House:
    """bridge between its two stand-ins, and what a test does with them."""

    services: Services
    bridge: str
    flowdock: str
    github: str
    flowdock_inbox: RecordingInbox
    flowdock_journal: faults.Journal
    github_journal: faults.Journal
    http: aiohttp.ClientSession
    flow_token: str = ""
    running: list[asyncio.Task[None]] = field(default_factory=list)
    web_half: web.AppRunner | None = None
    clicked_at: dict[tuple[str, str, str], int] = field(default_factory=dict)

    @property
    def redis(self) -> Any:
        """bridge's Redis, with all commands of redis-py's client."""
        return self.services.redis

    async def connect(self, flow: str = FLOW) -> str:
        """Tie the repository to a flow; returns the flow token."""
        async with self.http.post(
            f"{self.flowdock}/_sandbox/sources",
            json={"flow": flow, "name": REPOSITORY, "external_url": f"{self.github}/{REPOSITORY}"},
        ) as response:
            token: str = (await response.json())["flow_token"]
        await self.services.connections.connect(REPOSITORY, flow_token=token, name=REPOSITORY)
        self.flow_token = token
        return token

    def start_worker(self) -> asyncio.Task[None]:
        """A worker in this process, until the house closes."""
        task = asyncio.create_task(self.services.worker().run())
        self.running.append(task)
        return task

    def start_monitor(self, **times: float) -> asyncio.Task[None]:
        """A connection monitor until the house closes; `times` as in `Services.connection_monitor`."""
        quick = {"spacing": 0.0, "idle": 0.02, "lock_seconds": 3.0}
        task = asyncio.create_task(self.services.connection_monitor(**quick | times).run())
        self.running.append(task)
        return task

    async def go_down(self) -> None:
        """Stop bridge's web half: from now on its port is closed."""
        assert self.web_half is not None
        await self.web_half.cleanup()
        self.web_half = None

    async def come_up(self) -> None:
        """Start bridge's web half again, at the same address."""
        self.web_half = make_runner(create_app(self.services), shutdown_timeout=1)
        await self.web_half.setup()
        port = int(self.bridge.rpartition(":")[2])

        async def listens() -> bool:
            # A connection to the outside may have the port for a moment.
            assert self.web_half is not None
            with suppress(OSError):
                await web.TCPSite(self.web_half, "127.0.0.1", port, reuse_address=True).start()
                return True
            return False

        await eventually(listens)

    async def hook(
        self, *, content_type: str = "json", events: Sequence[str] = ("*",), app: bool = False
    ) -> None:
        """Point GitHub's webhook of the repository at bridge, or an App's; some `events` need their name."""
        hook = {
            "repo": REPOSITORY,
            "url": f"{self.bridge}/github/webhook",
            "secret": self.services.settings.github_webhook_secrets[0],
            "content_type": content_type,
            "events": list(events),
            "app": app,
        }
        async with self.http.post(f"{self.github}/_sandbox/hooks", json=hook) as response:
            assert response.status == 200

    async def act(self, who: str, do: str, **fields: Any) -> Any:
        """Somebody does something on GitHub; returns the pull request."""
        body = {"as": who, "repo": REPOSITORY, "do": do, **fields}
        async with self.http.post(f"{self.github}/_sandbox/act", json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def deliver(
        self,
        payload: dict[str, Any],
        *,
        event: str = "pull_request",
        delivery_id: str | None = None,
    ) -> aiohttp.ClientResponse:
        """A signed webhook delivery, straight to bridge; the response's body is read."""
        return await self.deliver_bytes(json.dumps(payload).encode(), event=event, delivery_id=delivery_id)

    async def deliver_bytes(
        self,
        body: bytes,
        *,
        event: str = "pull_request",
        delivery_id: str | None = None,
        secret: str | None = None,
        query: str = "",
    ) -> aiohttp.ClientResponse:
        """As `deliver`, of any body; signed with another secret, sent to another repository's address."""
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": delivery_id or str(uuid.uuid4()),
            "X-Hub-Signature-256": sign.webhook(
                body, secret or self.services.settings.github_webhook_secrets[0]
            ),
        }
        async with self.http.post(
            f"{self.bridge}/github/webhook{query}", data=io.BytesIO(body), headers=headers
        ) as response:
            await response.read()
            return response

    async def messages(self, flow: str = FLOW) -> list[dict[str, Any]]:
        """All messages that Flowdock took for a flow, in order."""
        return views.messages(self.flowdock_inbox, flow)

    async def threads(self, flow: str = FLOW) -> list[dict[str, Any]]:
        """The threads of a flow, the newest activity first."""
        return await views.threads(self.flowdock_inbox, flow)

    async def click(self, who: str, thread: str, action: str) -> dict[str, Any]:
        """Somebody clicks a button in the inbox; the same one again only in another second."""
        body = {"user": who, "flow": FLOW, "thread": thread, "action": action}
        last = self.clicked_at.get((who, thread, action), 0)

        async def in_another_second() -> bool:
            return int(time.time()) > last

        # Flowdock's tokens tell whole seconds: within one, the same click has the same token, and bridge
        # refuses it as the one it received before.
        await eventually(in_another_second)
        async with self.http.post(f"{self.flowdock}/_sandbox/click", json=body) as response:
            assert response.status == 200, await response.text()
            outcome: dict[str, Any] = await response.json()
        self.clicked_at[who, thread, action] = int(time.time())
        return outcome


@pytest.fixture
async def house(redis_url: str) -> AsyncIterator[House]:
    """bridge's web half and both stand-ins, connected to nothing yet; a worker is for the test to start."""
    async with open_house(redis_url) as opened:
        yield opened


@pytest.fixture
async def working(house: House) -> House:
    """The house with a worker, the repository connected and GitHub's webhook installed."""
    return await set_to_work(house)


async def set_to_work(house: House) -> House:
    """Connect the house's repository, point GitHub's webhook at it, and start a worker."""
    await house.connect()
    await house.hook()
    house.start_worker()
    return house


@asynccontextmanager
async def open_house(
    redis_url: str, *, github_config: dict[str, Any] | None = None, **changes: Any
) -> AsyncIterator[House]:
    """A house; `changes` are settings that differ."""
    async with AsyncExitStack() as closing:
        yield await _open_house(closing, redis_url, github_config or {}, changes)


async def _open_house(
    closing: AsyncExitStack, redis_url: str, github_config: dict[str, Any], changes: dict[str, Any]
) -> House:
    sockets = [closing.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
    bridge, flowdock_url, github_url = (
        f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in sockets
    )
    if changes.get("inbox"):
        changes.setdefault("flowdock_api_url", bridge + settings.INBOX_API)
    chosen = replace(make_settings(bridge, flowdock_url, github_url), **changes)
    hygiene.know_settings(chosen)
    flowdock_app = flowdock.create_app(
        flowdock.Config(
            web_url=flowdock_url, application_url=chosen.web_url, redis_url=redis_of_flowdock.url()
        )
    )
    github_app = github.create_app(
        github.Config(
            web_url=github_url,
            redirect_uris=(f"{bridge}/auth/github/callback", *github_config.pop("redirect_uris", ())),
            **github_config,
        )
    )
    services = await closing.enter_async_context(open_services(chosen, redis_url=redis_url, for_web=True))
    # Its limit is GitHub's patience; what comes from a test waits for a machine that is busy.
    services.producer.seconds = PATIENCE
    http = await closing.enter_async_context(aiohttp.ClientSession())
    apps = (flowdock_app, github_app, create_app(services))
    for app, listener in zip(apps, (sockets[1], sockets[2], sockets[0]), strict=True):
        runner = (
            make_runner(app, shutdown_timeout=1)
            if app is apps[2]
            else web.AppRunner(app, access_log=None, shutdown_timeout=1)
        )
        await runner.setup()
        if app is not apps[2]:
            closing.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener).start()
    house = House(
        services=services,
        bridge=bridge,
        flowdock=flowdock_url,
        github=github_url,
        flowdock_inbox=flowdock_app[flowdock.STAND_IN],
        flowdock_journal=flowdock_app[faults.JOURNAL],
        github_journal=github_app[faults.JOURNAL],
        http=http,
        web_half=runner,
    )
    closing.push_async_callback(_stop_web_half, house)
    closing.push_async_callback(_stop_workers, house)
    return house


async def _stop_web_half(house: House) -> None:
    if house.web_half is not None:
        await house.go_down()


async def _stop_workers(house: House) -> None:
    house.services.stop.set()
    await asyncio.gather(*house.running)


def make_settings(bridge: str, flowdock_url: str, github_url: str) -> settings.Settings:
    """Settings with fresh secrets; leases are long, since they bound posts: a busy machine repeats none."""
    return settings.read(
        {
            "WEB_URL": bridge,
            "FLOWDOCK_CLIENT_ID": "flowdock-client",
            "FLOWDOCK_CLIENT_SECRET": "flowdock-secret",
            "FLOWDOCK_API_URL": flowdock_url + settings.INBOX_API,
            "GITHUB_CLIENT_ID": "github-client",
            "GITHUB_CLIENT_SECRET": "github-secret",
            "GITHUB_WEBHOOK_SECRET": secrets.token_hex(16),
            "GITHUB_URL": github_url,
            "GITHUB_API_URL": f"{github_url}/api/v3",
            "COOKIE_SECRET": secrets.token_hex(16),
            "ENCRYPTION_KEY": secrets.token_hex(16),
            "LEASE_SECONDS": "30",
            "REVIEW_SECONDS": "0.5",
            "PAGE_LIMIT": "60000",
            "ACTION_LIMIT": "60000",
        }
    )


@asynccontextmanager
async def open_browser(names: Sequence[str] = BROWSERS) -> AsyncIterator[Browser]:
    """A real browser: Debian's Chromium. Without it the test is skipped, under CI it fails."""
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        missing = f"there is no chromium here: apt-get install {names[0]}"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=BROWSER_OPTIONS)
        yield browser
        await browser.close()


@asynccontextmanager
async def open_page(browser: Browser, *, scripts: bool = True) -> AsyncIterator[Page]:
    """A page with cookies and a memory of its own; one without `scripts` runs none."""
    context = await browser.new_context(viewport=SCREEN, java_script_enabled=scripts)
    context.set_default_timeout(PATIENCE * 1000)
    await context.add_init_script(PATIENT)
    yield await context.new_page()
    await context.close()


async def eventually(happened: Callable[[], Awaitable[Any]], *, seconds: float = PATIENCE) -> Any:
    """Wait for an awaitable's first true answer and return it; fails the test if none comes."""
    async with asyncio.timeout(seconds):
        while not (answer := await happened()):  # noqa: ASYNC110  (what is awaited sets no event of ours)
            await asyncio.sleep(0.01)
    return answer
