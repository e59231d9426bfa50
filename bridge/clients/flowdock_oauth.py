"""Sign-in with Flowdock."""

import aiohttp
import orjson

from bridge.clients import oauth
from bridge.core.errors import OAuthFailed
from bridge.core.model import FlowdockUser


class FlowdockOAuth:
    """Flowdock's OAuth at `api_url`, for the application `client_id`."""

    def __init__(
        self, session: aiohttp.ClientSession, *, api_url: str, client_id: str, client_secret: str
    ) -> None:
        self._session = session
        self._api_url = api_url
        self._client_id = client_id
        self._client_secret = client_secret

    def authorize_url(self, *, redirect_uri: str, state: str, scope: str) -> str:
        """Return the URL at which a browser signs in with Flowdock."""
        return oauth.authorize_url(
            f"{self._api_url}/oauth/authorize",
            client_id=self._client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=scope,
            state=state,
        )

    async def exchange(self, code: str, *, redirect_uri: str) -> str:
        """Exchange a code for an access token; raises `OAuthFailed`."""
        answer = await oauth.token_request(
            self._session,
            f"{self._api_url}/oauth/token",
            service="Flowdock",
            client_id=self._client_id,
            client_secret=self._client_secret,
            grant_type="authorization_code",
            code=code,
            redirect_uri=redirect_uri,
        )
        token: str = answer["access_token"]
        return token

    async def user(self, access_token: str) -> FlowdockUser:
        """Return the signed-in user; raises `OAuthFailed`."""
        try:
            async with self._session.get(
                f"{self._api_url}/user",
                headers={"Authorization": f"Bearer {access_token}", "Accept": "application/json"},
                allow_redirects=False,
            ) as response:
                user = orjson.loads(await response.read()) if response.status == 200 else {}
        except (aiohttp.ClientError, TimeoutError, ValueError):
            user = {}
        if not isinstance(user, dict) or not user.get("id"):
            raise OAuthFailed("Flowdock did not say who signed in: try again")
        nick = str(user.get("nick") or user["id"])
        return FlowdockUser(
            id=str(user["id"]),
            nick=nick,
            name=str(user.get("name") or nick),
            avatar=str(user.get("avatar") or ""),
        )
