"""Orders that come twice, at once or one after another."""

import asyncio

import pytest

from bot.sim.anchor import Slow
from harness import BOTH_TRANSPORTS, paused, single_workspace
from harness.texts import is_about

pytestmark = [pytest.mark.anyio, BOTH_TRANSPORTS]


async def test_a_pause_after_somebody_elses_is_sent_and_says_who_paused_before() -> None:
    async with single_workspace() as at:
        await at.answer("a command", at.slack.bob)
        await asyncio.sleep(0.5)  # until its outcome is in the journal
        at.anchor.fault = Slow(0.5)  # until the journal has been searched
        verdict, before, session = (await at.answer("a click")).text.splitlines()
        assert len(at.orders) == 2
    assert f"{verdict}\n{session}" == paused()
    assert f"<@{at.slack.bob.id}>" in before


async def test_a_repeated_command_is_answered_with_the_outcome_of_the_first_for_fifteen_minutes() -> None:
    async with single_workspace() as at:
        await at.command(trigger_id="1.2.3")
        for wait in (0.0, 880.0):
            await asyncio.sleep(wait)
            again = await at.command(trigger_id="1.2.3")
            assert len(at.orders) == 1
            assert again.ack is not None
            assert (again.ack.response_type, is_about(again.ack.text, paused())) == ("ephemeral", True)
