"""A real Alertmanager with the documented configuration: cards, pauses, or its own messages in Slack."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness import BOTH_TRANSPORTS, OTHER_SESSION, SESSION, paused, single_workspace
from harness.alertmanager import alertmanager
from harness.conversation import until
from harness.programs import needs

pytestmark = [pytest.mark.anyio, needs("alertmanager")]

TOKEN = "s3cret-of-the-alerts"
SPENDS = {"alertname": "AnchorSpendHigh", "session_id": SESSION}


@BOTH_TRANSPORTS
async def test_the_button_and_the_shortcut_of_an_alert_pause_its_session_and_the_alert_stays(tmp_path: Path) -> None:
    async with single_workspace() as at, alertmanager(tmp_path, slack=at.slack.add_webhook(at.channel)) as manager:
        await manager.fire(SPENDS)
        (message,) = await at.wait_for_messages()
        (attachment,) = message.attachments
        assert (attachment["title"], attachment["callback_id"]) == ("AnchorSpendHigh: $40 of $5", "anchor_pause_legacy")
        pressed = await at.slack.press(at.person, message)
        await at.wait_for_messages(2)
        await at.slack.use_shortcut(at.person, message)
        alert, *posted = await at.wait_for_messages(3)
        assert [order.verb for order in at.orders] == ["pause", "pause"]
    assert (pressed.error, alert) == (None, message)
    assert [(one.text.startswith(paused()), one.thread_ts) for one in posted] == [(True, message.ts)] * 2


async def test_alerts_become_cards_and_those_that_are_sent_again_change_nothing(tmp_path: Path) -> None:
    other = SPENDS | {"session_id": OTHER_SESSION}
    token = {"ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001"}
    often = {"group_by": "[alertname]", "group_interval": "1s", "repeat_interval": "2s"}
    async with (
        single_workspace(**token) as at,  # type: ignore[arg-type]
        alertmanager(tmp_path, bot=at.bot.url, token=TOKEN, **often) as manager,
    ):
        await manager.fire(SPENDS)
        (card,) = await at.wait_for_messages()
        await manager.fire(other)  # it joins the group, so both are sent
        await at.wait_for_messages(2)
        await asyncio.sleep(5.0)  # and again
        assert [message.revision for message in at.messages()] == [0, 0]
        await manager.fire(SPENDS, ends=datetime.now(UTC).isoformat())
        await until(lambda: "Resolved" in at.current(card).text)
        assert [("×" in one.text, "Resolved" in one.text) for one in at.messages()] == [(False, True), (False, False)]
    assert "AnchorSpendHigh" in card.text
    assert at.anchor.requests == []
