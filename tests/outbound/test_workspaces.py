"""The workspace of a request: how long what was read of it counts."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest

from bot.outbound.store.workspaces import WorkspaceRows
from bot.outbound.workspaces import CACHE_TTL, MAX_AGE, Workspaces
from bot.usecases.permissions import AccessCheck
from harness import SESSION
from harness.databases import KEY
from harness.product import Secret, SessionId, Store, errors, open_store, orders, permissions, workspace
from harness.stored import ACME, ANCHOR_KEY, GLOBEX, execute


class WatchedRows(WorkspaceRows):
    """A read waits for `unblocked`, and then raises `error`, if they are set."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.database, store.cipher, store.audit)
        self.store = store
        self.error: Exception | None = None
        self.unblocked: asyncio.Event | None = None
        self.reads: list[str] = []

    async def find(self, team_id: str) -> workspace.Workspace | None:
        self.reads.append(team_id)
        found = await super().find(team_id)
        if self.unblocked is not None:
            await self.unblocked.wait()
        if self.error is not None:
            raise self.error
        return found

    def refuse(self) -> None:
        self.error = errors.StoreUnreachableError("gone")

    def hang(self) -> None:
        self.unblocked = asyncio.Event()

    def come_back(self) -> None:
        if self.unblocked:
            self.unblocked.set()
        self.error = self.unblocked = None


def served(rows: WatchedRows) -> Workspaces:
    return Workspaces(replace(rows.store, rows=rows))


NEW = replace(ACME, bot_token=Secret("xoxb-new"))
Fail = Callable[[WatchedRows], None]
WAYS = pytest.mark.parametrize("fail", [WatchedRows.refuse, WatchedRows.hang])


@pytest.fixture
async def rows() -> AsyncIterator[WatchedRows]:
    async with open_store(Secret("sqlite://"), [KEY]) as store:
        watched = WatchedRows(store)
        for one in (ACME, GLOBEX):
            await watched.save(one)
        yield watched
        watched.come_back()


async def known(rows: WatchedRows, age: float = MAX_AGE) -> Workspaces:
    """Workspaces that have read Acme so many seconds ago."""
    directory = served(rows)
    assert await token(directory) == "xoxb-of-acme"
    rows.reads.clear()
    await asyncio.sleep(age)
    return directory


async def token(directory: Workspaces, team_id: str = ACME.team_id) -> str | None:
    found = await directory.find(team_id)
    return found.bot_token.reveal() if found else None


async def is_away(directory: Workspaces, team_id: str = ACME.team_id) -> bool:
    try:
        await directory.find(team_id)
    except errors.StoreUnreachableError:
        return True
    return False


# --- while the database answers ---


async def test_a_workspace_is_read_again_after_two_seconds_and_what_can_be_no_id_never(rows: WatchedRows) -> None:
    directory = await known(rows)
    for reads in (1, 2, 3):
        for _ in range(3):
            assert await token(directory) == "xoxb-of-acme"
            assert rows.reads == [ACME.team_id] * reads
        await asyncio.sleep(MAX_AGE)
    assert await directory.owner_of_alerts(ACME.team_id) == await directory.find(ACME.team_id)
    for reads in (5, 6):
        assert await directory.find_now(ACME.team_id) == await directory.find(ACME.team_id)
        assert len(rows.reads) == reads
    await directory.find(ACME.team_id, max_age=0.0)
    for ref in ("", "x", "t0home00001", "../alerts", "T0HOME00001 ", "T" * 41):
        assert await directory.owner_of_alerts(ref) is None
    assert len(rows.reads) == 7


async def test_a_change_by_another_bot_holds_after_two_seconds_and_ends_what_was_known(rows: WatchedRows) -> None:
    directory, store = await known(rows, age=0.0), rows.store
    await store.rows.save(NEW)
    assert [await token(directory), await token(directory)] == ["xoxb-of-acme"] * 2
    await asyncio.sleep(MAX_AGE)
    assert await token(directory) == "xoxb-new"
    await store.rows.delete(ACME.team_id)
    assert await token(directory) == "xoxb-new"
    assert await directory.find_now(ACME.team_id) is None
    rows.refuse()
    assert await is_away(directory)


