"""Where simulated Slack lets the app post, what, and how fast."""

import pytest

from bot.sim.slack import (
    ChannelKind,
    Rule,
    SimSlack,
    Source,
)
from sim.api_client import FORM, Api, rules

pytestmark = pytest.mark.anyio


async def test_messages_appear_in_channels_of_the_bot(slack: SimSlack, api: Api) -> None:
    blocks = [{"type": "divider", "block_id": "line"}]

    answer = await api.post("C0ALERTS001", blocks=blocks, thread_ts="1.2")

    [message] = slack.channel_messages(slack.alerts)
    assert (message.text, message.source, message.thread_ts) == ("Paused.", Source.POST_MESSAGE, "1.2")
    assert answer["ts"] == message.ts
    assert answer["message"] == {
        "type": "message",
        "user": "U0ANCHORBOT",
        "bot_id": "B0ANCHOR001",
        "app_id": "A0ANCHOR001",
        "team": "T0HOME00001",
        "ts": message.ts,
        "thread_ts": "1.2",
        "text": "Paused.",
        "blocks": blocks,
    }
    assert slack.violations == []


async def test_messages_can_be_posted_as_a_form(slack: SimSlack, api: Api) -> None:
    body = b"channel=C0ALERTS001&text=Paused.&unfurl_links=0&unfurl_media=false&blocks=[]"

    answer = await api.send("chat.postMessage", body=body, content_type=FORM)

    assert (answer["ok"], answer["channel"]) == (True, "C0ALERTS001")
    assert slack.violations == []


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("C0INCIDENT1", "not_in_channel"),
        ("C0PRIVATE01", "channel_not_found"),
        ("C0ARCHIVED1", "is_archived"),
        ("D0ALICEBOB1", "channel_not_found"),
        ("C0NOWHERE01", "channel_not_found"),
        ("#alerts", "channel_not_found"),
        ("", "channel_not_found"),
    ],
)
async def test_the_bot_cannot_post_everywhere(api: Api, channel: str, error: str) -> None:
    assert await api.post(channel) == {"ok": False, "error": error}


async def test_public_channels_are_open_with_their_own_scope(slack: SimSlack, api: Api) -> None:
    slack.home.installation.scopes.add("chat:write.public")

    assert (await api.post("C0INCIDENT1"))["ok"] is True
    assert (await api.post("C0PRIVATE01"))["error"] == "channel_not_found"


async def test_a_user_id_means_the_conversation_with_that_person(slack: SimSlack, api: Api) -> None:
    assert (await api.post("U0ALICE0001"))["channel"] == slack.alice_and_bot.id
    opened = (await api.post("U0BOB000001"))["channel"]
    assert (await api.post("U0BOB000001"))["channel"] == opened
    channel = slack.home.dm_with_bot(slack.bob)
    assert (channel.id, channel.kind) == (opened, ChannelKind.DM)
    assert len(slack.seen_by(slack.bob, channel)) == 2


async def test_people_cannot_be_reached_without_the_messages_tab(slack: SimSlack, api: Api) -> None:
    slack.home.installation.messages_tab = False

    assert (await api.post("U0ALICE0001"))["error"] == "messages_tab_disabled"


async def test_a_message_needs_something_to_show(api: Api) -> None:
    assert (await api.post("C0ALERTS001", text=""))["error"] == "no_text"


async def test_invalid_blocks_are_refused_with_the_reason(slack: SimSlack, api: Api) -> None:
    answer = await api.post("C0ALERTS001", blocks=[{"type": "divide"}])

    assert answer == {
        "ok": False,
        "error": "invalid_blocks",
        "response_metadata": {"messages": ["[ERROR] unsupported type: divide [json-pointer:/blocks/0/type]"]},
    }
    assert rules(slack) == [Rule.INVALID_BLOCKS]


async def test_links_must_not_unfurl(slack: SimSlack, api: Api) -> None:
    await api.call("chat.postMessage", channel="C0ALERTS001", text="a", unfurl_links=False)
    await api.call("chat.postMessage", channel="C0ALERTS001", text="a", unfurl_media=False)

    assert rules(slack) == [Rule.UNFURLS, Rule.UNFURLS]


async def test_unknown_arguments_are_violations(slack: SimSlack, api: Api) -> None:
    await api.post("C0ALERTS001", username="Anchor")

    assert rules(slack) == [Rule.UNKNOWN_KEY]


async def test_long_messages_are_cut_off(slack: SimSlack, api: Api) -> None:
    await api.post("C0ALERTS001", text="x" * 40_001)

    assert len(slack.channel_messages(slack.alerts)[0].text) == 40_000
    assert rules(slack) == [Rule.TEXT_TOO_LONG]


async def test_one_message_per_second_is_allowed_after_a_burst(slack: SimSlack, api: Api) -> None:
    assert all([(await api.post("C0ALERTS001"))["ok"] for _ in range(5)])

    assert await api.post("C0ALERTS001") == {"ok": False, "error": "ratelimited"}
    assert (api.headers["status"], api.headers["Retry-After"]) == ("429", "1")
    assert (await api.post("U0ALICE0001"))["ok"] is True

    slack.clock.advance(1)
    assert (await api.post("C0ALERTS001"))["ok"] is True
    assert (await api.post("C0ALERTS001"))["ok"] is False


async def test_messages_are_read_with_names_for_ids(slack: SimSlack, api: Api) -> None:
    text = "Paused by <@U0ALICE0001> in <#C0ALERTS001> for <@U0NOBODY001>, <#C0NOWHERE01>"

    await api.post("C0ALERTS001", text=text)

    [message] = slack.channel_messages(slack.alerts)
    assert slack.render(message) == "Paused by @alice in #alerts for @U0NOBODY001, #C0NOWHERE01"
