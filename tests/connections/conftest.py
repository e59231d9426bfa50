"""Somebody who connects, and a repository to connect."""

from collections.abc import AsyncIterator

import pytest

from bridge.clients.github_repositories import Repository
from bridge.connections import rollback
from tests.conftest import House
from tests.kits.connecting import Installer, forget_calls


@pytest.fixture
async def cy(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installer]:
    monkeypatch.setattr(rollback, "PAUSES", (0.01, 0.02))
    yield await Installer.of(house)


@pytest.fixture
async def component(cy: Installer) -> Repository:
    """The repository as GitHub shows it to cy; both journals are empty."""
    found = await cy.repository()
    forget_calls(cy.house)
    return found
