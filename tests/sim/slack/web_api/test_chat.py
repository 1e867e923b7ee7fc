"""Where simulated Slack lets the app post, now or later, what it may change, and how fast."""

import pytest

from bot.sim.slack import Message, Rule, SimSlack
from harness.blocks import section
from harness.samples import Json
from sim.alerts import ALERT, alert
from sim.api_client import Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio

RATE_LIMITED = {"ok": False, "error": "ratelimited"}
POST, LATER, UPDATE = "chat.postMessage", "chat.scheduleMessage", "chat.update"
NOW = 1_785_000_000  # of the fixture
DAY = 86_400
INVALID = [{"type": "divide"}]
LONG = [section("x" * 2_501)]
SMALL = {"text": "a"}


@pytest.fixture
async def message(slack: SimSlack, api: Api) -> Message:
    await api.post("C0ALERTS001", text="High spend", blocks=ALERT, attachments=[{"text": "see below"}])
    return slack.channel_messages(slack.alerts)[-1]


async def call(api: Api, method: str, message: Message, **changes: object) -> Json:
    """Call a method as a careful app does, but for the changes."""
    own: dict[str, Json] = {POST: {}, LATER: {"post_at": NOW + 3600}, UPDATE: {"ts": message.ts}}
    usual = {"channel": message.channel, "text": "Paused.", "unfurl_links": False, "unfurl_media": False}
    return await api.call(method, **(usual | own[method] | changes))


@pytest.mark.parametrize(
    ("method", "changes", "error", "broken"),
    [
        (POST, {"channel": "C0INCIDENT1"}, "not_in_channel", []),
        (POST, {"channel": "C0PRIVATE01"}, "channel_not_found", []),
        (POST, {"channel": "C0ARCHIVED1"}, "is_archived", []),
        (POST, {"channel": "D0ALICEBOB1"}, "channel_not_found", []),
        (POST, {"text": ""}, "no_text", []),
        (POST, {"blocks": INVALID}, "invalid_blocks", [Rule.INVALID_BLOCKS]),
        (POST, {"blocks": LONG * 3}, None, []),
        (POST, {"blocks": LONG * 4}, "msg_blocks_too_long", []),
        (POST, {"attachments": [SMALL] * 101}, "too_many_attachments", [Rule.REJECTED]),
        (POST, {"unfurl_links": True}, None, [Rule.UNFURLS]),
        (POST, {"unfurl_media": None}, None, [Rule.UNFURLS]),
        (POST, {"username": "Anchor"}, None, [Rule.UNKNOWN_KEY]),
        (LATER, {"channel": "C0INCIDENT1"}, "not_in_channel", []),
        (LATER, {"post_at": "soon"}, "invalid_time", []),
        (LATER, {"post_at": NOW}, "time_in_past", []),
        (LATER, {"post_at": NOW + 121 * DAY}, "time_too_far", []),
        (LATER, {"unfurl_links": None}, None, [Rule.UNFURLS]),
        (UPDATE, {"ts": "1.2"}, "message_not_found", []),
        (UPDATE, {"channel": "U0ALICE0001"}, "channel_not_found", []),
        (UPDATE, {"blocks": INVALID}, "invalid_blocks", [Rule.INVALID_BLOCKS]),
        (UPDATE, {"text": "x" * 4001}, "msg_too_long", [Rule.TEXT_TOO_LONG]),
        (UPDATE, {"text": "a & b", "thread_ts": "1.2"}, None, [Rule.UNKNOWN_KEY, Rule.RAW_AMPERSAND]),
    ],
)
async def test_what_slack_refuses_and_what_it_only_records(
    slack: SimSlack, api: Api, message: Message, *, method: str, changes: Json, error: str | None, broken: list[Rule]
) -> None:
    answer = await call(api, method, message, **changes)
    assert (answer.get("error"), rules(slack)) == (error, broken)
    if error:
        assert (slack.channel_messages(slack.alerts), slack.platform.scheduled) == ([message], {})


