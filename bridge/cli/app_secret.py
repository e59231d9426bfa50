"""`bridge app-secret`: take over a secret of the GitHub App that was renewed on GitHub."""

import time
from dataclasses import replace

from bridge.cli.terminal import WrongArgument
from bridge.clients.github import TokenRevoked
from bridge.clients.github_credentials import App
from bridge.core.actions import Call
from bridge.core.errors import BridgeError, GitHubRefused
from bridge.core.variables import MIN_SECRET
from bridge.services import Services


class NoApp(BridgeError):
    """bridge has no GitHub App, or the settings name none."""

    sentence = "bridge has no GitHub App: with GITHUB_APP=1, the page /github/manifest creates it"


async def replace_secret(services: Services, *, kind: str, value: str) -> None:
    """Keep the new private key, client secret or webhook secret, and print what to do on GitHub."""
    app, value = await services.credentials.app(), value.strip()
    if app is None:
        raise NoApp
    match kind:
        case "private-key":
            changed = replace(app, pem=value)
            await _try(services, changed)
        case "client-secret":
            changed = replace(app, client_secret=value)
        case _:
            changed = replace(app, webhook_secret=value)
    if kind != "private-key" and len(value) < MIN_SECRET:
        raise WrongArgument(f"a secret has {MIN_SECRET} characters or more: nothing was changed")
    await services.credentials.keep(changed, instead_of=app.id)
    print(f"bridge has the new {kind.replace('-', ' ')} of {app.name}. Its processes use it within a minute.")


async def _try(services: Services, app: App) -> None:
    """Have GitHub check the private key; raises `BridgeError` unless it is the App's."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from jwt import PyJWTError

    try:
        load_pem_private_key(app.pem.encode(), password=None)
        token = app.jwt(now=time.time())
    except (ValueError, TypeError, PyJWTError):
        raise WrongArgument("this is no private key as GitHub makes them: nothing was changed") from None
    try:
        await services.github.call(Call(method="GET", url="/app"), token=token, subject="the App")
    except (TokenRevoked, GitHubRefused):
        raise BridgeError(f"GitHub does not know this key of {app.name}: nothing was changed") from None
