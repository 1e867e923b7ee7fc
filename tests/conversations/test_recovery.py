"""Orders that a killed process has left unfinished: a row of the table in docs/reliability.md each."""

import asyncio
import json
import logging
import re
from typing import Any

import pytest

from bot.core.outcomes import Doubt, Late, Paused, Resumed, Superseded, Unconfirmed
from bot.core.recovery import State
from bot.logs import JsonFormatter
from bot.outbound.store import journal, order_rows
from bot.sim.anchor import SessionState
from bot.sim.slack import Source
from bot.usecases import recovery
from harness import BOTH_TRANSPORTS, BY_BOTH, SOCKET_ONLY, outcome_text, paused, resumed, single_workspace
from harness.databases import OTHER_KEY
from harness.restarts import Remains, remains

pytestmark = pytest.mark.anyio

IN_DOUBT = Unconfirmed(Doubt.STOPPED)


async def until_told(at: Remains) -> list[Any]:
    """Wait until every order in the journal is told, and return the outcomes."""
    async with asyncio.timeout(20):
        while any(row.state != "told" for row in await at.rows()):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)
    return [row.outcome for row in await at.rows()]


def texts(at: Remains) -> list[str]:
    """What the bot has told people in the channel."""
    return [message.text for message in at.seen() if message.source in {Source.RESPONSE_URL, Source.POST_MESSAGE}]


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", [*BY_BOTH, "a shortcut"])
async def test_a_pause_without_an_outcome_is_sent_again_and_told(database_url: str, by: str) -> None:
    async with remains(database_url) as left:
        await left.leave("pause", State.SENT, by=by)
        async with left.restart() as at:
            assert await until_told(left) == ["Paused"]
            assert [order.verb for order in at.orders] == ["pause"]
            assert [text.partition(", from <")[0] for text in texts(left)] == [paused()]
            if by == "a shortcut":  # the message that it was used on, and the result in its thread
                message, result = at.messages()
                assert (result.thread_ts, message.ts.replace(".", "") in result.text) == (message.ts, True)
            if by == "a click":
                await at.slack.until(lambda: any(message.revision for message in at.messages()))


