"""Sign-in with Flowdock."""

from dataclasses import dataclass, field

import aiohttp
import orjson

from bridge.clients import oauth
from bridge.core.errors import OAuthFailed
from bridge.core.model import FlowdockUser


@dataclass(frozen=True, kw_only=True)
class FlowdockOAuth:
    """Flowdock's OAuth at `api_url`, for the application `client_id`."""

    session: aiohttp.ClientSession
    api_url: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    """The address of bridge that is registered with it."""
    chat: str
    """The name of Flowdock in refusals."""

    def authorize_url(self, *, state: str, scope: str) -> str:
        """Return the URL at which a browser signs in with Flowdock."""
        return oauth.authorize_url(
            f"{self.api_url}/oauth/authorize",
            client_id=self.client_id,
            response_type="code",
            redirect_uri=self.redirect_uri,
            scope=scope,
            state=state,
        )

    async def exchange(self, code: str) -> str:
        """Exchange a code for an access token; raises `OAuthFailed`."""
        answer = await oauth.token_request(
            self.session,
            f"{self.api_url}/oauth/token",
            service=self.chat,
            client_id=self.client_id,
            client_secret=self.client_secret,
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.redirect_uri,
        )
        token: str = answer["access_token"]
        return token

    async def user(self, access_token: str) -> FlowdockUser:
        """Return the signed-in user; raises `OAuthFailed`."""
        try:
            async with self.session.get(
                f"{self.api_url}/user",
                headers={"Authorization": f"Bearer {access_token}", "Accept": "application/json"},
                allow_redirects=False,
            ) as response:
                user = orjson.loads(await response.read()) if response.status == 200 else {}
        except (aiohttp.ClientError, TimeoutError, ValueError):
            user = {}
        if not isinstance(user, dict) or not user.get("id"):
            raise OAuthFailed(f"{self.chat} did not say who signed in: try again")
        nick = str(user.get("nick") or user["id"])
        return FlowdockUser(
            id=str(user["id"]),
            nick=nick,
            name=str(user.get("name") or nick),
            avatar=str(user.get("avatar") or ""),
        )
