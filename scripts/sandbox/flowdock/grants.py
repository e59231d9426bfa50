"""The codes and tokens that OAuth hands out, in memory (RFC 6749, the authorization code grant)."""

import secrets
from dataclasses import dataclass

CODE_LIFE = 600
TOKEN_LIFE = 7200
DEFAULT_SCOPES = ("flow", "private")
SCOPES = {
    "flow": "Read and send messages to flows",
    "private": "Read and send private messages",
    "manage": "Manage flows, organizations and their users",
    "profile": "See your profile",
    "offline_access": "Stay connected while you are away",
    "integration": "Add sources to your flows",
}


@dataclass(frozen=True, kw_only=True)
class Code:
    """An authorization code's grant; works once, until `expires`."""

    user: int
    scopes: tuple[str, ...]
    redirect_uri: str
    expires: float


@dataclass(frozen=True, kw_only=True)
class Access:
    """The grant of an access or refresh token."""

    user: int
    scopes: tuple[str, ...]
    expires: float


class Grants:
    """Codes, access tokens and refresh tokens; every time is in seconds since 1970."""

    def __init__(self) -> None:
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, Access] = {}

    def new_code(self, *, user: int, scopes: tuple[str, ...], redirect_uri: str, now: float) -> str:
        """Return a fresh code for the user's consent."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = Code(user=user, scopes=scopes, redirect_uri=redirect_uri, expires=now + CODE_LIFE)
        return code

    def redeem(self, code: str, *, redirect_uri: str, now: float) -> dict[str, str | int] | None:
        """Return the token answer for a code; None if it is unknown, used, expired or meant elsewhere."""
        known = self._codes.pop(code, None)
        if known is None or known.expires <= now or known.redirect_uri != redirect_uri:
            return None
        return self._answer(known.user, known.scopes, now)

    def renew(self, refresh_token: str, *, now: float) -> dict[str, str | int] | None:
        """Return the token answer for a refresh token, which it replaces; None if it is unknown."""
        known = self._refresh.pop(refresh_token, None)
        return self._answer(known.user, known.scopes, now) if known else None

    def access(self, token: str, *, now: float) -> Access | None:
        """Find a bearer token's grant; None if it is unknown or expired."""
        known = self._access.get(token)
        return known if known and known.expires > now else None

    def reset(self) -> None:
        """Forget every code and token."""
        self._codes.clear()
        self._access.clear()
        self._refresh.clear()

    def _answer(self, user: int, scopes: tuple[str, ...], now: float) -> dict[str, str | int]:
        token = secrets.token_urlsafe(32)
        grant = Access(user=user, scopes=scopes, expires=now + TOKEN_LIFE)
        self._access[token] = grant
        answer: dict[str, str | int] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE,
            "scope": " ".join(scopes),
        }
        if "offline_access" in scopes:
            answer["refresh_token"] = secrets.token_urlsafe(32)
            self._refresh[str(answer["refresh_token"])] = grant
        return answer
