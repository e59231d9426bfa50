"""Disconnecting removes the connection, and outside what nobody else needs."""

from bridge.clients.github_repositories import Repository
from scripts.sandbox.faults import Fault
from tests.kits.connecting import OPS, Installer, assert_nothing, permit


async def test_disconnecting_removes_source_hook_and_connection(cy: Installer, component: Repository) -> None:
    connected = await cy.connect(component)
    left = await cy.house.services.connect_service.disconnect(
        connected.connection, access_token=cy.access_token, user=cy.user
    )
    assert left == []
    await assert_nothing(cy)


async def test_a_source_that_goes_with_its_flow_is_nobodys_work(cy: Installer, component: Repository) -> None:
    connected = await cy.connect(component)
    left = await cy.house.services.connect_service.disconnect(
        connected.connection, access_token="", user=cy.user
    )
    assert left == []
    assert len(await cy.sources()) == 1
    assert await cy.hooks() == []


async def test_the_hook_stays_while_another_flow_needs_it(cy: Installer, component: Repository) -> None:
    ann = await Installer.of(cy.house, "ann")
    await permit(cy.house, "ann-gh", "admin")
    first, second = await cy.connect(component), await ann.connect(component, flow=OPS)
    await permit(cy.house, "ann-gh", "write")
    connecting = cy.house.services.connect_service
    assert await connecting.disconnect(first.connection, access_token=cy.access_token, user=cy.user) == []
    assert len(await cy.hooks()) == 1
    assert await cy.sources() == []
    # Ann administers the repository no more, and cy's connection is gone: the hook is left, and said so.
    left = await connecting.disconnect(second.connection, access_token=ann.access_token, user=ann.user)
    assert [sentence.partition("(")[0] for sentence in left] == [
        "The webhook of acme/component could not be removed "
    ]
    assert await cy.house.services.connections.all() == []


async def test_the_hook_is_removed_as_the_installer_where_the_user_may_not(
    cy: Installer, component: Repository
) -> None:
    connected = await cy.connect(component)
    ann = await Installer.of(cy.house, "ann")
    left = await cy.house.services.connect_service.disconnect(
        connected.connection, access_token=ann.access_token, user=ann.user
    )
    assert left == []
    await assert_nothing(cy)


async def test_disconnecting_never_fails_for_what_is_outside(cy: Installer, component: Repository) -> None:
    connected = await cy.connect(component)
    for one in (cy.house.flowdock_journal, cy.house.github_journal):
        one.faults.append(Fault(status=500, times=50))
    left = await cy.house.services.connect_service.disconnect(
        connected.connection, access_token=cy.access_token, user=cy.user
    )
    assert [sentence[:10] for sentence in left] == ["The source", "The webhoo"]
    assert await cy.house.services.connections.all() == []
    assert connected.connection.flow_token not in "".join(left)
