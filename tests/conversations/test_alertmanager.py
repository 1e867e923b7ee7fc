"""A real Alertmanager posts to Slack with the documented configuration: its button and the shortcut pause."""

from pathlib import Path

import pytest

from bot.sim.slack import Message
from harness import BOTH_TRANSPORTS, OTHER_SESSION, SESSION, SingleHarness, outcome_text, paused, single_workspace
from harness.alertmanager import alertmanager
from harness.product import policy
from harness.programs import needs
from harness.texts import broken_button_text

pytestmark = [pytest.mark.anyio, needs("alertmanager")]

SPENDS = {"alertname": "AnchorSpendHigh", "session_id": SESSION}


async def alert_of(at: SingleHarness, directory: Path, *labels: dict[str, str]) -> Message:
    """Let Alertmanager report alerts, and return its message."""
    async with alertmanager(at.slack.add_webhook(at.channel), directory) as manager:
        await manager.fire(*labels)
        (message,) = await at.wait_for_messages()
    return message


@BOTH_TRANSPORTS
async def test_the_button_of_an_alert_pauses_its_session_and_the_alert_stays(tmp_path: Path) -> None:
    async with single_workspace() as at:
        message = await alert_of(at, tmp_path, SPENDS)
        (attachment,) = message.attachments
        assert (attachment["title"], attachment["callback_id"]) == ("AnchorSpendHigh: $40 of $5", "anchor_pause_legacy")
        pressed = await at.slack.press(at.person, message)
        alert, posted = await at.wait_for_messages(2)
        assert [order.verb for order in at.orders] == ["pause"]
    assert (pressed.error, alert) == (None, message)
    assert (posted.text, posted.thread_ts) == (paused(), message.ts)


@BOTH_TRANSPORTS
async def test_an_outsider_who_presses_it_is_refused(tmp_path: Path) -> None:
    async with single_workspace() as at:
        await at.slack.press(at.slack.outsider, await alert_of(at, tmp_path, SPENDS))
        refusal = await at.wait_for_ephemeral(at.slack.outsider)
        assert at.orders == []
    assert refusal.text == outcome_text(policy.NotAMember(policy.Role.OUTSIDER), user=at.slack.outsider.id)


async def test_sessions_are_not_grouped_and_an_alert_without_a_session_says_what_is_missing(tmp_path: Path) -> None:
    async with (
        single_workspace() as at,
        alertmanager(at.slack.add_webhook(at.channel), tmp_path) as manager,
    ):
        await manager.fire(SPENDS, SPENDS | {"session_id": OTHER_SESSION}, {"alertname": "AnchorDown"})
        messages = await at.wait_for_messages(3)
        values = {str(one.attachments[0]["actions"][0].get("value")): one for one in messages}  # type: ignore[index]
        assert values.keys() == {SESSION, OTHER_SESSION, "None"}
        await at.slack.press(at.person, values["None"])
        answer = await at.wait_for_ephemeral()
        assert at.anchor.requests == []
    assert answer.text == broken_button_text("", is_legacy=True)


async def test_the_shortcut_finds_the_session_of_an_alert(tmp_path: Path) -> None:
    async with single_workspace() as at:
        message = await alert_of(at, tmp_path, SPENDS)
        await at.slack.use_shortcut(at.person, message)
        _, posted = await at.wait_for_messages(2)
    assert posted.text.startswith(paused())
    assert posted.thread_ts == message.ts
