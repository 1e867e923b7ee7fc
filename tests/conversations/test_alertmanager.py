"""A real Alertmanager posts to Slack with the documented configuration: its button and the shortcut pause."""

from pathlib import Path

import pytest

from harness import BOTH_TRANSPORTS, OTHER_SESSION, SESSION, paused, single_workspace
from harness.alertmanager import alertmanager
from harness.programs import needs
from harness.texts import broken_button_text

pytestmark = [pytest.mark.anyio, needs("alertmanager")]

SPENDS = {"alertname": "AnchorSpendHigh", "session_id": SESSION}


@BOTH_TRANSPORTS
async def test_the_button_and_the_shortcut_of_an_alert_pause_its_session_and_the_alert_stays(tmp_path: Path) -> None:
    async with single_workspace() as at, alertmanager(at.slack.add_webhook(at.channel), tmp_path) as manager:
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


async def test_sessions_are_not_grouped_and_an_alert_without_a_session_says_what_is_missing(tmp_path: Path) -> None:
    async with single_workspace() as at, alertmanager(at.slack.add_webhook(at.channel), tmp_path) as manager:
        await manager.fire(SPENDS, SPENDS | {"session_id": OTHER_SESSION}, {"alertname": "AnchorDown"})
        messages = await at.wait_for_messages(3)
        values = {str(one.attachments[0]["actions"][0].get("value")): one for one in messages}  # type: ignore[index]
        assert values.keys() == {SESSION, OTHER_SESSION, "None"}
        await at.slack.press(at.person, values["None"])
        answer = await at.wait_for_ephemeral()
        assert at.anchor.requests == []
    assert answer.text == broken_button_text("", is_legacy=True)
