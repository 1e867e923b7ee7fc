"""What was read of late is not read again, and what was changed is not used any more."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.core.installation import Departure
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.store.errors import StoreUnreachableError, UnreadableError
from bot.outbound.store.installations import Installations
from bot.outbound.store.store import Store
from bot.outbound.store.stored_workspaces import FRESH, USABLE, StoredWorkspaces
from store.test_installations import ACME, GLOBEX

pytestmark = pytest.mark.anyio


class Watched(Installations):
    """Rows that count how often they are read; `trouble` is raised, and `gate` is waited for."""

    trouble: Exception | None = None
    gate: asyncio.Event | None = None

    @classmethod
    def of(cls, store: Store) -> "Watched":
        watched = cls(store.database, store.vault)
        watched.reads = []
        return watched

    reads: list[str]

    async def find(self, team_id: str) -> Workspace | None:
        self.reads.append(team_id)
        found = await super().find(team_id)
        if self.gate is not None:
            await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        return found


class Time:
    """A clock that tests put forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def token(found: Workspace | None) -> str | None:
    return found.bot_token.reveal() if found else None


async def test_it_is_read_once_in_five_seconds(store: Store) -> None:
    rows, time = Watched.of(store), Time()
    workspaces = StoredWorkspaces(rows, time)
    await workspaces.install(ACME)
    for elapsed, reads in ((0.0, 1), (FRESH - 0.1, 1), (0.2, 2), (1.0, 2)):
        time.now += elapsed
        assert token(await workspaces.find(ACME.team_id)) == "xoxb-of-acme"
        assert len(rows.reads) == reads
    assert await workspaces.owner_of_alerts(ACME.team_id) == await workspaces.find(ACME.team_id)
    assert len(rows.reads) == 2


async def test_that_there_is_none_is_remembered_as_well(store: Store) -> None:
    rows = Watched.of(store)
    workspaces = StoredWorkspaces(rows, Time())
    assert [await workspaces.find("T0NOBODY001") for _ in range(3)] == [None] * 3
    assert rows.reads == ["T0NOBODY001"]


async def test_what_can_not_be_the_id_of_a_workspace_is_not_looked_up_for_alerts(store: Store) -> None:
    rows = Watched.of(store)
    workspaces = StoredWorkspaces(rows, Time())
    for ref in ("", "x", "t0home00001", "../alerts", "T0HOME00001 ", "T" * 41):
        assert await workspaces.owner_of_alerts(ref) is None
    assert rows.reads == []


async def test_those_who_ask_together_wait_for_one_reading(store: Store) -> None:
    rows = Watched.of(store)
    workspaces = StoredWorkspaces(rows, Time())
    await workspaces.install(ACME)
    await workspaces.install(GLOBEX)
    found = await asyncio.gather(*(workspaces.find(team.team_id) for team in (ACME, GLOBEX) * 50))
    assert set(map(token, found)) == {"xoxb-of-acme", "xoxb-of-globex"}
    assert sorted(rows.reads) == ["T0GLOBEX001", "T0HOME00001"]


async def test_a_change_by_this_process_is_seen_at_once(store: Store) -> None:
    workspaces = StoredWorkspaces(store.installations, Time())
    await workspaces.install(ACME)
    assert token(await workspaces.find(ACME.team_id)) == "xoxb-of-acme"
    await workspaces.install(replace(ACME, bot_token=Secret("xoxb-new")))
    assert token(await workspaces.find(ACME.team_id)) == "xoxb-new"
    await workspaces.forget(Departure(ACME.team_id, ACME.installed_at))
    assert await workspaces.find(ACME.team_id) is None


async def test_a_change_by_another_process_is_seen_within_five_seconds(store: Store) -> None:
    time = Time()
    workspaces = StoredWorkspaces(store.installations, time)
    await workspaces.install(ACME)
    await workspaces.find(ACME.team_id)
    await store.installations.set_key(ACME.team_id, Secret("sk-new"))
    time.now += FRESH
    found = await workspaces.find(ACME.team_id)
    assert found
    assert found.anchor_api_key == Secret("sk-new")
    await store.installations.delete(ACME.team_id)
    time.now += FRESH
    assert await workspaces.find(ACME.team_id) is None


async def test_what_was_being_read_when_it_changed_is_not_remembered(store: Store) -> None:
    rows = Watched.of(store)
    rows.gate = asyncio.Event()
    workspaces = StoredWorkspaces(rows, Time())
    await workspaces.install(ACME)
    early = asyncio.create_task(workspaces.find(ACME.team_id))
    while not rows.reads:  # noqa: ASYNC110 - what is waited for is a step of the loop
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    await workspaces.install(replace(ACME, bot_token=Secret("xoxb-new")))
    rows.gate.set()
    assert token(await early) in {"xoxb-of-acme", "xoxb-new"}
    assert token(await workspaces.find(ACME.team_id)) == "xoxb-new"


TROUBLES: list[Callable[[Watched], None]] = [
    lambda rows: setattr(rows, "trouble", StoreUnreachableError("gone")),
    lambda rows: setattr(rows, "gate", asyncio.Event()),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=["refuses", "hangs"])
async def test_while_the_database_is_away_what_was_known_serves_for_a_while(
    store: Store, trouble: Callable[[Watched], None], caplog: pytest.LogCaptureFixture
) -> None:
    rows, time = Watched.of(store), Time()
    workspaces = StoredWorkspaces(rows, time, patience=0.2)
    await workspaces.install(ACME)
    await workspaces.find(ACME.team_id)
    assert await workspaces.find("T0NOBODY001") is None
    trouble(rows)
    time.now += FRESH
    with caplog.at_level(logging.WARNING):
        assert token(await workspaces.find(ACME.team_id)) == "xoxb-of-acme"
    assert "the database can't be read; what was read before is used" in caplog.text
    for unknown in (GLOBEX.team_id, "T0NOBODY001"):
        with pytest.raises(StoreUnreachableError):
            await workspaces.find(unknown)
    reads = len(rows.reads)
    assert token(await workspaces.find(ACME.team_id)) == "xoxb-of-acme"
    assert len(rows.reads) == reads, "asked again at once"
    time.now += USABLE
    with pytest.raises(StoreUnreachableError):
        await workspaces.find(ACME.team_id)
    await workspaces.close()


async def test_what_can_not_be_decrypted_is_not_served_from_memory(store: Store) -> None:
    rows, time = Watched.of(store), Time()
    workspaces = StoredWorkspaces(rows, time)
    await workspaces.install(ACME)
    await workspaces.find(ACME.team_id)
    rows.trouble = UnreadableError("moved")
    time.now += FRESH
    with pytest.raises(UnreadableError):
        await workspaces.find(ACME.team_id)


async def test_memory_has_an_end(store: Store) -> None:
    rows = Watched.of(store)
    workspaces = StoredWorkspaces(rows, Time(), most=2)
    for team in ("T1", "T2", "T3", "T3", "T2", "T1"):
        await workspaces.find(team)
    assert rows.reads == ["T1", "T2", "T3", "T1"]


async def test_a_change_that_fails_forgets_what_was_known(store: Store) -> None:
    workspaces = StoredWorkspaces(store.installations, Time())
    await workspaces.install(ACME)
    await workspaces.find(ACME.team_id)
    await store.installations.delete(ACME.team_id)
    await store.database.close()
    assert await workspaces.find(ACME.team_id) is not None
    await workspaces.forget(Departure(ACME.team_id, 0))
    assert await workspaces.find(ACME.team_id) is None
