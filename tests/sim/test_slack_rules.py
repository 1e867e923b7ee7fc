"""The rules of the simulated Slack: a call that breaks one, the error that it gets, and the violations on record."""

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.sim.slack import NotPossibleError, Rule, SimSlack, Source
from bot.sim.slack.delivery import Reader, read_ack, read_replacement
from harness.blocks import Block, home, modal, section
from harness.samples import Json
from sim.app import FORM, JSON, NEVER, NOW, REDIRECT, App

pytestmark = pytest.mark.anyio

TEST, INFO, POST, LATER, UPDATE = "auth.test", "users.info", "chat.postMessage", "chat.scheduleMessage", "chat.update"
OPEN, PUSH, UPDATE_VIEW, PUBLISH = "views.open", "views.push", "views.update", "views.publish"
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