async def test_complaints_about_blocks_name_the_place(api: Api, message: Message) -> None:
    complaint = "[ERROR] unsupported type: divide [json-pointer:/blocks/0/type]"
    expected = {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": [complaint]}}
    assert await call(api, POST, message, blocks=INVALID) == expected


async def test_a_user_id_means_the_conversation_with_that_person(slack: SimSlack, api: Api) -> None:
    """Even with a deactivated one: https://github.com/slackapi/python-slack-sdk/issues/1156"""
    slack.home.change_user(slack.bob, deleted=True)
    opened = [(await api.post("U0BOB000001"))["channel"] for _ in range(2)]
    assert set(opened) == {slack.home.dm_with_bot(slack.bob).id}
    slack.home.installation.messages_tab = False
    assert (await api.post("U0BOB000001"))["error"] == "messages_tab_disabled"


async def test_posts_and_updates_have_their_rate_limits(slack: SimSlack, api: Api, message: Message) -> None:
    for method, burst, wait in ((POST, 4, 1), (UPDATE, 50, 2)):
        assert all([(await call(api, method, message))["ok"] for _ in range(burst)])
        assert await call(api, method, message) == RATE_LIMITED
        assert (api.headers["status"], api.headers["Retry-After"]) == ("429", str(wait))
        slack.clock.advance(wait)
        assert (await call(api, method, message))["ok"] is True
    assert (await api.post("U0ALICE0001"))["ok"] is True


async def test_an_update_leaves_the_attachments(slack: SimSlack, api: Api, message: Message) -> None:
    answer = await call(api, UPDATE, message, text="Paused.")
    [changed] = slack.channel_messages(slack.alerts)
    assert (changed.ts, changed.text, changed.blocks, changed.revision) == (message.ts, "Paused.", (), 1)
    assert changed.attachments == message.attachments
    assert answer["message"]["edited"] == {"user": "U0ANCHORBOT", "ts": "1785000000.000000"}
    await call(api, UPDATE, message, attachments=[])
    assert slack.channel_messages(slack.alerts)[0].attachments == ()


async def test_only_the_apps_own_posts_can_be_updated(slack: SimSlack, api: Api, app: RecordingApp) -> None:
    app.says(text="Pausing…", response_type="in_channel")
    delivery = await slack.command(slack.alice, slack.alerts)
    await api.answer(delivery, {"text": "Paused.", "response_type": "in_channel", "replace_original": False})
    alert(slack)
    slack.post(slack.alerts, "a", user=slack.bob)
    errors = [(await call(api, UPDATE, each))["error"] for each in slack.channel_messages(slack.alerts)]
    assert errors == ["cant_update_message"] * 5
    ephemeral = slack.post(slack.alerts, "a", ephemeral_to=slack.alice)
    assert (await call(api, UPDATE, ephemeral))["error"] == "message_not_found"


async def test_a_message_for_later_is_kept_until_it_is_deleted_or_due(
    slack: SimSlack, api: Api, message: Message
) -> None:
    async def delete(scheduled: Json, channel: str = "C0ALERTS001") -> Json:
        named = scheduled["scheduled_message_id"]
        return await api.call("chat.deleteScheduledMessage", channel=channel, scheduled_message_id=named)

    refused = {"ok": False, "error": "invalid_scheduled_message_id"}
    later, soon = await call(api, LATER, message), await call(api, LATER, message, post_at=NOW + 60)
    assert list(later) == ["ok", "channel", "scheduled_message_id", "post_at"]
    assert [await delete(later, "C0INCIDENT1"), await delete(soon)] == [refused, refused]
    assert [await delete(later), await delete(later)] == [{"ok": True}, refused]
    assert [one.post_at for one in slack.platform.scheduled.values()] == [NOW + 60]
    assert slack.channel_messages(slack.alerts) == [message]
