"""What the app's answer to a press of a legacy button does to the message, and what people see if there is none."""

import asyncio

import aiohttp
import pytest

from bot.sim.slack import ButtonRef, Delivery, Message, Rule, SimSlack, Source
from sim.alerts import attachment, legacy_alert, legacy_button
from sim.api_client import JSON, rules
from sim.sample_app import App

pytestmark = pytest.mark.anyio

NEW = {"text": "Paused.", "replace_original": False}


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


async def test_json_in_the_ack_replaces_the_message_for_everybody(slack: SimSlack, app: App) -> None:
    message = legacy_alert(slack)
    app.says(text="Paused.")

    delivery = await slack.press(slack.alice, message)

    [changed] = slack.channel_messages(slack.alerts)
    assert (changed.ts, changed.text, changed.attachments, changed.revision) == (message.ts, "Paused.", (), 1)
    assert delivery.ack is not None
    assert (delivery.ack.text, delivery.ack.response_type) == ("Paused.", "in_channel")
    assert rules(slack) == [Rule.ACK_OVERWRITES_ALERT]


@pytest.mark.parametrize(
    "more", [{"response_type": "ephemeral"}, {"replace_original": True}, {"replace_original": None}]
)
async def test_a_replaced_message_stays_visible_to_whom_it_was(
    slack: SimSlack, app: App, more: dict[str, object]
) -> None:
    legacy = [attachment(legacy_button())]
    whisper = slack.post(slack.alerts, "a", attachments=legacy, ephemeral_to=slack.alice)
    message = slack.post(slack.alerts, "b", attachments=legacy)
    app.says(text="Paused.", **more)

    for each in (whisper, message):
        await slack.press(slack.alice, each)

    assert texts(slack.seen_by(slack.alice, slack.alerts)) == ["Paused.", "Paused."]
    assert texts(slack.seen_by(slack.bob, slack.alerts)) == ["Paused."]
    assert rules(slack) == [Rule.ACK_OVERWRITES_ALERT] * 2


@pytest.mark.parametrize(
    ("more", "reader"),
    [({}, None), ({"response_type": "in_channel"}, None), ({"response_type": "ephemeral"}, "U0ALICE0001")],
)
async def test_an_ack_can_be_a_new_message(
    slack: SimSlack, app: App, more: dict[str, object], reader: str | None
) -> None:
    message = legacy_alert(slack)
    app.says(**NEW, **more)

    delivery = await slack.press(slack.alice, message)

    original, answer = slack.seen_by(slack.alice, slack.alerts)
    assert original == message
    assert (answer.text, answer.source, answer.bot_id) == ("Paused.", Source.ACK, "B0ANCHOR001")
    assert (answer.ephemeral_to, answer.trigger_id, answer.warns) == (reader, delivery.trigger_id, None)
    assert slack.violations == []


async def test_an_ack_can_delete_the_message(slack: SimSlack, app: App) -> None:
    app.says(delete_original=True)
    await slack.press(slack.alice, legacy_alert(slack))
    assert slack.channel_messages(slack.alerts) == []

    app.says(text="Paused.", delete_original=True)
    await slack.press(slack.alice, legacy_alert(slack))
    [answer] = slack.channel_messages(slack.alerts)
    assert (answer.text, answer.source, answer.revision) == ("Paused.", Source.ACK, 0)
    assert rules(slack) == [Rule.ACK_OVERWRITES_ALERT] * 2


@pytest.mark.parametrize(
    ("content_type", "body", "broken"),
    [
        ("application/json", b"", []),
        ("text/plain", b" \n", []),
        ("application/json", b"{}", []),
        ("application/json", b'{"response_type":"in_channel","replace_original":true}', []),
        ("application/json", b"ok", [Rule.ACK_NOT_JSON]),
        ("text/plain", b"ok", [Rule.ACK_BODY_IGNORED]),
        ("text/html", b'{"text":"Paused."}', [Rule.ACK_BODY_IGNORED]),
        ("application/json", b'{"text":"a","blocks":[{"type":"divide"}]}', [Rule.INVALID_BLOCKS]),
        ("application/json", b'{"txt":"a"}', [Rule.UNKNOWN_KEY]),
        ("application/json", b'{"response_type":"public"}', [Rule.UNKNOWN_RESPONSE_TYPE]),
    ],
)
async def test_other_acks_leave_the_message(
    slack: SimSlack, app: App, content_type: str, body: bytes, broken: list[Rule]
) -> None:
    message = legacy_alert(slack)
    app.content_type, app.body = content_type, body

    delivery = await slack.press(slack.alice, message)

    assert delivery.ack is not None
    assert delivery.ack.content.is_empty
    assert slack.seen_by(slack.alice, slack.alerts) == [message]
    assert rules(slack) == broken


