"""REST: a repository's webhooks and their deliveries, for its administrators.

https://docs.github.com/rest/repos/webhooks
"""

from typing import Any

from .hooks import KNOWN_EVENTS, MASK, Delivery, Hook, config_payload, delivery_payload, hook_payload
from .model import Permission, Repo
from .payloads import Json, user_payload
from .records import User
from .refusals import Refused, invalid, not_found
from .rest import endpoint
from .rest_call import Answer, Call
from .rest_paging import page_size
from .services import Services
from .webhooks import add_hook, ping

HOOKS = "/repos/{owner}/{repo}/hooks"
HOOK = HOOKS + "/{hook}"
DELIVERY = HOOK + "/deliveries/{delivery}"
MOST_HOOKS = 20
# Any of these lets a token manage webhooks; the last two not all of it.
# https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
READ_SCOPES = {"repo", "admin:repo_hook", "write:repo_hook", "read:repo_hook"}
WRITE_SCOPES = READ_SCOPES - {"read:repo_hook"}


def _repo(call: Call, scopes: set[str]) -> Repo:
    """Return the repository, for an administrator whose token has one of `scopes`; else 404."""
    _ = call.user
    repo = call.named_repo()
    if call.token is None:
        raise not_found()
    if call.token.installation_id:
        # An App acting as itself: its permissions were checked before.
        return repo
    enough = call.by_app or bool(scopes & set(call.token.scopes))
    if repo.permission(call.user) < Permission.ADMIN or not enough:
        raise not_found()
    return repo


def _hook(call: Call, scopes: set[str]) -> Hook:
    repo, number = _repo(call, scopes), call.request.match_info["hook"]
    hook = call.services.hookshot.hooks.get(int(number)) if number.isdigit() else None
    if hook is None or hook.repository_id != repo.id:
        raise not_found()
    return hook


def find_delivery(call: Call, hook: Hook) -> Delivery:
    """Return the delivery of the path."""
    number = call.request.match_info["delivery"]
    for delivery in hook.deliveries:
        if str(delivery.id) == number:
            return delivery
    raise not_found()


@endpoint("GET", HOOKS, docs="repos/webhooks#list-repository-webhooks")
async def list_hooks(call: Call) -> Answer:
    """Answer with all webhooks of a repository."""
    hooks = call.services.hookshot.of(_repo(call, READ_SCOPES))
    return Answer([hook_payload(call.services.world, hook) for hook in hooks])


@endpoint("POST", HOOKS, docs="repos/webhooks#create-a-repository-webhook")
async def create_hook(call: Call) -> Answer:
    """Add a webhook and send it a ping."""
    repo = _repo(call, WRITE_SCOPES)
    if call.body.get("name", "web") != "web":
        raise invalid("Hook", "name", "invalid")
    config = read_config(call.body)
    if not config.get("url"):
        raise invalid("Hook", "url", "missing_field", "url cannot be blank")
    events = _events(call.body.get("events", ["push"]))
    _refuse_second(call, repo, str(config["url"]), events)
    hook = add_hook(
        call.services,
        repo,
        call.user,
        url=str(config["url"]),
        secret=str(config.get("secret") or ""),
        content_type=str(config.get("content_type") or "form"),
        insecure_ssl=str(config.get("insecure_ssl") or "0"),
        events=events,
        active=bool(call.body.get("active", True)),
    )
    return Answer(hook_payload(call.services.world, hook), 201)


@endpoint("GET", HOOK, docs="repos/webhooks#get-a-repository-webhook")
async def get_hook(call: Call) -> Answer:
    """One webhook."""
    return Answer(hook_payload(call.services.world, _hook(call, READ_SCOPES)))


@endpoint("PATCH", HOOK, docs="repos/webhooks#update-a-repository-webhook")
async def update_hook(call: Call) -> Answer:
    """Change a webhook; a `config` without a secret removes the secret, as on GitHub."""
    hook, body = _hook(call, WRITE_SCOPES), call.body
    events = _events(body["events"]) if "events" in body else list(hook.events)
    events += [event for event in _events(body.get("add_events", [])) if event not in events]
    removed = _events(body.get("remove_events", []))
    config = read_config(body) if "config" in body else None
    hook.events = [event for event in events if event not in removed]
    hook.active = bool(body.get("active", hook.active))
    if config is not None:
        configure(hook, {"secret": "", **config})
    hook.updated_at = call.services.world.clock.change()
    return Answer(hook_payload(call.services.world, hook))


@endpoint("DELETE", HOOK, docs="repos/webhooks#delete-a-repository-webhook")
async def delete_hook(call: Call) -> Answer:
    """Remove a webhook; it is the last thing the webhook itself hears, if it asked for `meta`."""
    remove_hook(call.services, _repo(call, WRITE_SCOPES), _hook(call, WRITE_SCOPES), call.user)
    return Answer(status=204)


def remove_hook(services: Services, repo: Repo, hook: Hook, by: User) -> None:
    """Tell a webhook that it ends, then forget it."""
    shown = hook_payload(services.world, hook)
    for name in ("url", "test_url", "ping_url", "deliveries_url", "last_response"):
        del shown[name]
    gone = {"action": "deleted", "hook_id": hook.id, "hook": shown}
    services.hookshot.emit(repo, "meta", gone | {"sender": user_payload(services.world, by)}, to=hook)
    del services.hookshot.hooks[hook.id]


