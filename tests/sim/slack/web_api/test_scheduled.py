"""Messages for later: where and when simulated Slack takes them, and until when they can be deleted."""

import pytest

from bot.sim.slack import Rule, SimSlack
from harness.samples import Json
from sim.api_client import Api, rules

pytestmark = pytest.mark.anyio

NOW = 1_785_000_000  # of the fixture
DAY = 86_400


async def schedule(api: Api, channel: str = "C0ALERTS001", **arguments: object) -> Json:
    message = {"text": "Later.", "post_at": NOW + 3600, "unfurl_links": False, "unfurl_media": False}
    return await api.call("chat.scheduleMessage", channel=channel, **(message | arguments))


async def delete(api: Api, scheduled: Json, **changes: object) -> Json:
    named = {"channel": scheduled["channel"], "scheduled_message_id": scheduled["scheduled_message_id"]}
    return await api.call("chat.deleteScheduledMessage", **(named | changes))


async def test_a_message_is_kept_until_it_is_deleted(slack: SimSlack, api: Api) -> None:
    answer = await schedule(api)
    assert answer == {
        "ok": True,
        "channel": "C0ALERTS001",
        "scheduled_message_id": answer["scheduled_message_id"],
        "post_at": NOW + 3600,
    }
    assert [one.text for one in slack.platform.scheduled.values()] == ["Later."]
    assert (await delete(api, answer, channel="C0INCIDENT1"))["error"] == "invalid_scheduled_message_id"
    assert await delete(api, answer) == {"ok": True}
    assert (await delete(api, answer))["error"] == "invalid_scheduled_message_id"
    assert slack.platform.scheduled == {}
    assert slack.channel_messages(slack.alerts) == []


async def test_a_message_of_the_next_minute_can_not_be_deleted(slack: SimSlack, api: Api) -> None:
    answer = await schedule(api, post_at=NOW + 60)
    assert (await delete(api, answer))["error"] == "invalid_scheduled_message_id"
    assert len(slack.platform.scheduled) == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0INCIDENT1"}, "not_in_channel"),
        ({"channel": "C0NOWHERE01"}, "channel_not_found"),
        ({"channel": "C0ARCHIVED1"}, "is_archived"),
        ({"text": ""}, "no_text"),
        ({"post_at": "soon"}, "invalid_time"),
        ({"post_at": NOW}, "time_in_past"),
        ({"post_at": NOW + 121 * DAY}, "time_too_far"),
    ],
)
async def test_what_can_not_be_posted_is_not_taken(slack: SimSlack, api: Api, arguments: Json, error: str) -> None:
    assert (await schedule(api, **arguments))["error"] == error
    assert slack.platform.scheduled == {}


async def test_a_careless_message_is_on_record(slack: SimSlack, api: Api) -> None:
    await schedule(api, unfurl_links=None, metadta={})
    assert set(rules(slack)) == {Rule.UNFURLS, Rule.UNKNOWN_KEY}
