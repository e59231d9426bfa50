"""The rules every REST call goes by: who calls, what is refused, which headers answer.

An endpoint is a function from a `Call` to an `Answer`, registered beside its documentation:

    @endpoint("GET", "/user", docs="users/users#get-the-authenticated-user")
    async def get_user(call: Call) -> Answer: ...

https://docs.github.com/rest/using-the-rest-api
"""

import json
import secrets
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from .limits import Window
from .model import Permission, Pull, Repo
from .payloads import Json
from .records import User
from .refusals import Refused, not_found
from .services import SERVICES, Services
from .tokens import Token

PREFIX = "/api/v3"
DOCS = "https://docs.github.com/rest"
VERSIONS = ("2022-11-28", "2026-03-10")
# What the newer version took out: https://docs.github.com/rest/about-the-rest-api/breaking-changes
REMOVED = {"assignee", "merge_commit_sha", "rate"}

# What is below a repository's name is also below its number.
BY_NAME = "/repos/{owner}/{repo}"
BY_NUMBER = "/repositories/{repository_id:[0-9]+}"

MOVED = "Moved Permanently"
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


@dataclass(frozen=True)
class Answer:
    """What an endpoint answers; no `body` at all for 204."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One REST call by a known or an unknown caller."""

    request: web.Request
    services: Services
    token: Token | None
    body: Json

    @property
    def user(self) -> User:
        """The caller; refuses without a good token."""
        if self.token is None:
            raise Refused(401, "Requires authentication")
        return self.token.user

    def repo(self, *, write: bool = False) -> Repo:
        """The repository of the path; 404 if the caller, or the scope of their token, may not see it.

        https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
        """
        repo = self.named_repo()
        scopes = self.token.scopes if self.token else ()
        if repo.private and "repo" not in scopes:
            raise not_found()
        if write:
            _ = self.user
            if not {"repo", "public_repo"} & set(scopes):
                raise not_found()
        return repo

    def named_repo(self) -> Repo:
        """The repository of the path, by name or number, if the caller may see it.

        Its former names lead to its number.
        https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
        """
        world, match = self.services.world, self.request.match_info
        name = f"{match.get('owner')}/{match.get('repo')}"
        number = int(match.get("repository_id") or world.moved.get(name.lower(), 0))
        repo = world.repo_by_id(number) if number else world.repo(name)
        caller = self.token.user if self.token else None
        if repo is None or repo.permission(caller) < Permission.READ:
            raise not_found()
        if number and "repository_id" not in match:
            former = f"{PREFIX}/repos/{match['owner']}/{match['repo']}"
            rest = self.request.rel_url.raw_path_qs.removeprefix(former)
            url = f"{self.services.config.api_url}/repositories/{number}{rest}"
            safe = self.request.method in {"GET", "HEAD"}
            raise Refused(301 if safe else 307, MOVED if safe else "Temporary Redirect", url=url)
        return repo

    def pull(self, repo: Repo) -> Pull:
        """The pull request of the path."""
        number = self.request.match_info["number"]
        pull = repo.pulls.get(int(number)) if number.isdigit() else None
        if pull is None:
            raise not_found()
        return pull


Endpoint = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True)
class Route:
    """An endpoint and where it is; `app_auth` means client id and secret in place of a token."""

    method: str
    path: str
    docs: str
    run: Endpoint
    app_auth: bool = False
    free: bool = False


ROUTES: list[Route] = []


def endpoint(
    method: str, path: str, *, docs: str, app_auth: bool = False, free: bool = False
) -> Callable[[Endpoint], Endpoint]:
    """Register an endpoint; `free` calls do not count against the rate limit."""

    def register(run: Endpoint) -> Endpoint:
        ROUTES.append(Route(method, path, docs, run, app_auth, free))
        return run

    return register


def install(app: web.Application) -> None:
    """Add all registered endpoints to `app`, and a 404 for every other path of the API."""
    for route in ROUTES:
        app.router.add_route(route.method, PREFIX + route.path, handler(route))
        if route.path.startswith(BY_NAME):
            by_number = BY_NUMBER + route.path.removeprefix(BY_NAME)
            app.router.add_route(route.method, PREFIX + by_number, handler(route))
    app.router.add_route("*", PREFIX + "/{tail:.*}", handler(Route("*", "", "", _nowhere)))


async def _nowhere(call: Call) -> Answer:  # noqa: ARG001 - an endpoint's signature
    raise not_found()


def handler(route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    """What aiohttp calls for `route`."""

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
        if answer.status == 204:
            return web.Response(status=204, headers=headers | answer.headers)
        body = _without(answer.body) if version == VERSIONS[1] else answer.body
        return web.json_response(body, status=answer.status, headers=headers | answer.headers)

    return handle


async def _answer(route: Route, request: web.Request, version: str, headers: dict[str, str]) -> Answer:
    """The endpoint's answer; adds to `headers` what is known by then, also when it refuses."""
    if not request.headers.get("User-Agent"):
        raise Refused(403, NO_USER_AGENT)
    if version not in VERSIONS:
        raise Refused(400, BAD_VERSION.format(version=version))
    headers["X-GitHub-Api-Version-Selected"] = version
    services = request.app[SERVICES]
    if route.app_auth:
        _check_app(request, services)
        return await route.run(Call(request, services, None, await _body(request)))
    token = _token(request, services)
    window = _count(services, token, free=route.free)
    headers.update(window.headers())
    if token:
        headers["X-OAuth-Scopes"] = ", ".join(token.scopes)
        headers["X-OAuth-Client-Id"] = services.config.client_id
    if window.used > window.limit:
        raise Refused(403, f"API rate limit exceeded for user ID {token.user.id if token else 0}.")
    return await route.run(Call(request, services, token, await _body(request)))


def _count(services: Services, token: Token | None, *, free: bool) -> Window:
    user_id = token.user.id if token else 0
    if not free:
        services.limits.count(user_id)
    return services.limits.window(user_id)


def _token(request: web.Request, services: Services) -> Token | None:
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, secret = header.partition(" ")
    token = services.vault.find(secret.strip()) if scheme.lower() in {"bearer", "token"} else None
    if token is None:
        raise Refused(401, "Bad credentials")
    return token


def _check_app(request: web.Request, services: Services) -> None:
    config = services.config
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    expected = f"{config.client_id}:{config.client_secret}"
    try:
        given = b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        given = ""
    if not secrets.compare_digest(given.encode(), expected.encode()):
        raise Refused(401, "Bad credentials")
    if request.match_info["client_id"] != config.client_id:
        raise not_found()


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
    body["documentation_url"] = f"{DOCS}/{docs}" if docs else DOCS
    body["status"] = str(refused.status)
    return Answer(body, refused.status, refused.headers)


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(item) for key, item in value.items() if key not in REMOVED}
    if isinstance(value, list):
        return [_without(item) for item in value]
    return value
