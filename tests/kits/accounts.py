"""Linked accounts without the way through the pages."""

import time
from typing import Any

from bridge.core.model import FlowdockUser, GitHubToken, GitHubUser, LinkedAccount
from tests.conftest import House

# Their GitHub accounts have the same numbers.
USERS = {"ann": "1001", "bob": "1002", "cy": "1003"}


async def link(
    house: House, nick: str, *, login: str = "", expires_in: int | None = None, **asked: Any
) -> LinkedAccount:
    """Link a Flowdock user to a GitHub account (the one of the same name), with a token that GitHub knows.

    `expires_in` seconds from now bridge takes the token for expired (None: never); `asked` goes to GitHub.
    """
    login = login or f"{nick}-gh"
    body = {"user": login, "scopes": "repo", "expiring": expires_in is not None, **asked}
    async with house.http.post(f"{house.github}/_sandbox/tokens", json=body) as response:
        issued = await response.json()
    account = LinkedAccount(
        flowdock=FlowdockUser(id=USERS[nick], nick=nick, name=nick.title()),
        github=GitHubUser(id=int(USERS[login.removesuffix("-gh")]), login=login),
        token=GitHubToken(
            access=issued["token"],
            refresh=issued["refresh_token"],
            expires_at=None if expires_in is None else int(time.time()) + expires_in,
            scopes=("repo",),
        ),
        linked_at=int(time.time()),
    )
    await house.services.account_store.link(account)
    return account
