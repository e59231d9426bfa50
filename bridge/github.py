"""GitHub's API and OAuth: the only module that speaks to GitHub. Calls go through gidgethub."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
import gidgethub
from gidgethub import abc as gidgethub_abc

from bridge import oauth
from bridge.core.actions import Action, Call, Click
from bridge.core.errors import BridgeError, GitHubFailing, GitHubRefused, OAuthFailed, RateLimited
from bridge.core.model import GitHubToken, GitHubUser, Target
from bridge.http import USER_AGENT

API_VERSION = "2022-11-28"
CALL_SECONDS = 9
"""GitHub ends calls after 10 seconds; a click waits no longer."""

SCOPE = "repo"
"""What linking asks for: the rights to act on pull requests of private repositories too."""

_SUFFICIENT = frozenset({"repo", "public_repo"})
_STATE_IN_THE_WAY = frozenset({405, 409})


class TokenRevoked(BridgeError):
    """401: GitHub does not know the user's token (any more)."""

    status = 401


class _Api(gidgethub_abc.GitHubAPI):
    """gidgethub over our session: no redirect is followed, and every call is bounded."""

    def __init__(self, session: aiohttp.ClientSession, *, token: str, base_url: str) -> None:
        super().__init__(USER_AGENT, oauth_token=token, base_url=base_url)
        self._session = session

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        async with self._session.request(
            method,
            url,
            headers={**headers, "X-GitHub-Api-Version": API_VERSION},
            data=body,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
        ) as response:
            return response.status, response.headers, await response.read()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class GitHub:
    """GitHub at `url` (pages, OAuth) and `api_url` (REST), for the OAuth application `client_id`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        api_url: str,
        client_id: str,
        client_secret: str,
    ) -> None:
        self._session = session
        self._url = url
        self._api_url = api_url
        self._client_id = client_id
        self._client_secret = client_secret

    async def perform(self, action: Action, click: Click, *, token: str) -> str:
        """Do an action as the user of `token`; returns its sentence.

        Raises `TokenRevoked`, `GitHubRefused`, `RateLimited` or `GitHubFailing`.
        """
        steps = action.perform(click)
        try:
            call = next(steps)
            while True:
                try:
                    answer = await self.call(call, token=token, subject=str(click.target))
                except GitHubRefused as refusal:
                    call = steps.throw(refusal)
                else:
                    call = steps.send(answer)
        except StopIteration as done:
            sentence: str = done.value
            return sentence
        except (KeyError, TypeError, AttributeError):
            raise GitHubFailing("GitHub answered something else than it documents") from None

    async def call(self, call: Call, *, token: str, subject: str) -> Any:
        """GitHub's JSON answer to one call; `subject` is what a refusal says it is about.

        Raises `TokenRevoked`, `GitHubRefused`, `RateLimited` or `GitHubFailing`.
        """
        return await self._asked(self._send, call, token, subject)

    async def pages(self, call: Call, *, token: str, subject: str, most: int) -> list[Any]:
        """The items of all pages of a list, `most` of them at the most; raises as `call` does."""
        found: list[Any] = await self._asked(self._follow, call, token, subject, most)
        return found

    async def _send(self, api: _Api, call: Call) -> Any:
        if call.method == "GET":
            return await api.getitem(call.url, call.variables)
        if call.method == "GRAPHQL":
            return await api.graphql(call.url, endpoint=self._graphql_url, **call.data)
        return await _WRITES[call.method](api, call.url, call.variables, data=call.data)

    async def _follow(self, api: _Api, call: Call, most: int) -> list[Any]:
        found: list[Any] = []
        async for item in api.getiter(call.url, call.variables, iterable_key=call.data.get("items", "items")):
            found.append(item)
            if len(found) >= most:
                break
        return found

    async def _asked(self, ask: Callable[..., Any], call: Call, token: str, subject: str, *more: Any) -> Any:
        # A new one each: gidgethub keeps what one token's answers said for the next.
        api = _Api(self._session, token=token, base_url=self._api_url)
        try:
            return await ask(api, call, *more)
        except gidgethub.GraphQLException as error:
            raise _translated_graphql(error) from None
        except gidgethub.HTTPException as error:
            raise _translated(error, subject) from None
        except TimeoutError:
            raise GitHubFailing(
                f"GitHub took too long; look whether it changed {subject}, then try again", status=504
            ) from None
        except aiohttp.ClientError as error:
            raise GitHubFailing(f"GitHub cannot be reached ({type(error).__name__}): try again") from None
        except (ValueError, LookupError, TypeError):
            # gidgethub reads the body before the status: a proxy's page, an unheard-of status.
            raise GitHubFailing("GitHub's answer cannot be read: try again") from None

    @property
    def _graphql_url(self) -> str:
        """Beside REST's own; on an Enterprise Server REST is at /api/v3 and GraphQL at /api/graphql.

        https://docs.github.com/graphql/guides/forming-calls-with-graphql
        """
        return self._api_url.removesuffix("/v3") + "/graphql"

    async def pull(self, target: Target, *, token: str) -> dict[str, Any]:
        """A pull request, whole; raises as `perform` does.

        https://docs.github.com/rest/pulls/pulls#get-a-pull-request
        """
        variables = {"owner": target.owner, "repo": target.repo, "number": str(target.number)}
        call = Call(method="GET", url="/repos/{owner}/{repo}/pulls/{number}", variables=variables)
        pull = await self.call(call, token=token, subject=str(target))
        if not isinstance(pull, dict):
            raise GitHubFailing("GitHub answered something else than it documents")
        return pull

    async def user(self, token: GitHubToken) -> GitHubUser:
        """Whose token it is; raises as `perform` does."""
        user = await self.call(Call(method="GET", url="/user"), token=token.access, subject="your account")
        if not isinstance(user, dict) or not isinstance(user.get("id"), int):
            raise OAuthFailed("GitHub did not say who signed in: try again")
        return GitHubUser(id=user["id"], login=str(user["login"]), avatar=str(user.get("avatar_url") or ""))

    def authorize_url(self, *, redirect_uri: str, state: str, verifier: str) -> str:
        """Where a browser signs in with GitHub.

        https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
        """
        return oauth.authorize_url(
            f"{self._url}/login/oauth/authorize",
            client_id=self._client_id,
            redirect_uri=redirect_uri,
            scope=SCOPE,
            state=state,
            allow_signup="false",
            code_challenge=oauth.code_challenge(verifier),
            code_challenge_method="S256",
        )

    async def exchange(self, code: str, *, redirect_uri: str, verifier: str) -> GitHubToken:
        """The user's token for a code; raises `OAuthFailed`."""
        return await self._token(code=code, redirect_uri=redirect_uri, code_verifier=verifier)

    async def refresh(self, refresh_token: str) -> GitHubToken:
        """A new token for a refresh token; the old pair dies at once. Raises `OAuthFailed`."""
        return await self._token(grant_type="refresh_token", refresh_token=refresh_token)

    async def _token(self, **fields: str) -> GitHubToken:
        answer = await oauth.token_request(
            self._session,
            f"{self._url}/login/oauth/access_token",
            service="GitHub",
            client_id=self._client_id,
            client_secret=self._client_secret,
            **fields,
        )
        return read_token(answer, now=time.time())

    async def revoke(self, token: GitHubToken) -> None:
        """Have GitHub forget a token; raises `GitHubFailing`. One that is unknown already is a success.

        https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token
        """
        await self._delete("token", token)

    async def revoke_grant(self, token: GitHubToken) -> None:
        """Have GitHub forget all that the token's user granted; raises as `revoke` does.

        https://docs.github.com/rest/apps/oauth-applications#delete-an-app-authorization
        """
        await self._delete("grant", token)

    async def _delete(self, what: str, token: GitHubToken) -> None:
        try:
            async with self._session.delete(
                f"{self._api_url}/applications/{quote(self._client_id, safe='')}/{what}",
                json={"access_token": token.access},
                headers={
                    "Authorization": aiohttp.encode_basic_auth(self._client_id, self._client_secret),
                    "Accept": "application/vnd.github+json",
                    "X-GitHub-Api-Version": API_VERSION,
                },
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        if status not in (204, 404, 422):
            raise GitHubFailing(f"GitHub did not revoke the {what}")


def read_token(answer: Mapping[str, Any], *, now: float) -> GitHubToken:
    """The token in the answer of GitHub's token endpoint; `now` in Unix seconds."""
    lifetime = str(answer.get("expires_in") or "")
    return GitHubToken(
        access=str(answer["access_token"]),
        refresh=str(answer["refresh_token"]) if answer.get("refresh_token") else None,
        expires_at=int(now) + int(lifetime) if lifetime.isdecimal() else None,
        scopes=tuple(str(answer.get("scope") or "").replace(",", " ").split()),
    )


def can_act(token: GitHubToken) -> bool:
    """Whether the granted scopes suffice; a user may narrow them, and a callback may be tampered with.

    A GitHub App's user tokens (`ghu_`) have no scopes: the App's permissions stand for them.
    """
    return token.access.startswith("ghu_") or not _SUFFICIENT.isdisjoint(token.scopes)


_WRITES: dict[str, Any] = {"POST": _Api.post, "PATCH": _Api.patch, "PUT": _Api.put, "DELETE": _Api.delete}


def _translated(error: gidgethub.HTTPException, subject: str) -> BridgeError:
    """gidgethub's error as ours, by what the person who clicked may do about it."""
    status = int(error.status_code)
    headers: Mapping[str, str] = error.headers or {}
    if status == 401:
        return TokenRevoked("GitHub does not know the token any more")
    if (seconds := _limit(status, headers, str(error))) is not None:
        return RateLimited(
            f"GitHub's rate limit for you is reached: try again in {seconds} s", retry_after=seconds
        )
    if status >= 500:
        return GitHubFailing(f"GitHub answered {status}: try again")
    if 300 <= status < 400:
        moved = f"{subject} was renamed or moved: use the buttons of its newest message"
        return GitHubRefused(moved, status=409)
    reason = _words(error)
    return GitHubRefused(
        _reason(status, reason, subject),
        status=409 if status in _STATE_IN_THE_WAY else 422,
        answered=status,
        reason=reason,
    )


def _words(error: gidgethub.HTTPException) -> str:
    """What GitHub says of each thing that is wrong, on one line; gidgethub leaves it out beside a field."""
    errors = getattr(error, "errors", None)
    each = errors if isinstance(errors, list) else []
    said = [one.get("message") if isinstance(one, dict) else one for one in each]
    return " ".join(("; ".join(str(words) for words in said if words) or str(error)).split())


def _translated_graphql(error: gidgethub.GraphQLException) -> BridgeError:
    """GraphQL answers errors with 200, and a message each.

    https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
    """
    if isinstance(error, gidgethub.GraphQLAuthorizationFailure):
        return TokenRevoked("GitHub does not know the token any more")
    response = error.response if isinstance(error.response, dict) else {}
    errors = [one for one in response.get("errors") or [] if isinstance(one, dict)]
    if any(one.get("type") == "RATE_LIMITED" for one in errors):
        return RateLimited("GitHub's rate limit for you is reached: try again in 60 s", retry_after=60)
    reason = "; ".join(str(one.get("message")) for one in errors) or "no reason given"
    return GitHubRefused(f"GitHub refused: {reason}", answered=200, reason=reason)


def _limit(status: int, headers: Mapping[str, str], message: str) -> int | None:
    """The seconds to wait if GitHub's primary or secondary limit refused (403 or 429), else None.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if status not in (403, 429):
        return None
    wait = headers.get("retry-after", "")
    if wait.isdecimal():
        return int(wait)
    if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdecimal():
        return max(1, int(headers["x-ratelimit-reset"]) - int(time.time()))
    return 60 if status == 429 or "rate limit" in message.lower() else None


def _reason(status: int, message: str, subject: str) -> str:
    if status == 404:
        return (
            f"GitHub shows you no {subject}: it is private, gone, or its organisation has not approved bridge"
        )
    if status == 403:
        return f"GitHub does not let you do that to {subject}: {message}"
    return f"GitHub refused: {message}"
