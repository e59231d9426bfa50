"""Read the API's requests, and refuse them: bodies, tokens, flows, and Flowdock's form of errors."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from bridge.core.errors import BridgeError, Malformed, RequestRefused, WrongContentType
from bridge.inbox.api import rails_forms
from bridge.inbox.context import API, INBOX, Inbox
from bridge.inbox.flows.flows import TeamFlow
from bridge.inbox.flows.sources import FlowSource
from bridge.inbox.people.grants import Grant
from bridge.inbox.people.people import InboxPerson
from bridge.inbox.people.sessions import MEMBERSHIPS, SESSIONS
from bridge.web.http import rate_limit
from bridge.web.http.bodies import BODIES, read_body
from bridge.web.http.server import BEGUN
from bridge.web.render import as_sentence

LARGEST = 256 * 1024
"""Bytes of a body."""

AUTHORIZE = f"{API}/oauth/authorize"
"""The API's one address for people: its errors are pages."""

_NOT_HERE = (
    "There is nothing at this address: the inbox has the part of Flowdock's API that docs/protocol.md lists."
)


class ApiRefusal(RequestRefused):
    """A refusal in Flowdock's form; `errors` name the fields at fault."""

    def __init__(self, status: int, message: str, *, errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.errors = errors


def invalid(errors: Mapping[str, list[str]]) -> ApiRefusal:
    """Make Flowdock's validation error."""
    return ApiRefusal(400, "Validation error", errors=errors)


def is_api(path: str) -> bool:
    """Tell whether programs, not people, read the answers of an address."""
    return path.startswith(f"{API}/") and path != AUTHORIZE


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer the API's errors as `{"message": …, "errors": …}`; leave those of pages and of streams."""
    if not is_api(request.path):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return _refused(404, _NOT_HERE)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        answer = _refused(405, f"This address accepts only {allowed}.")
        answer.headers["Allow"] = allowed
        return answer
    except BridgeError as error:
        if BEGUN in request:
            raise
        errors = getattr(error, "errors", None)
        answer = _refused(error.status, str(error) if errors else as_sentence(str(error)), errors)
        if error.status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        if isinstance(error, rate_limit.TooMany):
            answer.headers["Retry-After"] = str(error.retry_after)
        return answer


def _refused(status: int, message: str, errors: Mapping[str, list[str]] | None = None) -> web.Response:
    body: dict[str, Any] = {"message": message}
    if errors:
        body["errors"] = dict(errors)
    return web.json_response(body, status=status)


async def read_object(request: web.Request) -> dict[str, Any]:
    """Read the body as an object: JSON, or a form in Rails' notation (`author[name]=…`, `tags[]=…`)."""
    raw = await read_body(request, request.app[BODIES], limit=LARGEST)
    if request.content_type == "application/json":
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise Malformed("The body is not valid JSON.") from None
        if not isinstance(body, dict):
            raise Malformed("The body must be a JSON object.")
        return body
    if request.content_type == "application/x-www-form-urlencoded":
        try:
            return rails_forms.read(raw.decode())
        except UnicodeDecodeError:
            raise Malformed("The form is not in UTF-8.") from None
    raise WrongContentType("Send JSON, or a form as application/x-www-form-urlencoded.")


async def caller(request: web.Request, scope: str = "") -> InboxPerson:
    """Return the person whose token came along.

    Raises `ApiRefusal` without one, or without the scope; `TooMany` over its limit.
    """
    inbox = request.app[INBOX]
    token = _token(request)
    grant = await inbox.api_tokens.access(token) or await inbox.grants.access(token)
    person = await inbox.people.get(grant.person_id) if grant else None
    if grant is None or person is None or not await _counts(request, grant, person):
        raise ApiRefusal(401, "The access token is missing, unknown or expired.")
    if not await request.app[MEMBERSHIPS].holds(person):
        raise ApiRefusal(401, "You are no longer a member of the organization that let you in.")
    if scope and scope not in grant.scopes:
        raise ApiRefusal(403, f"The access token lacks the scope {scope}.")
    if CLIENT_ID not in request:
        # Once: a stream asks again before each page.
        rate_limit.of_caller(request, f"person {person.id}, {grant.client_id}")
    request[CLIENT_ID] = grant.client_id
    return person


async def _counts(request: web.Request, grant: Grant, person: InboxPerson) -> bool:
    """Tell whether neither the person nor the end of the session that gave it ended a grant."""
    if grant.made_at < person.valid_from:
        return False
    return not grant.session or await request.app[SESSIONS].lasts(grant.person_id, grant.session)


CLIENT_ID = web.RequestKey("client_id", str)
"""The application whose token came along."""


def _token(request: web.Request) -> str:
    """Return the access token: a bearer's, the user name of HTTP Basic, or the query's."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() == "basic":
        try:
            return b64decode(given, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return request.query.get("access_token", "")


async def member(request: web.Request, scope: str = "flow") -> tuple[InboxPerson, TeamFlow]:
    """Return the person whose token came along, and the flow in the path.

    Raises as `caller`, and `ApiRefusal` for a flow that they are not in, the same as for none.
    """
    person, inbox = await caller(request, scope), request.app[INBOX]
    path = f"{request.match_info['org']}/{request.match_info['flow']}"
    return person, await only_members(inbox, await inbox.flows.at(path), person)


async def only_members(inbox: Inbox, flow: TeamFlow | None, person: InboxPerson) -> TeamFlow:
    """Return the flow to a member; raises `ApiRefusal` to everybody else."""
    if flow is None or not await inbox.flows.may_see(flow.id, person.id):
        raise ApiRefusal(404, "There is no such flow, or you are not in it.")
    return flow


async def posting_source(request: web.Request, body: Mapping[str, Any]) -> FlowSource:
    """Return the source of the `flow_token` in the body or the query.

    Raises `ApiRefusal`: 401 without a token that is known, 410 once the source was removed. Raises `TooMany`
    over the limit of a source that is not bridge's own.
    """
    flow_token = body.get("flow_token") or request.query.get("flow_token")
    inbox = request.app[INBOX]
    source = await inbox.sources.of_token(flow_token) if isinstance(flow_token, str) else None
    if source is None:
        raise ApiRefusal(401, "The flow_token is missing or unknown.")
    if source.is_removed:
        raise ApiRefusal(410, "The source was removed from its flow: stop posting and delete its token.")
    if source.client_id != inbox.client_id:
        rate_limit.of_caller(request, f"source {source.id}")
    return source


def answer_to(person: InboxPerson, body: Any, *, status: int = 200) -> web.Response:
    """Answer a person's call, with their id in the header that Flowdock sends."""
    return web.json_response(
        body,
        status=status,
        headers={"Flowdock-User": str(person.id)},
        dumps=lambda value: orjson.dumps(value).decode(),
    )
