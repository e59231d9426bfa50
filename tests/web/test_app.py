"""Processes that listen: each alone on its port, unless they share it."""

from dataclasses import replace

import aiohttp
import pytest

from bridge.core.errors import BridgeError
from bridge.services import Services
from bridge.web.app import serving
from scripts.sandbox.house import free_port
from tests.conftest import House


def listening(house: House, port: int, *, share: bool) -> Services:
    settings = replace(house.services.settings, port=port, web_concurrency=2 if share else 1)
    known = house.services
    return Services(settings, known.redis, known.session, outside=known.outside)


async def well(port: int) -> bool:
    """By a connection of its own, which the kernel gives to either."""
    url = f"http://127.0.0.1:{port}/healthz"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        return response.status == 200


async def test_several_share_a_port_and_one_that_ends_leaves_it_to_the_others(house: House) -> None:
    port = free_port()
    async with serving(listening(house, port, share=True)):
        async with serving(listening(house, port, share=True)):
            assert all([await well(port) for _ in range(20)])
        assert all([await well(port) for _ in range(20)])


@pytest.mark.parametrize(("first", "second"), [(False, False), (True, False), (False, True)])
async def test_a_port_is_shared_by_those_only_that_all_mean_to(
    house: House, first: bool, second: bool
) -> None:
    port = free_port()
    async with serving(listening(house, port, share=first)):
        with pytest.raises(BridgeError, match=f"cannot listen on port {port}: .* in use"):
            async with serving(listening(house, port, share=second)):
                pass
        assert await well(port)
