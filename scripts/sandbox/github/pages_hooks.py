"""The page of a repository's webhooks and their recent deliveries."""

from aiohttp import web

from .hooks import Delivery, Hook
from .model import Permission
from .pages import page_repo, render, see_other, visitor
from .refusals import Refused, not_found
from .rest_hooks import remove_hook
from .services import SERVICES

SHOWN = 50


def install(router: web.UrlDispatcher) -> None:
    """Add the page to `router`."""
    page = "/{owner}/{repo}/settings/hooks"
    delivery = page + "/{hook:[0-9]+}/deliveries/{delivery:[0-9]+}"
    router.add_get(page, show_hooks)
    router.add_get(page + "/{hook:[0-9]+}", show_hooks)
    router.add_post(page + "/{hook:[0-9]+}/delete", delete_hook)
    router.add_get(delivery, show_delivery)
    router.add_post(f"{delivery}/redeliver", redeliver)


async def show_hooks(request: web.Request) -> web.Response:
    """Show all webhooks, each with its newest deliveries."""
    repo, hookshot = page_repo(request), request.app[SERVICES].hookshot
    hooks = [(hook, list(hook.deliveries)[: -SHOWN - 1 : -1]) for hook in hookshot.of(repo)]
    return render(request, "hooks.html", {"repo": repo, "hooks": hooks, "held": len(hookshot.held)})


async def show_delivery(request: web.Request) -> web.Response:
    """Show one attempt: request and response."""
    repo, (hook, delivery) = page_repo(request), _find(request)
    return render(request, "delivery.html", {"repo": repo, "hook": hook, "delivery": delivery})


async def redeliver(request: web.Request) -> web.Response:
    """Send it again under the same GUID; shows the page once it was answered or gave up."""
    repo, (_hook, delivery) = page_repo(request), _find(request)
    request.app[SERVICES].hookshot.redeliver(delivery)
    return see_other(f"/{repo.full_name}/settings/hooks")


async def delete_hook(request: web.Request) -> web.Response:
    """Delete a webhook, as an administrator of the repository may."""
    repo, hook_id = page_repo(request), int(request.match_info["hook"])
    hook = request.app[SERVICES].hookshot.hooks.get(hook_id)
    if hook is None or hook.repository_id != repo.id:
        raise not_found()
    if repo.permission(visitor(request)) < Permission.ADMIN:
        raise Refused(403, f"Only an administrator of {repo.full_name} may delete its webhooks")
    remove_hook(request.app[SERVICES], repo, hook, visitor(request))
    return see_other(f"/{repo.full_name}/settings/hooks")


def _find(request: web.Request) -> tuple[Hook, Delivery]:
    hook = request.app[SERVICES].hookshot.hooks.get(int(request.match_info["hook"]))
    wanted = int(request.match_info["delivery"])
    if hook and hook.repository_id == page_repo(request).id:
        for delivery in hook.deliveries:
            if delivery.id == wanted:
                return hook, delivery
    raise not_found()
