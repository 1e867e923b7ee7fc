"""What simulated Slack makes of messages posted to the response_url of a command or a click."""

import pytest

from bot.sim.slack import Answer, Delivery, Message, Rule, SimSlack, fault_presets
from harness.samples import Json
from sim.alerts import ALERT
from sim.api_client import Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio

NEW = {"text": "Paused.", "response_type": "in_channel", "replace_original": False}
EPHEMERAL = NEW | {"response_type": "ephemeral"}
REPLACED = {"text": "Paused.", "replace_original": True}
MISPLACED = Rule.MISPLACED_THREAD
EXPIRED = (404, '{"ok": false, "error": "Expired url"}')
USED = (404, '{"ok": false, "error": "used_url"}')

Seen = tuple[list[str], list[str]]  # by Alice and by Bob


@pytest.fixture
async def command(slack: SimSlack, app: RecordingApp) -> Delivery:
    """Of Alice's, in a DM with Bob, where the bot is no member."""
    assert app.requests == []
    return await slack.command(slack.alice, slack.alice_and_bob, "x")


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


async def test_a_url_can_be_used_five_times(slack: SimSlack, api: Api, command: Delivery) -> None:
    assert [(await api.answer(command, NEW))[0] for _ in range(5)] == [200] * 5
    assert await api.answer(command, NEW) == USED
    assert len(slack.channel_messages(slack.alice_and_bob)) == 5


async def test_a_url_is_valid_for_thirty_minutes(slack: SimSlack, api: Api, command: Delivery) -> None:
    slack.clock.advance(30 * 60)
    assert (await api.answer(command, NEW))[0] == 200
    assert await api.answer(f"{command.response_url}x", NEW) == EXPIRED
    slack.clock.advance(1)
    assert await api.answer(command, NEW) == EXPIRED


@pytest.mark.parametrize(
    ("answer", "content_type", "error"),
    [
        (NEW, "text/plain", "invalid_payload"),
        (b"payload=%7B%7D", "application/x-www-form-urlencoded", "invalid_payload"),
        (b"{", "application/json", "invalid_payload"),
        ([], "application/json", "invalid_payload"),
        ({"response_type": "ephemeral", "replace_original": False}, "application/json", "no_text"),
        (NEW | {"blocks": [{"type": "divide"}]}, "application/json", "invalid_blocks"),
        (NEW | {"attachments": [{"text": "a"}] * 101}, "application/json", "too_many_attachments"),
        (NEW | {"metadata": {"event_type": 5}}, "application/json", "invalid_metadata_format"),
    ],
)
async def test_what_is_no_message_is_rejected(
    slack: SimSlack, api: Api, command: Delivery, *, answer: object, content_type: str, error: str
) -> None:
    assert await api.answer(command, answer, content_type) == (400, error)
    assert slack.seen_by(slack.alice, slack.alice_and_bob) == []
    broken = {
        Rule.INVALID_BLOCKS: ["invalid_blocks"],
        Rule.REJECTED: ["too_many_attachments", "invalid_metadata_format"],
    }
    assert rules(slack) == [rule for rule, errors in broken.items() if error in errors]


@pytest.mark.parametrize(
    ("answer", "broken"),
    [
        (NEW | {"thread_ts": "1.2"}, []),
        ({"text": "a", "replace_original": False}, [Rule.IMPLICIT_RESPONSE_TYPE]),
        ({"text": "a", "response_type": "ephemeral"}, [Rule.IMPLICIT_REPLACE_ORIGINAL]),
        (NEW | {"response_type": "public"}, [Rule.UNKNOWN_RESPONSE_TYPE]),
        (NEW | {"replace_original": True}, [Rule.REPLACES_SLASH_COMMAND]),
        (NEW | {"delete_original": True}, [Rule.REPLACES_SLASH_COMMAND]),
        (EPHEMERAL | {"thread_ts": "1.2"}, [Rule.MISPLACED_THREAD]),
        (NEW | {"txt": "a"}, [Rule.UNKNOWN_KEY]),
        (NEW | {"text": "a < b"}, [Rule.RAW_ANGLE_BRACKET]),
    ],
)
async def test_a_mistake_in_the_answer_to_a_command_is_a_violation(
    slack: SimSlack, api: Api, command: Delivery, answer: Json, broken: list[Rule]
) -> None:
    assert (await api.answer(command, answer))[0] == 200
    assert rules(slack) == broken
    assert len(slack.seen_by(slack.alice, slack.alice_and_bob)) == 1


