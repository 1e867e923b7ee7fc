"""Resumes, killed processes, several bots, a failing database: no order is lost or repeated in doubt."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from bot.demo.sandbox import environment
from bot.messages.help import REPEATED
from bot.sim.anchor import SessionState, Slow
from bot.sim.slack import Delivery, Source, rate_limited
from conversations.test_operation import becomes, degraded
from harness import BOTH_TRANSPORTS, BY_BOTH, HTTP_ONLY, SESSION, SOCKET_ONLY, outcome_text, paused, resumed
from harness.bots import PATIENCE, Remains, SingleHarness, Tenant, many_workspaces, remains, single_workspace
from harness.conversation import until
from harness.databases import KEY
from harness.order_rows import batch
from harness.outages import Outage, locked, network, without_table
from harness.product import Limits, Secret, Settings, State, open_store, outcomes, running
from harness.texts import ALICE, is_not_sent, result_texts, waiting_text

Why = outcomes.Why
OVERTAKEN = result_texts.OVERTAKEN

IN_DOUBT = outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER)
PAUSED, RESUMED = outcomes.Paused("paused"), outcomes.Resumed("running")


async def until_told(at: Remains, *, orders: int = 0) -> list[Any]:
    """Wait until every order in the journal is told, at least so many, and return the outcomes."""

    async def is_told() -> bool:
        rows = await at.rows()
        return len(rows) >= orders and all(row.state == KNOWN and row.told for row in rows)

    await until(is_told, within=90.0)
    return [row.outcome for row in await at.rows()]


def texts(at: Remains) -> list[str]:
    """What the bot has posted: in the channel, or a refusal to its person."""
    return [message.text for message in [*at.seen(), *at.direct_messages()] if message.source is Source.POST_MESSAGE]


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", [*BY_BOTH, "a shortcut"])
async def test_a_pause_without_an_outcome_is_sent_again_and_told(database_url: str, by: str) -> None:
    async with remains(database_url) as left:
        await left.leave("pause", State.SENT, by=by)
        async with left.restart() as at:
            assert await until_told(left) == ["Paused"]
            (order,) = at.orders
            assert (order.verb, order.headers["x-request-id"]) == ("pause", (await left.rows())[0].id)
            assert texts(left) == [paused()]
            if by == "a shortcut":  # the message that it was used on, and the result in its thread
                message, result = at.messages()
                assert result.thread_ts == message.ts


KNOWN, TOLD = State.SETTLED, "told"
Left = tuple[str, State | str, outcomes.Outcome | None, float]
"""What an order was, how far it came, its outcome if there was one, and its age in seconds."""

IN_DOUBT_RESUME, IN_DOUBT_END = (outcome_text(IN_DOUBT, verb=verb) for verb in ("resume", "end"))
CROSSED = outcome_text(outcomes.Paused("paused", crossed=ALICE))
OLD_PAUSE: Left = ("pause", State.SENT, None, 2)
OLD_RESUME: Left = ("resume", State.WAITING, None, 2)
LEFT: dict[str, tuple[list[Left], str, str, str | Why]] = {
    "a resume that may be sent": ([("resume", State.SENT, None, 1)], "Unconfirmed", "", IN_DOUBT_RESUME),
    "a resume that waited": ([OLD_RESUME], "Resumed", "resume", resumed()),
    "one that is two minutes old": ([("resume", State.WAITING, None, 121)], "Late", "", Why.LATE),
    "and a newer pause": ([OLD_RESUME, ("pause", TOLD, PAUSED, 1)], "PausedSince Paused", "", Why.PAUSED_SINCE),
    "and a newer end": ([OLD_RESUME, ("end", TOLD, outcomes.Ended(), 1)], "EndedSince Ended", "", Why.ENDED_SINCE),
    "a pause, and a newer resume": (
        [OLD_PAUSE, ("resume", TOLD, RESUMED, 1)],
        "Paused Resumed",
        "pause pause",
        CROSSED,
    ),
    "a pause, and a newer end": ([OLD_PAUSE, ("end", TOLD, IN_DOUBT, 1)], "Paused Unconfirmed", "pause", paused()),
    "a pause that is two minutes old": ([("pause", State.SENT, None, 121)], "Unconfirmed", "", outcome_text(IN_DOUBT)),
    "a pause that waited": ([("pause", State.WAITING, None, 2)], "Paused", "pause", paused()),
    "and somebody resumed": (
        [("pause", State.WAITING, None, 2), ("resume", TOLD, RESUMED, 1)],
        "ResumedSince Resumed",
        "",
        Why.RESUMED_SINCE,
    ),
    "a known pause": ([("pause", KNOWN, PAUSED, 1)], "Paused", "", paused()),
    "a known resume": ([("resume", KNOWN, RESUMED, 1)], "Resumed", "", resumed()),
    "which is overtaken": (
        [("pause", KNOWN, PAUSED, 2), ("resume", TOLD, RESUMED, 1)],
        "Paused Resumed",
        "",
        OVERTAKEN,
    ),
    "an order that was told": ([("pause", TOLD, PAUSED, 1)], "Paused", "", ""),
    "an end that may be sent": ([("end", State.SENT, None, 1)], "Unconfirmed", "", IN_DOUBT_END),
    "an end that was not sent": ([("end", State.WAITING, None, 2)], "Late", "", Why.LATE),
}


@pytest.mark.parametrize(("left_over", "outcome", "sent", "said"), LEFT.values(), ids=LEFT)
async def test_what_is_left_is_executed_if_it_is_wanted_and_harmless_and_told_once(
    sqlite_url: str, left_over: list[Left], outcome: str, sent: str, said: str | Why
) -> None:
    async with remains(sqlite_url, END_SESSION="on", END_USERS=ALICE) as left:
        left.anchor.session(left.session).state = SessionState.PAUSED
        left.slack.faults["chat.update"] = rate_limited(30)  # a result stays as it was posted
        for verb, state, known, age in left_over:
            await left.leave(verb, State(state if state != TOLD else KNOWN), known, age=age, is_told=state == TOLD)
        async with left.restart() as at:
            assert await until_told(left) == outcome.split()
            await asyncio.sleep(0.5)
            assert [order.verb for order in at.orders] == sent.split()
        verb, *_ = left_over[0]
        is_told = [
            said in text if said not in list(Why) else is_not_sent(text, Why(said), verb=verb, by=ALICE)
            for text in texts(left)
        ]
    assert is_told == [True] * sum(state != TOLD for _, state, _, _ in left_over)


@BOTH_TRANSPORTS
@pytest.mark.parametrize(("verb", "is_told"), [("pause", False), ("resume", False), ("resume", True)])
async def test_a_request_that_slack_sends_again_after_the_restart_is_done_once(
    sqlite_url: str, verb: str, *, is_told: bool
) -> None:
    async with remains(sqlite_url) as left:
        outcome = PAUSED if verb == "pause" else RESUMED
        delivery = await left.leave(verb, KNOWN, outcome, is_told=is_told)
        async with left.restart() as at:
            await until_told(left)
            again = await at.slack.resend(delivery)
            assert (at.orders, len(await left.rows())) == ([], 1)
            if is_told:
                assert again.ack is not None
                assert again.ack.text == REPEATED.text


# --- what Socket Mode sends again ---

LONG = 30.0  # seconds: a slow machine can need more than the window of the bot


@SOCKET_ONLY
async def test_after_a_crash_a_resume_is_asked_about_and_one_that_is_in_the_journal_is_not(database_url: str) -> None:
    async with remains(database_url) as left:
        known = await left.leave("resume", KNOWN, RESUMED)
        async with left.restart(redelivery_window=LONG) as at:
            await until_told(left)
            await at.slack.resend(known)
            await at.command(verb="resume")
            await at.slack.until(lambda: "anchor_resume" in str([one.blocks for one in at.ephemerals()]))
            question = at.ephemerals()[-1]
            assert at.orders == []
            assert len(await left.rows()) == 1
            await at.click(question, verb="resume")
            await at.slack.until(lambda: [order.verb for order in at.orders] == ["resume"])
            await until_told(left)


@asynccontextmanager
async def second_bot(at: SingleHarness, url: str, **options: str) -> AsyncIterator[str]:
    environ = environment(at.slack, at.anchor, DATABASE_URL=url, ENCRYPTION_KEYS=KEY.reveal(), **options)
    async with running(Settings.from_env(environ), Limits(**PATIENCE)) as bot:
        await bot.startup
        await at.anchor.until(lambda: at.anchor.requests and at.anchor.requests[0].status)
        at.anchor.requests.clear()  # the check of the key
        yield bot.url


def verbs(at: SingleHarness) -> list[str | None]:
    return [order.verb for order in at.orders]


ACK_WAIT = 4.0  # seconds; a result waits for two of them to be recorded
LONGEST = 0.25 + 0.05  # seconds until a pause is at Anchor
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


@pytest.mark.slow
@HTTP_ONLY
@pytest.mark.parametrize("outage", [without_table, locked])
async def test_pauses_go_on_while_the_table_cannot_be_used(database_url: str, outage: Outage) -> None:
    await survive(database_url, outage(database_url))


@pytest.mark.slow
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


@pytest.mark.slow
@HTTP_ONLY
@pytest.mark.long
@pytest.mark.realtime
@pytest.mark.parametrize("fault", ["without_table", "locked", "hangs"])
async def test_no_pause_waits_longer_than_a_quarter_of_a_second_for_the_database(
    postgresql_urls: Iterator[str], fault: str
) -> None:
    """Also none of a batch."""
    url = next(postgresql_urls)
    async with network(url) as way, many_workspaces(way.url) as at:
        tenant = await at.set_up(at.add(1))
        await tenant.command()
        sessions = [tenant.anchor.add_session(key=tenant.key) for _ in range(20)]
        outages = {"without_table": without_table(url), "locked": locked(url), "hangs": way.cut()}
        async with outages[fault]:
            await asyncio.sleep(2.1)  # until what is known of the workspace has to be read again
            found = await delays(tenant, at.bot.batches.pause(batch(tenant, sessions)), 20)
            await asyncio.sleep(2.1)
            found += await delays(tenant, tenant.command(), 1)
    assert max(found) < LONGEST, found


BOB = "U0BOB000001"


def shown(at: SingleHarness) -> list[str]:
    return sorted(message.text for message in at.messages())


@BOTH_TRANSPORTS
async def test_a_paused_agent_is_resumed_and_the_channel_sees_it_also_after_an_announcement() -> None:
    async with single_workspace(ack_wait=0.0) as at:
        await at.command()
        await at.wait_for_messages()
        at.anchor.fault = Slow(0.5)
        await at.command(f"{SESSION} a false alarm", verb="resume")
        assert at.ephemerals()[-1].text == waiting_text("resume")
        await at.wait_for_messages(2)
        assert at.anchor.session(SESSION).state is SessionState.RUNNING
        assert verbs(at) == ["pause", "resume"]
        *_, message = at.messages()
    assert message.text == resumed(reason="a false alarm")
    assert "anchor_pause" in str(message.blocks)


@BOTH_TRANSPORTS
async def test_a_resume_that_waits_for_a_pause_is_not_sent_after_the_next_pause() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(3.0)
        first = asyncio.ensure_future(at.command())
        await at.anchor.until(lambda: at.orders)
        second = asyncio.ensure_future(at.command(verb="resume", user=at.slack.bob))
        await asyncio.sleep(0.1)
        await asyncio.gather(first, second, at.command())
        await at.wait_for_messages(2)
        assert verbs(at) == ["pause", "pause"]
        (told,) = at.ephemerals(at.slack.bob)
        assert is_not_sent(told.text, outcomes.Why.PAUSED_SINCE, by=ALICE, is_confirmed=False)


@BOTH_TRANSPORTS
async def test_a_pause_is_sent_again_after_a_resume_that_was_under_way() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(2.5, times=1)
        resuming = asyncio.ensure_future(at.command(verb="resume"))
        await at.anchor.until(lambda: at.orders)
        await asyncio.gather(resuming, at.command(user=at.slack.bob))
        await at.wait_for_messages(2)
        assert verbs(at) == ["resume", "pause", "pause"]
        assert at.anchor.session(SESSION).state is SessionState.PAUSED
        crossed = outcome_text(outcomes.Paused("paused", crossed=ALICE), user=BOB)
        assert shown(at) == sorted([crossed, resumed()])


@HTTP_ONLY
@pytest.mark.parametrize("is_sent", [True, False])
async def test_without_the_database_a_pause_beside_a_sent_resume_is_in_doubt(sqlite_url: str, *, is_sent: bool) -> None:
    async with many_workspaces(sqlite_url) as at, AsyncExitStack() as stack:
        tenant = await at.set_up(at.add(1))
        if not is_sent:
            await stack.enter_async_context(without_table(sqlite_url))
        at.anchor.fault = Slow(1.0, times=int(is_sent))
        resuming = asyncio.ensure_future(tenant.command(verb="resume"))
        await at.anchor.until(lambda: at.anchor.orders) if is_sent else await asyncio.sleep(0.5)
        if is_sent:
            await stack.enter_async_context(without_table(sqlite_url))
        told = await tenant.answer("a command")
        await resuming
    assert [order.verb for order in at.anchor.orders] == ["resume", "pause"][not is_sent :]
    doubt = outcome_text(outcomes.Unconfirmed(outcomes.Doubt.OVERTAKEN)).split("\n")[1]
    assert (doubt in told.text, result_texts.NOT_RECORDED in told.text) == (is_sent, not is_sent)
