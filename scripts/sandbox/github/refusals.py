"""What GitHub says when it will not do something.

https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Refused(Exception):
    """A refusal; `status` and the rest become the REST answer, `message` is also for people.

    With a `url` it is a redirect to there.
    """

    status: int
    message: str
    errors: list[dict[str, Any] | str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""

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


def invalid(resource: str, field_name: str, code: str, message: str = "") -> Refused:
    """A 422 in the usual form, about one field."""
    error = {"resource": resource, "field": field_name, "code": code}
    return Refused(422, "Validation Failed", [error | ({"message": message} if message else {})])


def unprocessable(message: str) -> Refused:
    """A 422 in the form of the reviews API, whose errors are sentences."""
    return Refused(422, "Unprocessable Entity", [message])