@endpoint("GET", f"{HOOK}/config", docs="repos/webhooks#get-a-webhook-configuration-for-a-repository")
async def get_hook_config(call: Call) -> Answer:
    """Answer with the address, content type and masked secret."""
    return Answer(config_payload(_hook(call, READ_SCOPES)))


@endpoint("PATCH", f"{HOOK}/config", docs="repos/webhooks#update-a-webhook-configuration-for-a-repository")
async def update_hook_config(call: Call) -> Answer:
    """Change some of it, for instance only the secret."""
    hook = _hook(call, WRITE_SCOPES)
    configure(hook, read_config({"config": call.body}))
    hook.updated_at = call.services.world.clock.change()
    return Answer(config_payload(hook))


@endpoint("POST", f"{HOOK}/pings", docs="repos/webhooks#ping-a-repository-webhook")
async def ping_hook(call: Call) -> Answer:
    """Send a ping."""
    hook = _hook(call, READ_SCOPES)
    ping(call.services, _repo(call, READ_SCOPES), hook, call.user)
    return Answer(status=204)


@endpoint("GET", f"{HOOK}/deliveries", docs="repos/webhooks#list-deliveries-for-a-repository-webhook")
async def list_deliveries(call: Call) -> Answer:
    """Newest first, a page at a time; `cursor` comes from the Link header, `status` filters."""
    return deliveries_answer(call, _hook(call, READ_SCOPES))


def deliveries_answer(call: Call, hook: Hook) -> Answer:
    """Answer with a page of a webhook's deliveries."""
    query = call.request.query
    status, cursor = query.get("status"), query.get("cursor", "")
    if status not in {None, "success", "failure"}:
        raise Refused(422, "Validation Failed")
    if cursor and not cursor.removeprefix("v1_").isdigit():
        raise Refused(400, "Invalid cursor")
    found = [
        delivery
        for delivery in reversed(hook.deliveries)
        if (status is None or delivery.ok == (status == "success"))
        and (not cursor or delivery.id <= int(cursor.removeprefix("v1_")))
    ]
    size = page_size(call)
    headers = _next_link(call, found[size].id) if len(found) > size else {}
    return Answer(
        [delivery_payload(hook, delivery, full=False) for delivery in found[:size]], headers=headers
    )


@endpoint("GET", DELIVERY, docs="repos/webhooks#get-a-delivery-for-a-repository-webhook")
async def get_delivery(call: Call) -> Answer:
    """Return one attempt with its request and response."""
    hook = _hook(call, READ_SCOPES)
    return Answer(delivery_payload(hook, find_delivery(call, hook), full=True))


@endpoint("POST", f"{DELIVERY}/attempts", docs="repos/webhooks#redeliver-a-delivery-for-a-repository-webhook")
async def redeliver(call: Call) -> Answer:
    """Send it again under the same GUID."""
    hook = _hook(call, WRITE_SCOPES)
    call.services.hookshot.redeliver(find_delivery(call, hook))
    return Answer({}, 202)


def _next_link(call: Call, delivery_id: int) -> dict[str, str]:
    url = call.request.rel_url.update_query(cursor=f"v1_{delivery_id}")
    return {"Link": f'<{call.services.config.web_url}{url}>; rel="next"'}


def _events(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(event, str) for event in value):
        raise invalid("Hook", "events", "invalid")
    if unknown := [event for event in value if event != "*" and event not in KNOWN_EVENTS]:
        raise invalid("Hook", "events", "invalid", f"unknown events: {', '.join(unknown)}")
    return value


def read_config(body: Json) -> Json:
    """Return the `config` of a body, checked."""
    config = body.get("config") or {}
    if not isinstance(config, dict):
        raise invalid("Hook", "config", "invalid")
    if "url" in config and not str(config["url"]).startswith(("http://", "https://")):
        raise invalid("Hook", "url", "invalid", "url is not a valid URL")
    if config.get("content_type", "form") not in {"json", "form"}:
        raise invalid("Hook", "content_type", "invalid")
    return config


def configure(hook: Hook, config: Json) -> None:
    """Change a webhook's `config`."""
    hook.url = str(config.get("url") or hook.url)
    hook.content_type = str(config.get("content_type") or hook.content_type)
    hook.insecure_ssl = str(config.get("insecure_ssl") or hook.insecure_ssl)
    if config.get("secret", MASK) != MASK:
        hook.secret = str(config["secret"] or "")


def _refuse_second(call: Call, repo: Repo, url: str, events: list[str]) -> None:
    hooks = call.services.hookshot.of(repo)
    message = ""
    if any(hook.url == url and set(hook.events) == set(events) for hook in hooks):
        message = "Hook already exists on this repository"
    elif len(hooks) >= MOST_HOOKS:
        message = f"The repository already has {MOST_HOOKS} webhooks"
    if message:
        raise Refused(422, "Validation Failed", [{"resource": "Hook", "code": "custom", "message": message}])
