"""A doctor that is asked about a house."""

from bridge.cli import doctor
from tests.conftest import REPOSITORY, House
from tests.kits.commands import environ_of

Found = dict[str, tuple[str, str]]
"""By what was checked: its state and what to do."""

WEBHOOK = f"webhook of {REPOSITORY}"


class Doctor:
    """Asks the doctor about a house, whose settings may be changed for it."""

    def __init__(self, house: House, redis_url: str) -> None:
        self.house = house
        self.redis_url = redis_url

    async def asked(self, **changes: str) -> Found:
        """The findings; of several rows about one thing the worst."""
        environ = environ_of(self.house, self.redis_url, **changes)
        found = await doctor.look(environ, redis_url=environ["REDIS_URL"])
        worst_last = sorted(found, key=lambda row: ("fine", "warn", "wrong").index(row.state))
        return {row.check: (row.state, row.to_do) for row in worst_last}

    async def row(self, check: str, **changes: str) -> tuple[str, str]:
        return (await self.asked(**changes))[check]
