"""GitHub's errors, from gidgethub's to bridge's own with a sentence to act on."""

import re
import time
from collections.abc import Mapping

import gidgethub
import orjson

from bridge.core.errors import NO_REASON, BridgeError, GitHubFailing, GitHubRefused, RateLimited

MAX_ADDRESS = 500

_STATE_IN_THE_WAY = frozenset({405, 409})
_NO_RIGHT = frozenset({403, 404})
_NOT_FOR_APPS = "Resource not accessible by integration"
_SSO = re.compile(r"required; *url=([!-~]+)")
_PARTIAL = re.compile(r"partial-results; *organizations=([0-9]+(?:, *[0-9]+)*)")
_HELP = re.compile(r"https://docs\.github\.com/(?!(?:[a-z-]+@[^/]*/|[a-z]{2}/)*(?:rest|graphql|v3)\b)[!-~]+")
"""Pages for people, and no reference for programs."""
_PERMISSIONS = re.compile(r"[a-z_]+=[a-z]+(?:[,;] *[a-z_]+=[a-z]+)*")
_SCOPES = re.compile(r"[a-z_:]+(?:, *[a-z_:]+)*")


class TokenRevoked(BridgeError):
    """401: GitHub does not know the user's token."""

    status = 401


def help_page(status: int, body: bytes) -> str:
    """Return the page of GitHub's documentation for people that a refusal names; empty if it names none."""
    try:
        page = orjson.loads(body).get("documentation_url") if status >= 400 else ""
    except (ValueError, AttributeError):
        return ""
    return page if isinstance(page, str) and len(page) <= MAX_ADDRESS and _HELP.fullmatch(page) else ""


def hidden(headers: Mapping[str, str]) -> int:
    """Count the organizations that a list leaves out until the user signs in to them.

    https://docs.github.com/rest/authentication/authenticating-to-the-rest-api
    """
    found = _PARTIAL.fullmatch(headers.get("x-github-sso", ""))
    return found[1].count(",") + 1 if found else 0


def translated(
    error: gidgethub.HTTPException, subject: str, *, github_url: str, help_page: str = ""
) -> BridgeError:
    """Translate gidgethub's error into one of `bridge.core.errors`, by the remedy.

    Of the addresses that GitHub's answer names, only those below `github_url` and the `help_page` are shown.
    """
    status = int(error.status_code)
    headers: Mapping[str, str] = error.headers or {}
    if status == 401:
        return TokenRevoked("GitHub no longer accepts the token")
    if (seconds := _limit(status, headers, str(error))) is not None:
        return RateLimited(
            f"you have reached GitHub's rate limit: try again in {seconds} s", retry_after=seconds
        )
    if status >= 500:
        wait = headers.get("retry-after", "")
        again = f"try again in {int(wait)} s" if _is_number(wait) else "try again"
        return GitHubFailing(f"GitHub answered {status}: {again}")
    if 300 <= status < 400:
        moved = f"{subject} was renamed or moved: use the buttons on its newest message"
        return GitHubRefused(moved, status=409)
    reason = _words(error)
    way_out = _way_out(headers, reason, subject, github_url) if status in _NO_RIGHT else ""
    see = f" (see {help_page})" if help_page else ""
    return GitHubRefused(
        way_out or _reason(status, reason, subject) + see,
        status=409 if status in _STATE_IN_THE_WAY else 422,
        answered=status,
        reason=reason,
    )


def _words(error: gidgethub.HTTPException) -> str:
    """Join GitHub's messages about each error on one line; gidgethub drops them where a field is named."""
    errors = getattr(error, "errors", None)
    each = errors if isinstance(errors, list) else []
    said = [one.get("message") if isinstance(one, dict) else one for one in each]
    return " ".join(("; ".join(str(words) for words in said if words) or str(error)).split()) or NO_REASON


def translated_graphql(error: gidgethub.GraphQLException) -> BridgeError:
    """Translate the errors of GraphQL, which answers them with 200 and a message each.

    https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
    """
    if isinstance(error, gidgethub.GraphQLAuthorizationFailure):
        return TokenRevoked("GitHub no longer accepts the token")
    response = error.response if isinstance(error.response, dict) else {}
    errors = [one for one in response.get("errors") or [] if isinstance(one, dict)]
    if any(one.get("type") == "RATE_LIMITED" for one in errors):
        return RateLimited("you have reached GitHub's rate limit: try again in 60 s", retry_after=60)
    reason = "; ".join(str(one["message"]) for one in errors if one.get("message")) or NO_REASON
    return GitHubRefused(f"GitHub refused: {reason}", answered=200, reason=reason)


def _limit(status: int, headers: Mapping[str, str], message: str) -> int | None:
    """Return the seconds to wait if a primary or secondary rate limit refused (403 or 429), else None.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if status not in (403, 429):
        return None
    wait = headers.get("retry-after", "")
    if _is_number(wait):
        return int(wait)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and _is_number(reset):
        return max(1, int(reset) - int(time.time()))
    return 60 if status == 429 or "rate limit" in message.lower() else None


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) < 12


def _way_out(headers: Mapping[str, str], reason: str, subject: str, github_url: str) -> str:
    """Return the remedy that the headers of a 403 or 404 name; empty if they name none.

    https://docs.github.com/rest/authentication/authenticating-to-the-rest-api
    https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
    """
    single_sign_on = headers.get("x-github-sso", "")
    if single_sign_on.startswith("required"):
        found = _SSO.match(single_sign_on)
        address = found[1] if found and len(found[1]) <= MAX_ADDRESS else ""
        where = f": {address}" if address.startswith(f"{github_url}/") else " on GitHub"
        return f"The organization of {subject} requires you to authorize bridge with single sign-on{where}"
    needed, granted = headers.get("x-accepted-oauth-scopes", ""), headers.get("x-oauth-scopes", "")
    if _SCOPES.fullmatch(needed) and granted and not _listed(needed) & _listed(granted):
        return f"bridge needs the scope {needed} for {subject}: link your GitHub account again, and grant it"
    needed = headers.get("x-accepted-github-permissions", "")
    if _PERMISSIONS.fullmatch(needed) and _NOT_FOR_APPS in reason:
        return f"GitHub does not let you do that to {subject}: you or the GitHub App lacks {needed}"
    return ""


def _listed(scopes: str) -> set[str]:
    return {scope.strip() for scope in scopes.split(",")}


def _reason(status: int, message: str, subject: str) -> str:
    if status == 404:
        why = "it is private, gone, or its organization has not approved bridge"
        return f"GitHub does not show you {subject}: {why}"
    if status == 403:
        return f"GitHub does not let you do that to {subject}: {message}"
    return f"GitHub refused: {message}"
