"""bridge's errors, grouped by the answer they call for.

BridgeError
├── RequestRefused            the request is at fault; `status` is the answer
│   ├── Malformed 400 · Unsigned 401 · TokenRefused 403 · NotFound 404 · TooLarge 413 · WrongContentType 415
│   ├── ClaimRefused          the link to /authorization is bad, expired or used
│   └── NotAdministrator      GitHub does not call them an administrator of the repository
├── NotLinked                 no (or no longer a) GitHub account: answer with a challenge
├── GitHubRefused             GitHub said no; the sentence says why
├── GitHubFailing             GitHub is broken or slow
├── RateLimited               GitHub's limit; `retry_after` seconds
├── OAuthFailed               one of the two OAuth exchanges went wrong
├── FlowdockError             SourceGone · FlowdockRejected · FlowdockFailing · SignedOut · NotAMember
└── Unavailable               Redis cannot take it now
    └── QueueFull             too much waits already, of this repository or of all
"""

NO_REASON = "no reason given"
"""For an error with a reason, where the server's answer has none."""

_START_OVER = "If your account is linked, you are done. If not, click the button again."


class BridgeError(Exception):
    """The root; `str()` is one sentence a person can act on, free of secrets.

    `status` is the HTTP status to answer, `advice` the next step that a page adds, `sentence` the words of an
    error that always has the same.
    """

    status = 500
    advice = ""
    sentence = ""

    def __init__(self, sentence: str = "", *, advice: str = "") -> None:
        super().__init__(sentence or self.sentence)
        self.advice = advice or self.advice


def reason_of(error: Exception) -> str:
    """Return the reason to log: bridge's own sentence, or the kind of an error whose words may be secret."""
    return str(error) if isinstance(error, BridgeError) and str(error) else type(error).__name__


class RequestRefused(BridgeError):
    """The request is at fault, not bridge and not the outside services."""

    status = 400


class Malformed(RequestRefused):
    """The request cannot be read."""


class Unsigned(RequestRefused):
    """The webhook's signature is missing or wrong."""

    status = 401


class TokenRefused(RequestRefused):
    """The FLOWDOCK-TOKEN is missing, bad, expired, replayed or not for this request."""

    status = 403


class NotFound(RequestRefused):
    """There is no such thing here."""

    status = 404


class TooLarge(RequestRefused):
    """The body is larger than the route takes."""

    status = 413
    advice = "Go back and shorten it. Nothing was changed."


class WrongContentType(RequestRefused):
    """Neither JSON nor a form."""

    status = 415


class ClaimRefused(RequestRefused):
    """The claim of an authorization link is bad, expired, used or somebody else's."""

    status = 403
    advice = _START_OVER


class NotAdministrator(RequestRefused):
    """GitHub does not call this person an administrator of the repository."""

    status = 403
    advice = (
        "Nothing was changed, and bridge keeps nothing about your account. Send the link to an administrator:"
        " it still works."
    )


class NotLinked(BridgeError):
    """This Flowdock user has no linked account, or its GitHub token no longer works."""

    status = 401


class GitHubRefused(BridgeError):
    """GitHub said no: 409 where the pull request's state is in the way, else 422.

    `answered` is GitHub's own status (0 if GitHub agreed but did nothing), `reason` its words.
    """

    def __init__(self, message: str, *, status: int = 422, answered: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.answered = answered
        self.reason = reason


class GitHubFailing(BridgeError):
    """GitHub is failing (502) or slow (504)."""

    def __init__(self, message: str, *, status: int = 502) -> None:
        super().__init__(message)
        self.status = status


class RateLimited(BridgeError):
    """GitHub's rate limit is reached; `retry_after` in whole seconds."""

    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OAuthFailed(BridgeError):
    """An OAuth exchange with GitHub or Flowdock failed; `code` is the `error` it answered, if any."""

    status = 502
    advice = _START_OVER

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class FlowdockError(BridgeError):
    """Flowdock did not take a message."""

    status = 502


class SourceGone(FlowdockError):
    """410: the source was removed from the flow; stop posting and forget its token."""


class FlowdockRejected(FlowdockError):
    """A 4xx that no retry can fix."""


class SignedOut(FlowdockError):
    """401: the access token is unknown or no longer valid, or nobody is signed in: sign in again."""

    status = 401


class NotAMember(FlowdockError):
    """Flowdock does not show this to the signed-in user: they are not in the flow, or it is gone."""

    status = 403


class FlowdockFailing(FlowdockError):
    """A passing failure (502), or Flowdock is slow (504); `retry_after` seconds if Flowdock named them."""

    advice = "Try again in a minute."

    def __init__(self, message: str, *, retry_after: float | None = None, status: int = 502) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.status = status


class Unavailable(BridgeError):
    """Redis cannot take it now."""

    status = 503
    retry_after = 5
    sentence = "bridge cannot reach Redis: try again in a moment"


class QueueFull(Unavailable):
    """Too much waits already, of this repository or of all together."""

    retry_after = 60
