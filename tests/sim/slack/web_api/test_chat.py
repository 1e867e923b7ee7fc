"""Where simulated Slack lets the app post, what it may change, and how fast."""

import pytest

from bot.sim.slack import Message, Rule, SimSlack
from harness.samples import Json
from sim.alerts import ALERT, alert
from sim.api_client import Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio

RATE_LIMITED = {"ok": False, "error": "ratelimited"}


@pytest.fixture
async def message(slack: SimSlack, api: Api) -> Message:
    await api.post("C0ALERTS001", text="High spend", blocks=ALERT, attachments=[{"text": "see below"}])
    return slack.channel_messages(slack.alerts)[-1]


async def update(api: Api, message: Message, **arguments: object) -> Json:
    return await api.call("chat.update", channel=message.channel, ts=message.ts, **arguments)


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C0INCIDENT1", "not_in_channel"),
        ("C0PRIVATE01", "channel_not_found"),
        ("C0ARCHIVED1", "is_archived"),
        ("D0ALICEBOB1", "channel_not_found"),
        ("#alerts", "channel_not_found"),
        ("", "channel_not_found"),
    ],
)
async def test_the_bot_cannot_post_everywhere(api: Api, channel: str, error: str) -> None:
    assert await api.post(channel) == {"ok": False, "error": error}


async def test_a_scope_opens_the_public_channels(slack: SimSlack, api: Api) -> None:
    slack.home.installation.scopes.add("chat:write.public")
    assert (await api.post("C0INCIDENT1"))["ok"] is True
    assert (await api.post("C0PRIVATE01"))["error"] == "channel_not_found"


async def test_a_user_id_means_the_conversation_with_that_person(slack: SimSlack, api: Api) -> None:
    """Even with a deactivated one: https://github.com/slackapi/python-slack-sdk/issues/1156"""
    slack.home.change_user(slack.bob, deleted=True)
    opened = [(await api.post("U0BOB000001"))["channel"] for _ in range(2)]
    assert set(opened) == {slack.home.dm_with_bot(slack.bob).id}
    slack.home.installation.messages_tab = False
    assert (await api.post("U0BOB000001"))["error"] == "messages_tab_disabled"


async def test_a_message_that_cannot_be_shown_is_rejected(slack: SimSlack, api: Api) -> None:
    answer = await api.post("C0ALERTS001", blocks=[{"type": "divide"}])
    complaint = "[ERROR] unsupported type: divide [json-pointer:/blocks/0/type]"
    assert answer == {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": [complaint]}}
    assert rules(slack) == [Rule.INVALID_BLOCKS]
    assert (await api.post("C0ALERTS001", text=""))["error"] == "no_text"
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_501}}
    assert (await api.post("C0ALERTS001", blocks=[section] * 3))["ok"]
    assert (await api.post("C0ALERTS001", blocks=[section] * 4))["error"] == "msg_blocks_too_long"


@pytest.mark.parametrize(
    ("more", "broken"),
    [
        ({"unfurl_links": True}, Rule.UNFURLS),
        ({"unfurl_media": None}, Rule.UNFURLS),
        ({"username": "Anchor"}, Rule.UNKNOWN_KEY),
    ],
)
async def test_a_mistake_in_a_post_is_a_violation(slack: SimSlack, api: Api, more: Json, broken: Rule) -> None:
    await api.post("C0ALERTS001", **more)
    assert rules(slack) == [broken]


async def test_one_message_a_second_is_allowed_after_a_burst(slack: SimSlack, api: Api) -> None:
    assert all([(await api.post("C0ALERTS001"))["ok"] for _ in range(5)])

    assert await api.post("C0ALERTS001") == RATE_LIMITED
    assert (api.headers["status"], api.headers["Retry-After"]) == ("429", "1")
    assert (await api.post("U0ALICE0001"))["ok"] is True
    slack.clock.advance(1)
    assert (await api.post("C0ALERTS001"))["ok"] is True
    assert (await api.post("C0ALERTS001"))["ok"] is False


async def test_an_update_leaves_the_attachments(slack: SimSlack, api: Api, message: Message) -> None:
    answer = await update(api, message, text="a & b", thread_ts="1.2")

    [changed] = slack.channel_messages(slack.alerts)
    assert (changed.ts, changed.text, changed.blocks, changed.revision) == (message.ts, "a & b", (), 1)
    assert changed.attachments == message.attachments
    assert answer["message"]["edited"] == {"user": "U0ANCHORBOT", "ts": "1785000000.000000"}
    assert rules(slack) == [Rule.UNKNOWN_KEY, Rule.RAW_AMPERSAND]
    await update(api, message, text="Paused.", attachments=[])
    assert slack.channel_messages(slack.alerts)[0].attachments == ()


async def test_only_the_apps_own_posts_can_be_updated(slack: SimSlack, api: Api, app: RecordingApp) -> None:
    app.says(text="Pausing…", response_type="in_channel")
    delivery = await slack.command(slack.alice, slack.alerts)
    await api.answer(delivery, {"text": "Paused.", "response_type": "in_channel", "replace_original": False})
    alert(slack)
    slack.post(slack.alerts, "a", user=slack.bob)
    errors = [(await update(api, each, text="b"))["error"] for each in slack.channel_messages(slack.alerts)]

    assert errors == ["cant_update_message"] * 5


async def test_an_update_that_cannot_be_shown_is_rejected(slack: SimSlack, api: Api, message: Message) -> None:
    ephemeral = slack.post(slack.alerts, "a", ephemeral_to=slack.alice)

    assert (await update(api, ephemeral, text="b"))["error"] == "message_not_found"
    for channel, ts, error in (
        ("C0ALERTS001", "1.2", "message_not_found"),
        ("U0ALICE0001", message.ts, "channel_not_found"),
    ):
        assert (await api.call("chat.update", channel=channel, ts=ts, text="b"))["error"] == error
    for arguments, error in (
        ({}, "no_text"),
        ({"text": "a", "blocks": [{"type": "divide"}]}, "invalid_blocks"),
        ({"text": "x" * 4001}, "msg_too_long"),
    ):
        assert (await update(api, message, **arguments))["error"] == error
    assert slack.current(message) == message


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"attachments": [{"text": "a"}] * 101}, "too_many_attachments"),
        ({"metadata": {"event_payload": {}}}, "invalid_metadata_format"),
    ],
)
async def test_what_slack_takes_from_nobody(slack: SimSlack, api: Api, wrong: Json, error: str) -> None:
    assert (await api.post("C0ALERTS001", **wrong))["error"] == error
    assert rules(slack) == [Rule.REJECTED]
    most = {"attachments": [{"text": "a"}] * 100, "metadata": {"event_type": "paused", "event_payload": {}}}
    assert (await api.post("C0ALERTS001", **most))["ok"] is True


async def test_updates_have_their_own_rate_limit(slack: SimSlack, api: Api, message: Message) -> None:
    assert all([(await update(api, message, text="a"))["ok"] for _ in range(50)])
    assert await update(api, message, text="a") == RATE_LIMITED
    assert (api.headers["status"], api.headers["Retry-After"]) == ("429", "2")
    slack.clock.advance(1.2)
    assert (await update(api, message, text="a"))["ok"] is True
