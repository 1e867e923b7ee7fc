"""A database that fails while the bot runs: pauses go on, are written later, and nothing needs a restart."""

import asyncio
import time
from collections.abc import Awaitable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from bot.sim.anchor import SessionState
from bot.sim.slack import Delivery
from conversations.test_health import becomes, degraded
from harness import HTTP_ONLY, SingleHarness, Tenant, many_workspaces, outcome_text, paused, single_workspace
from harness.batches import batch, watching_bots
from harness.conversation import until
from harness.databases import KEY
from harness.outages import (
    Outage,
    locked,
    network,
    without_table,
)
from harness.product import Secret, open_store, outcomes
from harness.texts import waiting_text

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ACK_WAIT = 4.0  # seconds; a result waits for two of them to be recorded
RESUMED = outcomes.Resumed("running")
LONGEST = 0.25 + 0.05  # seconds until a pause is at Anchor
SLOW = 4.5  # seconds of Anchor's
ALICE_S_ORDERS = (
    ("a command", "pause", 0.0),
    ("a command", "pause", SLOW),
    ("a click", "pause", 0.0),
    ("a click", "pause", SLOW),
    ("a command", "resume", 0.0),
)


@pytest.fixture(autouse=True)
def frequent_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for the end of an outage each second: with PostgreSQL that is real time."""
    monkeypatch.setattr("bot.outbound.store.store.CHECK_INTERVAL", 1.0)


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
    assert acked.ack.text == paused(session=fast, is_recorded=False)
    assert announced.ack is not None
    assert announced.ack.text == waiting_text(session=slow, is_recorded=False)
    assert (click.status, unsafe.status) == (200, 503)
    told = {paused(session=session, is_recorded=False) for session in (slow, clicked, lost)}
    told.add(outcome_text(outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE), verb="resume", session=left))
    await at.slack.until(lambda: told <= {message.text for message in at.seen()})
    assert at.anchor.posts(left) == []
    at.slack.violations.clear()  # the 503, with which Slack shows a warning
    return [fast, slow, clicked, lost, left]


async def until_written(url: str, sessions: list[str]) -> None:
    """Wait until the orders that were given meanwhile are stored, and that they were told."""
    expected = dict.fromkeys(sessions, ("settled", 1, "Paused"))
    expected[sessions[-1]] = ("settled", 1, "StoreUnavailable")

    async def are_stored() -> bool:
        async with open_store(Secret(url), [KEY]) as store:
            rows = await store.database.fetch_all("SELECT * FROM orders")
        return {row.session_id: (row.state, row.told, row.outcome) for row in rows} == expected

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

            await until(is_degraded, within=60)
        await until_written(url, sessions)
        await becomes(at, set())
        assert [len(at.anchor.posts(one)) for one in sessions] == [1, 1, 1, 1, 0]  # nothing that was told is sent again
        session, delivery = await give(at, "a command", "resume", 0.0)
        assert delivery.ack is not None
        assert delivery.ack.text == outcome_text(RESUMED, verb="resume", session=session)


@HTTP_ONLY
@pytest.mark.parametrize("outage", [without_table, locked])
async def test_pauses_go_on_while_the_table_cannot_be_used(database_url: str, outage: Outage) -> None:
    await survive(database_url, outage(database_url))


@HTTP_ONLY
async def test_pauses_go_on_while_a_server_does_not_answer(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    async with network(url) as way:
        await survive(url, way.cut(), bot_url=way.url)


async def delays(tenant: Tenant, giving: Awaitable[object], count: int) -> list[float]:
    """The seconds from orders that are given together until each is at Anchor."""
    before, began, given = len(tenant.anchor.orders), time.monotonic(), asyncio.ensure_future(giving)
    await tenant.anchor.until(lambda: len(tenant.anchor.orders) == before + count)
    found = [one.at - began for one in tenant.anchor.orders[before:]]
    await given
    return found


@HTTP_ONLY
@pytest.mark.long
@pytest.mark.realtime
@pytest.mark.parametrize("fault", ["without_table", "locked", "hangs"])
async def test_no_pause_waits_longer_than_a_quarter_of_a_second_for_the_database(
    postgresql_urls: Iterator[str], fault: str
) -> None:
    """Also none of a batch: each may have been resumed since it was given, which is asked at its turn."""
    url = next(postgresql_urls)
    with watching_bots() as built:
        async with network(url) as way, many_workspaces(way.url) as at:
            tenant = await at.set_up(at.add(1))
            await tenant.command()
            sessions = [tenant.anchor.add_session(key=tenant.key) for _ in range(20)]
            outages = {"without_table": without_table(url), "locked": locked(url), "hangs": way.cut()}
            async with outages[fault]:
                await asyncio.sleep(2.1)  # until what is known of the workspace has to be read again
                found = await delays(tenant, built.batches.pause(batch(tenant, sessions)), 20)
                await asyncio.sleep(2.1)
                found += await delays(tenant, tenant.command(), 1)
    assert max(found) < LONGEST, found
