"""The digest by mail: a person names an address and confirms it, and stops it by one click in any mail."""

import time
from dataclasses import replace

import structlog
from aiohttp import web

from bridge.core.urls import is_mail_address
from bridge.inbox.context import INBOX
from bridge.inbox.notifications import clock
from bridge.inbox.notifications.clock import SettingRefused
from bridge.inbox.notifications.digest import MOST_CONFIRMATIONS, DigestPlan, DigestSender, LinkGone
from bridge.inbox.notifications.mail import Mail
from bridge.inbox.pages.render import render
from bridge.inbox.people import sessions
from bridge.inbox.people.people import InboxPerson
from bridge.web.render import redirect

SECTION = "/inbox/settings#mail"
CONFIRM, UNSUBSCRIBE = "/inbox/mail/confirm/{link}", "/inbox/mail/unsubscribe/{link}"
DIGESTS = web.AppKey("inbox_digests", DigestSender)

log = structlog.get_logger()
routes = web.RouteTableDef()


@routes.post("/inbox/settings/mail")
async def choose(request: web.Request) -> web.Response:
    """Take an address, to which a link to confirm it is sent, or another hour.

    Raises `SettingRefused` or `MailFailed`.
    """
    person, form = await sessions.posted(request), await request.post()
    store, address = request.app[DIGESTS].store, str(form.get("address", "")).strip()
    hour = clock.time_of_day(str(form.get("hour", ""))).isoformat("minutes")
    if not request.app[DIGESTS].server.url:
        raise SettingRefused("this bridge sends no mail: its operator has not set SMTP_URL")
    if not is_mail_address(address):
        raise SettingRefused("this is not a mail address")
    await _keep_zone(request, person, str(form.get("zone", "")))
    before = await store.of(person.id)
    if before and before.is_confirmed and before.address == address:
        await store.keep(person.id, replace(before, hour=hour, last=time.time()))
        await store.schedule(person.id)
    else:
        plan = DigestPlan(address=address, hour=hour)
        await _ask(request, person, plan)
        await store.keep(person.id, plan)
    return redirect(SECTION)


async def _keep_zone(request: web.Request, person: InboxPerson, zone: str) -> None:
    """Take the zone of a person's browser for theirs, unless they chose one; raises `SettingRefused`."""
    preferences = request.app[DIGESTS].preferences
    chosen = await preferences.of(person.id)
    if zone and not chosen.zone:
        clock.zone(zone)
        await preferences.keep(person.id, replace(chosen, zone=zone))


async def _ask(request: web.Request, person: InboxPerson, plan: DigestPlan) -> None:
    """Send the mail with the link that confirms an address."""
    digests, web_url = request.app[DIGESTS], request.app[INBOX].web_url
    if not await digests.store.may_ask(person.id):
        raise SettingRefused(
            f"bridge already sent {MOST_CONFIRMATIONS} such mails for you today, the most allowed"
        )
    link = web_url + CONFIRM.format(link=digests.store.link(person.id, plan))
    text = (
        f"@{person.nick} asked bridge's inbox at {web_url} to send a daily digest to this address.\n\n"
        f"If that was you, confirm it:\n{link}\n\nIf not, ignore this mail. No more will come.\n"
    )
    await digests.server.send(Mail(to=plan.address, subject="Confirm your address for bridge", text=text))


@routes.post("/inbox/settings/mail/end")
async def end(request: web.Request) -> web.Response:
    """Send a person no more mail."""
    person = await sessions.posted(request)
    await request.app[DIGESTS].store.end(person.id)
    return redirect(SECTION)


@routes.get(CONFIRM)
async def ask_back(request: web.Request) -> web.Response:
    """Ask for a press, since mail programs open links by themselves; raises `LinkGone`."""
    person = await sessions.required(request)
    plan = await _linked_to(request, person)
    return render(request, "mail_confirm.html", person=person, plan=plan, path=request.path)


@routes.post(CONFIRM)
async def confirm(request: web.Request) -> web.Response:
    """Begin to send, once the person of the inbox who named an address shows that they read its mail."""
    person = await sessions.posted(request)
    plan = await _linked_to(request, person)
    store = request.app[DIGESTS].store
    await store.keep(person.id, replace(plan, is_confirmed=True, last=time.time()))
    await store.schedule(person.id)
    log.info("inbox_mail_confirmed", person=person.id)
    return redirect(SECTION)


async def _linked_to(request: web.Request, person: InboxPerson) -> DigestPlan:
    found = await request.app[DIGESTS].store.linked(request.match_info["link"])
    if found is None or found[0] != person.id:
        raise LinkGone
    return found[1]


@routes.get(UNSUBSCRIBE)
async def ask_to_end(request: web.Request) -> web.Response:
    """Ask likewise before the mail ends, without a sign-in; raises `LinkGone`."""
    is_on = await request.app[DIGESTS].store.linked(request.match_info["link"]) is not None
    return render(request, "mail_end.html", person=None, is_on=is_on, path=request.path)


@routes.post(UNSUBSCRIBE)
async def unsubscribe(request: web.Request) -> web.Response:
    """Stop the mail that a link came with, by a press or by a mail program; raises `LinkGone`.

    https://www.rfc-editor.org/rfc/rfc8058
    """
    store = request.app[DIGESTS].store
    if found := await store.linked(request.match_info["link"]):
        await store.end(found[0])
        log.info("inbox_digest_stopped", person=found[0])
    return render(request, "mail_end.html", person=None, is_on=False, path="")
