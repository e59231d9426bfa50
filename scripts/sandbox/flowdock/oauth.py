"""OAuth 2.0, the authorization code grant (Flowdock's API documents, "Authentication"; RFC 6749)."""

import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web
from yarl import URL

from scripts.sandbox.flowdock.config import CONFIG, GRANTS, WORLD, Config
from scripts.sandbox.flowdock.grants import DEFAULT_SCOPES, SCOPES
from scripts.sandbox.flowdock.people import USERS, find_user
from scripts.sandbox.flowdock.requests import JSON_TYPE, Refusal, read_body

FIELDS = ("client_id", "redirect_uri", "response_type", "scope", "state")

routes = web.RouteTableDef()


@routes.get("/oauth/authorize")
async def ask(request: web.Request) -> web.Response:
    """Show a page that asks who signs in and whether they consent."""
    config = request.app[CONFIG]
    redirect_uri = _trusted_redirect(request.query, config)
    if error := _problem(request.query):
        return _back(redirect_uri, request.query, error=error)
    context = {
        "config": config,
        "users": USERS,
        "scopes": [SCOPES[scope] for scope in _scopes(request.query)],
        "fields": {name: request.query[name] for name in FIELDS if name in request.query},
        "host": URL(redirect_uri).authority,
    }
    return aiohttp_jinja2.render_template("authorize.html", request, context)


@routes.post("/oauth/authorize")
async def consent(request: web.Request) -> web.Response:
    """Go back to the application with a code for `user` (an id), or with `access_denied`."""
    form = {name: str(value) for name, value in (await request.post()).items()}
    redirect_uri = _trusted_redirect(form, request.app[CONFIG])
    if error := _problem(form):
        return _back(redirect_uri, form, error=error)
    user = find_user(form.get("user", ""))
    if user is None or form.get("deny"):
        return _back(redirect_uri, form, error="access_denied")
    code = request.app[GRANTS].new_code(
        user=user.id, scopes=_scopes(form), redirect_uri=redirect_uri, now=request.app[WORLD].clock()
    )
    return _back(redirect_uri, form, code=code)


@routes.post("/oauth/token")
async def exchange(request: web.Request) -> web.Response:
    """Exchange a code or a refresh token; a form by default, JSON where the client accepts it."""
    body = await read_body(request)
    if not _is_client(body, request.app[CONFIG]):
        return _failure(401, "invalid_client", "The client is unknown or its secret is wrong.")
    grants, now = request.app[GRANTS], request.app[WORLD].clock()
    match body.get("grant_type"):
        case "authorization_code":
            redirect_uri = str(body.get("redirect_uri", ""))
            answer = grants.redeem(str(body.get("code", "")), redirect_uri=redirect_uri, now=now)
        case "refresh_token":
            answer = grants.renew(str(body.get("refresh_token", "")), now=now)
        case None:
            return _failure(400, "invalid_request", "The grant_type is missing.")
        case _:
            return _failure(400, "unsupported_grant_type", "Use authorization_code or refresh_token.")
    if answer is None:
        return _failure(
            400, "invalid_grant", "The code or token is unknown, used, expired or meant elsewhere."
        )
    return _token_answer(request, answer)


def _trusted_redirect(fields: Mapping[str, str], config: Config) -> str:
    """Return the registered redirect URI that is asked for, or an error page: never go anywhere else."""
    if fields.get("client_id") != config.client_id:
        raise Refusal(400, "No application is registered with this client_id.")
    # "If left out, Flowdock will redirect users to the callback URL configured", says "Redirect URI".
    default = config.redirect_uris[0] if len(config.redirect_uris) == 1 else ""
    redirect_uri = fields.get("redirect_uri") or default
    if redirect_uri not in config.redirect_uris:
        raise Refusal(400, f"{config.application_name} did not register this redirect_uri.")
    return redirect_uri


def _problem(fields: Mapping[str, str]) -> str:
    if fields.get("response_type") != "code":
        return "unsupported_response_type"
    return "" if set(_scopes(fields)) <= SCOPES.keys() else "invalid_scope"


def _scopes(fields: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(fields.get("scope", "").split()) or DEFAULT_SCOPES


def _back(redirect_uri: str, fields: Mapping[str, str], **answer: str) -> web.Response:
    if "state" in fields:
        answer["state"] = fields["state"]
    location = URL(redirect_uri).extend_query(answer)
    return web.Response(status=303, headers={"Location": str(location), "Cache-Control": "no-store"})


def _is_client(body: Mapping[str, Any], config: Config) -> bool:
    name, secret = str(body.get("client_id", "")), str(body.get("client_secret", ""))
    right_name = hmac.compare_digest(name.encode(), config.client_id.encode())
    right_secret = hmac.compare_digest(secret.encode(), config.client_secret.encode())
    return right_name and right_secret


def _failure(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)


def _token_answer(request: web.Request, answer: Mapping[str, str | int]) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    if JSON_TYPE in request.headers.get("Accept", ""):
        return web.json_response(dict(answer), headers=headers)
    form_type = "application/x-www-form-urlencoded"
    return web.Response(text=urlencode(answer), content_type=form_type, headers=headers)
