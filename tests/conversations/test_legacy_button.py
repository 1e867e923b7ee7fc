"""Buttons in attachments, which programs like Alertmanager send: they pause, and the alert stays as it is."""

import asyncio

import pytest

from bot.sim.anchor import Slow
from bot.sim.slack import Message
from harness import BOTH_TRANSPORTS, SESSION, SingleHarness, outcome_text, paused, single_workspace
from harness.blocks import attachment, legacy_button
from harness.product import outcomes
from harness.texts import broken_button_text

pytestmark = pytest.mark.anyio


def post(at: SingleHarness, value: str = SESSION, *, thread_ts: str | None = None) -> Message:
    """Post an alert of another program with a button."""
    attached = attachment(legacy_button("Pause", value=value), callback_id="anchor_pause_legacy", text="High spend")
    return at.slack.post(at.channel, "", attachments=[attached], thread_ts=thread_ts)


@BOTH_TRANSPORTS
async def test_a_press_pauses_once_and_posts_to_the_thread_and_an_outsider_is_refused_alone() -> None:
    async with single_workspace() as at:
        message, outsider = post(at), at.slack.outsider
        await at.slack.press(outsider, message)
        denial = outcomes.Refusal(outcomes.Why.OUTSIDER)
        assert (await at.wait_for_ephemeral(outsider)).text == outcome_text(denial, user=outsider.id)
        assert at.orders == []
        at.anchor.fault = Slow(1.0)
        pressed = await at.slack.press(at.person, message)
        assert (pressed.error, at.messages()) == (None, [message])
        await at.slack.resend(pressed)
        unchanged, posted = await at.wait_for_messages(2)
        await asyncio.sleep(0.3)
        assert ([order.verb for order in at.orders], len(at.messages())) == (["pause"], 2)
    assert (unchanged, posted.text, posted.thread_ts) == (message, paused(), message.ts)


@pytest.mark.parametrize("value", ["", f"{SESSION} 9c0d7e11-2222-4333-8444-555566667777"])
async def test_a_value_that_is_not_one_id_is_answered(value: str) -> None:
    async with single_workspace() as at:
        await at.slack.press(at.person, post(at, value))
        assert (await at.wait_for_ephemeral()).text == broken_button_text(value, is_legacy=True)
        assert at.orders == []
