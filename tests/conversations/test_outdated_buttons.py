"""A click on a button that is out of date is decided by what is true now, and the person is told that."""

import asyncio

import pytest

from bot.sim.slack import Message
from bot.sim.slack.content import parts
from conversations.test_cards import BOB, PAUSE, RESUME, alert, buttons, taking_alerts, until_shown
from harness import BOTH_TRANSPORTS, SingleHarness, paused, single_workspace
from harness.blocks import actions, button, section
from harness.texts import UNKNOWN_ACTION

pytestmark = pytest.mark.anyio


async def click_as_seen(at: SingleHarness, seen: Message) -> None:
    """Click the button of a message as Alice has seen it before: her client does not show the newest state yet."""
    (clicked,) = [one for block in seen.blocks for one in parts(block.get("elements")) if "action_id" in one]
    (action,) = buttons(at.current(seen))
    message = {"text": seen.text, "blocks": list(seen.blocks)}
    await at.slack.click(at.person, at.current(seen), str(action), actions=[{**clicked}], message=message)


@BOTH_TRANSPORTS
async def test_who_resumes_what_was_resumed_is_told_by_whom_and_can_pause(sqlite_url: str) -> None:
    async with taking_alerts(sqlite_url) as at:
        card = await alert(at)
        await at.command()
        seen = await until_shown(at, card, RESUME, "Paused")
        await at.command(verb="resume", user=at.slack.bob)
        now = await until_shown(at, card, PAUSE, "Resumed")
        await click_as_seen(at, seen)
        told = await at.wait_for_ephemeral()
        assert [order.verb for order in at.orders] == ["pause", "resume"]
        assert at.current(card) == now
        await at.click(told)
        await until_shown(at, card, RESUME, "Paused")
    assert f"<@{BOB}>" in told.text
    assert buttons(told) == PAUSE


async def test_a_message_that_is_no_card_is_brought_up_to_date_by_the_click() -> None:
    async with single_workspace() as at:
        message = at.post_alert()
        await at.click(message)
        seen = await until_shown(at, message, RESUME, "Paused")
        await at.command(verb="resume", user=at.slack.bob)
        await click_as_seen(at, seen)
        await at.wait_for_ephemeral()
        changed = await until_shown(at, message, PAUSE, "Resumed", f"<@{BOB}>")
        assert [order.verb for order in at.orders] == ["pause", "resume"]
    assert changed.revision == 2


@BOTH_TRANSPORTS
async def test_a_click_on_a_link_beside_the_pause_button_is_not_answered() -> None:
    """The browser opens it, and Slack reports the click like any other, without the URL in the action."""
    async with single_workspace() as at:
        link = button("open_dashboard", url="https://dashboard.example/1")
        message = at.post_alert(section("Spend"), actions(button(), link))
        clicked = await at.slack.click(at.person, message, "open_dashboard")
        await asyncio.sleep(0.3)
        assert at.ephemerals() == []
    assert (clicked.status, clicked.answer.body, at.orders) == (200, b"", [])


async def test_an_unknown_button_with_a_session_is_answered_with_a_button_that_works() -> None:
    async with single_workspace() as at:
        message = at.post_alert(section("Spend"), actions(button("anchor_stop")))
        await at.slack.click(at.person, message, "anchor_stop")
        told = await at.wait_for_ephemeral()
        assert at.orders == []
        await at.click(told)
        await at.slack.until(lambda: at.messages()[-1].text == paused())
    assert (told.text, buttons(told)) == (UNKNOWN_ACTION, PAUSE)
