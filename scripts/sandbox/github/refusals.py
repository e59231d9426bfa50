"""GitHub's refusals.

https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Refused(Exception):
    """A refusal; `status` and the rest become the REST answer, `message` is also for people.

    With a `url` it is a redirect to there. `docs` is the page that it names in place of the endpoint's.
    """

    status: int
    message: str
    errors: list[dict[str, Any] | str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""
    docs: str = ""

    def __str__(self) -> str:
        said = [error if isinstance(error, str) else str(error.get("message", "")) for error in self.errors]
        return " ".join([self.message, *filter(None, said)])


def not_found() -> Refused:
    """Also for what somebody may not see: GitHub does not tell which."""
    return Refused(404, "Not Found")


def forbidden() -> Refused:
    """For what somebody sees but may not change.

    GitHub's documentation lists 403 for closing and merging without push access but not the words;
    these are the ones known from editing another's issue.
    """
    return Refused(403, "Must have admin rights to Repository.")


def without_sign_on(web_url: str, organization: str) -> Refused:
    """For a member of an organization whose token was not authorized by single sign-on.

    https://docs.github.com/rest/authentication/authenticating-to-the-rest-api
    """
    return Refused(
        403,
        "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this"
        " organization.",
        headers={"X-GitHub-SSO": f"required; url={web_url}/orgs/{organization}/sso?authorization_request=A"},
        docs="https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/",
    )


def invalid(resource: str, field_name: str, code: str, message: str = "") -> Refused:
    """Return a 422 in the usual form, about one field."""
    error = {"resource": resource, "field": field_name, "code": code}
    return Refused(422, "Validation Failed", [error | ({"message": message} if message else {})])


def unprocessable(message: str) -> Refused:
    """Return a 422 in the form of the reviews API, whose errors are sentences."""
    return Refused(422, "Unprocessable Entity", [message])
