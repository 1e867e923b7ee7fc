"""Orders that come twice, at once or one after another."""

import asyncio

import pytest

from bot.sim.anchor import Slow
from harness import BOTH_TRANSPORTS, OTHER_SESSION, SESSION, outcome_text, paused, single_workspace
from harness.product import outcomes
from harness.texts import is_about

pytestmark = [pytest.mark.anyio, BOTH_TRANSPORTS]


async def test_orders_at_once_are_each_sent_and_answered() -> None:
    async with single_workspace() as at:
        at.anchor.add_session(session_id=OTHER_SESSION)
        at.anchor.fault = Slow(3.0)
        message = at.post_alert()
        commands = (at.command(), at.command(user=at.slack.bob), at.command(OTHER_SESSION))
        await asyncio.gather(*commands, at.click(message), at.click(message))
        _, *answers = await at.wait_for_messages(6)
        assert (len(at.orders), len(at.anchor.orders)) == (4, 5)
    expected = [*[paused()] * 3, paused(user="U0BOB000001"), paused(session=OTHER_SESSION)]
    assert all(sum(is_about(answer.text, one) for answer in answers) == expected.count(one) for one in expected)


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


async def test_a_bot_with_too_many_orders_under_way_refuses_more_at_once_until_they_have_ended() -> None:
    async with single_workspace(capacity=6) as at:
        at.anchor.fault = Slow(3.5)
        waiting = [asyncio.ensure_future(at.command(f"{number}{SESSION[1:]}")) for number in range(2)]
        await at.anchor.until(lambda: len(at.anchor.orders) == 2)
        await at.command()
        (seen,) = at.ephemerals()
        assert at.messages() == []
        await asyncio.gather(*waiting)
        assert at.orders == []
        at.anchor.fault = None
        for _ in range(3):
            await at.command()
        assert [one.verb for one in at.orders] == ["pause"] * 3
    assert seen.text == outcome_text(outcomes.Overloaded())
