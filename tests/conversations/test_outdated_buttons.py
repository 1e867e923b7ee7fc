"""A click on a button that is out of date is decided by what is true now, and the person is told that."""

import asyncio

import pytest

from bot.sim.slack import Message, User
from bot.sim.slack.content import parts
from conversations.test_alert_cards import PAUSE, RESUME, alert, buttons, taking_alerts, until_shown
from harness import BOTH_TRANSPORTS, SESSION, SingleHarness, paused, single_workspace
from harness.blocks import actions, button, section
from harness.outages import execute
from harness.texts import UNKNOWN_ACTION

pytestmark = pytest.mark.anyio


async def click_as_seen(at: SingleHarness, seen: Message, user: User) -> None:
    """Click the button of a message as somebody has seen it before: their client does not show the newest state yet."""
    (clicked,) = [one for block in seen.blocks for one in parts(block.get("elements")) if "action_id" in one]
    (action,) = buttons(at.current(seen))
    message = {"text": seen.text, "blocks": list(seen.blocks)}
    await at.slack.click(user, at.current(seen), str(action), actions=[{**clicked}], message=message)


SINCE = {"an admin": ("carol", "alice", True), "a member": ("carol", "bob", False), "own": ("bob", "bob", None)}
"""Who paused since, who clicks, and whether they see why that was; None if the click resumes."""


@pytest.mark.parametrize("is_kept", [True, False], ids=["", "its order is gone"])
@pytest.mark.parametrize(("paused_by", "by", "sees_reason"), SINCE.values(), ids=SINCE)
async def test_a_resume_button_asks_again_if_somebody_else_paused_since_the_order_that_it_knows(
    database_url: str, paused_by: str, by: str, *, sees_reason: bool | None, is_kept: bool
) -> None:
    async with taking_alerts(database_url) as at:
        card, other, person = await alert(at), getattr(at.slack, paused_by), getattr(at.slack, by)
        await at.command()
        seen = await until_shown(at, card, RESUME, "Paused")
        await at.command(f"{SESSION} it loops", user=other)
        await until_shown(at, card, RESUME, f"<@{other.id}>")
        if not is_kept:
            await execute(database_url, "DELETE FROM orders WHERE user_id = 'U0ALICE0001' AND reason = ''")
        await click_as_seen(at, seen, person)
        if sees_reason is not None:
            question = await at.wait_for_ephemeral(person)
            assert [order.verb for order in at.orders] == ["pause", "pause"]
            assert f"<@{other.id}>" in question.text
            assert ("it loops" in question.text, f"<#{at.channel.id}>" in question.text) == (sees_reason, sees_reason)
            await at.click(question, verb="resume", user=person)
        await until_shown(at, card, PAUSE, "Resumed", f"<@{person.id}>")


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
