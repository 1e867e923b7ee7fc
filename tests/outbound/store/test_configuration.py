"""Changes by admins, after which nothing from before is used any more."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from bot.core.policy import Policy
from bot.core.workspace import Workspace
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.store import Store
from bot.outbound.store.workspace_directory import WorkspaceDirectory
from bot.outbound.store.workspace_rows import WorkspaceRows
from outbound.store.test_workspace_rows import ACME, GLOBEX, KEY, POLICY
from outbound.store.watched import NOT_MADE, Time, Watched, served, without_table

pytestmark = pytest.mark.anyio


@dataclass
class Office:
    """The configuration of Acme, as its admins change it."""

    store: Store
    rows: Watched
    workspaces: WorkspaceDirectory

    async def acme(self) -> Workspace:
        found = await self.workspaces.find(ACME.team_id)
        assert found
        return found

    async def is_remembered(self) -> bool:
        """Whether Acme would be served while the database is away."""
        self.rows.error = StoreUnreachableError("gone")
        try:
            return await self.workspaces.find(ACME.team_id) is not None
        except StoreUnreachableError:
            return False
        finally:
            self.rows.error = None


@pytest.fixture
async def office(store: Store) -> Office:
    rows = Watched.of(store)
    for one in (ACME, GLOBEX):
        await rows.save(one)
    return Office(store, rows, served(store, rows, Time()))


async def test_admins_change_key_policy_and_alerts(office: Office) -> None:
    change = office.workspaces.rows
    assert await change.set_key(ACME.team_id, KEY, if_version=0)
    assert await change.set_policy(ACME.team_id, POLICY, if_version=0)
    assert await change.set_alerts_token(ACME.team_id, "d1", if_version=0)
    assert await change.move_alerts(ACME.team_id, "C1", before=None)
    assert await office.acme() == Workspace(
        ACME.team_id,
        ACME.bot_token,
        KEY,
        policy=POLICY,
        alerts_token_digest="d1",
        alerts_channel="C1",
        key_version=1,
        policy_version=1,
        alerts_token_version=1,
        installed_by=ACME.installed_by,
        is_managed=True,
    )
    assert await change.remove_key(ACME.team_id, if_version=1)
    assert (await office.acme()).anchor_key is None


CHANGES: dict[str, Callable[[WorkspaceRows, int], Awaitable[bool]]] = {
    "set_key": lambda change, seen: change.set_key(ACME.team_id, KEY, if_version=seen),
    "remove_key": lambda change, seen: change.remove_key(ACME.team_id, if_version=seen),
    "set_policy": lambda change, seen: change.set_policy(ACME.team_id, Policy(), if_version=seen),
    "set_alerts_token": lambda change, seen: change.set_alerts_token(ACME.team_id, "d1", if_version=seen),
    "move_alerts": lambda change, seen: change.move_alerts(ACME.team_id, "C1", before=f"C{seen}" if seen else None),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_what_was_known_before_a_change_is_not_used_any_more(
    office: Office, change: Callable[[WorkspaceRows, int], Awaitable[bool]]
) -> None:
    await office.acme()
    assert await office.is_remembered()
    assert await change(office.workspaces.rows, 0)
    assert not await office.is_remembered()


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_by_somebody_who_has_not_seen_the_last_one_is_not_made(office: Office, name: str) -> None:
    before = await office.acme()
    assert not await CHANGES[name](office.workspaces.rows, 1)
    assert not await office.is_remembered()
    assert await office.acme() == before


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_while_the_database_is_away_a_change_that_fails_leaves_what_is_known(
    office: Office, change: Callable[[WorkspaceRows, int], Awaitable[bool]]
) -> None:
    """Or somebody who looks into Home in an incident would take away the means to pause."""
    await office.acme()
    async with without_table(office.store):
        with pytest.raises(NOT_MADE):
            await change(office.workspaces.rows, 0)
    assert await office.is_remembered()


async def test_an_admin_is_noted_and_nothing_of_the_workspace_changes(office: Office) -> None:
    await office.acme()
    await office.workspaces.record_admin(ACME.team_id, "U1")
    assert await office.is_remembered()
    teams = (ACME.team_id, GLOBEX.team_id)
    assert [await office.workspaces.admins(team_id) for team_id in teams] == [["U1"], []]
