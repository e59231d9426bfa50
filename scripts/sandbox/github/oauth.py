"""OAuth: the page where a user agrees, and the exchange of its code for a token.

https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp_jinja2
from aiohttp import web

from .clients import Client, client_of
from .payloads import Json
from .services import SERVICES, Services
from .tokens import Token, split_scopes

ERROR_DOCS = "https://docs.github.com/apps/managing-oauth-apps"
WRONG_CLIENT = (
    "incorrect_client_credentials",
    "The client_id and/or client_secret passed are incorrect.",
)
WRONG_REDIRECT = (
    "redirect_uri_mismatch",
    "The redirect_uri MUST match the registered callback URL for this application.",
)
WRONG_CODE = ("bad_verification_code", "The code passed is incorrect or expired.")
WRONG_REFRESH = ("bad_refresh_token", "The refresh token passed is incorrect or expired.")
WRONG_GRANT = ("unsupported_grant_type", "The grant_type is not supported.")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
PASSED_ON = (
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
SCOPE_WORDS = {
    "repo": "Full control of private and public repositories",
    "public_repo": "Access public repositories",
    "write:repo_hook": "Read and write repository webhooks",
    "admin:repo_hook": "Full control of repository webhooks",
    "read:repo_hook": "Read repository webhooks",
    "read:user": "Read your profile",
    "user:email": "Read your e-mail addresses",
    "read:org": "Read organization membership",
    "offline_access": "Stay signed in with a refresh token",
}


def install(router: web.UrlDispatcher) -> None:
    """Add the OAuth routes to `router`."""
    router.add_get("/login/oauth/authorize", show_consent)
    router.add_post("/login/oauth/authorize", take_consent)
    router.add_post("/login/oauth/access_token", exchange)


async def show_consent(request: web.Request) -> web.StreamResponse:
    """Ask who signs in, and whether they agree."""
    services, asked = request.app[SERVICES], request.query
    client = client_of(services, asked.get("client_id", ""))
    if client is None:
        return _nobody()
    if problem := _problem(services, client, asked):
        return _answer_problem(client, asked, problem)
    redirect = asked.get("redirect_uri") or client.redirect_uris[0]
    context = {
        "name": client.name,
        "people": services.world.people(),
        "hint": asked.get("login", ""),
        "scopes": _asked_for(services, client, asked),
        "hidden": {name: asked[name] for name in PASSED_ON if name in asked},
        "host": urlsplit(redirect).netloc,
    }
    return aiohttp_jinja2.render_template("authorize.html", request, context)


async def take_consent(request: web.Request) -> web.StreamResponse:
    """Send the browser back to the app, with a code or with `access_denied`."""
    services = request.app[SERVICES]
    form = {key: str(value) for key, value in (await request.post()).items()}
    client = client_of(services, form.get("client_id", ""))
    if client is None:
        return _nobody()
    if problem := _problem(services, client, form):
        return _answer_problem(client, form, problem)
    user = services.world.user(form.get("user", ""))
    if user is None or "cancel" in form:
        denied = ("access_denied", "The user has denied your application access.")
        return _back(client, form, _error_fields(denied))
    code = services.vault.new_code(
        user,
        _granted(services, client, form.get("scope", "")),
        form.get("redirect_uri", ""),
        form.get("code_challenge", ""),
        app_id=client.app_id,
    )
    return _back(client, form, {"code": code.code})


async def exchange(request: web.Request) -> web.Response:
    """Exchange a code or a refresh token; errors have status 200.

    https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
    """
    services = request.app[SERVICES]
    fields = {**request.query, **await _fields(request)}
    answer = _exchange(services, fields)
    if "application/json" in request.headers.get("Accept", ""):
        return web.json_response(answer)
    return web.Response(text=urlencode(answer), content_type="application/x-www-form-urlencoded")


def _exchange(services: Services, fields: Mapping[str, str]) -> Json:
    client = client_of(services, fields.get("client_id", ""))
    given = fields.get("client_secret", "").encode()
    if client is None or not secrets.compare_digest(given, client.secret.encode()):
        return _error_fields(WRONG_CLIENT)
    grant = fields.get("grant_type", "authorization_code")
    if grant == "refresh_token":
        token = services.vault.rotate(fields.get("refresh_token", ""), app_id=client.app_id)
        return _shown(token) if token else _error_fields(WRONG_REFRESH)
    if grant != "authorization_code":
        return _error_fields(WRONG_GRANT)
    code = services.vault.take_code(
        fields.get("code", ""), fields.get("code_verifier", ""), app_id=client.app_id
    )
    if code is None:
        return _error_fields(WRONG_CODE)
    if fields.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
        return _error_fields(WRONG_REDIRECT)
    # A GitHub App's tokens expire unless its owner opts out, which a manifest cannot.
    expiring = client.app_id or services.config.expiring_tokens or "offline_access" in code.scopes
    token = services.vault.issue(code.user, code.scopes, expiring=bool(expiring), app_id=client.app_id)
    return _shown(token)


def _shown(token: Token) -> Json:
    answer: Json = {"access_token": token.access, "scope": ",".join(token.scopes), "token_type": "bearer"}
    if token.expires_at and token.refresh_expires_at:
        answer["expires_in"] = int((token.expires_at - token.created_at).total_seconds())
        answer["refresh_token"] = token.refresh
        answer["refresh_token_expires_in"] = int(
            (token.refresh_expires_at - token.created_at).total_seconds()
        )
    return answer


async def _fields(request: web.Request) -> dict[str, str]:
    if request.content_type == "application/json":
        try:
            body: Any = await request.json()
        except ValueError:
            return {}
        return {str(key): str(value) for key, value in body.items()} if isinstance(body, dict) else {}
    return {key: values[-1] for key, values in parse_qs(await request.text()).items()}


def _asked_for(services: Services, client: Client, asked: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what the page says the client wants: scopes, or a GitHub App's permissions, in words."""
    if client.app_id:
        return permission_words(client.permissions)
    scopes = _granted(services, client, asked.get("scope", ""))
    return [(scope, SCOPE_WORDS.get(scope, scope)) for scope in scopes]


