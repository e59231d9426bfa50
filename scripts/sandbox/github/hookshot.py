"""Sends webhooks, like GitHub's own Hookshot: signed, once, within ten seconds, no redirects.

https://docs.github.com/webhooks/using-webhooks/best-practices-for-using-webhooks
"""

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import aiohttp

from .apps import Apps
from .hooks import Delivery, Hook, Shot, encode
from .installations import INSTALLATION, installation_lite
from .model import Repo, World
from .payloads import Json, organization_payload, repo_payload
from .watch import Watch

TIMEOUT = 10.0
ANSWER_KEPT = 16_000

Mode = Literal["send", "hold"]


@dataclass(frozen=True)
class Outcome:
    """The end of an attempt, before it is written down."""

    status: str
    status_code: int
    headers: dict[str, str]
    body: str


class Hookshot:
    """The webhooks of all repositories, and all deliveries under way, Apps' included.

    Each webhook gets its events one after the other, in the order they happened; nobody waits for
    it. In the mode `hold` they pile up in `held` until they are released, in any order.
    """

    def __init__(self, world: World, apps: Apps, watch: Watch, session: aiohttp.ClientSession) -> None:
        self.world = world
        self._apps = apps
        self.hooks: dict[int, Hook] = {}
        self.held: list[Shot] = []
        self.mode: Mode = "send"
        self.timeout = TIMEOUT
        self._watch = watch
        self._session = session
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._flying: set[asyncio.Task[Delivery]] = set()

    def of(self, repo: Repo) -> list[Hook]:
        """Return the webhooks of a repository."""
        return [hook for hook in self.hooks.values() if hook.repository_id == repo.id]

    def every_hook(self) -> list[Hook]:
        """Return the webhooks of all repositories and Apps."""
        return [*self.hooks.values(), *(app.hook for app in self._apps.apps.values() if app.hook)]

    def emit(
        self, repo: Repo, event: str, payload: Json, *, to: Hook | None = None, named: bool = False
    ) -> None:
        """Send an event to the webhooks of `repo` and its Apps that want it, or only `to` one, at once.

        Adds the repository, its organization and the sender to the payload. Webhooks share the event's GUID.
        `named` ones go only to webhooks that ask for the event by name.
        """
        for hook in self.of(repo):
            # It may have another name by now.
            hook.full_name = repo.full_name
        full = payload | self._surroundings(repo)
        if event == "meta":
            # Its published schema knows no organization.
            full.pop("organization", None)
        self.send(event, full, [to] if to else self.of(repo) + self._apps.hooks_of(repo), named=named)

    def send(self, event: str, payload: Json, hooks: list[Hook], *, named: bool = False) -> None:
        """Send an event to those of `hooks` that want it; returns at once."""
        guid, action = str(uuid.uuid4()), payload.get("action")
        if "sender" in payload:
            payload = {key: payload[key] for key in (*(key for key in payload if key != "sender"), "sender")}
        for hook in hooks:
            if hook.wants(event, action, named=named):
                shown = payload if event in {"ping", "meta"} else self._for(hook, payload)
                self._dispatch(Shot(hook=hook, guid=guid, event=event, action=action, payload=shown))
        self._watch.bump()

    def redeliver(self, delivery: Delivery) -> None:
        """Send it again, under the same GUID; returns at once."""
        self._fly(replace(delivery.shot, redelivery=True))

    async def replay(self, delivery: Delivery, headers: Mapping[str, str | None], url: str = "") -> Outcome:
        """Send the recorded bytes once more, as somebody does who knows no secret; no delivery of GitHub's.

        `headers` replace those of the delivery, None leaves one out. The signature stays that of the body.
        """
        changed = {name.lower() for name in headers}
        kept = {
            name: value for name, value in delivery.request_headers.items() if name.lower() not in changed
        }
        given = {name: value for name, value in headers.items() if value is not None}
        return await self._post(url or delivery.url, delivery.body, kept | given)

    def set_mode(self, mode: Mode) -> None:
        """Hold new deliveries, or send them; switching to `send` sends those held so far."""
        self.mode = mode
        if mode == "send":
            held, self.held = self.held, []
            for shot in held:
                self._fly(shot)

    async def release(self, order: list[int] | None) -> list[Delivery]:
        """Send held ones one after the other and wait for the answers.

        `order` names them by position and may repeat one; those it leaves out stay held.
        """
        chosen = range(len(self.held)) if order is None else order
        shots = [self.held[index] for index in chosen]
        self.held = [shot for index, shot in enumerate(self.held) if index not in set(chosen)]
        return [await self._fly(shot) for shot in shots]

    async def idle(self, seconds: float) -> bool:
        """Wait until nothing is on its way; false if that takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while self._flying:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            await asyncio.wait(self._flying, timeout=left)
        return True

    async def stop(self) -> None:
        """Drop all deliveries under way."""
        for task in list(self._flying):
            task.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)

    def _surroundings(self, repo: Repo) -> Json:
        around: Json = {"repository": repo_payload(self.world, repo)}
        if repo.owner.kind == "Organization":
            around["organization"] = organization_payload(self.world, repo.owner)
        return around

    def _dispatch(self, shot: Shot) -> None:
        if self.mode == "hold":
            self.held.append(shot)
        else:
            self._fly(shot)

    def _fly(self, shot: Shot) -> asyncio.Task[Delivery]:
        task = asyncio.get_running_loop().create_task(self._in_turn(shot))
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)
        return task

    async def _in_turn(self, shot: Shot) -> Delivery:
        # asyncio.Lock is fair, and tasks start in order.
        async with self._turns[shot.hook.id]:
            return await self._attempt(shot)

    async def _attempt(self, shot: Shot) -> Delivery:
        hook = shot.hook
        body, headers = encode(hook, shot)
        delivered_at, started = self.world.clock.now(), time.monotonic()
        outcome = await self._post(hook.url, body, headers)
        delivery = Delivery(
            id=self.world.new_id(),
            shot=shot,
            url=hook.url,
            delivered_at=delivered_at,
            duration=time.monotonic() - started,
            status=outcome.status,
            status_code=outcome.status_code,
            request_headers=headers,
            body=body,
            response_headers=outcome.headers,
            response_body=outcome.body,
        )
        hook.deliveries.append(delivery)
        self._watch.bump()
        return delivery

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        timeout = aiohttp.ClientTimeout(total=self.timeout)
        try:
            async with self._session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                text = (await answer.content.read(ANSWER_KEPT)).decode(errors="replace")
                good = 200 <= answer.status < 300
                status = "OK" if good else f"Invalid HTTP Response: {answer.status}"
                return Outcome(status, answer.status, dict(answer.headers), text)
        except TimeoutError:
            return Outcome("timed out", 504, {}, "")
        except aiohttp.ClientError:
            return Outcome("failed to connect to host", 502, {}, "")

    def _for(self, hook: Hook, payload: Json) -> Json:
        """Return the payload as that webhook gets it: an App learns of its installation, which comes last."""
        if not hook.app or "installation" in payload or "repository" not in payload:
            return payload
        repo_id = payload["repository"]["id"]
        number = self._apps.number_for(hook, repo_id) if hook.app_id else INSTALLATION
        return payload | {"installation": installation_lite(number)}