async def test_a_message_that_went_in_the_meantime_is_not_replaced(
    slack: SimSlack, app: App, client: aiohttp.ClientSession
) -> None:
    message = legacy_alert(slack)
    earlier = await slack.press(slack.alice, message)
    app.says(text="Paused.")
    app.delay = 0.2
    pressing = asyncio.create_task(slack.press(slack.bob, message))
    await delete(earlier, client)

    await pressing

    assert slack.channel_messages(slack.alerts) == []


async def test_a_press_can_be_replayed_and_shows_nothing_more(slack: SimSlack, app: App) -> None:
    message = legacy_alert(slack)
    delivery = await slack.press(slack.alice, message)
    app.says(text="Paused.")

    again = await slack.resend(delivery)

    assert app.received[0] == app.received[1]
    assert again.ack is not None
    assert again.ack.text == "Paused."
    assert slack.seen_by(slack.alice, slack.alerts) == [message]


async def test_the_response_url_is_like_that_of_any_button(
    slack: SimSlack, app: App, client: aiohttp.ClientSession
) -> None:
    message = legacy_alert(slack)
    delivery = await slack.press(slack.alice, message)
    assert len(app.received) == 1

    await say(delivery, client, {"text": "On it.", "response_type": "in_channel", "replace_original": False})
    await say(delivery, client, {"text": "Paused.", "replace_original": True})

    changed, answer = slack.channel_messages(slack.alerts)
    assert (changed.ts, changed.text, changed.attachments) == (message.ts, "Paused.", ())
    assert (answer.text, answer.source, answer.trigger_id) == ("On it.", Source.RESPONSE_URL, delivery.trigger_id)
    assert slack.violations == []

    await delete(delivery, client)
    assert slack.channel_messages(slack.alerts) == [answer]


@pytest.mark.parametrize(
    ("status", "reason", "broken"),
    [
        (404, "This app responded with Status Code 404.", Rule.ACK_NOT_200),
        (500, "This app responded with Status Code 500.", Rule.ACK_NOT_200),
        (None, "Operation timed out. Apps need to respond within three seconds", Rule.ACK_LATE),
    ],
)
async def test_a_press_without_ack_is_told_by_the_button(
    slack: SimSlack, app: App, status: int | None, reason: str, broken: Rule
) -> None:
    first = slack.post(slack.alerts, "a", user=slack.bob)
    shown = [attachment(legacy_button()), attachment(legacy_button(), legacy_button())]
    message = slack.post(slack.alerts, "", attachments=shown, thread_ts=first.ts)
    app.says(text="Paused.")
    app.status, app.delay = status or 200, 0.0 if status else 1.0

    delivery = await slack.press(slack.alice, message, 2, "2")

    assert (delivery.status, delivery.ack) == (status, None)
    _, unchanged, warning = slack.seen_by(slack.alice, slack.alerts)
    assert unchanged == message
    assert (warning.text, warning.source) == (f"Darn – that didn't work. {reason}", Source.CLIENT)
    assert (warning.ephemeral_to, warning.thread_ts) == ("U0ALICE0001", first.ts)
    assert (warning.trigger_id, warning.warns) == (delivery.trigger_id, ButtonRef(message.ts, "2", "2"))
    assert rules(slack) == [broken]


async def test_an_app_without_interactivity_is_told_by_the_button(slack: SimSlack) -> None:
    delivery = await slack.press(slack.alice, legacy_alert(slack))

    assert delivery.error == "dispatch_failed"
    _, warning = slack.seen_by(slack.alice, slack.alerts)
    assert warning.text == "Darn – that didn't work. This app is not configured to handle interactive responses"
    assert slack.violations == []


async def say(delivery: Delivery, client: aiohttp.ClientSession, message: dict[str, object]) -> None:
    async with client.post(delivery.response_url, json=message, headers={"Content-Type": JSON}) as response:
        assert (response.status, await response.text()) == (200, "ok")


async def delete(delivery: Delivery, client: aiohttp.ClientSession) -> None:
    await say(delivery, client, {"delete_original": True})
