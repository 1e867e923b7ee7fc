"""Orders that a killed process has left unfinished: a row of the table in docs/reliability.md each."""

import asyncio
from typing import Any

import pytest

from bot.sim.anchor import SessionState
from bot.sim.slack import Source
from harness import BOTH_TRANSPORTS, BY_BOTH, SOCKET_ONLY, outcome_text, paused, resumed
from harness.conversation import until
from harness.product import State, outcomes
from harness.restarts import Remains, remains
from harness.texts import ALICE, is_not_sent, result_texts

pytestmark = pytest.mark.anyio

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
    """What the bot has told people in the channel."""
    return [message.text for message in at.seen() if message.source in {Source.RESPONSE_URL, Source.POST_MESSAGE}]


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", [*BY_BOTH, "a shortcut"])
async def test_a_pause_without_an_outcome_is_sent_again_and_told(database_url: str, by: str) -> None:
    async with remains(database_url) as left:
        await left.leave("pause", State.SENT, by=by)
        async with left.restart() as at:
            assert await until_told(left) == ["Paused"]
            (order,) = at.orders
            assert (order.verb, order.headers["x-request-id"]) == ("pause", (await left.rows())[0].id)
            assert [text.partition(", from <")[0] for text in texts(left)] == [paused()]
            if by == "a shortcut":  # the message that it was used on, and the result in its thread
                message, result = at.messages()
                assert (result.thread_ts, message.ts.replace(".", "") in result.text) == (message.ts, True)
            if by == "a click":
                await at.slack.until(lambda: any(message.revision for message in at.messages()))


KNOWN, TOLD = State.SETTLED, "told"
Left = tuple[str, State | str, outcomes.Outcome | None, float]
"""What an order was, how far it came, its outcome if there was one, and its age in seconds."""

IN_DOUBT_RESUME, IN_DOUBT_END = (outcome_text(IN_DOUBT, verb=verb) for verb in ("resume", "end"))
CROSSED = outcome_text(outcomes.Paused("paused", crossed=ALICE))
OLD_PAUSE: Left = ("pause", State.SENT, None, 2)
OLD_RESUME: Left = ("resume", State.WAITING, None, 2)
NO_END = outcome_text(outcomes.Refusal(outcomes.Why.STOPPING), verb="end")
LEFT: dict[str, tuple[list[Left], str, str, str | Why]] = {
    "a resume that may be sent": ([("resume", State.SENT, None, 1)], "Unconfirmed", "", IN_DOUBT_RESUME),
    "a resume that waited": ([OLD_RESUME], "Resumed", "resume", resumed()),
    "one that is two minutes old": ([("resume", State.WAITING, None, 121)], "Late", "", Why.LATE),
    "and a newer pause": ([OLD_RESUME, ("pause", TOLD, PAUSED, 1)], "PausedSince Paused", "", "<#C0ALERTS001>"),
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
    "an end that was not sent": ([("end", State.WAITING, None, 121)], "Stopping", "", NO_END),
}


@pytest.mark.parametrize(("left_over", "outcome", "sent", "said"), LEFT.values(), ids=LEFT)
async def test_what_is_left_is_executed_if_it_is_wanted_and_harmless_and_told_once(
    sqlite_url: str, left_over: list[Left], outcome: str, sent: str, said: str | Why
) -> None:
    async with remains(sqlite_url) as left:
        left.anchor.session(left.session).state = SessionState.PAUSED
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


async def test_a_resume_that_waited_for_pauses_is_sent_after_them(sqlite_url: str) -> None:
    async with remains(sqlite_url) as left:
        for age in (3, 2):
            await left.leave("pause", State.SENT, age=age)
        await left.leave("resume", State.WAITING)
        left.anchor.session(left.session).seconds = 0.3
        async with left.restart() as at:
            assert await until_told(left) == [
                "Paused",
                "Paused",
                "Unconfirmed",
            ]  # the pauses of before can still arrive
            assert [order.verb for order in at.orders] == ["pause", "pause", "resume"]


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
                assert again.ack.text == outcome_text(outcome, verb=verb)


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
