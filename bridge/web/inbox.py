"""The wiring of the inbox into the web application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import aiohttp_jinja2
import structlog
from aiohttp import web

from bridge.clients.github import can_act
from bridge.core.errors import BridgeError
from bridge.core.model import GitHubToken, GitHubUser
from bridge.inbox.admission import ADMISSION, Admission
from bridge.inbox.app import install as install_api
from bridge.inbox.context import PAGES, Inbox
from bridge.inbox.deletion import FlowDeletion
from bridge.inbox.flows.readers import Readers
from bridge.inbox.notifications.digest import DigestSender, DigestStore
from bridge.inbox.notifications.mail import MailServer
from bridge.inbox.notifications.notifier import Notifier
from bridge.inbox.notifications.preferences import PreferenceStore
from bridge.inbox.notifications.subscriptions import SubscriptionStore
from bridge.inbox.notifications.vapid import Vapid
from bridge.inbox.notifications.web_push import WebPush
from bridge.inbox.pages import mail, notifications, people, sign_in
from bridge.inbox.pages import settings as own_settings
from bridge.inbox.pages.mail import DIGESTS
from bridge.inbox.pages.notifications import NOTIFIER
from bridge.inbox.people import sessions as inbox_sessions
from bridge.inbox.people.invitations import InvitationStore
from bridge.inbox.people.memberships import MembershipStore
from bridge.inbox.people.sessions import MEMBERSHIPS, SESSIONS, SessionStore
from bridge.inbox.people.sign_in_tokens import SignInTokenStore
from bridge.inbox.sweeping import SWEEPER, Sweeper
from bridge.services import Services
from bridge.web.auth import linking, oauth_callback, operator, sessions
from bridge.web.http import cookies
from bridge.web.inbox_github import GitHubForInbox, GitHubReaders
from bridge.web.render import redirect

PEOPLE_PAGES = (sign_in, people, own_settings, notifications, mail)
"""The pages of the sign-in and about people."""

log = structlog.get_logger()
routes = web.RouteTableDef()


@routes.get(f"{PAGES}/invitation/{{secret:[A-Za-z0-9_-]{{32}}}}/app")
async def open_set_up(request: web.Request) -> web.Response:
    """Redirect to the page that makes the GitHub App; the first owner's address opens it by itself."""
    admission = request.app[ADMISSION]
    invitation = await admission.invitation(request.match_info["secret"])
    page = await admission.github.set_up_at()
    response = redirect(page or PAGES)
    if page and invitation.owner:
        await operator.sign_in(request, response, may_replace=False)
    return response


async def at_root(request: web.Request) -> web.Response:  # noqa: ARG001
    """Redirect from the root to the pages of an inbox that runs alone."""
    return redirect(PAGES)


def make_inbox(services: Services, readers: Readers | None = None) -> Inbox:
    """Make the inbox of these services."""
    settings = services.settings
    return Inbox(
        redis=services.redis,
        http=services.session,
        web_url=settings.web_url,
        application_url=settings.inbox_application_url or settings.web_url,
        client_id=settings.flowdock_client_id,
        client_secret=settings.flowdock_client_secret,
        readers=readers,
        bounds=settings.inbox_bounds,
    )


def install(app: web.Application, services: Services) -> None:
    """Add the inbox to an application: its API, the sign-in, and its pages."""
    settings, github = services.settings, GitHubForInbox(services)
    memberships = MembershipStore(
        services.redis, services.vault, github, organizations=settings.inbox_organizations
    )
    inbox = make_inbox(services, Readers(services.redis, GitHubReaders(services, memberships)))
    install_api(app, inbox)
    sign_in_tokens = SignInTokenStore(services.redis, services.vault)
    app[SESSIONS] = SessionStore(services.redis, signed_by=settings.cookie_secrets)
    app[sessions.FLOWDOCK_SIGN_IN] = InboxSignIn()
    app[MEMBERSHIPS] = memberships
    app[ADMISSION] = Admission(
        web_url=settings.web_url,
        github=github,
        vault=services.vault,
        people=inbox.people,
        flows=inbox.flows,
        marks=inbox.marks,
        invitations=InvitationStore(services.redis),
        memberships=memberships,
        sign_in_tokens=sign_in_tokens,
    )
    connections = FlowConnections(services)
    deletion = FlowDeletion(redis=services.redis, messages=inbox.messages, connections=connections)
    app[SWEEPER] = Sweeper(
        redis=services.redis, messages=inbox.messages, deletion=deletion, admission=app[ADMISSION]
    )
    app[linking.LENDER] = Lender(services, sign_in_tokens, memberships)
    callbacks = app[oauth_callback.GITHUB_CALLBACKS]
    callbacks[sign_in.STATE] = sign_in.signed_in
    if settings.inbox_application_url:
        # Nobody links here, so every answer is treated as a sign-in's.
        callbacks[""] = sign_in.signed_in
    app.add_routes(routes)
    for module in PEOPLE_PAGES:
        app.add_routes(module.routes)
    _install_notifications(app, services, inbox, memberships)


