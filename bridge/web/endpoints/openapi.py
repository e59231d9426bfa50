"""`GET /openapi.json`: bridge's own addresses, for machines and people, as OpenAPI 3.1 tells them.

https://spec.openapis.org/oas/v3.1.1. One row of `OPERATIONS` each; what all of a kind share is added.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from bridge.core.actions import ACTIONS

Json = dict[str, Any]

routes = web.RouteTableDef()

NAME = r"^[A-Za-z0-9._-]{1,100}$"

_PATH_PARAMETERS: dict[str, Json] = {
    "owner": {"type": "string", "pattern": NAME},
    "repo": {"type": "string", "pattern": NAME},
    "number": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
    "action": {"type": "string"},
    "id": {"type": "string"},
    "key": {"type": "string", "pattern": "^[A-Za-z0-9_-]{20,64}$"},
    "delivery": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,100}$"},
    "filename": {"type": "string"},
}

_WORDS = {
    200: "Done, or the page",
    202: "Redis holds the delivery",
    204: "An event that nobody here needs",
    303: "On to another page; where nobody is signed in, to the sign-in",
    304: "The file has not changed",
    400: "Malformed",
    401: "Not signed in",
    403: "Refused",
    404: "There is no such thing, or it is not shown to this person",
    405: "Another method is needed",
    408: "The body did not arrive in time",
    409: "The present state is in the way",
    413: "The body is too large",
    415: "Another content type is needed",
    422: "It cannot be done, with the reason",
    429: "Too often; Retry-After says for how long",
    502: "GitHub or Flowdock is failing",
    503: "Redis is away, or bridge is busy or ending; Retry-After says when to try again",
    504: "GitHub or Flowdock is slow",
}

Who = Literal["everybody", "session", "webhook", "click", "operator"]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What is done at one address by one method; `answers` besides those that all of its kind have."""

    summary: str
    who: Who = "everybody"
    answers: tuple[int, ...] = (200,)
    query: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    """The fields of a form, besides the `csrf` value of a session."""
    machine: str = ""
    """The content type of every answer, for machines; pages are HTML."""


