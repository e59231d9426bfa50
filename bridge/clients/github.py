"""GitHub's API and OAuth. Calls go through gidgethub."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
import gidgethub

from bridge.clients import github_app, oauth
from bridge.clients.github_api import CALL_SECONDS, WRITES, GitHubApi
from bridge.clients.github_app import API_VERSION
from bridge.clients.github_credentials import App, GitHubCredentials
from bridge.clients.github_errors import TokenRevoked as TokenRevoked
from bridge.clients.github_errors import translated, translated_graphql
from bridge.core import actions, names
from bridge.core.actions import Action, Call, Click, Merging
from bridge.core.errors import GitHubFailing, GitHubRefused, OAuthFailed, RateLimited
from bridge.core.model import GitHubToken, GitHubUser, Target

ACT_SECONDS = 8
"""Seconds in which a click polls an operation that GitHub has not finished."""

SCOPE = "repo"
"""The OAuth scope of linking: the rights to act on pull requests, also of private repositories."""

LINKING_SCOPE = f"{SCOPE} offline_access"
"""The same with tokens that end after hours and are renewed; a GitHub without them ignores or refuses it.

https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

_SUFFICIENT = frozenset({"repo", "public_repo"})


class Pages(NamedTuple):
    """The items of a list; `hidden` counts organizations whose items wait for the user's single sign-on."""

    items: list[Any]
    hidden: int


