"""What simulated Slack makes of messages posted to an incoming webhook."""

import pytest

from bot.sim.slack import SimSlack
from harness.samples import Json, sample
from sim.api_client import Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio

REQUEST = sample("alertmanager.webhook_request")


async def test_a_message_of_alertmanager_is_posted_as_the_app_with_its_buttons(
    slack: SimSlack, app: RecordingApp, api: Api
) -> None:
    """It names another channel and another user: both are ignored."""
    assert await api.answer(slack.add_webhook(slack.private), REQUEST | {"channel": "#alerts"}) == (200, "ok")
    (message,) = slack.channel_messages(slack.private)
    assert message.attachments[0]["title"] == REQUEST["attachments"][0]["title"]
    await slack.press(slack.alice, message)
    expected = sample("interactive_message.alertmanager.payload")
    assert app.last["actions"] == expected["actions"]
    shown = app.last["original_message"]
    assert shown["subtype"] == "bot_message"
    assert shown["attachments"] == expected["original_message"]["attachments"]
    assert (slack.channel_messages(slack.alerts), rules(slack)) == ([], [])


@pytest.mark.parametrize(
    ("message", "content_type", "answer"),
    [
        ({}, "application/json", "no_text"),
        ({"attachments": [{"text": "a"}] * 101}, "application/json", "too_many_attachments"),
        ({"blocks": [{"type": "divide"}]}, "application/json", "invalid_blocks"),
        (b"{", "application/json", "invalid_payload"),
        ([], "application/json", "invalid_payload"),
        (b"text=a", "application/x-www-form-urlencoded", "invalid_payload"),
    ],
)
async def test_a_message_that_slack_does_not_take_gets_an_error_in_plain_text(
    slack: SimSlack, api: Api, message: Json | bytes, content_type: str, answer: str
) -> None:
    assert await api.answer(slack.add_webhook(slack.alerts), message, content_type) == (400, answer)
    assert slack.channel_messages(slack.alerts) == []


async def test_a_webhook_is_of_one_channel_and_dies_with_the_installation(slack: SimSlack, api: Api) -> None:
    url = slack.add_webhook(slack.alerts)
    assert await api.answer(f"{url}x", {"text": "a"}) == (404, "no_service")
    assert await api.answer(slack.add_webhook(slack.archived), {"text": "a"}) == (410, "channel_is_archived")
    slack.home.installation.refusal = "account_inactive"
    assert await api.answer(url, {"text": "a"}) == (404, "no_service")


async def test_a_webhook_takes_about_one_message_a_second(slack: SimSlack, api: Api) -> None:
    url = slack.add_webhook(slack.alerts)
    answers = [await api.answer(url, {"text": "a"}) for _ in range(6)]
    assert answers == [(200, "ok")] * 5 + [(429, "rate_limited")]
    assert api.headers["Retry-After"] == "1"
    slack.clock.advance(1)
    assert await api.answer(url, {"text": "a"}) == (200, "ok")
