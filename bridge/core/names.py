"""Logins and full names of repositories, as GitHub allows them: none means something else in an address.

https://docs.github.com/repositories/creating-and-managing-repositories/creating-a-new-repository
"""

import re

from bridge.core.errors import Malformed

PATTERN = r"(?!\.{1,2}/)[A-Za-z0-9._-]{1,100}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}"
"""`owner/name`, no part `.` or `..`."""

LOGIN = r"[A-Za-z0-9][A-Za-z0-9-]{0,38}(?:_[A-Za-z0-9]{1,38})?"
"""A login. A managed user's ends with the short code of their enterprise, such as `ann_acme`."""

_FULL_NAME = re.compile(PATTERN)
_LOGIN = re.compile(LOGIN)


def is_login(value: str) -> bool:
    """Tell whether GitHub could have given somebody this login."""
    return _LOGIN.fullmatch(value) is not None


def is_full_name(value: object) -> bool:
    """Tell whether `value` is a full name: in an API's path, it leads to that repository and nowhere else."""
    return isinstance(value, str) and _FULL_NAME.fullmatch(value) is not None


def full_name(value: object) -> str:
    """Return `value` as a full name; raises `Malformed` if it is none."""
    if not isinstance(value, str) or not is_full_name(value):
        raise Malformed("the payload names no repository as owner/name")
    return value