# --- while it does not ---


@WAYS
async def test_while_the_database_is_away_what_was_known_serves_for_a_while(
    rows: WatchedRows, fail: Fail, caplog: pytest.LogCaptureFixture
) -> None:
    directory = await known(rows)
    assert await token(directory, "T0NOBODY001") is None
    fail(rows)
    with caplog.at_level(logging.WARNING):
        assert await token(directory) == "xoxb-of-acme"
    (record,) = caplog.records
    assert (record.levelno, vars(record)["team"]) == (logging.WARNING, ACME.team_id)
    with pytest.raises(errors.StoreUnreachableError):
        await directory.find_now(ACME.team_id)
    assert await is_away(directory, GLOBEX.team_id)
    assert await is_away(directory, "T0NOBODY001")
    await asyncio.sleep(CACHE_TTL - 2 * MAX_AGE - 5)
    assert await token(directory) == "xoxb-of-acme"
    await asyncio.sleep(MAX_AGE + 5)
    assert await is_away(directory)
    await directory.close()


async def test_what_can_not_be_decrypted_is_not_served_from_memory(rows: WatchedRows) -> None:
    directory = await known(rows)
    rows.error = errors.UnreadableError("moved")
    with pytest.raises(errors.UnreadableError):
        await directory.find(ACME.team_id)
    rows.refuse()
    assert await is_away(directory)


# --- changes of this bot ---

Change = Callable[[Workspaces], Awaitable[object]]
CHANGES: dict[str, Change] = {
    "save": lambda directory: directory.rows.save(NEW),
    "set_key": lambda directory: directory.rows.set_key(ACME.team_id, ANCHOR_KEY, if_version=0),
    "set_policy": lambda directory: directory.rows.set_policy(ACME.team_id, permissions.Policy(), if_version=0),
    "set_alert_tokens": lambda directory: directory.rows.set_alert_tokens(ACME.team_id, [], if_version=0),
    "set_alerts_channel": lambda directory: directory.rows.set_alerts_channel(ACME.team_id, "C1", before=""),
    "a change that is not made": lambda directory: directory.rows.set_key(ACME.team_id, ANCHOR_KEY, if_version=1),
    "delete_uninstalled": lambda directory: directory.delete_uninstalled(ACME.team_id, ACME.installed_at, ()),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_only_a_change_that_can_have_happened_ends_what_is_known(rows: WatchedRows, change: Change) -> None:
    """Or somebody who looks into Home in an incident would take away the means to pause."""
    directory = await known(rows, age=0.0)
    await execute(rows.store, "ALTER TABLE workspaces RENAME TO elsewhere")
    with pytest.raises(errors.StoreUnreachableError):
        await change(directory)
    await execute(rows.store, "ALTER TABLE elsewhere RENAME TO workspaces")
    rows.refuse()
    assert (await token(directory), rows.reads) == ("xoxb-of-acme", [ACME.team_id]), "it may have happened"
    rows.come_back()
    await change(directory)
    rows.refuse()
    assert await is_away(directory)


@pytest.mark.parametrize("verb", orders.Verb)
async def test_what_a_killed_command_left_obeys_the_database_of_now(rows: WatchedRows, verb: orders.Verb) -> None:
    await rows.set_key(ACME.team_id, ANCHOR_KEY)
    await rows.set_policy(ACME.team_id, permissions.Policy(end=permissions.Rule()), if_version=0)
    check = AccessCheck(await known(rows, age=0.0), Mock(), Mock())
    await rows.store.rows.set_key(ACME.team_id, replace(ANCHOR_KEY, value=Secret("sk-newer")))
    actor = orders.Actor(ACME.team_id, "C0ALERTS001", orders.operator_id("root"))
    access: Any = await check.check(orders.Order(verb, SessionId(SESSION), actor, source=orders.Source.COMMAND_LINE))
    assert (access.key.reveal() == "sk-newer") is (verb is not orders.Verb.PAUSE)
