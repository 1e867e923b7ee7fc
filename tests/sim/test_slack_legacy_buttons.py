"""How people press legacy buttons in simulated Slack, and what the app gets."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import pytest

from bot.sim.slack import ABSENT, Enterprise, NotPossibleError, Rule, SimSlack
from bot.sim.slack.signing import signature
from sim.alerts import actions, attachment, button, legacy_alert, legacy_button
from sim.api_client import rules
from sim.sample_app import App
from sim.socket_app import SocketApp

pytestmark = pytest.mark.anyio

SAMPLES = Path(__file__).parents[1] / "samples"


def payload(app: App) -> dict[str, Any]:
    """The one payload that arrived last."""
    [(name, text)] = parse_qsl(app.received[-1][0].decode())
    assert name == "payload"
    read: dict[str, Any] = json.loads(text)
    return read


async def test_a_press_arrives_as_slack_sends_it(slack: SimSlack, app: App) -> None:
    sample = json.loads((SAMPLES / "interactive_message.alertmanager.payload.json").read_text())
    [shown] = sample["original_message"]["attachments"]
    [action] = shown["actions"]
    slack.home.installation.bot_name = "Anchor ChatOps"
    slack.home.installation.bot_id = "B0WEBHOOK01"
    bare = {name: value for name, value in action.items() if name != "id"}
    message = slack.post(
        slack.alerts,
        "",
        attachments=[{name: value for name, value in shown.items() if name != "id"} | {"actions": [bare]}],
    )

    delivery = await slack.press(slack.alice, message)

    arrived = payload(app)
    assert list(arrived) == list(sample)
    assert list(arrived["actions"][0]) == ["name", "type", "value"]
    assert arrived == sample | {
        "action_ts": "1785000000.000000",
        "message_ts": message.ts,
        "original_message": sample["original_message"] | {"ts": message.ts, "team": "T0HOME00001"},
        "response_url": delivery.response_url,
        "trigger_id": delivery.trigger_id,
    }


async def test_a_press_is_signed_and_acknowledged(slack: SimSlack, app: App) -> None:
    message = legacy_alert(slack)

    delivery = await slack.press(slack.alice, message)

    [(body, headers)] = app.received
    assert headers["X-Slack-Signature"] == signature(slack.signing_secret, "1785000000", body)
    assert (delivery.status, delivery.error, delivery.request) == (200, None, body)
    assert "/actions/T0HOME00001/" in delivery.response_url
    assert slack.seen_by(slack.alice, slack.alerts) == [message]
    assert slack.violations == []


async def test_a_press_arrives_in_an_envelope(slack: SimSlack, client: aiohttp.ClientSession) -> None:
    slack.socket_mode = True
    message = legacy_alert(slack)
    async with SocketApp(slack, client) as sockets:
        link = await sockets.connect()
        pressing = asyncio.create_task(slack.press(slack.alice, message))
        envelope = await link.receive()
        await link.ack(envelope, payload={"text": "Paused."})
        delivery = await pressing

    assert (envelope["type"], envelope["accepts_response_payload"]) == ("interactive", True)
    assert isinstance(envelope["payload"], dict)
    assert envelope["payload"]["type"] == "interactive_message"
    assert envelope["payload"]["response_url"] == delivery.response_url
    assert [message.text for message in slack.channel_messages(slack.alerts)] == ["Paused."]
    assert rules(slack) == [Rule.ACK_OVERWRITES_ALERT]


@pytest.mark.parametrize("action", [legacy_button(value=""), {"type": "button", "name": "pause", "text": "Pause"}])
async def test_a_button_without_value_sends_none(slack: SimSlack, app: App, action: dict[str, object]) -> None:
    await slack.press(slack.alice, slack.post(slack.alerts, "", attachments=[attachment(action)]))

    assert payload(app)["actions"] == [{"name": "pause", "type": "button"}]


async def test_attachments_and_their_buttons_are_counted_from_one(slack: SimSlack, app: App) -> None:
    second = attachment(legacy_button(value="x"), legacy_button(name="resume", value="y"), callback_id="other")
    message = slack.post(slack.alerts, "", attachments=[attachment(legacy_button()), second])

    await slack.press(slack.alice, message, 2, "2")
    arrived = payload(app)
    assert arrived["actions"] == [{"name": "resume", "type": "button", "value": "y"}]
    assert (arrived["callback_id"], arrived["attachment_id"]) == ("other", "2")

    await slack.press(slack.alice, message, attachment_id=2)
    assert payload(app)["actions"] == [{"name": "pause", "type": "button", "value": "x"}]

    await slack.press(slack.alice, message)
    arrived = payload(app)
    assert (arrived["callback_id"], arrived["attachment_id"]) == ("anchor_pause_legacy", "1")


async def test_an_ephemeral_message_is_not_in_the_payload(slack: SimSlack, app: App) -> None:
    whisper = slack.post(slack.alerts, "a", attachments=[attachment(legacy_button())], ephemeral_to=slack.alice)

    await slack.press(slack.alice, whisper)

    assert "original_message" not in payload(app)
    assert payload(app)["message_ts"] == whisper.ts


async def test_the_message_in_the_payload_knows_its_thread(slack: SimSlack, app: App) -> None:
    first = slack.post(slack.alerts, "What is going on?", user=slack.bob)
    reply = slack.post(slack.alerts, "", attachments=[attachment(legacy_button())], thread_ts=first.ts)

    await slack.press(slack.alice, reply)

    assert payload(app)["original_message"]["thread_ts"] == first.ts


async def test_people_of_other_workspaces_press_too(slack: SimSlack, app: App) -> None:
    await slack.press(slack.outsider, legacy_alert(slack))

    arrived = payload(app)
    assert arrived["user"] == {"id": "U0MALLORY01", "name": "mallory", "team_id": "T0PARTNER01"}
    assert arrived["team"] == {"id": "T0HOME00001", "domain": "acme"}


async def test_grid_workspaces_name_their_enterprise(slack: SimSlack, app: App) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")

    await slack.press(slack.alice, legacy_alert(slack))

    assert payload(app)["enterprise"] == {"id": "E0GRID00001", "name": "Acme Grid"}


async def test_private_channels_have_no_names(slack: SimSlack, app: App) -> None:
    await slack.press(slack.alice, slack.post(slack.private, "", attachments=[attachment(legacy_button())]))

    assert payload(app)["channel"] == {"id": "C0PRIVATE01", "name": "privategroup"}


async def test_fields_can_be_changed_nulled_and_left_out(slack: SimSlack, app: App) -> None:
    await slack.press("U0ALICE0001", legacy_alert(slack), team=None, original_message=ABSENT, callback_id="x", new=1)

    arrived = payload(app)
    assert (arrived["team"], arrived["callback_id"], arrived["new"]) == (None, "x", 1)
    assert "original_message" not in arrived


async def test_who_does_not_see_the_message_cannot_press_it(slack: SimSlack, app: App) -> None:
    attachments = [attachment(legacy_button())]
    slack.home.change_user(slack.guest, deleted=True)
    for user, message, why in [
        (slack.alice, slack.post(slack.alerts, "", attachments=attachments, ephemeral_to=slack.bob), "does not see"),
        (slack.guest, legacy_alert(slack), "deactivated"),
        (slack.outsider, slack.post(slack.incidents, "", attachments=attachments), "not in the channel"),
        (slack.alice, slack.post(slack.archived, "", attachments=attachments), "archived"),
    ]:
        with pytest.raises(NotPossibleError, match=why):
            await slack.press(user, message)

    assert app.received == []


@pytest.mark.parametrize(("attachment_id", "action_id"), [(0, "1"), (-1, "1"), (3, "1"), (1, "0"), (1, "2"), (2, "1")])
async def test_there_must_be_such_a_button(slack: SimSlack, app: App, attachment_id: int, action_id: str) -> None:
    menu = {"type": "select", "name": "whom", "text": "Whom?", "options": []}
    blocks = [actions(button())]
    message = slack.post(
        slack.alerts, "a", blocks=blocks, attachments=[attachment(legacy_button()), attachment(menu, blocks=blocks)]
    )

    with pytest.raises(NotPossibleError, match=f"no button {action_id} in an attachment {attachment_id}"):
        await slack.press(slack.alice, message, attachment_id, action_id)
    assert app.received == []


@pytest.mark.parametrize("nameless", [{"callback_id": ""}, {"callback_id": None}])
async def test_buttons_do_nothing_without_callback_id(slack: SimSlack, app: App, nameless: dict[str, object]) -> None:
    message = slack.post(slack.alerts, "", attachments=[attachment(legacy_button(), **nameless)])

    with pytest.raises(NotPossibleError, match="callback_id"):
        await slack.press(slack.alice, message)
    assert app.received == []


async def test_link_buttons_tell_the_app_nothing(slack: SimSlack, app: App) -> None:
    with pytest.raises(NotPossibleError, match="link button"):
        await slack.press(slack.alice, legacy_alert(slack, url="https://runbooks.example/spend"))
    assert app.received == []


async def test_the_message_is_pressed_as_it_is_now(slack: SimSlack, app: App) -> None:
    message = legacy_alert(slack)
    app.says(text="Sure?", attachments=[attachment(legacy_button(value="sure"))])
    await slack.press(slack.alice, message)
    app.says(text="Paused.")
    await slack.press(slack.alice, message)

    assert payload(app)["actions"] == [{"name": "pause", "type": "button", "value": "sure"}]
    with pytest.raises(NotPossibleError, match="no button"):
        await slack.press(slack.alice, message)
