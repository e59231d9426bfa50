"""The routes for machines, and what a visitor sees."""

from pathlib import Path

import pytest

from tests.conftest import House, eventually, open_house
from tests.kits.commands import serving
from tests.kits.payloads import pull_request


async def get(house: House, path: str, **headers: str) -> tuple[int, str]:
    async with house.http.get(house.bridge + path, headers=headers) as response:
        return response.status, await response.text()


async def test_readyz_tells_when_bridge_is_shutting_down(house: House) -> None:
    assert (await get(house, "/readyz"))[0] == 200
    house.services.stop.set()
    status, text = await get(house, "/readyz")
    assert (status, "shutting down" in text) == (503, True)
    assert (await get(house, "/healthz"))[0] == 200


async def test_metrics_are_for_this_machine_alone(house: House) -> None:
    status, text = await get(house, "/metrics")
    assert (status, "bridge_deliveries_total" in text or "bridge_posted_total" in text) == (200, True)
    assert (await get(house, "/metrics", **{"X-Forwarded-For": "127.0.0.1"}))[0] == 404


@pytest.mark.parametrize(
    ("bearer", "status"), [("Bearer let-me-in", 200), ("Bearer wrong", 404), ("", 404), ("Bearer ä", 404)]
)
async def test_metrics_with_a_token_are_for_its_bearer(redis_url: str, bearer: str, status: int) -> None:
    async with open_house(redis_url, metrics_token="let-me-in") as house:
        assert (await get(house, "/metrics", Authorization=bearer))[0] == status


async def test_the_home_page_tells_how_to_install(house: House) -> None:
    status, text = await get(house, "/")
    assert status == 200
    assert f"{house.bridge}/github/webhook" in text
    assert f"{house.bridge}/auth/github/callback" in text


async def test_an_unknown_address_is_a_page_and_for_machines_json(house: House) -> None:
    status, text = await get(house, "/nowhere")
    assert (status, "<h1>Not found</h1>" in text) == (404, True)
    status, text = await get(house, "/github/nowhere")
    assert (status, text.startswith('{"error": "There is nothing at this address."')) == (404, True)


async def test_a_worker_by_itself_tells_what_it_counts_and_serves_nothing_else(
    house: House, redis_url: str, tmp_path: Path
) -> None:
    await house.connect()
    await house.deliver(await pull_request(house))
    port = house.bridge.rpartition(":")[2]
    token = "of-the-scraper".ljust(32, "-")
    async with serving(
        house, redis_url, tmp_path / "log", half="worker", METRICS_PORT=port, METRICS_TOKEN=token
    ):

        async def posted() -> bool:
            _, text = await get(house, "/metrics", Authorization=f"Bearer {token}")
            return "bridge_posted_total 1.0" in text

        await eventually(posted)
        assert [(await get(house, path))[0] for path in ("/healthz", "/metrics", "/", "/help")] == [
            *(200, 404, 404, 404)
        ]
        async with house.http.post(f"{house.bridge}/github/webhook", data=b"{}") as response:
            assert (response.status, response.content_type) == (404, "application/json")
