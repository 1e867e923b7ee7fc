"""A request is served from the database as it is when it comes, or as it was before the database went away."""

import asyncio
import gc
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.core.installation import Uninstall
from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, KeyCheck
from bot.outbound.store.errors import StoreUnreachableError, UnreadableError
from bot.outbound.store.store import Store
from bot.outbound.store.workspace_directory import CACHE_TTL, FALLBACK_TTL, WorkspaceCache, WorkspaceDirectory
from outbound.store.test_workspace_rows import ACME, GLOBEX, KEY
from outbound.store.watched import Time, Watched, served, token

pytestmark = pytest.mark.anyio

NEW = replace(ACME, bot_token=Secret("xoxb-new"))


async def known(store: Store, clock: Time | None = None) -> tuple[Watched, WorkspaceDirectory]:
    """Rows with Acme in them, and workspaces that have read it."""
    rows = Watched.of(store)
    workspaces = served(store, rows, clock or Time())
    await workspaces.rows.save(ACME)
    assert token(await workspaces.find(ACME.team_id)) == "xoxb-of-acme"
    rows.reads.clear()
    rows.seen.clear()
    return rows, workspaces


# --- while the database answers ---


async def test_each_request_reads_its_workspace_once(store: Store) -> None:
    rows, workspaces = await known(store)
    for reads in (1, 2, 3):
        assert token(await workspaces.find(ACME.team_id)) == "xoxb-of-acme"
        assert rows.reads == [ACME.team_id] * reads
    assert await workspaces.owner_of_alerts(ACME.team_id) == await workspaces.find(ACME.team_id)
    assert len(rows.reads) == 5


