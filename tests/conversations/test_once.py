"""What is done once although it is asked twice, and what is done again."""

import asyncio

import pytest

from bot.sim.anchor import Slow
from harness import OTHER_SESSION, SESSION, single_workspace

pytestmark = pytest.mark.anyio


async def test_two_commands_at_once_are_one_call_and_two_answers() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(1.2)
        await asyncio.gather(at.command(SESSION), at.command(SESSION, user=at.slack.bob))
        assert len(at.anchor.posts(SESSION)) == 1
        texts = [message.text for message in at.messages()]
    assert len(texts) == 2
    assert {"<@U0ALICE0001>" in text for text in texts} == {True, False}
    assert all("*Paused*" in text for text in texts)


async def test_commands_for_different_sessions_are_different_calls() -> None:
    async with single_workspace() as at:
        at.anchor.add_session(session_id=OTHER_SESSION)
        at.anchor.fault = Slow(0.8)
        await asyncio.gather(at.command(SESSION), at.command(OTHER_SESSION))
        assert len(at.anchor.requests) == 2


async def test_a_command_after_the_first_has_ended_asks_anchor_anew() -> None:
    async with single_workspace() as at:
        await at.command(SESSION)
        await at.command(SESSION)
        assert len(at.anchor.posts(SESSION)) == 2
        assert len(at.messages()) == 2


async def test_the_same_signed_request_again_is_answered_but_not_carried_out() -> None:
    async with single_workspace() as at:
        first = await at.command(SESSION)
        again = await at.slack.resend(first)
        assert len(at.anchor.posts(SESSION)) == 1
    assert again.status == 200
    assert again.ack is not None
    assert again.ack.response_type == "ephemeral"
    assert again.ack.text == (
        f"This very request was handled already, so nothing was sent to Anchor again for session `{SESSION}`.\n"
        "To pause it again, send the command anew."
    )


async def test_a_request_without_a_trigger_id_is_carried_out() -> None:
    async with single_workspace() as at:
        await at.command(SESSION, trigger_id=None)
        await at.command(SESSION, trigger_id=None)
        assert len(at.anchor.posts(SESSION)) == 2


async def test_a_bot_with_too_much_in_hand_says_so_at_once() -> None:
    async with single_workspace(capacity=4) as at:
        at.anchor.fault = Slow(1.8)
        others = [str(number) + SESSION[1:] for number in range(2)]
        waiting = [asyncio.ensure_future(at.command(session)) for session in others]
        await at.anchor.until(lambda: len(at.anchor.requests) == 2)
        delivery = await at.command(SESSION)
        (whisper,) = at.ephemerals()
        await asyncio.gather(*waiting)
        assert at.anchor.posts(SESSION) == []
    assert delivery.elapsed < 1.5
    assert whisper.text == (
        f"*Not paused:* the bot has too many requests in hand and sent nothing for session `{SESSION}`.\n"
        "Try again in a few seconds. If it can't wait, do it in Anchor's dashboard."
    )
