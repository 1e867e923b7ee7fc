"""What the simulated Slack sends and shows, and for how long its ids, URLs and codes are valid."""

import asyncio

import aiohttp
import pytest

from bot.sim.slack import Enterprise, Rule, SimSlack, User
from bot.sim.slack.platform import signature
from harness.blocks import attachment, modal
from harness.samples import Json, sample
from harness.texts import SESSION
from sim.app import ALERT, LEGACY, NOW, App

pytestmark = pytest.mark.anyio

POST, LATER, UPDATE = "chat.postMessage", "chat.scheduleMessage", "chat.update"
OPEN, PUSH, UPDATE_VIEW = "views.open", "views.push", "views.update"
GRID = sample("block_actions.grid_member_workspace.payload")
VARIANTS = sample("webapi.users.info.variants")
LINK = "look at <https://anchor.example.com/sessions/3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b|this session> please"
NEW = {"text": "new", "response_type": "in_channel", "replace_original": False}
REPLACES = {"text": "new", "replace_original": True}
PRIVATE = {"response_type": "ephemeral"}
EXPIRED, USED = (404, '{"ok": false, "error": "Expired url"}'), (404, '{"ok": false, "error": "used_url"}')


def seen(slack: SimSlack) -> tuple[list[str], list[str]]:
    """The texts that Alice and Bob see."""
    alice, bob = ([one.text for one in slack.seen_by(person, slack.alerts)] for person in (slack.alice, slack.bob))
    return alice, bob


async def info(app: App, user: User) -> Json:
    user_json: Json = (await app.form("users.info", user=user.id))["user"]
    return user_json


# --- requests to the app ---


