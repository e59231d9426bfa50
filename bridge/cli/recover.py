"""`bridge recover [OWNER/REPO]`: have GitHub redeliver what failed."""

from bridge.cli import terminal
from bridge.clients.throttle import Throttle
from bridge.core.errors import BridgeError, NotFound
from bridge.monitor.redelivery import RedeliveryReport
from bridge.services import Services


async def recover(services: Services, *, typed: str, token: str) -> None:
    """Request one repository's failed deliveries, or all repositories'; print a table.

    `token` is that of GITHUB_TOKEN, empty to use the linked accounts. Raises `BridgeError` if nothing was
    requested.
    """
    redelivery = services.redelivery(Throttle(services.stop))
    if not typed:
        done = await redelivery.all(token=token)
    else:
        name = terminal.repository(typed)
        if app := await services.hooks.app():
            raise BridgeError(f"deliveries come with the GitHub App {app.name}: run bridge recover")
        known = {each.lower(): installers for each, installers in (await redelivery.installers()).items()}
        if name.lower() not in known and not token:
            raise NotFound(f"{name} is not connected: see bridge connections")
        done = [await redelivery.repository(name, known.get(name.lower(), []), token=token)]
    if not done:
        raise NotFound("there are no connections: bridge connect OWNER/REPO --flow-token TOKEN")
    print(terminal.table(("REPOSITORY", "FAILED", "REQUESTED", "REFUSED", "NOTE"), list(map(_row, done))))
    checked = [one for one in done if one.checked]
    if not checked:
        raise BridgeError("no repository could be checked: the notes above say why")
    if any(one.reason for one in checked) and not any(one.requested for one in checked):
        raise BridgeError("nothing was redelivered: the notes above say why")


def _row(done: RedeliveryReport) -> tuple[str, ...]:
    numbers = (done.failed, done.requested, done.refused) if done.checked else ("-", "-", "-")
    return (done.repository, *map(str, numbers), done.reason)
