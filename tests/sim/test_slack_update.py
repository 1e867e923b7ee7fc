"""Which messages simulated Slack lets the app change, and what is left of them."""

import aiohttp
import pytest

from bot.sim.slack import Message, Rule, SimSlack
from sim.alerts import ALERT, alert, button
from sim.api_client import JSON, Api, rules
from sim.sample_app import App

pytestmark = pytest.mark.anyio

ATTACHED = [{"text": "see below"}]


@pytest.fixture
async def message(slack: SimSlack, api: Api) -> Message:
    await api.post("C0ALERTS001", text="High spend", blocks=ALERT, attachments=ATTACHED)
    return slack.channel_messages(slack.alerts)[-1]


async def update(api: Api, message: Message, **arguments: object) -> dict[str, object]:
    return await api.call("chat.update", channel=message.channel, ts=message.ts, **arguments)


async def test_the_app_changes_its_own_messages_in_place(slack: SimSlack, api: Api, message: Message) -> None:
    slack.post(slack.alerts, "later")

    answer = await update(api, message, text="Paused.", blocks=ALERT[:1], attachments=[])

    changed, _ = slack.channel_messages(slack.alerts)
    assert (changed.ts, changed.text, changed.revision) == (message.ts, "Paused.", 1)
    assert (changed.blocks, changed.attachments) == (message.blocks[:1], ())
    assert (answer["ok"], answer["channel"], answer["ts"], answer["text"]) == (
        True,
        "C0ALERTS001",
        message.ts,
        "Paused.",
    )
    shown = answer["message"]
    assert isinstance(shown, dict)
    assert (shown["blocks"], shown["edited"]) == (
        list(changed.blocks),
        {"user": "U0ANCHORBOT", "ts": "1785000000.000000"},
    )
    assert slack.violations == []


async def test_text_alone_removes_blocks_and_leaves_attachments(slack: SimSlack, api: Api, message: Message) -> None:
    await update(api, message, text="Paused.")

    [changed] = slack.channel_messages(slack.alerts)
    assert (changed.text, changed.blocks, changed.attachments) == ("Paused.", (), message.attachments)


async def test_only_the_apps_own_posts_can_be_changed(
    slack: SimSlack, api: Api, app: App, client: aiohttp.ClientSession
) -> None:
    app.says(text="Pausing…", response_type="in_channel")
    delivery = await slack.command(slack.alice, slack.alerts)
    answer = {"text": "Paused.", "response_type": "in_channel", "replace_original": False}
    async with client.post(delivery.response_url, json=answer, headers={"Content-Type": JSON}) as response:
        assert response.status == 200
    alert(slack)
    slack.post(slack.alerts, "a", user=slack.bob)

    for each in slack.channel_messages(slack.alerts):
        assert await update(api, each, text="b") == {"ok": False, "error": "cant_update_message"}


async def test_what_is_not_there_cannot_be_changed(slack: SimSlack, api: Api, message: Message) -> None:
    whisper = slack.post(slack.alerts, "a", ephemeral_to=slack.alice)

    assert (await update(api, whisper, text="b"))["error"] == "message_not_found"
    call = await api.call("chat.update", channel="C0ALERTS001", ts="1.2", text="b")
    assert call["error"] == "message_not_found"
    call = await api.call("chat.update", channel="U0ALICE0001", ts=message.ts, text="b")
    assert call["error"] == "channel_not_found"


async def test_what_cannot_be_shown_is_refused(slack: SimSlack, api: Api, message: Message) -> None:
    assert (await update(api, message))["error"] == "no_text"
    assert (await update(api, message, text="a", blocks=[button()]))["error"] == "invalid_blocks"
    assert (await update(api, message, text="x" * 4001))["error"] == "msg_too_long"
    assert slack.current(message) == message


async def test_mistakes_are_violations(slack: SimSlack, api: Api, message: Message) -> None:
    await update(api, message, text="a & b", thread_ts="1.2")

    assert set(rules(slack)) == {Rule.UNKNOWN_KEY, Rule.RAW_AMPERSAND}


async def test_updating_has_a_pace_of_its_own(slack: SimSlack, api: Api, message: Message) -> None:
    assert all([(await update(api, message, text="a"))["ok"] for _ in range(50)])

    assert await update(api, message, text="a") == {"ok": False, "error": "ratelimited"}
    assert (api.headers["status"], api.headers["Retry-After"]) == ("429", "2")
    slack.clock.advance(1.2)
    assert (await update(api, message, text="a"))["ok"] is True


async def test_updating_needs_its_scope(slack: SimSlack, api: Api, message: Message) -> None:
    slack.home.installation.scopes.remove("chat:write")

    assert (await update(api, message, text="a"))["error"] == "missing_scope"