JSON, TEXT = "application/json", "text/plain"
_OAUTH = (303, 400, 403, 404, 409, 422, 502, 504)
_GITHUB = (303, 400, 403, 404, 409, 422, 502, 504)
_FLOW = (200, 400, 403, 404, 422, 502, 504)

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/github/webhook"): Operation(
        summary="Take one of GitHub's webhook deliveries",
        who="webhook",
        answers=(200, 202, 204),
        machine=JSON,
    ),
    ("POST", "/github/webhook/{key}"): Operation(
        summary="The same at the address of one repository's webhook, which speaks for that repository alone",
        who="webhook",
        answers=(200, 202, 204),
        machine=JSON,
    ),
    ("POST", "/repos/{owner}/{repo}/pulls/{number}/{action}"): Operation(
        summary="A click on an update action in Flowdock: done on GitHub as the person who clicked",
        who="click",
        answers=(200, 403, 404, 409, 422, 502, 504),
        machine=JSON,
    ),
    ("GET", "/healthz"): Operation(summary="Whether the process answers", machine=JSON),
    ("GET", "/readyz"): Operation(summary="Whether Redis answers and bridge is not ending", machine=JSON),
    ("GET", "/metrics"): Operation(
        summary="Prometheus's metrics", who="operator", answers=(200, 404), machine=TEXT
    ),
    ("GET", "/openapi.json"): Operation(summary="This description", machine=JSON),
    ("GET", "/static/{filename}"): Operation(
        summary="The pages' stylesheet", answers=(200, 304, 403, 404), machine="*/*"
    ),
    ("GET", "/"): Operation(summary="What bridge is; signed in, one's flows", answers=(200, 303, 502, 504)),
    ("GET", "/signin"): Operation(summary="To Flowdock's sign-in", answers=(303,), query=("then",)),
    ("POST", "/signout"): Operation(summary="End the session", who="session", answers=(303, 403)),
    ("GET", "/auth/flowdock/callback"): Operation(
        summary="Back from Flowdock's sign-in", answers=_OAUTH, query=("state", "code", "error")
    ),
    ("GET", "/auth/github/callback"): Operation(
        summary="Back from GitHub's sign-in", answers=_OAUTH, query=("state", "code", "error")
    ),
    ("GET", "/authorization"): Operation(
        summary="Begin linking, with the claim of an authentication challenge",
        answers=(303, 403, 502),
        query=("claim",),
    ),
    ("GET", "/authorization/confirm"): Operation(summary="Both people, named", answers=(200, 403)),
    ("POST", "/authorization/confirm"): Operation(
        summary="Link the two, or do not",
        answers=(200, 303, 403, 502),
        form=("state", "answer"),
    ),
    ("GET", "/authorization/linked"): Operation(summary="It is linked", answers=(200, 403)),
    ("POST", "/authorization/linked"): Operation(
        summary="Finish what was clicked",
        answers=(200, 403, 404, 409, 422, 502, 504),
        form=("state",),
    ),
    ("GET", "/account"): Operation(summary="One's linked account", who="session", query=("unlinked",)),
    ("GET", "/account/link"): Operation(
        summary="To GitHub's sign-in", who="session", answers=(303, 502), query=("then",)
    ),
    ("POST", "/account/unlink"): Operation(summary="End the link", who="session", answers=(303, 403, 502)),
    ("GET", "/flowdock/setup"): Operation(
        summary="Choose repositories for a flow",
        who="session",
        answers=(*_FLOW, 303, 409),
        query=("flow", "flow_url", "q", "anew"),
    ),
    ("POST", "/flowdock/setup"): Operation(
        summary="Connect repositories to a flow",
        who="session",
        answers=_GITHUB,
        form=("flow", "repository", "groups", "drafts", "bots", "labels", "bases"),
    ),
    ("GET", "/flowdock/setup/{id}"): Operation(
        summary="How a set-up goes, or went", who="session", answers=_FLOW
    ),
    ("POST", "/flowdock/setup/{id}"): Operation(
        summary="Try again what went wrong", who="session", answers=_GITHUB
    ),
    ("GET", "/handover/{id}"): Operation(
        summary="Who asks an administrator to connect what, and how it stands", answers=(200, 404)
    ),
    ("GET", "/handover/{id}/sign-in"): Operation(summary="To GitHub's sign-in", answers=(303, 404, 409, 502)),
    ("GET", "/handover/{id}/confirm"): Operation(summary="All parties, named", answers=(200, 403, 404, 409)),
    ("POST", "/handover/{id}/confirm"): Operation(
        summary="Connect what is asked for, or decline",
        answers=(303, 403, 404, 409, 422, 429, 502, 504),
        form=("state", "answer"),
    ),
    ("GET", "/flowdock/configure"): Operation(
        summary="From Flowdock to a connection's page",
        who="session",
        answers=_GITHUB,
        query=("source", "source_url", "integration_id", "flow"),
    ),
    ("GET", "/connections/{id}"): Operation(
        summary="A connection", who="session", answers=_FLOW, query=("did", "since")
    ),
    ("GET", "/connections/{id}/deliveries"): Operation(
        summary="What became of its deliveries",
        who="session",
        answers=_FLOW,
        query=("outcome", "event", "number", "did"),
    ),
    ("GET", "/connections/{id}/deliveries/{delivery}"): Operation(
        summary="All about one delivery", who="session", answers=_FLOW, query=("payload",)
    ),
    ("POST", "/connections/{id}/dead-letters"): Operation(
        summary="Try dead letters again, or drop one",
        who="session",
        answers=_GITHUB,
        form=("do", "letter"),
    ),
    ("POST", "/connections/{id}/options"): Operation(
        summary="Change what the flow hears of",
        who="session",
        answers=(200, *_GITHUB),
        form=("groups", "drafts", "bots", "labels", "bases"),
    ),
    ("POST", "/connections/{id}/pause"): Operation(
        summary="Pause or resume", who="session", answers=_GITHUB, form=("do",)
    ),
    ("POST", "/connections/{id}/webhook"): Operation(
        summary="Make or mend the webhook", who="session", answers=(200, *_GITHUB)
    ),
    ("POST", "/connections/{id}/care"): Operation(
        summary="Look after the webhook as one's linked account", who="session", answers=_GITHUB
    ),
    ("POST", "/connections/{id}/test"): Operation(
        summary="Send the flow a test message", who="session", answers=(200, *_GITHUB)
    ),
    ("GET", "/connections/{id}/disconnect"): Operation(
        summary="What disconnecting removes", who="session", answers=_FLOW
    ),
    ("POST", "/connections/{id}/disconnect"): Operation(summary="Disconnect", who="session", answers=_GITHUB),
    ("GET", "/connections/{id}/disconnected"): Operation(
        summary="What was removed", who="session", answers=_FLOW
    ),
    ("GET", "/github/manifest"): Operation(
        summary="The form that makes the GitHub App",
        who="operator",
        answers=(200, 401, 403, 409, 422),
        query=("name", "organization", "replace", "made"),
    ),
    ("POST", "/github/manifest/operator"): Operation(
        summary="Admit whoever knows SETUP_SECRET", answers=(303, 403), form=("secret",)
    ),
    ("GET", "/github/manifest/created"): Operation(
        summary="Back from GitHub, which made the App",
        who="operator",
        answers=(303, 401, 403, 409, 422, 502),
        query=("state", "code"),
    ),
}

