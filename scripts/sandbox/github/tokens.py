"""OAuth tokens, and the codes they are exchanged for.

https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .model import Clock
from .records import User

CODE_LIFE = timedelta(minutes=10)
ACCESS_LIFE = timedelta(seconds=28_800)
REFRESH_LIFE = timedelta(seconds=15_897_600)
# The pages on OAuth Apps and on GitHub Apps give six months differently.
APP_REFRESH_LIFE = timedelta(seconds=15_811_200)
INSTALLATION_LIFE = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Token:
    """An access token, and the refresh token that replaces it where tokens expire."""

    id: int
    access: str
    user: User
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    refresh: str | None = None
    refresh_expires_at: datetime | None = None
    # A GitHub App's tokens: the App, and the limits of an installation's.
    app_id: int = 0
    installation_id: int = 0
    permissions: Mapping[str, str] | None = None
    repo_ids: frozenset[int] | None = None


@dataclass(frozen=True, kw_only=True)
class Code:
    """An authorization code: works once, within ten minutes."""

    code: str
    user: User
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str
    expires_at: datetime
    app_id: int


class Vault:
    """The tokens and codes of the configured OAuth App, whose `app_id` is 0, and of the GitHub Apps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[str, Token] = {}
        self._codes: dict[str, Code] = {}

    def issue(self, user: User, scopes: tuple[str, ...], *, expiring: bool = False, app_id: int = 0) -> Token:
        """Return a new token for `user`; a GitHub App's has no scopes.

        https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
        """
        now = self._clock.now()
        token = Token(
            id=len(self._tokens) + 1,
            access=_secret("ghu" if app_id else "gho"),
            user=user,
            scopes=scopes,
            created_at=now,
            app_id=app_id,
        )
        if expiring:
            token = replace(
                token,
                expires_at=now + ACCESS_LIFE,
                refresh=_secret("ghr"),
                refresh_expires_at=now + (APP_REFRESH_LIFE if app_id else REFRESH_LIFE),
            )
        self._tokens[token.access] = token
        return token

    def issue_for_installation(
        self,
        bot: User,
        app_id: int,
        installation_id: int,
        permissions: Mapping[str, str],
        repo_ids: frozenset[int] | None,
    ) -> Token:
        """Return a new token for an App itself, good for an hour, in one installation.

        https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
        """
        now = self._clock.now()
        token = Token(
            id=len(self._tokens) + 1,
            access=_secret("ghs"),
            user=bot,
            scopes=(),
            created_at=now,
            expires_at=now + INSTALLATION_LIFE,
            app_id=app_id,
            installation_id=installation_id,
            permissions=permissions,
            repo_ids=repo_ids,
        )
        self._tokens[token.access] = token
        return token

    def find(self, access: str) -> Token | None:
        """Return the token, if it is good now."""
        token = self._tokens.get(access)
        if token and token.expires_at and token.expires_at <= self._clock.now():
            return None
        return token

    def rotate(self, refresh: str, *, app_id: int = 0) -> Token | None:
        """Return a new token for that App's refresh token; the old pair dies at once. None if it is no good.

        https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
        """
        for token in self._tokens.values():
            if token.refresh == refresh and token.refresh_expires_at and token.app_id == app_id:
                if token.refresh_expires_at <= self._clock.now():
                    return None
                self.revoke(token)
                return self.issue(token.user, token.scopes, expiring=True, app_id=app_id)
        return None

    def revoke(self, token: Token) -> None:
        """Revoke a token and its refresh token."""
        self._tokens.pop(token.access, None)

    def revoke_all(self, user: User, *, app_id: int | None = None) -> int:
        """Return all tokens of a user, or those of one App; returns how many there were."""
        theirs = [
            token for token in self._tokens.values() if token.user == user and app_id in {None, token.app_id}
        ]
        for token in theirs:
            self.revoke(token)
        return len(theirs)

    def new_code(
        self, user: User, scopes: tuple[str, ...], redirect_uri: str, challenge: str, *, app_id: int = 0
    ) -> Code:
        """Issue a code for a user after consent."""
        code = Code(
            code=secrets.token_hex(10),
            user=user,
            scopes=scopes,
            redirect_uri=redirect_uri,
            challenge=challenge,
            expires_at=self._clock.now() + CODE_LIFE,
            app_id=app_id,
        )
        self._codes[code.code] = code
        return code

    def take_code(self, code: str, verifier: str, *, app_id: int = 0) -> Code | None:
        """Use a code up and return it; None if it is unknown, old, used, another's, or `verifier` fails."""
        found = self._codes.pop(code, None)
        if found is None or found.expires_at <= self._clock.now() or found.app_id != app_id:
            return None
        if found.challenge and not secrets.compare_digest(found.challenge, challenge_of(verifier)):
            return None
        return found


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier (RFC 7636)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def split_scopes(text: str) -> tuple[str, ...]:
    """Scopes as apps ask for them, by spaces or commas."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def _secret(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(18)}"