async def test_a_command_arrives_signed_as_slack_sends_it(app: App, slack: SimSlack) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    delivery = await slack.command(slack.alice, slack.alerts, SESSION)
    [(body, headers)] = app.requests
    invocation = {"response_url": delivery.response_url, "trigger_id": delivery.trigger_id}
    assert list(app.payloads[0].items()) == list((sample("slash_command.grid.fields") | invocation).items())
    expected = {
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Accept": "application/json,*/*",
        "Accept-Encoding": "gzip,deflate",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": str(NOW),
        "X-Slack-Signature": signature(slack.signing_secret, str(NOW), body),
    }
    assert expected.items() <= headers.items()
    for channel, name in ((slack.private, "privategroup"), (slack.alice_and_bob, "directmessage")):
        await slack.command(slack.alice, channel, token=None, new="field")
        last = app.payloads[-1]
        assert (last["channel_name"], last["new"], "token" in last) == (name, "field", False)


def test_signatures_agree_with_the_example_of_slacks_guide() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    made = signature("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body)
    assert made == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


async def test_a_click_arrives_as_slack_sends_it(app: App, slack: SimSlack) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    slack.home.installation.bot_id = GRID["message"]["bot_id"]
    await app.call(POST, text=GRID["message"]["text"], blocks=GRID["message"]["blocks"])
    [message] = slack.channel_messages(slack.alerts)
    app.says(text="Paused.", response_type="in_channel")
    delivery = await slack.click(slack.alice, message)
    assert app.payloads[-1] == GRID | {
        "container": GRID["container"] | {"message_ts": message.ts},
        "message": GRID["message"] | {"ts": message.ts},
        "actions": [GRID["actions"][0] | {"action_ts": f"{NOW}.000000"}],
        "trigger_id": delivery.trigger_id,
        "response_url": delivery.response_url,
    }
    assert list(app.payloads[-1]) == list(GRID)
    assert (slack.seen_by(slack.alice, slack.alerts), app.rules) == ([message], [Rule.ACK_BODY_IGNORED])
    await slack.click(slack.outsider, message)
    assert app.payloads[-1]["enterprise"] is None


# --- what people see of acks and answers ---


@pytest.mark.parametrize(
    ("is_legacy", "ephemeral", "answer", "alice", "bob", "broken"),
    [
        (True, False, {"text": "new"}, ["new"], ["new"], [Rule.ACK_OVERWRITES_ALERT]),
        (True, True, {"text": "new"}, ["new"], [], [Rule.ACK_OVERWRITES_ALERT]),
        (True, True, {"text": "new", "replace_original": False}, ["a", "new"], ["new"], []),
        (True, False, NEW | PRIVATE, ["a", "new"], ["a"], []),
        (True, False, {}, ["a"], ["a"], []),
        (False, False, NEW, ["a", "new"], ["a", "new"], []),
        (False, False, REPLACES, ["new"], ["new"], []),
        (False, False, REPLACES | PRIVATE, ["new"], ["new"], [Rule.CHANGES_VISIBILITY]),
        (False, False, NEW | PRIVATE | {"thread_ts": "1.2"}, ["a", "new"], ["a"], [Rule.MISPLACED_THREAD]),
        (False, False, NEW | {"delete_original": True}, ["a", "new"], ["a", "new"], [Rule.UNKNOWN_KEY]),
        (False, False, {"text": "b"}, ["a", "b"], ["a"], [Rule.IMPLICIT_RESPONSE_TYPE, Rule.IMPLICIT_REPLACE_ORIGINAL]),
        (False, True, REPLACES | PRIVATE, ["new"], [], []),
        (False, True, REPLACES | {"response_type": "in_channel"}, ["new"], [], [Rule.CHANGES_VISIBILITY]),
    ],
)
async def test_an_answer_to_a_click_adds_or_replaces(
    app: App,
    slack: SimSlack,
    *,
    is_legacy: bool,
    ephemeral: bool,
    answer: Json,
    alice: list[str],
    bob: list[str],
    broken: list[Rule],
) -> None:
    """A legacy button takes the ack as the answer, a button of Block Kit what is posted to its response URL."""
    only = slack.alice if ephemeral else None
    if is_legacy:
        app.says(**answer)
        await slack.press(
            slack.alice, slack.post(slack.alerts, "a", attachments=[attachment(LEGACY)], ephemeral_to=only)
        )
        assert ("original_message" in app.payloads[-1]) is not ephemeral
    else:
        click = await slack.click(slack.alice, slack.post(slack.alerts, "a", blocks=ALERT, ephemeral_to=only))
        assert await app.answer(click, answer) == (200, "ok")
    assert (seen(slack), app.rules, len(app.requests)) == ((alice, bob), broken, 1)


# --- how long and how often ---


async def test_a_response_url_can_be_used_five_times_within_thirty_minutes(app: App, slack: SimSlack) -> None:
    command, other = await app.command(), await app.command()
    slack.clock.advance(30 * 60)
    assert [await app.answer(command, NEW) for _ in range(6)] == [(200, "ok")] * 5 + [USED]
    assert await app.answer(f"{other.response_url}x", NEW) == EXPIRED
    slack.clock.advance(1)
    assert await app.answer(other, NEW) == EXPIRED
    assert len(slack.channel_messages(slack.alice_and_bob)) == 5


async def test_a_trigger_id_is_valid_once_and_for_three_seconds(app: App, slack: SimSlack) -> None:
    used, old = await app.trigger(), await app.trigger()
    slack.clock.advance(3.0)
    assert (await app.call(OPEN, trigger_id=used, view=modal()))["ok"] is True
    slack.clock.advance(0.1)
    calls = [
        (OPEN, used, "exchanged_trigger_id"),
        (PUSH, used, "exchanged_trigger_id"),
        (OPEN, old, "expired_trigger_id"),
    ]
    for method, trigger_id, error in calls:
        assert await app.call(method, trigger_id=trigger_id, view=modal()) == {"ok": False, "error": error}
    assert app.rules == [Rule.TRIGGER_TOO_LATE] * 3


async def test_a_scheduled_message_is_listed_and_can_be_deleted_once(app: App) -> None:
    named = (await app.call(LATER, post_at=NOW + 3600))["scheduled_message_id"]
    (listed,) = (await app.call("chat.scheduledMessages.list"))["scheduled_messages"]
    assert (listed["id"], listed["channel_id"], listed["text"]) == (named, "C0ALERTS001", "Paused.")
    for channel, error in (("C0INCIDENT1", "invalid"), ("C0ALERTS001", None), ("C0ALERTS001", "invalid")):
        answer = await app.call("chat.deleteScheduledMessage", channel=channel, scheduled_message_id=named)
        assert answer.get("error") == (error and "invalid_scheduled_message_id")


# --- views and people ---


# --- Socket Mode ---


async def test_an_envelope_is_acknowledged_once_each_time_it_is_sent(app: App, slack: SimSlack) -> None:
    connection = await app.connect()
    typing = asyncio.create_task(slack.command(slack.alice, slack.alerts))
    first = await connection.receive()
    await connection.ack(first, payload={"text": "first"})
    await connection.ack(first, payload={"text": "second"})
    await slack.until(lambda: app.rules == [Rule.ACK_TWICE])
    sending = asyncio.create_task(slack.resend(await typing))
    assert await connection.receive() == first
    await connection.ack(first)
    assert ((await sending).status, seen(slack)[0], len(slack.violations)) == (200, ["first"], 1)
    event = asyncio.create_task(slack.sockets.send("events_api", {}))
    await connection.ack(await connection.receive(), payload={"text": "of an event"})
    assert ((await event).body, app.rules) == (b"", [Rule.ACK_TWICE, Rule.ACK_PAYLOAD_NOT_ACCEPTED])


async def test_a_websockets_url_is_valid_for_one_connection_within_thirty_seconds(app: App, slack: SimSlack) -> None:
    used, old = [(await app.send("apps.connections.open", token=slack.app_token))["url"] for _ in range(2)]
    await app.connect(used)
    slack.clock.advance(30)
    for wrong in (used, used + "x", used.partition("?")[0], old):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await app.connect(wrong)
