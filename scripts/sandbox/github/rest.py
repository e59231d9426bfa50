"""The rules every REST call goes by: who calls, what is refused, which headers answer.

An endpoint is a function from a `Call` to an `Answer`, registered beside its documentation:

    @endpoint("GET", "/user", docs="users/users#get-the-authenticated-user")
    async def get_user(call: Call) -> Answer: ...

https://docs.github.com/rest/using-the-rest-api
"""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from .app_permissions import Alternatives, accepted, needs
from .json_text import write_json
from .limits import Window
from .payloads import Json
from .refusals import Refused, not_found
from .rest_auth import app_of, client_of_call, token_of
from .rest_call import PREFIX, Answer, Call
from .services import SERVICES, Services
from .tokens import Token

DOCS = "https://docs.github.com/rest"
ENTERPRISE = "3.19.0"
VERSIONS = ("2022-11-28", "2026-03-10")
# What the newer version took out: https://docs.github.com/rest/about-the-rest-api/breaking-changes
REMOVED = {"assignee", "merge_commit_sha", "rate"}

# What is below a repository's name is also below its number.
BY_NAME = "/repos/{owner}/{repo}"
BY_NUMBER = "/repositories/{repository_id:[0-9]+}"

REDIRECTS = "guides/best-practices-for-using-the-rest-api#follow-redirects"
NO_USER_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/rest/overview/resources-in-the-rest-api#user-agent-required). "
    "Check https://developer.github.com for other possible causes."
)
BAD_VERSION = (
    'The version you specified in the "X-GitHub-Api-Version" request header, "{version}", is not a supported '
    'version. The following versions are currently supported: "2026-03-10" (most recent), "2022-11-28".'
)


Endpoint = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True)
class Route:
    """An endpoint and where it is.

    In place of a token, `app_auth` demands client id and secret, `jwt` a GitHub App's JWT. An Enterprise
    Server lacks what is `new`.
    """

    method: str
    path: str
    docs: str
    run: Endpoint
    app_auth: bool = False
    free: bool = False
    jwt: bool = False
    new: bool = False

    @property
    def needs(self) -> Alternatives:
        """The permissions that a GitHub App needs one of; none outside of repositories."""
        below = self.path.startswith(BY_NAME)
        return needs(self.method, self.path.removeprefix(BY_NAME)) if below else ()


ROUTES: list[Route] = []


def endpoint(
    method: str,
    path: str,
    *,
    docs: str,
    app_auth: bool = False,
    free: bool = False,
    jwt: bool = False,
    new: bool = False,
) -> Callable[[Endpoint], Endpoint]:
    """Register an endpoint; `free` calls do not count against the rate limit."""

    def register(run: Endpoint) -> Endpoint:
        ROUTES.append(Route(method, path, docs, run, app_auth, free, jwt, new))
        return run

    return register


def install(router: web.UrlDispatcher) -> None:
    """Add all registered endpoints to `router`, and a 404 for every other path of the API."""
    for route in ROUTES:
        router.add_route(route.method, PREFIX + route.path, handler(route))
        if route.path.startswith(BY_NAME):
            by_number = BY_NUMBER + route.path.removeprefix(BY_NAME)
            router.add_route(route.method, PREFIX + by_number, handler(route))
    router.add_route("*", PREFIX + "/{tail:.*}", handler(Route("*", "", "", _nowhere)))


async def _nowhere(call: Call) -> Answer:  # noqa: ARG001 - an endpoint's signature
    raise not_found()


def handler(route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler that aiohttp calls for `route`."""

    async def handle(request: web.Request) -> web.Response:
        headers = {
            "X-GitHub-Request-Id": secrets.token_hex(10).upper(),
            "X-GitHub-Media-Type": "github.v3; format=json",
        }
        version = request.headers.get("X-GitHub-Api-Version", VERSIONS[0])
        try:
            answer = await _answer(route, request, version, headers)
        except Refused as refused:
            answer = _refusal(refused, route.docs)
        if answer.status in {204, 302}:
            return web.Response(status=answer.status, headers=headers | answer.headers)
        body = _without(answer.body) if version == VERSIONS[1] else answer.body
        shown = headers | answer.headers
        return web.json_response(body, status=answer.status, headers=shown, dumps=write_json)

    return handle


async def _answer(route: Route, request: web.Request, version: str, headers: dict[str, str]) -> Answer:
    """Answer with the endpoint's answer; adds to `headers` what is known by then, also when it refuses."""
    if not request.headers.get("User-Agent"):
        raise Refused(403, NO_USER_AGENT)
    if version not in VERSIONS:
        raise Refused(400, BAD_VERSION.format(version=version))
    headers["X-GitHub-Api-Version-Selected"] = version
    services = request.app[SERVICES]
    if services.config.ghes:
        headers["X-GitHub-Enterprise-Version"] = ENTERPRISE
        if route.new:
            raise not_found()
    if route.app_auth:
        client = client_of_call(request, services)
        return await route.run(Call(request, services, None, await _body(request), client=client))
    if route.jwt:
        app = app_of(request, services)
        return await route.run(Call(request, services, None, await _body(request), app=app))
    token = token_of(request, services)
    window = _count(services, token, free=route.free)
    headers.update(window.headers())
    if token:
        headers.update(_token_headers(services, token, route))
    if window.used > window.limit:
        raise Refused(403, f"API rate limit exceeded for user ID {token.user.id if token else 0}.")
    return await route.run(Call(request, services, token, await _body(request), needs=route.needs))


def _token_headers(services: Services, token: Token, route: Route) -> dict[str, str]:
    """Return what GitHub says about a token, and which permissions the route needs of an App."""
    app = services.apps.apps.get(token.app_id)
    headers = {
        "X-OAuth-Scopes": ", ".join(token.scopes),
        "X-OAuth-Client-Id": app.client_id if app else services.config.client_id,
    }
    needed = {"X-Accepted-GitHub-Permissions": accepted(route.needs)} if app and route.needs else {}
    return headers | needed


def _count(services: Services, token: Token | None, *, free: bool) -> Window:
    user_id = token.user.id if token else 0
    if not free:
        services.limits.count(user_id)
    return services.limits.window(user_id)


async def _body(request: web.Request) -> Json:
    text = await request.text()
    if not text:
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        raise Refused(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise Refused(400, "Body should be a JSON object")
    return body


def _refusal(refused: Refused, docs: str) -> Answer:
    body: Json = {"message": refused.message}
    if refused.url:
        redirect = {"url": refused.url, "documentation_url": f"{DOCS}/{REDIRECTS}"}
        return Answer(body | redirect, refused.status, {"Location": refused.url})
    if refused.errors:
        body["errors"] = refused.errors
    body["documentation_url"] = refused.docs or (f"{DOCS}/{docs}" if docs else DOCS)
    body["status"] = str(refused.status)
    return Answer(body, refused.status, refused.headers)


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items() if key not in REMOVED}
    if isinstance(value, list):
        return [_without(item) for item in value]
    return value
