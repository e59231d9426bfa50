"""The OAuth clients: the configured OAuth App, and every GitHub App.

https://docs.github.com/apps/oauth-apps/building-oauth-apps/differences-between-github-apps-and-oauth-apps
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .apps import App
from .services import Services


@dataclass(frozen=True, kw_only=True)
class Client:
    """An OAuth client; `app_id` is 0 for the OAuth App, `permissions` are a GitHub App's."""

    client_id: str
    secret: str
    name: str
    url: str
    redirect_uris: tuple[str, ...]
    app_id: int = 0
    permissions: Mapping[str, str] = field(default_factory=dict)

    def accepts(self, redirect: str) -> bool:
        """Tell whether people may be sent there: to a GitHub App exactly as it is registered.

        https://docs.github.com/apps/creating-github-apps/registering-a-github-app/about-the-user-authorization-callback-url
        """
        if self.app_id:
            return redirect in self.redirect_uris
        return _lies_below(redirect, self.redirect_uris)


def client_of(services: Services, client_id: str) -> Client | None:
    """Return the client of that id; None if there is none."""
    config = services.config
    if client_id == config.client_id:
        return Client(
            client_id=client_id,
            secret=config.client_secret,
            name="bridge",
            url=config.web_url,
            redirect_uris=config.redirect_uris,
        )
    app = services.apps.by_client(client_id)
    return client_of_app(app) if app else None


def client_of_app(app: App) -> Client:
    """Return a GitHub App, as it asks for authorization."""
    return Client(
        client_id=app.client_id,
        secret=app.client_secret,
        name=app.name,
        url=app.manifest.url,
        redirect_uris=app.manifest.callback_urls,
        app_id=app.id,
        permissions=app.manifest.permissions,
    )


def _lies_below(redirect: str, registered: tuple[str, ...]) -> bool:
    """Tell whether it is a registered address or lies below one, on the same host and port.

    https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps#redirect-urls
    """
    asked = urlsplit(redirect)
    if asked.scheme not in {"http", "https"} or ".." in asked.path.split("/"):
        return False
    for known in map(urlsplit, registered):
        below = asked.path == known.path or asked.path.startswith(known.path.rstrip("/") + "/")
        if (asked.scheme, asked.netloc) == (known.scheme, known.netloc) and below:
            return True
    return not registered
