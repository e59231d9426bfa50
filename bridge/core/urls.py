"""Addresses, including ones that strangers choose: only those of web pages are ever shown."""

import re
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

# No user before the host: `https://github.com@evil.example` is meant to be misread. No quotes, brackets and
# invisible characters: a thread whose address has them is refused.
WEB_PAGE = re.compile(r"""(?i:https?)://[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[0-9]{1,5})?(?:[/?#][^ <>"]*)?""")

MAX_CACHED = 200
"""Characters of an address that is remembered."""

MAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,189}$)"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
"""As browsers take it: https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address"""


def is_mail_address(text: str) -> bool:
    """Tell whether mail may be sent to an address; nothing in it can end a header."""
    return MAIL.fullmatch(text) is not None


def web_address(value: object) -> str:
    """Return `value` if it is the address of a web page (http or https), else nothing."""
    if not isinstance(value, str):
        return ""
    # Deliveries repeat the addresses of their repository and people. A stranger's long one would take memory.
    tell = is_known_web_page if len(value) <= MAX_CACHED else is_web_page
    return value if tell(value) else ""


def is_web_page(address: str) -> bool:
    """Tell whether an address is that of a web page."""
    return WEB_PAGE.fullmatch(address) is not None and address.isprintable()


is_known_web_page = lru_cache(maxsize=1024)(is_web_page)


def in_repository(address: str, repository_url: str) -> str:
    """Return the address of a repository's page under the repository's present name; others stay as they are.

    GitHub redirects from a former name only until another repository takes it.
    """
    parts = address.split("/", 5)
    return f"{repository_url}/{parts[5]}" if repository_url and len(parts) == 6 else address


_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Tell whether an IP address is public: neither of this machine nor of a private network.

    An IPv6 address with an IPv4 address inside counts as the latter, or as not public.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if inner := ip.ipv4_mapped or (ip_address(ip.packed[-4:]) if ip in _NAT64 else None):
            return is_public(str(inner))
        if ip.sixtofour or ip.teredo:
            return False
    return ip.is_global and not ip.is_multicast


def path_of(url: str) -> str:
    """Return the path of an address that a stranger may choose; empty if it cannot be read."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def avatar_origins(github_url: str) -> tuple[str, str]:
    """Return where a GitHub server keeps avatars: its own host, and one beside it.

    https://docs.github.com/enterprise-server/admin/configuring-settings/hardening-security-for-your-enterprise/enabling-subdomain-isolation
    """
    own = origin(github_url)
    if own == "https://github.com":
        return own, "https://avatars.githubusercontent.com"
    scheme, _, host = own.partition("://")
    return own, f"{scheme}://avatars.{host}"


def origin(url: str) -> str:
    """Return scheme and host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
