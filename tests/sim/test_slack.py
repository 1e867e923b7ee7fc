"""The simulated Slack: what it sends and answers, and the rules that it refuses or records."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.sim.local_server import LocalServer
from bot.sim.slack import Enterprise, NotPossibleError, Rule, SimSlack, Source, view_limits
from bot.sim.slack.block_kit import problems
from bot.sim.slack.delivery import Reader, read_ack, read_replacement
from bot.sim.slack.platform import signature
from harness import blocks as kit
from harness.blocks import Block, actions, button, context, home, image, input_of, menu, modal, plain, section
from harness.samples import Json, sample
from harness.texts import SESSION
from sim.app import ALERT, FORM, JSON, LEGACY, NEVER, NOW, REDIRECT, App

POST, LATER, UPDATE = "chat.postMessage", "chat.scheduleMessage", "chat.update"
OPEN, PUSH, UPDATE_VIEW = "views.open", "views.push", "views.update"
GRID = sample("block_actions.grid_member_workspace.payload")
NEW = {"text": "new", "response_type": "in_channel", "replace_original": False}
REPLACES = {"text": "new", "replace_original": True}
PRIVATE = {"response_type": "ephemeral"}
EXPIRED, USED = (404, '{"ok": false, "error": "Expired url"}'), (404, '{"ok": false, "error": "used_url"}')


@pytest.fixture
async def app(client: aiohttp.ClientSession) -> AsyncIterator[App]:
    async with SimSlack(now=lambda: float(NOW)) as slack:
        app = App(slack, client)
        async with LocalServer([web.post("/slack/events", app.serve)]) as server:
            slack.request_url = f"{server.origin}/slack/events"
            yield app


@pytest.fixture
def slack(app: App) -> SimSlack:
    return app.slack


def seen(slack: SimSlack) -> tuple[list[str], list[str]]:
    """The texts that Alice and Bob see."""
    alice, bob = ([one.text for one in slack.seen_by(person, slack.alerts)] for person in (slack.alice, slack.bob))
    return alice, bob


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
            slack.alice, slack.post(slack.alerts, "a", attachments=[kit.attachment(LEGACY)], ephemeral_to=only)
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


TEST, INFO = "auth.test", "users.info"
PUBLISH = "views.publish"
DELETE, CONNECT = "chat.deleteScheduledMessage", "apps.connections.open"
PAUSE, SHORTCUT = "/anchor-pause", "anchor_pause_from_message"
HOME, APP = "xoxb-0123456789-SIMULATED-HOME", "xapp-1-A0ANCHOR001-0123456789-SIMULATED"
ALICE = b'{"user": "U0ALICE0001"}'
INVALID = [{"type": "divide"}]
LARGE = modal(*[section("x" * 3000)] * 90)
PEOPLE = ["U0BOB000001", "U0ALICE0001", "U0CAROL0001"]
OUTSIDE, LONG = [Rule.TOKEN_OUTSIDE_HEADER], [Rule.TEXT_TOO_LONG]
BROADCAST, FLAGS = {"reply_broadcast": True}, {"response_type": "in_channel", "replace_original": False}

FAILED = f"{PAUSE} failed with the error"
NOT_FOLLOWED = [Rule.VIEW_ACK_INVALID]
ERRORS = {"response_action": "errors", "errors": {"words": "No."}}

Call = Callable[[App], Any]
Row = tuple[Call, str | None, list[Rule]]

OF_THE_WEB_API: list[Row] = [
    (lambda a: a.send(TEST, token="xoxb-unknown"), "invalid_auth", []),
    (lambda a: a.send(TEST, token=APP), "not_allowed_token_type", []),
    (lambda a: a.send(TEST, token=None), "not_authed", []),
    (lambda a: a.send("chat.shout"), "unknown_method", []),
    (lambda a: a.send("api.test", token=None), None, []),
    (lambda a: a.send(TEST, token=None, body=f"token={HOME}".encode(), content_type=FORM), None, OUTSIDE),
    (lambda a: a.send(TEST, token=None, body=b'{"token": "x"}', content_type=JSON), "not_authed", OUTSIDE),
    (lambda a: a.send(TEST, token=None, query=f"?token={HOME}"), "not_authed", OUTSIDE),
    (lambda a: a.send(INFO, body=ALICE, content_type=JSON), "user_not_found", [Rule.JSON_TO_FORM_METHOD]),
    (lambda a: a.send(POST, body=b"{", content_type=JSON), "invalid_json", []),
    (lambda a: a.send(POST, body=b"[]", content_type=JSON), "json_not_object", []),
    (lambda a: a.send(POST, body=b"a=b"), "missing_post_type", []),
    (lambda a: a.send(POST, body=b"blocks=x", content_type=FORM), "invalid_blocks_format", []),
    (lambda a: a.send(CONNECT, token=APP), None, []),
    (lambda a: a.send(CONNECT), "not_allowed_token_type", []),
    (lambda a: a.send(CONNECT, token=None, body=f"token={APP}".encode(), content_type=FORM), "invalid_auth", OUTSIDE),
    (lambda a: a.call(POST, channel="C0INCIDENT1"), "not_in_channel", []),
    (lambda a: a.call(POST, channel="C0PRIVATE01"), "channel_not_found", []),
    (lambda a: a.call(POST, channel="C0ARCHIVED1"), "is_archived", []),
    (lambda a: a.call(POST, text=""), "no_text", []),
    (lambda a: a.call(POST, blocks=INVALID), "invalid_blocks", [Rule.INVALID_BLOCKS]),
    (lambda a: a.call(POST, blocks=[section("x" * 3_000)] * 5), "msg_blocks_too_long", []),
    (lambda a: a.call(POST, attachments=[{"text": "a"}] * 101), "too_many_attachments", [Rule.REJECTED]),
    (lambda a: a.call(POST, metadata={"event_payload": {}}), "invalid_metadata_format", [Rule.REJECTED]),
    (lambda a: a.call(POST, metadata={"event_type": "alert", "event_payload": {}}), None, []),
    (lambda a: a.call(POST, unfurl_links=True), None, [Rule.UNFURLS]),
    (lambda a: a.call(POST, **BROADCAST), None, [Rule.MISPLACED_THREAD]),
    (lambda a: a.call(POST, **BROADCAST, thread_ts="1.2"), "thread_not_found", []),
    (lambda a: a.call(POST, **BROADCAST, thread_ts=a.there.alices.ts), "cannot_reply_to_message", []),
    (lambda a: a.call(LATER, post_at=NOW), "time_in_past", []),
    (lambda a: a.call(DELETE, scheduled_message_id="Q1"), "invalid_scheduled_message_id", []),
    (lambda a: a.call(UPDATE, ts=a.there.own.ts), None, []),
    (lambda a: a.call(UPDATE, ts="1.2"), "message_not_found", []),
    (lambda a: a.call(UPDATE, ts=a.there.alices.ts), "message_not_found", []),
    (lambda a: a.call(UPDATE, ts=a.there.message.ts), "cant_update_message", []),
    (lambda a: a.call(UPDATE, ts=a.there.own.ts, channel="U0ALICE0001"), "channel_not_found", []),
    (lambda a: a.call(UPDATE, ts=a.there.archived.ts, channel="C0ARCHIVED1"), "is_inactive", []),
    (lambda a: a.call(UPDATE, ts=a.there.own.ts, text="", **BROADCAST), "no_text", []),
    (lambda a: a.call(UPDATE, ts=a.there.own.ts, **BROADCAST), "no_dual_broadcast_content_update", []),
    (lambda a: a.call(UPDATE, ts=a.there.own.ts, text="x" * 4001), "msg_too_long", LONG),
    (lambda a: a.call(UPDATE, ts=a.there.own.ts, text="🚨" * 2001), "msg_too_long", LONG),
    (lambda a: a.call(OPEN, view=modal(color="red")), "invalid_arguments", [Rule.INVALID_BLOCKS]),
    (lambda a: a.call(OPEN, view=home()), "invalid_arguments", [Rule.INVALID_BLOCKS]),
    (lambda a: a.call(OPEN, view=LARGE), "view_too_large", []),
    (lambda a: a.call(OPEN, trigger_id="1.2.a", view=modal()), "invalid_trigger_id", []),
    (lambda a: a.call(PUSH), "not_found", []),
    (lambda a: a.call(PUBLISH, view=home()), "invalid_arguments", []),
    (lambda a: a.call(PUBLISH, view=home(), user_id="U0GUEST0001"), "user_not_found", []),
    (lambda a: a.call(UPDATE_VIEW, view_id="V0", view=modal()), "not_found", []),
    (lambda a: a.consent(client_id="another"), "invalid_client_id", []),
    (lambda a: a.consent(redirect_uri="https://bot.example.com.evil.example/"), "bad_redirect_uri", []),
    (lambda a: a.consent(scope="commands,admin"), "invalid_scope", []),
    (lambda a: a.consent(scope=""), "invalid_scope", []),
    (lambda a: a.exchange(client_id="another"), "invalid_client_id", []),
    (lambda a: a.exchange(client_secret="another"), "bad_client_secret", []),
    (lambda a: a.exchange("another"), "invalid_code", []),
    (lambda a: a.exchange(redirect_uri=f"{REDIRECT}/"), "bad_redirect_uri", []),
    (lambda a: a.post_to_urls({"text": "a"}, "text/plain"), "invalid_payload", []),
    (lambda a: a.post_to_urls(b"{", JSON), "invalid_payload", []),
    (lambda a: a.post_to_urls({"text": ""} | FLAGS, JSON), "no_text", []),
    (lambda a: a.send_frame('{"envelope_id": "9f1a7f6e"}'), None, [Rule.ACK_UNKNOWN_ENVELOPE]),
    (lambda a: a.send_frame('{"payload": {"text": "Paused."}}'), None, [Rule.ACK_WITHOUT_ENVELOPE]),
    (lambda a: a.send_frame("{"), None, [Rule.ACK_WITHOUT_ENVELOPE]),
]

OF_ACKS: list[Row] = [
    (lambda a: a.answers(delay=NEVER).enter("alice", PAUSE), f'{FAILED} "operation_timeout"', [Rule.ACK_LATE]),
    (lambda a: a.answers(302).enter("alice", PAUSE), f'{FAILED} "http_client_error"', [Rule.ACK_NOT_200]),
    (lambda a: a.answers(500).enter("alice", PAUSE), f'{FAILED} "http_service_error"', [Rule.ACK_NOT_200]),
    (lambda a: a.enter("alice", PAUSE, is_away=True), f'{FAILED} "dispatch_failed"', []),
    (lambda a: a.enter("alice", f"{PAUSE} x", f"{NOW}.000009"), f"{PAUSE} is not supported in threads", []),
    (lambda a: a.enter("alice", "/<!here> all"), "/&lt;!here&gt; is not a valid command", []),
    (lambda a: a.enter("outsider", PAUSE), f"{PAUSE} is not a valid command", []),
    (lambda a: a.submit({"response_action": "push"}), "unknown response_action: 'push'", NOT_FOLLOWED),
    (lambda a: a.submit(b"{"), "no JSON object, labelled as application/json", NOT_FOLLOWED),
    (lambda a: a.submit(None), "500 b'null'", [Rule.ACK_NOT_200]),
    (lambda a: a.submit(ERRORS), "no input block has the block_id 'words'", NOT_FOLLOWED),
    (lambda a: a.submit(update(home())), "[ERROR] unsupported type: home [json-pointer:/view/type]", NOT_FOLLOWED),
    (lambda a: a.submit(update(LARGE)), "view_too_large", NOT_FOLLOWED),
]

OF_THE_CLIENT: list[Row] = [
    (lambda a: a.slack.click(a.slack.alice, a.there.several), "2 such buttons: anchor_pause", []),
    (lambda a: a.slack.click(a.slack.bob, a.there.alices), "does not see", []),
    (lambda a: a.slack.click(a.slack.alice, a.there.gone), "is gone", []),
    (lambda a: a.slack.click(a.slack.guest, a.there.message), "deactivated", []),
    (lambda a: a.slack.click(a.slack.alice, a.there.archived), "archived", []),
    (lambda a: a.slack.press(a.slack.alice, a.there.legacy, 1), "link button", []),
    (lambda a: a.slack.press(a.slack.alice, a.there.legacy, 2), "callback_id", []),
    (lambda a: a.slack.use_shortcut(a.slack.outsider, a.there.message, SHORTCUT), "installing workspace", []),
    (lambda a: a.slack.use_shortcut(a.slack.alice, a.there.alices, SHORTCUT), "one person", []),
    (lambda a: a.slack.open_home(a.slack.outsider), "other workspaces", []),
    (lambda a: a.slack.act(a.slack.alice, a.there.tab, "two", PEOPLE), "no more than 2", []),
    (lambda a: a.slack.act(a.slack.alice, a.there.tab, "any", "C0OTHERS001"), "not offered", []),
    (lambda a: a.slack.act(a.slack.alice, a.there.tab, "safe", "C0ALERTS001"), "not offered", []),
    (lambda a: a.slack.submit(a.slack.alice, a.there.top), "must be filled in: name", []),
    (lambda a: a.slack.submit(a.slack.alice, a.there.top, {"name": "xxxxx"}), "at most 4 characters", []),
    (lambda a: a.slack.fill(a.slack.alice, a.there.top, "menu", "C0ALERTS001"), "goes to the app at once", []),
    (lambda a: a.slack.submit(a.slack.alice, a.there.below), "lies on it", []),
    (lambda a: a.slack.submit(a.slack.bob), "no modal is open", []),
    (lambda a: a.slack.close(a.slack.alice, a.there.tab), "a tab can't be closed", []),
]


def update(view: Block) -> Block:
    return {"response_action": "update", "view": view}


def shown(slack: SimSlack) -> object:
    """All that people see, but for what they type and what the client itself says, and what they will see later."""
    modals = [(view.id, view.hash) for view in slack.modals_of(slack.alice)]
    messages = [one for one in slack.platform.history.newest(100) if one.source is not Source.CLIENT]
    return messages, modals, slack.home_of(slack.alice), slack.platform.scheduled.copy()


async def outcome(app: App, call: Call) -> Json | NotPossibleError:
    try:
        answer: Json = await called if inspect.isawaitable(called := call(app)) else called
    except NotPossibleError as refused:
        return refused
    return answer


@pytest.mark.parametrize(("call", "error", "broken"), [*OF_THE_WEB_API, *OF_ACKS, *OF_THE_CLIENT])
async def test_a_call_that_breaks_a_rule_is_refused_or_on_record(
    app: App, call: Call, error: str | None, broken: list[Rule]
) -> None:
    """What is refused changes nothing that people see, and what the client does not offer sends nothing."""
    app.add_workspace("globex", refusal="account_inactive")
    await app.set_up()
    before, calls = shown(app.slack), len(app.slack.api_calls)
    answer = await outcome(app, call)
    if isinstance(answer, NotPossibleError):
        assert (str(error) in str(answer), app.requests) == (True, [])
    else:
        assert (answer.get("error"), len(app.slack.api_calls) - calls <= 1) == (error, True)
    assert app.rules == broken
    assert shown(app.slack) == before or not error


ACKS: list[tuple[object, list[Rule]]] = [
    ({"text": "Paused.", "respone_type": "in_channel"}, [Rule.UNKNOWN_KEY]),
    ({"text": 7}, [Rule.WRONG_TYPE]),
    ({"text": "a", "response_type": "public"}, [Rule.UNKNOWN_RESPONSE_TYPE]),
    ({"text": "a", "replace_original": True}, [Rule.REPLACES_SLASH_COMMAND]),
    ({"text": "a", "delete_original": True}, [Rule.UNKNOWN_KEY]),
    ({"blocks": [{"type": "divider"}]}, [Rule.BLOCKS_WITHOUT_TEXT]),
    ({"text": "a", "blocks": INVALID}, [Rule.INVALID_BLOCKS]),
    ({"text": "x" * 4000}, []),
    ({"text": "x" * 4001}, [Rule.TEXT_TOO_LONG]),
    ({"text": "a", "link_names": True}, [Rule.LINKS_NAMES]),
    ({"text": "a", "blocks": [section("<!channel>")]}, [Rule.BROADCAST]),
    ({"text": "a", "attachments": [{"fields": [{"value": "a < b"}, {}]}]}, [Rule.RAW_ANGLE_BRACKET]),
    ({"text": "a &amp; b &lt;c&gt; *now* `x`"}, []),
    ({"text": "<@U0ALICE0001> <@W0ALICE0001|alice> <#C0ALERTS001|alerts> <#C0ALERTS001|>"}, []),
    ({"text": "<https://a.example/?b=c&amp;d=e> <https://a.example|there> <mailto:a@example.com|a> <tel:123>"}, []),
    ({"text": "<!date^1785000000^{date_short_pretty} {time}|2026-07-25 17:20 UTC>"}, []),
    ({"text": "a & b"}, [Rule.RAW_AMPERSAND]),
    ({"text": "<https://a.example/?a=b&c=d>"}, [Rule.RAW_AMPERSAND]),
    ({"text": "<@alice>"}, [Rule.RAW_ANGLE_BRACKET] * 2),
    ({"text": "<!date^soon^{date}|x>"}, [Rule.RAW_ANGLE_BRACKET] * 2),
    ({"text": "`<!here|here>` <!everyone> <!subteam^S0ONCALL01|@oncall>"}, [Rule.BROADCAST] * 3),
]


@pytest.mark.parametrize(
    ("read", "content_type", "body", "text", "broken"),
    [
        *((read_ack, JSON, json.dumps(raw), raw.get("text"), broken) for raw, broken in ACKS if isinstance(raw, dict)),
        (read_ack, "text/plain", "Paused.", "Paused.", []),
        (read_ack, "text/plain", '{"text":"Paused."}', '{"text":"Paused."}', [Rule.ACK_JSON_AS_TEXT]),
        (read_ack, JSON, "Paused.", "", [Rule.ACK_NOT_JSON]),
        (read_ack, JSON, json.dumps({"text": "x" * 40_001}), "x" * 40_000, [Rule.TEXT_TOO_LONG]),
        (read_replacement, JSON, "ok", "", [Rule.ACK_NOT_JSON]),
        (read_replacement, JSON, '{"txt":"a"}', "", [Rule.UNKNOWN_KEY]),
        (read_replacement, "text/plain", '{"text":"a"}', "", [Rule.ACK_BODY_IGNORED]),
    ],
)
def test_an_ack_that_breaks_a_rule_is_on_record(
    read: Reader, content_type: str, body: str, text: object, broken: list[Rule]
) -> None:
    ack, violations = read(content_type, body.encode())
    assert [violation.rule for violation in violations] == broken
    assert ack.text == (text if isinstance(text, str) and broken != [Rule.INVALID_BLOCKS] else "")


DIVIDER = {"type": "divider"}
FOCUSED = actions(menu("conversations_select", focus_on_load=True))
MRKDWN = [{"text": kit.mrkdwn("x"), "value": "x"}]
NOT_OFFERED = "an initial option must be one of the options"
SPARE = "invalid additional property: "
IN_VIEW = "[json-pointer:/view]"


def found(given: object) -> list[str]:
    """The complaints about a view, a list of blocks, or one block."""
    is_view = isinstance(given, dict) and (given.get("type") in {"modal", "home"} or "title" in given)
    blocks = [given] if isinstance(given, dict) and given else given
    return view_limits.problems(given) if is_view else problems(blocks)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"type": "divide"}, "unsupported type: divide"),
        *(({"type": kind}, f"unsupported type: {kind}") for kind in ("header", "video", "markdown")),
        *((actions(menu(kind)), f"unsupported type: {kind}") for kind in ("datepicker", "users_select")),
        ({"type": "section"}, "missing required field: text or fields"),
        (section(""), "must be more than 0 characters"),
        (DIVIDER | {"text": "x"}, f"{SPARE}text"),
        (image("x", image_url="mailto:a@b.example"), "must be a valid URL"),
        (context({"type": "image", "alt_text": "x"}), "missing required field: image_url"),
        (actions(kit.text_input()), "unsupported type: plain_text_input"),
        (actions(button(style="default")), "must be one of: primary, danger"),
        (actions(button(), button()), "`action_id`s must be unique, but anchor_pause occurs 2 times"),
        (actions(menu("static_select")), "missing required field: options"),
        (actions(menu("static_select", options=MRKDWN)), "unsupported type: mrkdwn"),
        (actions(menu("static_select", options=kit.options(2), initial_option=kit.option("2"))), NOT_OFFERED),
        (input_of(kit.text_input(max_length=0)), "must be between 1 and 3000"),
        (kit.rich_text(kit.preformatted({"type": "user", "user_id": "U1"})), "unsupported type: user"),
        ({}, "must be an array [json-pointer:/blocks]"),
        ([DIVIDER] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([DIVIDER | {"block_id": "a"}] * 2, "`block_id`s must be unique, but a occurs 2 times [json-pointer:/blocks]"),
        ([FOCUSED] * 2, "only one element can have focus_on_load [json-pointer:/blocks]"),
        (home(title=plain("a")), f"{SPARE}title {IN_VIEW}"),
        (modal(notify_on_close=True), f"{SPARE}notify_on_close {IN_VIEW}"),
        ({"title": plain("a"), "blocks": []}, f"missing required field: type {IN_VIEW}"),
        (modal(input_of(), submit=None), f"missing required field: submit {IN_VIEW}"),
    ],
)
def test_what_breaks_a_rule_is_rejected_in_slacks_words(given: Block, complaint: str) -> None:
    [problem] = found(given)
    assert problem.startswith(f"[ERROR] {complaint}")
    assert "[json-pointer:/blocks" in problem or IN_VIEW in problem


def test_what_keeps_the_rules_is_accepted() -> None:
    assert found([image("x"), context(image("x")), kit.rich_text({"type": "rich_text_section", "elements": []})]) == []
    assert view_limits.problems(modal(), "home") == ["[ERROR] unsupported type: modal [json-pointer:/view/type]"]
