"""Addresses, also those that strangers choose: only those of web pages are shown to anybody."""

import re
from urllib.parse import urlsplit

# No user before the host: `https://github.com@evil.example` is meant to be misread. No quotes and brackets:
# Flowdock refuses a thread whose address has them.
WEB_PAGE = re.compile(
    r"""(?i:https?)://[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[0-9]{1,5})?(?:[/?#][^\s\x00-\x1f\x7f<>"]*)?"""
)


def web_address(value: object) -> str:
    """Return `value` if it is the address of a web page (http or https), else nothing."""
    return value if isinstance(value, str) and WEB_PAGE.fullmatch(value) else ""


def path_of(url: str) -> str:
    """Return the path of an address that a stranger may choose; empty if it cannot be read."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def origin(url: str) -> str:
    """Return scheme and host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