_SECURITY: dict[Who, str] = {
    "session": "session",
    "webhook": "webhookSignature",
    "click": "flowdockToken",
    "operator": "metricsToken",
}

_SCHEMES: Json = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "bridge_session",
        "description": "Signed in with Flowdock; over https the name begins with `__Host-`."
        " Every form also brings the session's `csrf` value.",
    },
    "webhookSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Hub-Signature-256",
        "description": "`sha256=` and the HMAC-SHA-256 of the body, keyed by GITHUB_WEBHOOK_SECRET.",
    },
    "flowdockToken": {
        "type": "apiKey",
        "in": "header",
        "name": "FLOWDOCK-TOKEN",
        "description": "A JWT (HS256) with `sub`, `exp` and the SHA-256 of the body; it serves once.",
    },
    "metricsToken": {"type": "http", "scheme": "bearer", "description": "METRICS_TOKEN."},
}


@routes.get("/openapi.json")
async def show(request: web.Request) -> web.Response:
    """The description, as JSON."""
    return web.json_response(document(request.app))


def document(app: web.Application) -> Json:
    """The description of all of an application's routes; a route that has no row is a `KeyError`."""
    paths: dict[str, Json] = {}
    for method, path in addresses(app):
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, OPERATIONS[method, path])
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "bridge",
            "version": "1",
            "summary": "GitHub's pull requests in Flowdock",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {"securitySchemes": _SCHEMES, "schemas": {"Error": _ERROR}},
    }


def addresses(app: web.Application) -> Iterable[tuple[str, str]]:
    """Method and path of each route as OpenAPI writes them; HEAD goes without saying."""
    for route in app.router.routes():
        if route.resource is not None and route.method != "HEAD":
            path = re.sub(r"\{(\w+):[^}]*(?:\{[^}]*\})?[^}]*\}", r"{\1}", route.resource.canonical)
            yield route.method, "/static/{filename}" if path == "/static" else path


_ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "minLength": 1}},
}


def statuses(method: str, path: str, operation: Operation) -> list[int]:
    """Every status that the operation may answer."""
    found = {*operation.answers, 503}
    if path not in ("/healthz", "/readyz") and not path.startswith(("/static", "/github/webhook")):
        found.add(429)
    if method == "POST":
        found |= {400, 408, 413, 415}
    if operation.who == "session":
        found.add(401 if method == "POST" else 303)
    if operation.who in ("webhook", "click"):
        found.add(401)
    return sorted(found)


def _operation(method: str, path: str, operation: Operation) -> Json:
    described: Json = {
        "summary": operation.summary,
        "tags": ["machines" if operation.machine else "people"],
        "responses": {
            str(status): _response(status, operation) for status in statuses(method, path, operation)
        },
    }
    parameters = [_parameter("path", name, _PATH_PARAMETERS[name]) for name in re.findall(r"\{(\w+)\}", path)]
    for parameter in parameters:
        if parameter["name"] == "action":
            parameter["schema"] = {"type": "string", "enum": list(ACTIONS)}
    parameters += [_parameter("query", name, {"type": "string"}) for name in operation.query]
    if parameters:
        described["parameters"] = parameters
    if method == "POST":
        described["requestBody"] = _body(operation)
    if scheme := _SECURITY.get(operation.who):
        described["security"] = [{scheme: []}]
    return described


def _parameter(place: str, name: str, schema: Json) -> Json:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _body(operation: Operation) -> Json:
    if operation.machine:
        return {"required": True, "content": {JSON: {"schema": {"type": "object"}}}}
    fields = ("csrf", *operation.form) if operation.who == "session" else operation.form
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in fields}}
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


def _response(status: int, operation: Operation) -> Json:
    described: Json = {"description": _WORDS[status]}
    if status in (204, 303, 304):
        return described
    if operation.machine and operation.machine != "*/*" and status >= 400:
        described["content"] = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    else:
        kind = operation.machine or "text/html"
        described["content"] = {kind: {"schema": {"type": "object"} if kind == JSON else {"type": "string"}}}
    return described