def _install_notifications(
    app: web.Application, services: Services, inbox: Inbox, memberships: MembershipStore
) -> None:
    vapid = Vapid(redis=services.redis, vault=services.vault, contact=services.settings.web_url)
    preferences = PreferenceStore(redis=services.redis)
    app[NOTIFIER] = Notifier(
        inbox=inbox,
        memberships=memberships,
        preferences=preferences,
        browsers=SubscriptionStore(redis=services.redis),
        web_push=WebPush(http=services.outside, vapid=vapid),
        count=partial(services.metrics.notification, "push"),
    )
    app[DIGESTS] = DigestSender(
        inbox=inbox,
        memberships=memberships,
        preferences=preferences,
        store=DigestStore(services.redis, services.vault),
        server=MailServer(url=services.settings.smtp_url, sender=services.settings.mail_from),
        render=lambda name, context: aiohttp_jinja2.get_env(app).get_template(name).render(context),
        count=partial(services.metrics.notification, "mail"),
    )


@asynccontextmanager
async def notifying(app: web.Application) -> AsyncIterator[None]:
    """Deliver notifications and digests of an application's inbox, if it has one."""
    loops = [app[NOTIFIER].run(), app[DIGESTS].run()] if NOTIFIER in app else []
    running = asyncio.gather(*loops)
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


class InboxSignIn(sessions.FlowdockSignIn):
    """The sign-in to the inbox, in which bridge's own sessions end too."""

    async def is_signed_in(self, request: web.Request, user: str) -> bool:
        """Tell whether a user is still signed in to the inbox, at this browser."""
        person = await inbox_sessions.signed_in(request)
        return person is not None and str(person.id) == user

    async def note_visitor(self, request: web.Request) -> None:
        """Note the person who is signed in to the inbox; nobody while GitHub cannot confirm them."""
        with suppress(BridgeError):
            await inbox_sessions.signed_in(request)

    async def end(self, request: web.Request, response: web.Response) -> None:
        """Sign this browser out of the inbox."""
        if cookie := inbox_sessions.cookie_of(request):
            await request.app[SESSIONS].end(cookie)
        cookies.forget(request, response, inbox_sessions.COOKIE)

    def known_user(self, request: web.Request) -> str:
        """Return the id of the person who was signed in once, from the cookie alone; empty if nobody."""
        cookie = inbox_sessions.cookie_of(request)
        return str(cookie.person_id) if cookie and request.app[SESSIONS].is_signed(cookie) else ""


class Lender(linking.AccountLender):
    """Lends linking the GitHub account of a person who signed in to the inbox, if its token may act."""

    def __init__(
        self, services: Services, sign_in_tokens: SignInTokenStore, memberships: MembershipStore
    ) -> None:
        self._services = services
        self._sign_in_tokens = sign_in_tokens
        self._memberships = memberships

    async def lend(self, user_id: str) -> tuple[GitHubUser, GitHubToken] | None:
        """Return the account and a token that may act; None if linking must ask at GitHub for one.

        bridge asks GitHub whose token it is: a user of the inbox is their account's numeric id.
        """
        try:
            person_id = int(user_id)
            token = await self._sign_in_tokens.take(person_id) or await self._memberships.kept(person_id)
            if token is None or not can_act(token):
                return None
            user = await self._services.github.user(token)
        except BridgeError as error:
            log.warning("inbox_token_check_failed", reason=str(error))
            return None
        return (user, token) if str(user.id) == user_id else None

    async def take_back(self, user_id: str, token: GitHubToken) -> bool:
        """Tell whether a membership still needs a token that was not linked."""
        kept = await self._memberships.kept(int(user_id))
        return kept is not None and kept.access == token.access


class FlowConnections:
    """Ends the connections of a flow that is deleted, as *Disconnect* does."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def end(self, flow_path: str, person_id: int) -> None:
        """End those of a flow; raises `RepositoryBusy` or redis-py's errors."""
        for one in await self._services.connections.all():
            if one.flow.lower() == flow_path.lower():
                # Its source goes with the flow: that needs no token.
                await self._services.connect_service.disconnect(one, access_token="", user=str(person_id))
