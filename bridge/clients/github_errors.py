"""GitHub's refusals as gidgethub raises them, as bridge's own errors with a sentence to act on."""

import time
from collections.abc import Mapping

import gidgethub

from bridge.core.errors import BridgeError, GitHubFailing, GitHubRefused, RateLimited

_STATE_IN_THE_WAY = frozenset({405, 409})


class TokenRevoked(BridgeError):
    """401: GitHub does not know the user's token (any more)."""

    status = 401


def translated(error: gidgethub.HTTPException, subject: str) -> BridgeError:
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


def translated_graphql(error: gidgethub.GraphQLException) -> BridgeError:
    """The same for GraphQL, which answers errors with 200, and a message each.

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
