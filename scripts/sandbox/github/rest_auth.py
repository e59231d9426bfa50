"""Authenticate a REST call: by token, client secret, or a GitHub App's JWT.

https://docs.github.com/rest/authentication/authenticating-to-the-rest-api
"""

import secrets
import time
from base64 import b64decode
from typing import Any

import jwt
from aiohttp import web

from .apps import App
from .clients import Client, client_of
from .refusals import Refused, not_found
from .services import Services
from .tokens import Token

# "The time must be no more than 10 minutes into the future."
LONGEST_LIFE = 600
UNDECODABLE = "A JSON web token could not be decoded"
FAR_EXPIRY = "'Expiration time' claim ('exp') is too far in the future"
BAD_EXPIRY = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
    "assertion expires"
)


def token_of(request: web.Request, services: Services) -> Token | None:
    """Return the token a call comes with, None if it comes with nothing; 401 if the token is no good."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, secret = header.partition(" ")
    token = services.vault.find(secret.strip()) if scheme.lower() in {"bearer", "token"} else None
    if token is None or token.installation_id not in {0, *services.apps.installations}:
        raise Refused(401, "Bad credentials")
    return token


def client_of_call(request: web.Request, services: Services) -> Client:
    """Return the client whose id and secret a call comes with; 404 if its path names another one."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        given = b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        given = ""
    name, _, secret = given.partition(":")
    client = client_of(services, name)
    if client is None or not secrets.compare_digest(secret.encode(), client.secret.encode()):
        raise Refused(401, "Bad credentials")
    if request.match_info["client_id"] != client.client_id:
        raise not_found()
    return client


def app_of(request: web.Request, services: Services) -> App:
    """Return the GitHub App whose JWT a call comes with; 401 without a good one.

    https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
    """
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        claims = jwt.decode(text.strip(), options={"verify_signature": False})
        app = services.apps.by_issuer(claims.get("iss"))
        if scheme.lower() != "bearer" or app is None:
            raise Refused(401, UNDECODABLE)
        # Only the signature: the claims are checked as GitHub checks them.
        jwt.api_jws.decode(text.strip(), app.public_key, algorithms=["RS256"])
    except jwt.PyJWTError:
        raise Refused(401, UNDECODABLE) from None
    _check_expiry(claims.get("exp"))
    return app


def _check_expiry(expiry: Any) -> None:
    """Refuse a JWT that is too old or lives too long, by the real time: the sandbox's may be ahead."""
    now = time.time()
    if not isinstance(expiry, int | float) or expiry <= now:
        raise Refused(401, BAD_EXPIRY)
    if expiry > now + LONGEST_LIFE:
        raise Refused(401, FAR_EXPIRY)
