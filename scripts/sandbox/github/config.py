"""The configuration of one stand-in GitHub."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of a stand-in; a test makes one by hand, `python -m` from its options.

    `web_url` is the stand-in's own base address, without a slash at the end. `redirect_uris` are
    the callback addresses registered with its OAuth App (none: every address is accepted).
    `scopes_granted` narrows what a user grants, whatever is asked for. `ghes` makes it an Enterprise Server
    3.19, which lacks what github.com has since; GitHub does not say if it ignores the scope `offline_access`
    or, with `refuses_scopes`, refuses it. `links` are names and addresses in the head of each page.
    """

    web_url: str
    client_id: str = "github-client"
    client_secret: str = "github-secret"
    redirect_uris: tuple[str, ...] = ()
    expiring_tokens: bool = False
    scopes_granted: str | None = None
    ghes: bool = False
    refuses_scopes: bool = False
    links: tuple[tuple[str, str], ...] = ()

    @property
    def api_url(self) -> str:
        """Base address of the REST API, as on GitHub Enterprise Server."""
        return f"{self.web_url}/api/v3"