@pytest.mark.parametrize(
    ("ephemeral", "answer", "seen", "broken"),
    [
        (False, NEW, (["a", "Paused."], ["a", "Paused."]), []),
        (False, EPHEMERAL, (["a", "Paused."], ["a"]), []),
        (False, REPLACED, (["Paused."], ["Paused."]), []),
        (False, REPLACED | {"response_type": "ephemeral"}, (["Paused."], ["Paused."]), [Rule.CHANGES_VISIBILITY]),
        (False, REPLACED | {"response_type": "in_channel", "thread_ts": "1"}, (["Paused."], ["Paused."]), [MISPLACED]),
        (False, {"delete_original": True}, ([], []), []),
        (False, NEW | {"delete_original": True}, (["Paused."], ["Paused."]), []),
        (False, {"text": "b"}, (["a", "b"], ["a"]), [Rule.IMPLICIT_RESPONSE_TYPE, Rule.IMPLICIT_REPLACE_ORIGINAL]),
        (True, REPLACED | {"response_type": "ephemeral"}, (["Paused."], []), []),
        (True, REPLACED | {"response_type": "in_channel"}, (["Paused."], []), [Rule.CHANGES_VISIBILITY]),
    ],
)
async def test_an_answer_to_a_click_adds_replaces_or_deletes(
    slack: SimSlack, app: RecordingApp, api: Api, *, ephemeral: bool, answer: Json, seen: Seen, broken: list[Rule]
) -> None:
    message = slack.post(slack.alerts, "a", blocks=ALERT, ephemeral_to=slack.alice if ephemeral else None)
    click = await slack.click(slack.alice, message)
    assert await api.answer(click, answer) == (200, "ok")
    assert (texts(slack.seen_by(slack.alice, slack.alerts)), texts(slack.seen_by(slack.bob, slack.alerts))) == seen
    assert (rules(slack), len(app.requests)) == (broken, 1)


async def test_a_message_is_replaced_in_place(slack: SimSlack, app: RecordingApp, api: Api) -> None:
    message, last = slack.post(slack.alerts, "a", blocks=ALERT), slack.post(slack.alerts, "b")
    click = await slack.click(slack.alice, message)
    slack.clock.advance(60)
    await api.answer(click, REPLACED | {"blocks": ALERT})
    await slack.click(slack.alice, message)

    changed, untouched = slack.channel_messages(slack.alerts)
    assert (changed.text, changed.ts, changed.revision, untouched) == ("Paused.", message.ts, 1, last)
    assert app.last["message"]["edited"] == {"user": "U0ANCHORBOT", "ts": "1785000060.000000"}


@pytest.mark.parametrize(
    ("fault", "status", "body", "retry_after"),
    [
        (fault_presets.rate_limited(30), 429, '{"ok": false, "error": "ratelimited"}', "30"),
        (fault_presets.rate_limited(None), 429, '{"ok": false, "error": "ratelimited"}', None),
        (fault_presets.server_error(), 500, "upstream error", None),
        (fault_presets.expired_url(), *EXPIRED, None),
        (fault_presets.used_url(), *USED, None),
    ],
)
async def test_a_fault_replaces_the_answer(
    slack: SimSlack, api: Api, command: Delivery, *, fault: Answer, status: int, body: str, retry_after: str | None
) -> None:
    slack.faults["response_url"] = fault
    assert await api.answer(command, NEW) == (status, body)
    assert api.headers.get("Retry-After") == retry_after
    assert slack.channel_messages(slack.alice_and_bob) == []
    slack.faults.clear()
    assert (await api.answer(command, NEW))[0] == 200