class GitHub:
    """GitHub at `url` (pages, OAuth) and `api_url` (REST), for the application of `credentials`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        api_url: str,
        credentials: GitHubCredentials,
        redirect_uri: str,
    ) -> None:
        self._session = session
        self._url = url
        self._api_url = api_url
        self._credentials = credentials
        self._redirect_uri = redirect_uri

    async def perform(self, action: Action, click: Click, *, token: str) -> str | Merging:
        """Do an action as the user of `token`, and return how it ended.

        Raises `TokenRevoked`, `GitHubRefused`, `RateLimited` or `GitHubFailing`.
        """
        steps = actions.steps(action, click)
        ends_at = asyncio.get_running_loop().time() + ACT_SECONDS
        try:
            call = next(steps)
            while True:
                try:
                    ask = self.call(call, token=token, subject=str(click.target))
                    answer = await (_later(ask, call.delay, ends_at) if call.delay else ask)
                except GitHubRefused as refusal:
                    call = steps.throw(refusal)
                else:
                    call = steps.send(answer)
        except StopIteration as done:
            ended: str | Merging = done.value
            return ended
        except (KeyError, TypeError, AttributeError):
            raise GitHubFailing("GitHub sent an answer that bridge does not understand") from None

    async def call(self, call: Call, *, token: str, subject: str) -> Any:
        """Make a call and return GitHub's JSON; a refusal names `subject`.

        Raises `TokenRevoked`, `GitHubRefused`, `RateLimited` or `GitHubFailing`.
        """
        async with self._api(call, token, subject) as api:
            if call.method == "GET":
                return await api.getitem(call.url, call.variables)
            if call.method == "GRAPHQL":
                return await api.graphql(call.url, endpoint=self._graphql_url, **call.data)
            return await WRITES[call.method](api, call.url, call.variables, data=call.data)

    async def pages(self, call: Call, *, token: str, subject: str, most: int) -> Pages:
        """Return the items of all pages of a list, at most `most`; raises as `call` does."""
        found: list[Any] = []
        async with self._api(call, token, subject) as api:
            items = call.data.get("items", "items")
            async for item in api.getiter(call.url, call.variables, iterable_key=items):
                found.append(item)
                if len(found) >= most:
                    break
            return Pages(found, api.hidden)

    async def location(self, call: Call, *, token: str, subject: str) -> str:
        """Return the address that GitHub redirects to; raises as `call` does."""
        async with self._api(call, token, subject) as api:
            try:
                await api.getitem(call.url, call.variables)
            except gidgethub.RedirectionException as answer:
                return str((answer.headers or {}).get("location", ""))
            return ""

    @asynccontextmanager
    async def _api(self, call: Call, token: str, subject: str) -> AsyncIterator[GitHubApi]:
        """Yield gidgethub's client, and translate the errors of the call."""
        place = call.variables
        if "owner" in place and not names.is_full_name(f"{place['owner']}/{place['repo']}"):
            raise GitHubRefused(f"{subject} is not in a repository named owner/name")
        # A new one each: gidgethub keeps what one token's answers said for the next.
        api = GitHubApi(self._session, token=token, base_url=self._api_url, takes=call.takes)
        try:
            yield api
        except gidgethub.GraphQLException as error:
            raise translated_graphql(error) from None
        except gidgethub.HTTPException as error:
            raise translated(error, subject, github_url=self._url, help_page=api.help_page) from None
        except TimeoutError:
            raise GitHubFailing(
                f"GitHub took too long; check {subject}, then try again", status=504
            ) from None
        except aiohttp.ClientError as error:
            raise GitHubFailing(f"GitHub cannot be reached ({type(error).__name__}): try again") from None
        except (ValueError, LookupError, TypeError):
            # gidgethub reads the body before the status: a proxy's page, an unheard-of status.
            raise GitHubFailing("GitHub's answer cannot be read: try again") from None

    @property
    def _graphql_url(self) -> str:
        """Return GraphQL's address: beside REST's, on an Enterprise Server /api/graphql beside /api/v3.

        https://docs.github.com/graphql/guides/forming-calls-with-graphql
        """
        return self._api_url.removesuffix("/v3") + "/graphql"

    async def pull(self, target: Target, *, token: str) -> dict[str, Any]:
        """Return a pull request; raises as `perform` does.

        https://docs.github.com/rest/pulls/pulls#get-a-pull-request
        """
        variables = {"owner": target.owner, "repo": target.repo, "number": str(target.number)}
        call = Call(method="GET", url="/repos/{owner}/{repo}/pulls/{number}", variables=variables)
        pull = await self.call(call, token=token, subject=str(target))
        if not isinstance(pull, dict):
            raise GitHubFailing("GitHub sent an answer that bridge does not understand")
        return pull

    async def user(self, token: GitHubToken) -> GitHubUser:
        """Return the token's owner; raises as `perform` does."""
        user = await self.call(Call(method="GET", url="/user"), token=token.access, subject="your account")
        if not isinstance(user, dict) or not isinstance(user.get("id"), int):
            raise OAuthFailed("GitHub did not say who signed in: try again")
        return GitHubUser(id=user["id"], login=str(user["login"]), avatar=str(user.get("avatar_url") or ""))

    async def authorize_url(self, *, state: str, verifier: str, scope: str = SCOPE) -> str:
        """Return the URL at which a browser signs in with GitHub; raises as `GitHubCredentials.current` does.

        https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
        """
        credentials = await self._credentials.current()
        return oauth.authorize_url(
            f"{self._url}/login/oauth/authorize",
            client_id=credentials.client_id,
            redirect_uri=self._redirect_uri,
            scope=scope,
            state=state,
            allow_signup="false",
            code_challenge=oauth.code_challenge(verifier),
            code_challenge_method="S256",
        )

    async def exchange(self, code: str, *, verifier: str) -> GitHubToken:
        """Exchange a code for the user's token; raises `OAuthFailed`."""
        return await self._token(code=code, redirect_uri=self._redirect_uri, code_verifier=verifier)

    async def refresh(self, refresh_token: str) -> GitHubToken:
        """Exchange a refresh token for a new token, which ends the old one. Raises `OAuthFailed`."""
        return await self._token(grant_type="refresh_token", refresh_token=refresh_token)

    async def _token(self, **fields: str) -> GitHubToken:
        credentials = await self._credentials.current()
        answer = await oauth.token_request(
            self._session,
            f"{self._url}/login/oauth/access_token",
            service="GitHub",
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            **fields,
        )
        return read_token(answer, now=time.time())

    async def revoke(self, token: GitHubToken) -> None:
        """Revoke a token; succeeds if GitHub does not know it. Raises `GitHubFailing`.

        https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token
        """
        await self._delete("token", token)

    async def revoke_grant(self, token: GitHubToken) -> None:
        """Revoke all that the token's user granted; raises as `revoke` does.

        https://docs.github.com/rest/apps/oauth-applications#delete-an-app-authorization
        """
        await self._delete("grant", token)

    async def _delete(self, what: str, token: GitHubToken) -> None:
        credentials = await self._credentials.current()
        try:
            async with self._session.delete(
                f"{self._api_url}/applications/{quote(credentials.client_id, safe='')}/{what}",
                json={"access_token": token.access},
                headers={
                    "Authorization": aiohttp.encode_basic_auth(
                        credentials.client_id, credentials.client_secret
                    ),
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

    async def reach(self) -> str:
        """Check that the API answers; returns an Enterprise Server's version. Raises `GitHubFailing`."""
        return await github_app.reach(self._session, self._api_url)

    async def public_user(self, login: str) -> bytes:
        """Return GitHub's answer about a person; raises as `github_app.public_user`."""
        return await github_app.public_user(self._session, self._api_url, login)

    async def convert(self, code: str) -> App:
        """Return the App made from a manifest; raises `github_app.CodeRefused` or `GitHubFailing`."""
        return await github_app.convert(self._session, self._api_url, code)


async def _later(ask: Coroutine[Any, Any, Any], delay: float, ends_at: float) -> Any:
    """Make a call after a `delay`; None if it cannot end before `ends_at`, or GitHub is failing."""
    try:
        async with asyncio.timeout_at(ends_at):
            await asyncio.sleep(delay)
            return await ask
    except (TimeoutError, GitHubFailing, RateLimited):
        return None
    finally:
        ask.close()


def read_token(answer: Mapping[str, Any], *, now: float) -> GitHubToken:
    """Read the token in an answer of GitHub's token endpoint; `now` in Unix seconds."""
    lifetime = str(answer.get("expires_in") or "")
    return GitHubToken(
        access=str(answer["access_token"]),
        refresh=str(answer["refresh_token"]) if answer.get("refresh_token") else None,
        expires_at=int(now) + int(lifetime) if lifetime.isdecimal() else None,
        scopes=tuple(str(answer.get("scope") or "").replace(",", " ").split()),
    )


def can_act(token: GitHubToken) -> bool:
    """Tell whether the granted scopes suffice: a user may narrow them, or tamper with the callback.

    Tokens of a GitHub App have no scopes: the App's permissions apply.
    """
    return is_apps(token.access) or not _SUFFICIENT.isdisjoint(token.scopes)


def is_apps(token: str) -> bool:
    """Tell whether a user's token is a GitHub App's rather than an OAuth App's.

    https://docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
    """
    return token.startswith("ghu_")
