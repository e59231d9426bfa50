"""`POST /repos/{owner}/{repo}/pulls/{number}/{action}`: a click in Flowdock becomes a call to GitHub."""

import secrets
from dataclasses import asdict

from aiohttp import web

from bridge.core import actions
from bridge.core.errors import BridgeError, NotLinked, TokenRefused
from bridge.core.model import Target
from bridge.core.security import claims, flowdock_token
from bridge.core.security.claims import Claim
from bridge.services import Services
from bridge.web.context import LOG, SERVICES
from bridge.web.http import rate_limit
from bridge.web.http.bodies import BODIES, read_body

MAX_BODY = 64 * 1024

_NAME = r"(?!\.{1,2}/)[A-Za-z0-9._-]{1,100}"
"""No part of a repository's name is `.` or `..`: that would be another address."""

routes = web.RouteTableDef()


@routes.post(f"/repos/{{owner:{_NAME}}}/{{repo:{_NAME}}}/pulls/{{number:[1-9][0-9]{{0,8}}}}/{{action}}")
async def click(request: web.Request) -> web.Response:
    """Answer 200 once GitHub did it, 401 with a challenge if no account is linked; see docs/operating.md."""
    metrics = request.app[SERVICES].metrics
    action = actions.find(request.match_info["action"])
    try:
        response = await _click(request, action)
    except BridgeError as error:
        metrics.actions.labels(action=action.slug, status=str(error.status)).inc()
        raise
    metrics.actions.labels(action=action.slug, status=str(response.status)).inc()
    return response


async def _click(request: web.Request, action: actions.Action) -> web.Response:
    services = request.app[SERVICES]
    target = Target(
        owner=request.match_info["owner"],
        repo=request.match_info["repo"],
        number=int(request.match_info["number"]),
        action=action.slug,
    )
    proof = flowdock_token.verify(
        request.headers.get("FLOWDOCK-TOKEN"),
        await read_body(request, request.app[BODIES], limit=MAX_BODY),
        secret=services.settings.flowdock_client_secret,
        address=services.settings.web_url + request.raw_path,
    )
    if not await services.one_time.use_token(proof.token_id, expires_at=proof.expires_at):
        raise TokenRefused("this click was already received: click again")
    request[LOG] = {"flowdock_user": proof.user}
    rate_limit.of_user(request, proof.user)
    try:
        sentence = await services.accounts.act(proof.user, action, target)
    except NotLinked:
        return await _challenge(services, proof.user, target)
    return web.json_response({"status": "done", "message": sentence})


async def _challenge(services: Services, user: str, target: Target) -> web.Response:
    """Challenge the user: answer 401 with a link that only they can follow (docs/protocol.md)."""
    claim = Claim(user=user, id=secrets.token_urlsafe(16))
    value = {"user": user, "target": asdict(target)}
    await services.one_time.put("claim", claim.id, value, seconds=claims.LIFETIME)
    token = claims.sign(claim, secret=services.settings.cookie_secrets[0])
    url = f"{services.settings.web_url}/authorization?claim={token}"
    return web.json_response(
        {"error": "Authentication required"},
        status=401,
        headers={"WWW-Authenticate": f"Flowdock-Token url={url}"},
    )