def permission_words(permissions: Mapping[str, str]) -> list[tuple[str, str]]:
    """Permissions and words for them."""
    verbs = {"read": "Read", "write": "Read and write", "admin": "Administer"}
    return [
        (f"{name}: {level}", f"{verbs[level]} {name.replace('_', ' ')}")
        for name, level in permissions.items()
    ]


def _granted(services: Services, client: Client, asked: str) -> tuple[str, ...]:
    """Return the scopes a user grants: what is asked for, or what the configuration narrows it to.

    A GitHub App's tokens have none, whatever is asked for.
    """
    if client.app_id:
        return ()
    narrowed = services.config.scopes_granted
    scopes = split_scopes(asked if narrowed is None else narrowed)
    return tuple(one for one in scopes if one != "offline_access" or not services.config.ghes)


def _problem(services: Services, client: Client, asked: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the problem of a request for authorization, as error and description."""
    redirect = asked.get("redirect_uri", "")
    if not (client.accepts(redirect) if redirect else client.redirect_uris):
        return WRONG_REDIRECT
    if services.config.refuses_scopes and "offline_access" in split_scopes(asked.get("scope", "")):
        return ("invalid_scope", "The scopes requested are invalid: offline_access.")
    if asked.get("code_challenge"):
        if asked.get("code_challenge_method") != "S256":
            return ("invalid_request", "code_challenge_method must be S256.")
        if not CHALLENGE.fullmatch(asked["code_challenge"]):
            return ("invalid_request", "code_challenge must have 43 characters of base64url.")
    return None


def _nobody() -> web.Response:
    return web.Response(status=404, text="No application has this client_id.")


def _answer_problem(client: Client, asked: Mapping[str, str], problem: tuple[str, str]) -> web.StreamResponse:
    """Tell the app where that is safe, else the user."""
    if problem == WRONG_REDIRECT:
        # GitHub tells a registered address about an unregistered one; the stand-in tells the user.
        return web.Response(status=400, text=f"{problem[0]}: {problem[1]}")
    return _back(client, asked, _error_fields(problem))


def _back(client: Client, asked: Mapping[str, str], fields: Mapping[str, str]) -> web.Response:
    redirect = asked.get("redirect_uri") or client.redirect_uris[0]
    state = {"state": asked["state"]} if asked.get("state") else {}
    joint = "&" if urlsplit(redirect).query else "?"
    location = redirect + joint + urlencode({**fields, **state})
    return web.Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})


def _error_fields(error: tuple[str, str]) -> dict[str, str]:
    name, description = error
    return {"error": name, "error_description": description, "error_uri": f"{ERROR_DOCS}/#{name}"}
