"""The workspace of a request: how long what was read of it counts, and the one of the settings."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from bot.outbound.workspaces import CACHE_TTL, MAX_AGE, Workspaces
from harness.databases import KEY
from harness.product import Secret, Store, errors, open_store, policy, workspace
from harness.stored import ACME, ANCHOR_KEY, GLOBEX, WatchedRows, execute, fetch, served, uninstall
from harness.virtual_time import pass_time

pytestmark = pytest.mark.anyio


NEW = replace(ACME, bot_token=Secret("xoxb-new"))
Fail = Callable[[WatchedRows], None]
WAYS = pytest.mark.parametrize("fail", [WatchedRows.refuse, WatchedRows.hang])


@pytest.fixture
async def rows(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WatchedRows]:
    monkeypatch.setattr("bot.outbound.store.store.random_version", lambda: 0)
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
    rows.seen.clear()
    await pass_time(age)
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
        await pass_time(MAX_AGE)
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
    await pass_time(MAX_AGE)
    assert await token(directory) == "xoxb-new"
    await store.rows.delete(ACME.team_id)
    assert await token(directory) == "xoxb-new"
    assert await directory.find_now(ACME.team_id) is None
    rows.refuse()
    assert await is_away(directory)


async def test_those_who_ask_meanwhile_share_a_read(rows: WatchedRows) -> None:
    directory = served(rows)
    found = await asyncio.gather(*(token(directory, team.team_id) for team in (ACME, GLOBEX) * 50))
    assert found == ["xoxb-of-acme", "xoxb-of-globex"] * 50
    assert sorted(rows.reads) == ["T0GLOBEX001", "T0HOME00001"]
    await pass_time(MAX_AGE)
    rows.reads.clear()
    rows.seen.clear()
    rows.hang()
    early = asyncio.create_task(token(directory))
    await rows.until_read(1)
    late = [asyncio.create_task(token(directory)) for _ in range(50)]
    other = asyncio.create_task(token(directory, "T0NOBODY001"))
    await rows.until_read(2)
    late.pop().cancel()  # which does not stop the read for others
    rows.come_back()
    assert await asyncio.gather(early, *late) == ["xoxb-of-acme"] * 50
    assert (await other, rows.reads) == (None, [ACME.team_id, "T0NOBODY001"])


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
    await pass_time(CACHE_TTL - 2 * MAX_AGE - 5)
    assert await token(directory) == "xoxb-of-acme"
    await pass_time(MAX_AGE + 5)
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
    "set_policy": lambda directory: directory.rows.set_policy(ACME.team_id, policy.Policy(), if_version=0),
    "set_alert_tokens": lambda directory: directory.rows.set_alert_tokens(ACME.team_id, [], if_version=0),
    "set_alerts_channel": lambda directory: directory.rows.set_alerts_channel(ACME.team_id, "C1", before=""),
    "a change that is not made": lambda directory: directory.rows.set_key(ACME.team_id, ANCHOR_KEY, if_version=1),
    "delete_uninstalled": lambda directory: directory.delete_uninstalled(uninstall()),
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


TEAM, OTHER = ACME.team_id, "T0GLOBEX001"
PINNED = workspace.Workspace(
    "", Secret("xoxb-1"), workspace.AnchorKey(Secret("sk-1")), auto_pause=workspace.AutoPause.ON
)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    async with open_store(Secret(database_url), [KEY]) as opened:
        yield opened


def pinned(store: Store) -> Workspaces:
    return Workspaces(store, PINNED)


@pytest.fixture
def one(store: Store) -> Workspaces:
    identified = pinned(store)
    identified.identify(TEAM, "")
    return identified


async def stored_rows(store: Store) -> list[tuple[object, ...]]:
    return await fetch(store, "SELECT team_id, enterprise_id, bot_token, anchor_api_key, policy FROM workspaces")


async def test_it_is_found_for_everybody_until_it_is_known_whose_it_is(store: Store) -> None:
    one = pinned(store)
    assert await one.find(OTHER) is not None
    await one.keep_row()
    assert (await stored_rows(store), await one.pausing_teams()) == ([], [])
    one.identify(TEAM, "E0GRID00001")
    await one.delete_uninstalled(uninstall())
    found = await one.find(TEAM)
    assert found == replace(PINNED, team_id=TEAM, enterprise_id="E0GRID00001")
    assert await one.find(OTHER) is None
    assert await one.pausing_teams() == [TEAM]
    assert await one.owner_of_alerts("") == found
    assert await one.owner_of_alerts(TEAM) is None


async def test_its_ids_count_for_the_bot_token_with_which_they_were_stored(store: Store, one: Workspaces) -> None:
    assert [await store.rows.find_ids(Secret(token)) for token in ("xoxb-1", "xoxb-2")] == [None, None]
    await one.keep_row()
    assert [await store.rows.find_ids(Secret(token)) for token in ("xoxb-1", "xoxb-2")] == [(TEAM, ""), None]
    again = pinned(store)
    await again.keep_row()
    assert (await again.find(TEAM), await again.find(OTHER)) == (replace(PINNED, team_id=TEAM), None)
    again.identify(TEAM, "E0GRID00001")  # it has joined an organisation since
    await again.keep_row()
    for token in ("xoxb-3", "xoxb-2"):
        await store.rows.save_ids(workspace.Workspace(OTHER, Secret(token), None))
    found = [await store.rows.find_ids(Secret(token)) for token in ("xoxb-1", "xoxb-2", "xoxb-3")]
    assert found == [(TEAM, "E0GRID00001"), (OTHER, ""), None]


async def test_the_database_has_only_its_ids_and_to_others_it_is_not_installed(store: Store) -> None:
    one = pinned(store)
    one.identify(TEAM, "E0GRID00001")
    for _ in range(2):
        await one.keep_row()
    assert await stored_rows(store) == [(TEAM, "E0GRID00001", "", None, None)]
    assert await store.rows.find(TEAM) is None
    assert await store.rows.summaries() == []
    assert not await store.rows.set_alerts_channel(TEAM, "C1")
    assert not await store.rows.delete(TEAM)
    assert not await store.rows.save(ACME)
    installed = await store.rows.find(TEAM)
    assert installed
    assert installed.bot_token == ACME.bot_token


async def test_only_its_own_team_and_the_current_key_count(one: Workspaces) -> None:
    for team_id, version in ((OTHER, 0), (TEAM, 1), (TEAM, 0)):
        await one.record_key_check(team_id, version, workspace.KeyCheck.REFUSED)
        found = await one.find(TEAM)
        assert found and found.anchor_key  # noqa: PT018 - for mypy
        is_recorded = found.anchor_key.check is workspace.KeyCheck.REFUSED
        assert is_recorded is ((team_id, version) == (TEAM, 0))
