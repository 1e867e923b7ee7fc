"""A database that fails while the bot runs: pauses go on, are written later, and nothing needs a restart."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.sim.anchor import SessionState
from bot.sim.slack import Delivery
from conversations.test_health import becomes, degraded
from harness import HTTP_ONLY, SingleHarness, many_workspaces, outcome_text, paused, single_workspace
from harness.conversation import until
from harness.databases import KEY
from harness.outages import Outage, delete_file, directory_away, execute, locked, network, read_only, without_table
from harness.product import Secret, open_store, outcomes
from harness.texts import waiting_text

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ACK_WAIT = 3.0  # seconds
SLOW = 4.5  # seconds of Anchor's
ALICE_S_ORDERS = (
    ("a command", "pause", 0.0),
    ("a command", "pause", SLOW),
    ("a click", "pause", 0.0),
    ("a click", "pause", SLOW),
    ("a command", "resume", 0.0),
)


async def give(at: SingleHarness, by: str, verb: str, seconds: float) -> tuple[str, Delivery]:
    """Give an order for a session of its own, for which Anchor takes so long."""
    state = SessionState.RUNNING if verb == "pause" else SessionState.PAUSED
    session = at.anchor.add_session(state=state)
    at.anchor.session(session).seconds = seconds
    own = SingleHarness(at.slack, at.anchor, at.workspace, at.person, at.channel, session, at.bot)
    return session, await own.order(by, verb=verb)


async def give_all(at: SingleHarness) -> list[str]:
    """Give all kinds of orders while the journal fails. Return the sessions."""
    given = await asyncio.gather(*(give(at, *order) for order in ALICE_S_ORDERS))
    (fast, acked), (slow, announced), (clicked, click), (lost, unsafe), (left, _) = given
    assert acked.ack is not None
    assert acked.ack.text == paused(session=fast)
    assert announced.ack is not None
    assert announced.ack.text == waiting_text(session=slow, is_recorded=False)
    assert (click.status, unsafe.status) == (200, 503)
    told = {paused(session=session) for session in (slow, clicked, lost)}
    told.add(outcome_text(outcomes.StoreUnavailable(), verb="resume", session=left))
    await at.slack.until(lambda: told <= {message.text for message in at.seen()})
    assert at.anchor.posts(left) == []
    at.slack.violations.clear()  # the 503, with which Slack shows a warning
    return [fast, slow, clicked, lost, left]


async def journal(url: str) -> list[Any]:
    """Return the rows of the journal."""
    async with open_store(Secret(url), [KEY]) as store:
        return list(await store.database.fetch_all(text("SELECT * FROM orders")))


async def until_written(url: str, sessions: list[str]) -> None:
    """Wait until the orders that were given meanwhile are stored, and that they were told."""
    expected = dict.fromkeys(sessions, ("told", "Paused"))
    expected[sessions[-1]] = ("told", "StoreUnavailable")

    async def are_stored() -> bool:
        return {row.session_id: (row.state, row.outcome) for row in await journal(url)} == expected

    await until(are_stored)


async def survive(url: str, outage: AbstractAsyncContextManager[None], *, bot_url: str = "") -> None:
    """Let people give orders during an outage, and see what is kept of them afterwards."""
    database_url, keys = bot_url or url, KEY.reveal()
    waits = single_workspace(ack_wait=ACK_WAIT, ack_deadline=6.0, DATABASE_URL=database_url, ENCRYPTION_KEYS=keys)
    async with waits as at:
        async with outage:
            sessions = await give_all(at)

            async def is_degraded() -> bool:
                return "journal" in await degraded(at)

            await until(is_degraded)
        await until_written(url, sessions)
        await becomes(at, set())
        session, delivery = await give(at, "a command", "resume", 0.0)
        assert delivery.ack is not None
        assert delivery.ack.text == outcome_text(outcomes.Resumed("running"), verb="resume", session=session)


@HTTP_ONLY
@pytest.mark.parametrize("outage", [without_table, locked])
async def test_pauses_go_on_while_the_table_cannot_be_used(database_url: str, outage: Outage) -> None:
    await survive(database_url, outage(database_url))


@HTTP_ONLY
async def test_pauses_go_on_while_a_server_only_reads(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    await survive(url, read_only(url))


@HTTP_ONLY
async def test_pauses_go_on_while_a_server_does_not_answer(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    async with network(url) as way:
        await survive(url, way.cut(), bot_url=way.url)


@HTTP_ONLY
async def test_pauses_go_on_while_the_directory_of_the_file_is_gone(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    url = f"sqlite:///{tmp_path / 'own/bot.db'}"
    await survive(url, directory_away(url))


@HTTP_ONLY
async def test_a_deleted_file_is_written_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with many_workspaces(url) as at:
        tenant = await at.set_up(at.add(1))
        at.anchor.session(tenant.session).seconds = SLOW
        pausing = asyncio.create_task(tenant.command())
        await at.anchor.until(lambda: tenant.orders)
        await asyncio.sleep(0.3)  # until it is stored
        delete_file(url)
        assert (await pausing).ack is not None
        await tenant.slack.until(tenant.messages)
        await until((tmp_path / "bot.db").exists)
        await becomes(at, set())

        async def is_told() -> bool:
            return [row.state for row in await journal(url)] == ["told"]

        await until(is_told)
        async with open_store(Secret(url), [KEY]) as store:
            assert await store.rows.find(tenant.team_id) is not None
        at.anchor.session(tenant.session).seconds = 0.0
        assert (await tenant.command(verb="resume")).ack is not None
        assert [order.verb for order in tenant.orders] == ["pause", "resume"]


@HTTP_ONLY
async def test_a_resume_that_another_process_has_taken_over_is_neither_sent_nor_told(database_url: str) -> None:
    """As when this process is frozen, or cut off from the database, for longer than its lease."""
    keys = KEY.reveal()
    async with single_workspace(ack_wait=0.0, DATABASE_URL=database_url, ENCRYPTION_KEYS=keys) as at:
        at.anchor.session(at.session).seconds = 1.0
        await at.command()
        await at.command(verb="resume")
        await execute(
            database_url, "UPDATE orders SET owner = '', leased_until = leased_until + 99 WHERE verb = 'resume'"
        )
        await at.slack.until(at.messages)
        await asyncio.sleep(0.5)
        assert [order.verb for order in at.orders] == ["pause"]
        assert [message.text for message in at.seen()][2:] == [paused()]
    assert {row.verb: row.state for row in await journal(database_url)} == {"pause": "told", "resume": "waiting"}
