"""Making a webhook, and the ping it gets then and whenever somebody asks for one.

https://docs.github.com/webhooks/webhook-events-and-payloads#ping
"""

from .hooks import Hook, hook_payload
from .model import Repo
from .payloads import user_payload
from .records import User
from .services import Services

ZEN = (
    "Anything added dilutes everything else.",
    "Approachable is better than simple.",
    "Design for failure.",
    "Half measures are as bad as nothing at all.",
    "Keep it logically awesome.",
    "Non-blocking is better than blocking.",
    "Practicality beats purity.",
    "Speak like a human.",
)


def ping(services: Services, repo: Repo, hook: Hook, sender: User) -> None:
    """Send a ping to one webhook; returns at once."""
    shown = hook_payload(services.world, hook)
    if hook.deliveries:
        # The published schema knows `last_response` only of a webhook that was never used.
        del shown["last_response"]
    payload = {
        "zen": ZEN[len(hook.deliveries) % len(ZEN)],
        "hook_id": hook.id,
        "hook": shown,
        "sender": user_payload(services.world, sender),
    }
    services.hookshot.emit(repo, "ping", payload, to=hook)


def add_hook(
    services: Services,
    repo: Repo,
    maker: User,
    *,
    url: str,
    secret: str,
    content_type: str,
    events: list[str],
    insecure_ssl: str = "0",
    active: bool = True,
    app: bool = False,
) -> Hook:
    """Make a webhook and ping it."""
    now = services.world.clock.now()
    hook = Hook(
        id=services.world.new_id(),
        repository_id=repo.id,
        full_name=repo.full_name,
        url=url,
        secret=secret,
        content_type=content_type,
        insecure_ssl=insecure_ssl,
        events=events,
        active=active,
        app=app,
        created_at=now,
        updated_at=now,
    )
    services.hookshot.hooks[hook.id] = hook
    ping(services, repo, hook, maker)
    return hook
