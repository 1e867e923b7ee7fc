"""What simulated Slack makes of messages posted to the response_url of a command or a click, and to a webhook."""

import pytest

from bot.sim.slack import Delivery, Message, Rule, SimSlack
from harness.samples import Json
from sim.alerts import ALERT
from sim.api_client import JSON, Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio

NEW = {"text": "Paused.", "response_type": "in_channel", "replace_original": False}
REPLACED = {"text": "Paused.", "replace_original": True}
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


async def test_a_url_can_be_used_five_times_within_thirty_minutes(slack: SimSlack, api: Api, command: Delivery) -> None:
    other = await slack.command(slack.alice, slack.alice_and_bob, "x")
    slack.clock.advance(30 * 60)
    assert [await api.answer(command, NEW) for _ in range(6)] == [(200, "ok")] * 5 + [USED]
    assert await api.answer(f"{other.response_url}x", NEW) == EXPIRED
    slack.clock.advance(1)
    assert await api.answer(other, NEW) == EXPIRED
    assert len(slack.channel_messages(slack.alice_and_bob)) == 5


@pytest.mark.parametrize(
    ("answer", "content_type", "error", "broken"),
    [
        (NEW, "text/plain", "invalid_payload", []),
        (b"{", JSON, "invalid_payload", []),
        (NEW | {"text": ""}, JSON, "no_text", []),
    ],
)
async def test_what_is_no_message_is_rejected(
    slack: SimSlack, api: Api, command: Delivery, answer: object, content_type: str, error: str, broken: list[Rule]
) -> None:
    webhook = slack.add_webhook(slack.alice_and_bob)  # it is used by others, so nothing is on record
    assert [await api.answer(to, answer, content_type) for to in (webhook, command)] == [(400, error)] * 2
    assert (slack.seen_by(slack.alice, slack.alice_and_bob), rules(slack)) == ([], broken)


@pytest.mark.parametrize(
    ("ephemeral", "answer", "seen", "broken"),
    [
        (False, NEW, (["a", "Paused."], ["a", "Paused."]), []),
        (False, REPLACED, (["Paused."], ["Paused."]), []),
        (False, REPLACED | {"response_type": "ephemeral"}, (["Paused."], ["Paused."]), [Rule.CHANGES_VISIBILITY]),
        (
            False,
            NEW | {"thread_ts": "1.2", "response_type": "ephemeral"},
            (["a", "Paused."], ["a"]),
            [Rule.MISPLACED_THREAD],
        ),
        (False, {"delete_original": True}, ([], []), []),
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
