"""OAuth 2.0, the authorization code grant (Flowdock's API documents, "Authentication"; RFC 6749)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from yarl import URL

from bridge.core.errors import Malformed
from bridge.core.security import signing
from bridge.inbox.api.requests import AUTHORIZE, read_object
from bridge.inbox.context import API, INBOX, Inbox
from bridge.inbox.people import sessions
from bridge.inbox.people.grants import DEFAULT_SCOPES, SCOPES, Grant
from bridge.web.render import redirect

routes = web.RouteTableDef()


@routes.get(AUTHORIZE)
async def authorize(request: web.Request) -> web.Response:
    """Send a person back to the application with a code.

    No page asks for consent: the one application is bridge, whose inbox this is.
    """
    inbox, asked = request.app[INBOX], request.query
    redirect_uri = _registered(inbox, asked)
    scopes = tuple(asked.get("scope", "").split()) or DEFAULT_SCOPES
    if asked.get("response_type") != "code":
        return _back(redirect_uri, asked, error="unsupported_response_type")
    if not set(scopes) <= SCOPES:
        return _back(redirect_uri, asked, error="invalid_scope")
    person = await sessions.required(request)
    grant = Grant(
        person_id=person.id,
        client_id=inbox.client_id,
        scopes=scopes,
        redirect_uri=redirect_uri,
        session="" if "offline_access" in scopes else sessions.session_name(request),
    )
    return _back(redirect_uri, asked, code=await inbox.grants.new_code(grant))


@routes.post(f"{API}/oauth/token")
async def exchange(request: web.Request) -> web.Response:
    """Exchange a code or a refresh token: a form by default, JSON where the client accepts it."""
    body, inbox = await read_object(request), request.app[INBOX]
    if not _is_client(inbox, body):
        return _failure(401, "invalid_client", "The client is unknown or its secret is wrong.")
    client_id = inbox.client_id
    match body.get("grant_type"):
        case "authorization_code":
            code, redirect_uri = str(body.get("code", "")), str(body.get("redirect_uri", ""))
            answer = await inbox.grants.redeem(code, client_id=client_id, redirect_uri=redirect_uri)
        case "refresh_token":
            answer = await inbox.grants.renew(str(body.get("refresh_token", "")), client_id=client_id)
        case None:
            return _failure(400, "invalid_request", "The grant_type is missing.")
        case _:
            return _failure(400, "unsupported_grant_type", "Use authorization_code or refresh_token.")
    if answer is None:
        return _failure(
            400,
            "invalid_grant",
            "The code or token is unknown, expired, used already, or another application's.",
        )
    if "application/json" in request.headers.get("Accept", ""):
        return web.json_response(answer)
    return web.Response(text=urlencode(answer), content_type="application/x-www-form-urlencoded")


def _registered(inbox: Inbox, asked: Mapping[str, str]) -> str:
    """Return the registered address to go back to; raises `Malformed` rather than go anywhere else."""
    if asked.get("client_id") != inbox.client_id:
        raise Malformed("No application is registered with this client_id.")
    if asked.get("redirect_uri", inbox.redirect_uri) != inbox.redirect_uri:
        raise Malformed("The application did not register this redirect_uri.")
    return inbox.redirect_uri


def _back(redirect_uri: str, asked: Mapping[str, str], **answer: str) -> web.Response:
    if "state" in asked:
        answer["state"] = asked["state"]
    return redirect(str(URL(redirect_uri).extend_query(answer)))


def _is_client(inbox: Inbox, body: Mapping[str, Any]) -> bool:
    name, secret = str(body.get("client_id", "")), str(body.get("client_secret", ""))
    return signing.equal(name, inbox.client_id) and signing.equal(secret, inbox.client_secret)


def _failure(status: int, error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)
