"""Flowdock's API: messages, flows and sources."""

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import orjson
import structlog
import yarl

from bridge.clients.flowdock_answers import read_flow, read_list, read_members, refuse
from bridge.core.errors import (
    FlowdockFailing,
    FlowdockRejected,
    NotAMember,
    SignedOut,
)
from bridge.core.model import Flow, Message, Source
from bridge.core.urls import path_of

POST_SECONDS = 20
"""The bound of one post: below Heroku's 30 and below a lease's lifetime."""

CALL_SECONDS = 10
"""The bound of a call that a person waits for."""

_FLOW = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9_-]*")
_SOURCE = re.compile(r".*/flows/([\w-]+/[\w-]+)/sources/([\w-]+)/?", re.ASCII)

_JSON = {"Content-Type": "application/json"}

Thread = dict[str, Any] | orjson.Fragment
"""A thread's whole state as Flowdock documents it, or that in JSON."""

log = structlog.get_logger()


class Flowdock:
    """Flowdock's API at `api_url`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        api_url: str,
        chat: str,
        shown: Callable[[str, Sequence[str]], Awaitable[None]],
    ) -> None:
        """Make a client; `shown` is called with each flow that Flowdock shows, and its members' ids.

        Errors name Flowdock as `chat`.
        """
        self._session = session
        self._api_url = api_url
        self._chat = chat
        self._messages_url = yarl.URL(f"{api_url}/messages")
        self._shown = shown

    async def post(
        self,
        message: Message,
        *,
        flow_token: str,
        thread_id: str,
        thread: Thread,
        tags: Sequence[str] = (),
        uuid: str,
        request_id: str = "",
        seconds: float = POST_SECONDS,
    ) -> None:
        """Post a message with its thread's whole state; `request_id` is for the receiver's log.

        Raises `SourceGone`, `FlowdockRejected` or `FlowdockFailing`. See Flowdock's API documentation,
        "Messages".
        """
        body = encode(
            message, flow_token=flow_token, thread_id=thread_id, thread=thread, tags=tags, uuid=uuid
        )
        try:
            async with self._session.post(
                self._messages_url,
                data=body,
                headers={**_JSON, "X-Request-Id": request_id},
                allow_redirects=False,
                timeout=_timeout(seconds),
            ) as response:
                if response.status in (200, 201, 202):
                    # Unread, it would cost the connection: the next post would have to make a new one.
                    await response.read()
                    return
                await refuse(response, self._chat, flow_token)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise FlowdockFailing(f"{self._chat} cannot be reached ({type(error).__name__})") from None

    # Flows and sources, for a signed-in user (Flowdock's API documents, "Flows" and "Sources")

    async def flows(self, access_token: str) -> list[Flow]:
        """Return the flows that the user is in; raises as `flow` does."""
        found = read_list(await self._get("/flows", access_token), self._chat)
        return [read_flow(one, self._chat) for one in found if one.get("joined") is not False]

    async def flow(self, path: str, access_token: str) -> Flow:
        """Return the flow at `organization/flow`, if the user is in it.

        Raises `NotAMember`, `SignedOut`, `FlowdockRejected` or `FlowdockFailing`.
        """
        return await self._joined(await self._get(f"/flows/{_path(path)}", access_token))

    async def find_flow(self, flow_id: str, access_token: str) -> Flow:
        """Return the flow with this id, if the user is in it; raises as `flow` does."""
        found = await self._get(f"/flows/find?id={quote(flow_id, safe='')}", access_token)
        return await self._joined(found)

    async def _joined(self, found: Any) -> Flow:
        # A flow that is open to the organization is shown to those who have not joined it, too.
        if isinstance(found, dict) and found.get("joined") is False:
            raise NotAMember("you are not in this flow: join it, then try again")
        flow = read_flow(found, self._chat)
        if isinstance(found.get("users"), list):
            await self._shown(flow.path, read_members(found["users"]))
        return flow

    async def create_source(self, flow: str, access_token: str, *, name: str, external_url: str) -> Source:
        """Create bridge's source in a flow (`organization/flow`); raises as `flow` does."""
        made = await self._call(
            "POST",
            f"/flows/{_path(flow)}/sources",
            access_token,
            {"name": name, "external_url": external_url},
        )
        if not isinstance(made, dict) or not made.get("id") or not made.get("flow_token"):
            raise FlowdockFailing(f"{self._chat} created a source without a token")
        return Source(id=str(made["id"]), flow=flow, flow_token=str(made["flow_token"]))

    async def source_ids(self, flow: str, access_token: str, *, external_url: str) -> set[str]:
        """Return the ids of a flow's sources for `external_url`; raises as `flow` does."""
        place = f"/flows/{flow}/sources/".lower()
        return {
            str(source["id"])
            for source in read_list(await self._get("/sources", access_token), self._chat)
            if source.get("external_url") == external_url
            and place in (urlsplit(str(source.get("url"))).path + "/").lower()
        }

    async def source(self, flow_token: str) -> Source:
        """Ask which source a flow token is of; its `flow` and `id` are empty where Flowdock names neither.

        Raises `FlowdockRejected` if Flowdock does not know the token, `SourceGone` or `FlowdockFailing`.
        """
        try:
            found = read_list(
                await self._send("GET", f"/sources?flow_token={quote(flow_token, safe='')}", None),
                self._chat,
            )
        except FlowdockRejected:
            raise FlowdockRejected(
                f"{self._chat} does not know this flow token: copy it from the flow's source once more"
            ) from None
        place = _SOURCE.fullmatch(path_of(str(found[0].get("url")))) if len(found) == 1 else None
        flow, source_id = place.groups() if place else ("", "")
        return Source(id=source_id, flow=flow, flow_token=flow_token)

    async def delete_source(self, flow: str, source_id: str, access_token: str) -> None:
        """Delete a source; succeeds if it is gone already. Raises as `flow` does."""
        try:
            await self._call(
                "DELETE", f"/flows/{_path(flow)}/sources/{quote(source_id, safe='')}", access_token
            )
        except NotAMember as refusal:
            # 404 also hides a flow from those who are not in it: only a member may take it for gone.
            await self.flow(flow, access_token)
            log.info("source_already_gone", flow=flow, source=source_id, reason=str(refusal))

    async def set_problem(self, flow_token: str, text: str) -> None:
        """Show a problem in a source's flow, or clear it with an empty text.

        Raises `SourceGone`, `FlowdockRejected` or `FlowdockFailing`.
        """
        await self._send("PUT", "/sources", {"flow_token": flow_token, "error_message": text})

    async def _get(self, path: str, access_token: str) -> Any:
        return await self._call("GET", path, access_token)

    async def _call(
        self, method: str, path: str, access_token: str, body: dict[str, Any] | None = None
    ) -> Any:
        return await self._send(method, path, body, {"Authorization": f"Bearer {access_token}"})

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str] | None = None
    ) -> Any:
        try:
            async with self._session.request(
                method,
                yarl.URL(f"{self._api_url}{path}", encoded=True),
                json=body,
                headers={"Accept": "application/json", **(headers or {})},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
            ) as response:
                if response.status in (200, 201, 202, 204):
                    content = await response.read()
                    return orjson.loads(content) if content else None
                if headers and response.status == 401:
                    raise SignedOut("your sign-in has ended: sign in again")
                if headers and response.status in (403, 404):
                    raise NotAMember("you are not in this flow, or it does not exist")
                bearer = (headers or {}).get("Authorization", "").removeprefix("Bearer ")
                await refuse(response, self._chat, bearer, str((body or {}).get("flow_token", "")))
        except orjson.JSONDecodeError:
            raise FlowdockFailing(f"{self._chat}'s answer cannot be read") from None
        except TimeoutError:
            raise FlowdockFailing(f"{self._chat} took too long", status=504) from None
        except aiohttp.ClientError as error:
            raise FlowdockFailing(f"{self._chat} cannot be reached ({type(error).__name__})") from None


def encode(
    message: Message,
    *,
    flow_token: str,
    thread_id: str,
    thread: Thread,
    tags: Sequence[str],
    uuid: str,
) -> bytes:
    """Encode the JSON body of `POST /messages`; empty fields are left out."""
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


def is_flow(path: str) -> bool:
    """Tell whether this can be a flow's name: `organization/flow`."""
    return _FLOW.fullmatch(path) is not None


def _path(flow: str) -> str:
    """Check a flow's path before it becomes part of an address: it may be a visitor's input."""
    if not is_flow(flow):
        raise NotAMember("this is not a flow's name")
    return flow


@lru_cache
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds)
