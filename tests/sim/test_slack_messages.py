"""How simulated Slack keeps messages: what it adds to them, and that they can change in place."""

import pytest

from bot.sim.slack import SimSlack, Source
from sim.alerts import ALERT, Part, actions, alert, attachment, button, legacy_button, section

pytestmark = pytest.mark.anyio


async def test_blocks_get_ids_and_texts_their_defaults(slack: SimSlack) -> None:
    confirm = {
        "title": {"type": "plain_text", "text": "Sure?", "emoji": False},
        "text": {"type": "mrkdwn", "text": "It stops.", "verbatim": True},
        "confirm": {"type": "plain_text", "text": "Yes"},
        "deny": {"type": "plain_text", "text": "No"},
    }
    nameless = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "confirm": confirm}

    message = slack.post(slack.alerts, "a", blocks=[section("a"), actions(nameless, button())])

    first, second = message.blocks
    assert first == {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "a", "verbatim": False},
        "block_id": first["block_id"],
    }
    assert isinstance(second["elements"], list)
    kept, named = second["elements"]
    assert kept["text"] == {"type": "plain_text", "text": "Go", "emoji": True}
    assert kept["confirm"] == confirm | {
        "confirm": {"type": "plain_text", "text": "Yes", "emoji": True},
        "deny": {"type": "plain_text", "text": "No", "emoji": True},
    }
    assert named["action_id"] == "anchor_pause"
    assert len({first["block_id"], second["block_id"], kept["action_id"]}) == 3
    assert "action_id" not in nameless


async def test_ids_that_the_app_gave_are_kept(slack: SimSlack) -> None:
    assert [block["block_id"] for block in alert(slack).blocks] == ["alert", "anchor_actions"]


async def test_legacy_buttons_are_counted_in_their_attachment_whatever_the_app_calls_them(slack: SimSlack) -> None:
    link: Part = {"type": "button", "text": "Runbook", "url": "https://a.b"}
    named = attachment(legacy_button(id="7"), link), attachment(legacy_button(), id=9)

    message = slack.post(slack.alerts, "a", attachments=[named[0], {"text": "no buttons"}, named[1]])

    first, second, third = message.attachments
    assert first == {
        "id": 1,
        "text": "High spend",
        "callback_id": "anchor_pause_legacy",
        "actions": [legacy_button(id="1"), link | {"id": "2"}],
    }
    assert second == {"id": 2, "text": "no buttons"}
    assert (third["id"], third["actions"]) == (3, [legacy_button(id="1")])


async def test_messages_can_be_put_anywhere(slack: SimSlack) -> None:
    message = slack.post(slack.private, "a", blocks=ALERT, thread_ts="1.2")
    spoken = slack.post("C0PRIVATE01", "b", user=slack.bob)
    whisper = slack.post(slack.private, "c", ephemeral_to="U0ALICE0001")

    assert (message.user, message.bot_id, message.thread_ts) == ("U0ANCHORBOT", "B0ANCHOR001", "1.2")
    assert (message.source, message.revision, message.edited_at) == (Source.POSTED, 0, None)
    assert (spoken.user, spoken.bot_id) == ("U0BOB000001", None)
    assert slack.channel_messages(slack.private) == [message, spoken]
    assert slack.seen_by(slack.alice, slack.private) == [message, spoken, whisper]
    assert slack.current(message) == message


@pytest.mark.parametrize("where", ["blocks", "attachments"])
async def test_blocks_that_slack_would_refuse_cannot_be_put(slack: SimSlack, where: str) -> None:
    wrong: list[Part] = [{"type": "divide"}]
    attached: list[Part] = [{"text": "a"}, {"blocks": wrong}]
    blocks, attachments = (wrong, []) if where == "blocks" else ([], attached)

    with pytest.raises(ValueError, match="unsupported type: divide") as refusal:
        slack.post(slack.alerts, "a", blocks=blocks, attachments=attachments)

    assert ("/blocks/0/type" if where == "blocks" else "/attachments/1/blocks/0/type") in str(refusal.value)
