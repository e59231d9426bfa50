"""Shared by the tests of the GitHub App: houses without GitHub's settings, and an App made or about to be."""

import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import web

from bridge.clients.github_credentials import App
from bridge.core.github import app_manifest
from bridge.services import open_services
from bridge.web.app import create_app, make_runner
from scripts.sandbox.browse import Browser, Page
from tests.conftest import REPOSITORY, House, open_house
from tests.kits import sign
from tests.kits.commands import drive

PAGE = "/github/manifest"
CHOSEN = f"{PAGE}?name=bridge-127-0-0-1&merging=on"
"""Its form, filled in."""
UNSET: dict[str, Any] = {
    "github_app": True,
    "github_client_id": "",
    "github_client_secret": "",
    "github_webhook_secrets": (),
}
SECRETS = ("client_secret", "webhook_secret", "pem")


@asynccontextmanager
async def open_app_house(redis_url: str, **changes: Any) -> AsyncIterator[House]:
    """A house with GITHUB_APP and nothing else of GitHub's."""
    async with open_house(redis_url, **UNSET, **changes) as house:
        yield house


@asynccontextmanager
async def another_process(house: House, redis_url: str, **changes: Any) -> AsyncIterator[str]:
    """Another web process on the same Redis, as far as memory goes; yields its address."""
    async with open_services(replace(house.services.settings, **changes), redis_url=redis_url) as services:
        runner = make_runner(create_app(services), shutdown_timeout=1)
        await runner.setup()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            await web.SockSite(runner, listener).start()
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                await runner.cleanup()


async def make(
    house: House, browser: Browser, *, page: Page | None = None, name: str = "bridge-test"
) -> Page:
    """Through GitHub's page to whatever bridge answers; begins where its form is filled in."""
    page = page or await browser.open(house.bridge + CHOSEN)
    at_github = await browser.press(page, "Create the App on GitHub")
    assert at_github.url.startswith(f"{house.github}/settings/apps/new?state="), at_github.text
    return await browser.press(at_github, "Create GitHub App", name=name, user="cy-gh")


async def stored(house: House) -> App:
    """The App that is kept."""
    await house.services.credentials.changed()
    app = await house.services.credentials.app()
    assert app is not None
    return app


async def made_at_github(
    house: House,
    *,
    name: str = "bridge-test",
    installed: bool = True,
    merging: bool = True,
    without: tuple[str, ...] = (),
) -> App:
    """An App of acme's that is made, installed and kept without the pages; `without` some events."""
    asked = app_manifest.manifest(
        web_url=house.bridge,
        name=name,
        webhook=f"{house.bridge}/github/webhook",
        asked=app_manifest.permissions(
            merging=merging, members=bool(house.services.settings.inbox_organizations)
        ),
    )
    asked["default_events"] = [one for one in asked["default_events"] if one not in without]
    body = {
        "manifest": asked,
        "owner": "acme",
        "as": "cy-gh",
        "installed_on": [REPOSITORY] if installed else [],
    }
    found = await drive(house, "apps", body)
    texts = {name: found[name] for name in ("slug", "name", "client_id", *SECRETS)}
    app = App(id=found["id"], url=found["html_url"], made_at=int(time.time()), **texts)
    await house.services.credentials.keep(app, instead_of=None)
    return app


async def delivered(house: House, app: App, address: str = "", *, secret: str = "") -> int:
    """bridge's answer to a delivery, signed with the App's secret (or another).

    It is about a pushed tag, which a worker has nothing to tell of: it holds up nothing.
    """
    payload = {
        "ref": "refs/tags/v1",
        "repository": {"id": 1296269, "full_name": REPOSITORY, "name": "component"},
    }
    body = json.dumps(payload).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": f"d-{time.time_ns()}",
        "X-Hub-Signature-256": sign.webhook(body, secret or app.webhook_secret),
    }
    async with house.http.post(
        f"{address or house.bridge}/github/webhook", data=body, headers=headers
    ) as response:
        return response.status
