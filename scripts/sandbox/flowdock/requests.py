"""Reading and refusing requests: bodies, bearer tokens, flows, and one form of error."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from bridge.inbox.rails_forms import MalformedForm, nest
from scripts.sandbox.flowdock.config import GRANTS, WORLD
from scripts.sandbox.flowdock.grants import Access
from scripts.sandbox.flowdock.people import Flow, User, find_flow, find_user

JSON_TYPE = "application/json"
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class Refusal(web.HTTPException):
    """An error answer: `{"message": …}`, with `errors` by field where fields are at fault."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Mapping[str, list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status_code = status
        self.message = message
        body: dict[str, Any] = {"message": message}
        if errors:
            body["errors"] = dict(errors)
        super().__init__(headers=headers, text=json.dumps(body), content_type=JSON_TYPE)


def invalid(errors: Mapping[str, list[str]]) -> Refusal:
    """Flowdock's validation error, status 400."""
    return Refusal(400, "Validation error", errors=errors)


async def read_body(request: web.Request) -> dict[str, Any]:
    """Return the body as an object, from JSON or a form in Rails' notation (`author[name]=…`, `tags[]=…`)."""
    if request.content_type == JSON_TYPE:
        try:
            body = json.loads(await request.read())
        except ValueError as error:
            raise Refusal(400, "The body is not valid JSON.") from error
        if not isinstance(body, dict):
            raise Refusal(400, "The body must be a JSON object.")
        return body
    if request.content_type == FORM_TYPES[0]:
        return _nested(parse_qsl((await request.text()), keep_blank_values=True))
    if request.content_type == FORM_TYPES[1]:
        return _nested((name, str(value)) for name, value in (await request.post()).items())
    raise Refusal(415, "Send JSON, or a form.")


def _nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    try:
        return nest(pairs)
    except MalformedForm as error:
        raise Refusal(400, str(error)) from error


def bearer(request: web.Request) -> tuple[User, Access]:
    """Return the grant of the request's access token; 401 without a valid one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    access = request.app[GRANTS].access(token.strip(), now=request.app[WORLD].clock())
    user = find_user(access.user) if access else None
    if scheme.lower() != "bearer" or access is None or user is None:
        raise Refusal(401, "Access token is missing or invalid.", headers={"WWW-Authenticate": "Bearer"})
    return user, access


def flow_of(request: web.Request) -> Flow:
    """Return the flow in the request's path; 404 if there is none."""
    flow = find_flow(f"{request.match_info['org']}/{request.match_info['flow']}")
    if flow is None:
        raise Refusal(404, "There is no such flow.")
    return flow


def require_member(request: web.Request, user: User, flow: Flow) -> None:
    """Refuse users outside the flow with 403."""
    if not request.app[WORLD].has(flow, user):
        raise Refusal(403, f"{user.name} is not in the flow {flow.name}.")
