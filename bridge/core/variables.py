"""Variables of the environment, each read by its type; all problems are collected."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from bridge.core.names import is_login
from bridge.core.security.encryption import MIN_KEY
from bridge.core.urls import is_mail_address

MIN_SECRET = MIN_KEY
"""The shortest secret that an operator may choose: a shorter one might be guessed."""

RANDOM_BY = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
_NEEDS = f"needs {MIN_SECRET} characters or more; make one with: {RANDOM_BY}"

_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
_SIZE = re.compile(r"(?P<number>[0-9]{1,12})(?P<unit>[kKmMgG]?)")


class Reader:
    """Reads settings one by one and collects the problems, so that all are reported at once."""

    def __init__(self, environ: Mapping[str, str], needed: frozenset[str] | None) -> None:
        self._environ = environ
        self._all_needed = needed is None
        self.needed = needed or frozenset()
        self.asked: set[str] = set()
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        """Return a variable, empty if it is not set."""
        self.asked.add(name)
        return self._environ.get(name, "").strip()

    def required(self, name: str, *other_names: str) -> str:
        """Return the first of these variables that is set."""
        for candidate in (name, *other_names):
            if value := self.text(candidate):
                return value
        if self._all_needed or name in self.needed:
            self.problems.append(f"{name} is missing")
        return ""

    def secret(self, name: str) -> str | None:
        """Return a secret, None if it is not set."""
        value = self.text(name) or None
        if value is not None and len(value) < MIN_SECRET:
            self.problems.append(f"{name} is too short: it {_NEEDS}")
        return value

    def secrets(self, name: str, *, optional: bool = False) -> tuple[str, ...]:
        """Return comma-separated secrets."""
        value = self.text(name) if optional else self.required(name)
        if not value:
            return ()
        parts = [part.strip() for part in value.split(",")]
        if not all(parts):
            self.problems.append(f"{name} has an empty part")
        elif any(len(part) < MIN_SECRET for part in parts):
            which = "each part" if len(parts) > 1 else "it"
            self.problems.append(f"{name} is too short: {which} {_NEEDS}")
        return tuple(parts)

    def logins(self, name: str) -> tuple[str, ...]:
        """Return comma-separated names of accounts on GitHub."""
        parts = [part.strip() for part in self.text(name).split(",") if part.strip()]
        if not all(is_login(part) for part in parts):
            self.problems.append(f"{name} must be names as in github.com/NAME, comma-separated")
        return tuple(parts)

    def url(self, name: str, default: str) -> str:
        """Return an address without a slash at its end."""
        value = (self.text(name) or default).rstrip("/")
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or "@" in parts.netloc or any(odd in value for odd in "?# \t\r\n"):
            self.problems.append(f"{name} must be an address such as https://bridge.example.com")
        return value

    def address(self, name: str) -> str | None:
        """Return an IP address, or None."""
        value = self.text(name) or None
        try:
            ip_address(value or "::")
        except ValueError:
            self.problems.append(f"{name} must be an IP address of this machine, such as 127.0.0.1")
        return value

    def smtp_url(self, name: str) -> str:
        """Return the address of a mail server, empty if it is not set."""
        value = self.text(name)
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
            good = good and parts.path in ("", "/") and not (parts.query or parts.fragment)
        except ValueError:
            good = False
        if value and not good:
            self.problems.append(
                f"{name} must be an address such as smtp://user:password@mail.example.com:587"
            )
        return value

    def mail_address(self, name: str, *, needed: bool) -> str:
        """Return an address to send mail from; `needed` only where mail is sent."""
        value = self.text(name)
        if needed and not value:
            self.problems.append(f"{name} is missing: SMTP_URL needs it")
        elif value and not is_mail_address(value):
            self.problems.append(f"{name} must be a mail address such as bridge@example.com")
        return value

    def redis_url(self) -> str | None:
        """Return REDIS_URL, None if it is not set."""
        value = self.text("REDIS_URL")
        try:
            parts = urlsplit(value)
            good = parts.scheme == "unix" or (parts.scheme in ("redis", "rediss") and parts.port != 0)
        except ValueError:
            good = False
        if value and not good:
            self.problems.append("REDIS_URL must be an address such as redis://localhost:6379")
        return value or None

    def redis_cluster(self) -> bool:
        """Return REDIS_CLUSTER, which needs a fitting REDIS_URL."""
        cluster = self.switch("REDIS_CLUSTER")
        try:
            parts = urlsplit(self.text("REDIS_URL"))
            # A cluster has no numbered databases, and is reached by TCP only.
            good = parts.scheme in ("redis", "rediss") and parts.path in ("", "/", "/0")
        except ValueError:
            good = False
        if cluster and not good:
            self.problems.append("REDIS_CLUSTER needs a REDIS_URL such as redis://localhost:6379")
        return cluster

    def number(self, name: str, default: float) -> float:
        """Return a number from 1 to 65535."""
        value = self.text(name)
        if not value:
            return default
        try:
            number = float(value)
        except ValueError:
            number = -1
        if not 0 < number < 65536:
            self.problems.append(f"{name} must be a number from 1 to 65535")
            return default
        return number

    def whole_number(self, name: str, default: int) -> int:
        """Return a whole number from 1 to 65535."""
        number = self.number(name, default)
        if number != int(number):
            self.problems.append(f"{name} must be a whole number")
            return default
        return int(number)

    def limit(self, name: str, default: int) -> int:
        """Return how many requests a minute; 0: no limit."""
        value = self.text(name) or str(default)
        if not value.isascii() or not value.isdecimal() or len(value) > 5 or int(value) > 65535:
            self.problems.append(f"{name} must be a whole number of requests a minute, or 0 for no limit")
            return default
        return int(value)

    def size(self, name: str, default: int) -> int:
        """Return a number of bytes, such as 64M."""
        found = _SIZE.fullmatch(self.text(name) or str(default))
        if found is None:
            self.problems.append(f"{name} must be a number of bytes such as 64M, or 0 for no limit")
            return default
        return int(found["number"]) * _UNITS[found["unit"].lower()]

    def switch(self, name: str) -> bool:
        """Return whether a switch is on."""
        return self.choice(name, "0", ("0", "1", "true", "false", "yes", "no")) in ("1", "true", "yes")

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """Return one of `choices`."""
        value = (self.text(name) or default).lower()
        if value not in choices:
            self.problems.append(f"{name} must be one of {', '.join(choices)}")
        return value