async def test_too_many_reads_are_like_a_database_without_an_answer(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, workspaces = await known(store)
    reads = len(rows.reads)
    monkeypatch.setattr("bot.outbound.store.workspace_directory.MAX_READS", 0)
    assert await workspaces.find(ACME.team_id) is not None
    with pytest.raises(StoreUnreachableError):
        await workspaces.find(GLOBEX.team_id)
    assert len(rows.reads) == reads


async def test_a_change_by_another_bot_holds_for_the_next_request_and_ends_what_was_known(store: Store) -> None:
    rows, workspaces = await known(store)
    await store.rows.set_key(ACME.team_id, KEY)
    found = await workspaces.find(ACME.team_id)
    assert found
    assert found.anchor_key == KEY
    await store.rows.delete(ACME.team_id)
    assert await workspaces.find(ACME.team_id) is None
    refuse(rows)
    with pytest.raises(StoreUnreachableError):
        await workspaces.find(ACME.team_id)


async def test_what_can_not_be_the_id_of_a_workspace_is_not_looked_up_for_alerts(store: Store) -> None:
    rows = Watched.of(store)
    workspaces = served(store, rows, Time())
    for ref in ("", "x", "t0home00001", "../alerts", "T0HOME00001 ", "T" * 41):
        assert await workspaces.owner_of_alerts(ref) is None
    assert rows.reads == []


async def test_those_who_ask_together_wait_for_one_read(store: Store) -> None:
    rows = Watched.of(store)
    workspaces = served(store, rows, Time())
    await workspaces.rows.save(ACME)
    await workspaces.rows.save(GLOBEX)
    found = await asyncio.gather(*(workspaces.find(team.team_id) for team in (ACME, GLOBEX) * 50))
    assert set(map(token, found)) == {"xoxb-of-acme", "xoxb-of-globex"}
    assert sorted(rows.reads) == ["T0GLOBEX001", "T0HOME00001"]


async def test_those_who_come_while_it_is_read_wait_for_one_more_read(store: Store) -> None:
    rows, unblocked = Watched.of(store), asyncio.Event()
    workspaces = served(store, rows, Time())
    await workspaces.rows.save(ACME)
    rows.unblocked = unblocked
    early = asyncio.create_task(workspaces.find(ACME.team_id))
    await rows.until_read(1)
    await store.rows.save(NEW)
    late = [asyncio.create_task(workspaces.find(ACME.team_id)) for _ in range(50)]
    other = asyncio.create_task(workspaces.find(GLOBEX.team_id))
    await rows.until_read(2)
    assert rows.reads == [ACME.team_id, GLOBEX.team_id], "reads of one workspace follow each other"
    unblocked.set()
    assert [token(await one) for one in late] == ["xoxb-new"] * 50
    assert token(await early) == "xoxb-of-acme"
    assert await other is None
    assert rows.reads == [ACME.team_id, GLOBEX.team_id, ACME.team_id]


async def test_somebody_who_stops_waiting_does_not_stop_the_read_for_others(store: Store) -> None:
    rows, unblocked = Watched.of(store), asyncio.Event()
    workspaces = served(store, rows, Time())
    await workspaces.rows.save(ACME)
    rows.unblocked = unblocked
    first, second = (asyncio.create_task(workspaces.find(ACME.team_id)) for _ in range(2))
    await rows.until_read(1)
    first.cancel()
    unblocked.set()
    assert token(await second) == "xoxb-of-acme"
    assert len(rows.reads) == 1


async def test_what_anchor_says_of_a_key_is_kept_and_a_notice_is_given_once(store: Store) -> None:
    here, there = (served(store, store.rows, Time()) for _ in range(2))
    await here.rows.save(ACME)
    await store.rows.set_key(ACME.team_id, AnchorKey(Secret("sk-1")))
    await here.record_key_check(ACME.team_id, 1, KeyCheck.REFUSED)
    found = await there.find(ACME.team_id)
    assert found
    assert found.anchor_key
    assert found.anchor_key.check is KeyCheck.REFUSED
    assert [await bot.claim_notice(ACME.team_id, "welcome") for bot in (here, there)] == [True, False]
    assert not await here.claim_notice("T0NOBODY001", "welcome")
    assert await here.claim_notice(ACME.team_id, "scopes")
    await there.release_notice(ACME.team_id, "welcome")
    assert not await here.claim_notice(ACME.team_id, "scopes")
    assert [await bot.claim_notice(ACME.team_id, "welcome") for bot in (here, there)] == [True, False]


# --- while it does not ---


SHORT, LONG = 0.2, 3600.0
TIMEOUT = "_read_timeout"


def refuse(rows: Watched) -> None:
    rows.error = StoreUnreachableError("gone")


def hang(rows: Watched) -> None:
    rows.unblocked = asyncio.Event()


def come_back(rows: Watched) -> None:
    if rows.unblocked:
        rows.unblocked.set()
    rows.error = rows.unblocked = None


@pytest.mark.parametrize("fail", [refuse, hang])
async def test_while_the_database_is_away_what_was_known_serves_for_a_while(
    store: Store,
    fail: Callable[[Watched], None],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = Time()
    rows, workspaces = await known(store, time)
    assert await workspaces.find("T0NOBODY001") is None
    fail(rows)
    monkeypatch.setattr(workspaces, TIMEOUT, SHORT)
    with caplog.at_level(logging.WARNING):
        assert token(await workspaces.find(ACME.team_id)) == "xoxb-of-acme"
    (record,) = caplog.records
    assert (record.levelno, vars(record)["team"]) == (logging.WARNING, ACME.team_id)
    for unknown in (GLOBEX.team_id, "T0NOBODY001"):
        with pytest.raises(StoreUnreachableError):
            await workspaces.find(unknown)
    time.now += CACHE_TTL
    assert token(await workspaces.find(ACME.team_id)) == "xoxb-of-acme"
    time.now += 0.1
    with pytest.raises(StoreUnreachableError):
        await workspaces.find(ACME.team_id)
    await workspaces.close()


async def test_while_it_is_away_requests_do_not_wait_for_it_each(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    rows, workspaces = await known(store, time)
    hang(rows)
    for times in (5, 1):
        monkeypatch.setattr(workspaces, TIMEOUT, SHORT)
        began = asyncio.get_running_loop().time()
        assert token(await workspaces.find(ACME.team_id)) == "xoxb-of-acme"
        assert asyncio.get_running_loop().time() - began >= SHORT - 0.01  # a timer can be early
        monkeypatch.setattr(workspaces, TIMEOUT, LONG)  # nobody can wait for that
        assert [token(await workspaces.find(ACME.team_id)) for _ in range(times)] == ["xoxb-of-acme"] * times
        time.now += FALLBACK_TTL
    await workspaces.close()


@pytest.mark.parametrize("fail", [refuse, hang])
async def test_as_soon_as_it_answers_again_what_it_says_holds(
    store: Store, fail: Callable[[Watched], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, workspaces = await known(store)
    fail(rows)
    monkeypatch.setattr(workspaces, TIMEOUT, SHORT)
    await workspaces.find(ACME.team_id)
    monkeypatch.setattr(workspaces, TIMEOUT, LONG)
    reads = len(rows.reads)
    come_back(rows)
    await store.rows.save(NEW)
    await workspaces.find(ACME.team_id)  # which is answered at once, and has it read
    await rows.until_read(reads + 1)
    assert [token(await workspaces.find(ACME.team_id)) for _ in range(2)] == ["xoxb-new"] * 2


async def test_reads_that_fail_when_nobody_waits_any_more_are_not_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    rows, workspaces = await known(store)
    refuse(rows)
    for _ in range(3):
        await workspaces.find(ACME.team_id)
    await asyncio.sleep(0.1)
    come_back(rows)  # so that nothing holds the exception, nor by that the read
    gc.collect()
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == [
        "bot.outbound.store.workspace_directory"
    ]


@pytest.mark.parametrize("change", ["forget", "install"])
async def test_what_this_bot_has_changed_is_not_remembered_from_before(store: Store, change: str) -> None:
    rows, workspaces = await known(store)
    if change == "forget":
        await workspaces.delete_uninstalled(Uninstall(ACME.team_id, ACME.installed_at))
    else:
        await workspaces.rows.save(NEW)
    refuse(rows)
    with pytest.raises(StoreUnreachableError):
        await workspaces.find(ACME.team_id)


async def test_what_was_being_read_when_this_bot_changed_it_is_not_remembered(store: Store) -> None:
    rows, unblocked = Watched.of(store), asyncio.Event()
    workspaces = served(store, rows, Time())
    await workspaces.rows.save(ACME)
    rows.unblocked = unblocked
    early = asyncio.create_task(workspaces.find(ACME.team_id))
    await rows.until_read(1)
    await workspaces.delete_uninstalled(Uninstall(ACME.team_id, ACME.installed_at))
    rows.unblocked = None
    assert await workspaces.find(ACME.team_id) is None, "it waited for the early one"
    unblocked.set()
    assert token(await early) == "xoxb-of-acme"
    refuse(rows)
    with pytest.raises(StoreUnreachableError):
        await workspaces.find(ACME.team_id)


async def test_what_can_not_be_decrypted_is_not_served_from_memory(store: Store) -> None:
    rows, workspaces = await known(store)
    for raised, expected in (
        (UnreadableError("moved"), UnreadableError),
        (StoreUnreachableError("gone"), StoreUnreachableError),
    ):
        rows.error = raised
        with pytest.raises(expected):
            await workspaces.find(ACME.team_id)


async def test_after_the_end_nothing_is_waited_for(store: Store) -> None:
    rows = Watched.of(store)
    workspaces = served(store, rows, Time())
    hang(rows)
    reading = asyncio.create_task(workspaces.find(ACME.team_id))
    await rows.until_read(1)
    await workspaces.close()
    with pytest.raises(StoreUnreachableError):
        await reading


async def test_memory_has_an_end_and_those_read_last_stay(store: Store) -> None:
    await store.rows.save(ACME)
    workspace = await store.rows.find(ACME.team_id)
    memory = WorkspaceCache(Time(), most=2)
    for team in ("T1", "T2", "T1", "T3"):
        memory.put(team, workspace)
    assert [memory.fall_back(team) is not None for team in ("T1", "T2", "T3")] == [True, False, True]