async def test_a_recovered_order_has_its_id_in_the_log_and_at_anchor(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(JsonFormatter())
    caplog.set_level(logging.INFO)
    async with remains(database_url) as left:
        await left.leave("pause", State.SENT)
        async with left.restart() as at:
            assert await until_told(left) == ["Paused"]
        (row,) = await left.rows()
    assert [received.headers["x-request-id"] for received in at.anchor.requests if received.verb == "pause"] == [row.id]
    lines = [json.loads(line) for line in caplog.text.splitlines()]
    about = [(line["message"], line["level"]) for line in lines if line.get("request") == row.id]
    assert [level for _, level in about] == ["WARNING", "INFO"]
    assert about[-1][0] == "pause"


async def test_a_resume_that_may_have_been_sent_is_reported_as_unconfirmed(database_url: str) -> None:
    async with remains(database_url) as left:
        await left.leave("resume", State.SENT)
        async with left.restart() as at:
            assert await until_told(left) == ["Unconfirmed"]
            assert at.orders == []
    assert texts(left) == [outcome_text(IN_DOUBT, verb="resume")]


async def test_a_resume_that_waited_is_sent(database_url: str) -> None:
    async with remains(database_url) as left:
        left.anchor.session(left.session).state = SessionState.PAUSED
        await left.leave("resume", State.WAITING)
        async with left.restart() as at:
            assert await until_told(left) == ["Resumed"]
            assert [order.verb for order in at.orders] == ["resume"]
    assert texts(left) == [resumed()]


async def test_a_resume_that_waited_for_a_pause_is_sent_after_it(database_url: str) -> None:
    async with remains(database_url) as left:
        await left.leave("pause", State.SENT, age=3)
        await left.leave("pause", State.SENT, age=2)
        await left.leave("resume", State.WAITING)
        left.anchor.session(left.session).seconds = 0.3
        async with left.restart() as at:
            assert await until_told(left) == ["Paused", "Paused", "Resumed"]
            assert [order.verb for order in at.orders] == ["pause", "resume"]


async def test_a_resume_that_waited_is_dropped_for_a_newer_pause(database_url: str) -> None:
    async with remains(database_url) as left:
        await left.leave("resume", State.WAITING, age=2)
        await left.leave("pause", State.TOLD, Paused())
        async with left.restart() as at:
            assert await until_told(left) == ["Superseded", "Paused"]
            assert at.orders == []
    assert texts(left) == [outcome_text(Superseded(), verb="resume")]


async def test_a_pause_is_not_sent_again_after_a_newer_resume(database_url: str) -> None:
    async with remains(database_url) as left:
        await left.leave("pause", State.SENT, age=2)
        await left.leave("resume", State.TOLD, Resumed())
        async with left.restart() as at:
            assert await until_told(left) == ["Unconfirmed", "Resumed"]
            assert at.orders == []


@pytest.mark.parametrize(
    ("verb", "state", "outcome"), [("pause", State.SENT, "Unconfirmed"), ("resume", State.WAITING, "Late")]
)
async def test_an_order_that_is_two_minutes_old_is_not_executed(
    database_url: str, verb: str, state: State, outcome: str
) -> None:
    async with remains(database_url) as left:
        await left.leave(verb, state, age=121)
        async with left.restart() as at:
            assert await until_told(left) == [outcome]
            assert at.orders == []
    (text,) = [message.text for message in left.seen() if message.source is Source.RESPONSE_URL]
    text = re.sub(r"\d+ s after", "121 s after", text)  # a slow machine starts the bot later
    late = outcome_text(Late(121), verb="resume")
    assert text == (late if verb == "resume" else outcome_text(IN_DOUBT))


@pytest.mark.parametrize("outcome", [Paused("paused"), Resumed("running")])
async def test_a_known_outcome_is_told(database_url: str, outcome: Paused | Resumed) -> None:
    verb = "pause" if isinstance(outcome, Paused) else "resume"
    async with remains(database_url) as left:
        await left.leave(verb, State.ACTED, outcome)
        async with left.restart() as at:
            await until_told(left)
            assert at.orders == []
    assert texts(left) == [outcome_text(outcome, verb=verb)]


async def test_an_order_that_was_told_is_left_alone(database_url: str) -> None:
    async with remains(database_url) as left:
        await left.leave("pause", State.TOLD, Paused())
        async with left.restart() as at:
            await asyncio.sleep(0.5)
            assert at.orders == []
    assert texts(left) == []


async def test_an_answer_whose_address_cannot_be_decrypted_goes_to_the_channel(database_url: str) -> None:
    async with remains(database_url) as left:
        await left.leave("pause", State.SENT, key=OTHER_KEY)
        async with left.restart():
            await until_told(left)
        assert [row.delivered_by for row in await left.rows()] == ["channel"]
    assert texts(left) == [paused()]


@BOTH_TRANSPORTS
@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_a_request_that_slack_sends_again_after_the_restart_is_done_once(database_url: str, verb: str) -> None:
    async with remains(database_url) as left:
        delivery = await left.leave(verb, State.ACTED, Paused() if verb == "pause" else Resumed())
        async with left.restart() as at:
            await until_told(left)
            await at.slack.resend(delivery)
            assert at.orders == []
            assert len(await left.rows()) == 1


@pytest.mark.parametrize("outcome", [Resumed("running"), None])
async def test_a_resume_that_slack_sends_again_when_it_was_told_is_not_repeated(
    database_url: str, outcome: Resumed | None
) -> None:
    async with remains(database_url) as left:
        delivery = await left.leave("resume", State.TOLD, outcome)
        async with left.restart() as at:
            again = await at.slack.resend(delivery)
            assert again.ack is not None
            assert again.ack.text == (outcome_text(outcome, verb="resume") if outcome else "")
            assert at.orders == []


async def test_orders_are_taken_over_when_there_is_room_for_them(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MOST_OPEN", 0)
    async with remains(database_url) as left:
        await left.leave("pause", State.ACTED, Paused("paused"))
        async with left.restart(recovery_interval=0.05):
            await asyncio.sleep(0.3)
            assert [row.state for row in await left.rows()] == ["acted"]
            monkeypatch.setattr(journal, "MOST_OPEN", 1)
            assert await until_told(left) == ["Paused"]


async def test_any_number_of_orders_is_taken_over(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (recovery, order_rows):
        monkeypatch.setattr(module, "MOST_TAKEN", 1)
    async with remains(database_url) as left:
        for _ in range(3):
            await left.leave("pause", State.ACTED, Paused("paused"))
        async with left.restart():
            assert await until_told(left) == ["Paused"] * 3


# --- what Socket Mode sends again ---

LONG = 30.0  # seconds: a slow machine can need more than the window of the bot


@SOCKET_ONLY
async def test_after_a_crash_a_pause_is_told_outside_of_its_ack(database_url: str) -> None:
    """If Slack has sent it before, its person has seen an error, and Slack shows no ack."""
    async with remains(database_url) as left:
        await left.leave("pause", State.SENT)
        async with left.restart(redelivery_window=LONG) as at:
            await until_told(left)
            delivery = await at.command()
            await until_told(left)
        assert delivery.ack is not None
        assert delivery.ack.text == ""
        assert [row.delivered_by for row in await left.rows()] == ["response_url"] * 2
    assert texts(left) == [paused(), paused()]


@SOCKET_ONLY
async def test_after_a_crash_a_resume_is_asked_about_and_one_that_is_in_the_journal_is_not(database_url: str) -> None:
    async with remains(database_url) as left:
        known = await left.leave("resume", State.ACTED, Resumed())
        async with left.restart(redelivery_window=LONG) as at:
            await until_told(left)
            await at.slack.resend(known)
            await at.command(verb="resume")
            await at.slack.until(lambda: len(texts(left)) == 2)
            question = at.ephemerals()[-1]
            assert at.orders == []
            assert len(await left.rows()) == 1
            await at.click(question, verb="resume")
            await at.slack.until(lambda: [order.verb for order in at.orders] == ["resume"])
            await until_told(left)


@SOCKET_ONLY
async def test_a_resume_after_a_connection_that_slack_replaces_is_asked_about() -> None:
    """Slack can send again what came as the old connection closed, minutes later."""
    async with single_workspace(redelivery_window=LONG) as at:
        await at.command()
        (before,) = at.slack.sockets.connections
        await at.slack.sockets.disconnect("warning", after=0.5)
        await at.slack.until(lambda: at.slack.sockets.count and before not in at.slack.sockets.connections)
        await at.command(verb="resume")
        await at.wait_for_ephemeral()
        assert [order.verb for order in at.orders] == ["pause"]


@SOCKET_ONLY
async def test_a_command_after_a_lost_connection_is_told_outside_of_its_ack() -> None:
    async with single_workspace(redelivery_window=LONG) as at:
        assert (await at.command()).ack is not None
        (connection,) = at.slack.sockets.connections
        at.slack.sockets.drop()
        await at.slack.until(lambda: at.slack.sockets.count and connection not in at.slack.sockets.connections)
        await at.command()
        await at.wait_for_messages(2)
        assert [message.source for message in at.messages()] == [Source.ACK, Source.RESPONSE_URL]
