"""What a web process does without, as long as nobody clicks and no page is asked for."""

import subprocess
from pathlib import Path

import pytest

from tests.conftest import House
from tests.kits.commands import serving
from tests.kits.payloads import pull_request

CRYPTOGRAPHY = "cryptography/hazmat/bindings/_rust"
"""The library's own part, which is as large as all of its Python."""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what a process has loaded")
async def test_a_process_that_only_takes_deliveries_loads_no_library_for_secrets_at_rest(
    house: House, redis_url: str, tmp_path: Path
) -> None:
    def has_loaded(process: int) -> bool:
        return CRYPTOGRAPHY in Path(f"/proc/{process}/maps").read_text()

    async with serving(house, redis_url, tmp_path / "log", subprocess.Popen, half="web") as process:
        assert (await house.deliver(await pull_request(house))).status == 202
        assert not has_loaded(process)

        # The click is refused for its token, which the library looked at.
        async with house.http.post(
            f"{house.bridge}/repos/a/b/pulls/1/close", data=b"{}", headers={"FLOWDOCK-TOKEN": "a.b.c"}
        ) as response:
            assert response.status == 403
        assert has_loaded(process)
