"""The inbox's questions to GitHub. The wiring answers them, through the application that bridge has there."""

from dataclasses import dataclass
from typing import Protocol

from bridge.core.errors import BridgeError
from bridge.core.model import GitHubToken


class TokenGone(BridgeError):
    """GitHub no longer accepts a person's token."""

    status = 401


@dataclass(frozen=True, kw_only=True)
class GitHubAccount:
    """An account on GitHub."""

    id: int
    login: str
    name: str
    avatar: str


class GitHubSignIn(Protocol):
    """GitHub's sign-in; calls raise `GitHubFailing`, `RateLimited` or `OAuthFailed` without an answer."""

    async def set_up_at(self) -> str:
        """Return the page that gives bridge its application on GitHub; empty once it has one."""

    async def authorize_url(self, *, state: str, verifier: str) -> str:
        """Return the URL at which a browser signs in."""

    async def sign_in(self, code: str, *, verifier: str) -> tuple[GitHubAccount, GitHubToken]:
        """Return whose code it is, and their token."""

    async def is_member(self, token: GitHubToken, organization: str) -> bool:
        """Tell whether the token's owner is a member of an organization; raises `TokenGone`."""

    def can_act(self, token: GitHubToken) -> bool:
        """Tell whether a token suffices for bridge's buttons."""

    async def linked(self, person_id: int) -> GitHubToken | None:
        """Return the token of a linked account, if it may ask what the token of a sign-in may."""

    async def renewed(self, token: GitHubToken) -> GitHubToken | None:
        """Return the token that replaces one about to end, None while it lasts; raises `TokenGone`."""

    async def give_back(self, token: GitHubToken) -> None:
        """Revoke a token that is needed no longer, as far as GitHub answers."""
