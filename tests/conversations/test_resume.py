"""`/anchor-resume`, and what happens when people order both at once."""

import asyncio

import pytest

from bot.sim.anchor import Hang, SessionState, Slow
from harness import BOTH_TRANSPORTS, SESSION, SingleHarness, outcome_text, paused, resumed, single_workspace
from harness.product import outcomes
from harness.texts import ALICE, is_about, is_not_sent, waiting_text

pytestmark = [pytest.mark.anyio, BOTH_TRANSPORTS]

BOB = "U0BOB000001"


def verbs(at: SingleHarness) -> list[str | None]:
    return [order.verb for order in at.orders]


def shown(at: SingleHarness) -> list[str]:
    return sorted(message.text for message in at.messages())


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


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_for_a_minute_after_an_attempt_without_an_answer_an_opposite_order_is_in_doubt(verb: str) -> None:
    then = "resume" if verb == "pause" else "pause"
    confirmed = resumed() if verb == "pause" else paused()
    async with single_workspace() as at:
        at.anchor.order_fault = Hang(times=1)
        await at.command(verb=verb)
        await asyncio.sleep(5.0)
        told = [(await at.answer("a command", verb=then)).text]
        await asyncio.sleep(61.0)
        told.append((await at.answer("a command", verb=then)).text)
    assert told[0] == outcome_text(outcomes.Unconfirmed(outcomes.Doubt.OVERTAKEN), verb=then)
    assert is_about(told[1], confirmed)


async def test_a_repeated_resume_does_not_undo_the_pause_after_it() -> None:
    async with single_workspace() as at:
        first = await at.command(verb="resume")
        await at.command()
        await at.slack.resend(first)
        assert at.anchor.session(SESSION).state is SessionState.PAUSED
