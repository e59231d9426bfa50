"""Flowdock's API and OAuth: the only module that speaks to Flowdock."""

from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson

from bridge import oauth
from bridge.core.errors import FlowdockFailing, FlowdockRejected, OAuthFailed, SourceGone
from bridge.core.model import FlowdockUser, Message
from bridge.http import retry_after

POST_SECONDS = 20
"""The bound of one post: below Heroku's 30 and below a lease's lifetime."""

_PASSING = frozenset({408, 423, 425, 429})


class Flowdock:
    """Flowdock at `api_url`, for the OAuth application `client_id`."""

    def __init__(
        self, session: aiohttp.ClientSession, *, api_url: str, client_id: str, client_secret: str
    ) -> None:
        self._session = session
        self._api_url = api_url
        self._client_id = client_id
        self._client_secret = client_secret

    async def post(
        self,
        message: Message,
        *,
        flow_token: str,
        thread_id: str,
        thread: dict[str, Any],
        tags: Sequence[str] = (),
        uuid: str,
        seconds: float = POST_SECONDS,
    ) -> None:
        """Post a message with its thread's whole state.

        Raises `SourceGone`, `FlowdockRejected` or `FlowdockFailing`. Rules: Flowdock's API documents,
        "Messages"; the seed's example.
        """
        body = encode(
            message, flow_token=flow_token, thread_id=thread_id, thread=thread, tags=tags, uuid=uuid
        )
        try:
            async with self._session.post(
                f"{self._api_url}/messages",
                data=body,
                headers={"Content-Type": "application/json"},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                if response.status in (200, 201, 202):
                    return
                await _refuse(response)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise FlowdockFailing(f"Flowdock cannot be reached ({type(error).__name__})") from None

    def authorize_url(self, *, redirect_uri: str, state: str, scope: str) -> str:
        """Where a browser signs in with Flowdock."""
        return oauth.authorize_url(
            f"{self._api_url}/oauth/authorize",
            client_id=self._client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=scope,
            state=state,
        )

    async def exchange(self, code: str, *, redirect_uri: str) -> str:
        """The access token for a code; raises `OAuthFailed`."""
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
        """Who signed in; raises `OAuthFailed`."""
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


def encode(
    message: Message,
    *,
    flow_token: str,
    thread_id: str,
    thread: dict[str, Any],
    tags: Sequence[str],
    uuid: str,
) -> bytes:
    """The JSON body of `POST /messages`; what is empty is left out."""
    author = {"name": message.author.name, "avatar": message.author.avatar}
    fields = {
        "flow_token": flow_token,
        "event": message.event,
        "author": {name: value for name, value in author.items() if value},
        "title": message.title,
        "body": message.body,
        "tags": list(tags),
        "external_thread_id": thread_id,
        "thread": thread,
        "uuid": uuid,
    }
    return orjson.dumps({name: value for name, value in fields.items() if value})


async def _refuse(response: aiohttp.ClientResponse) -> None:
    if response.status == 410:
        raise SourceGone("the flow removed the source")
    if response.status >= 500 or response.status in _PASSING:
        raise FlowdockFailing(
            f"Flowdock answered {response.status}", retry_after=retry_after(response.headers)
        )
    answer = (await response.content.read(2000)).decode(errors="replace")
    raise FlowdockRejected(f"Flowdock answered {response.status}: {answer}")
