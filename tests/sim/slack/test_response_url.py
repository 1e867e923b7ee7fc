"""What simulated Slack makes of messages posted to the response_url of a command or a click, and to a webhook."""

import pytest

from bot.sim.slack import Delivery, Message, Rule, SimSlack
from harness.samples import Json
from sim.alerts import ALERT
from sim.api_client import JSON, Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio

NEW = {"text": "Paused.", "response_type": "in_channel", "replace_original": False}
EPHEMERAL = NEW | {"response_type": "ephemeral"}
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
        (NEW | {"blocks": [{"type": "divide"}]}, JSON, "invalid_blocks", [Rule.INVALID_BLOCKS]),
        (NEW | {"attachments": [{"text": "a"}] * 101}, JSON, "too_many_attachments", [Rule.REJECTED]),
    ],
)
async def test_what_is_no_message_is_rejected(
    slack: SimSlack, api: Api, command: Delivery, answer: object, content_type: str, error: str, broken: list[Rule]
) -> None:
    webhook = slack.add_webhook(slack.alice_and_bob)  # it is used by others, so nothing is on record
    assert [await api.answer(to, answer, content_type) for to in (webhook, command)] == [(400, error)] * 2
    assert (slack.seen_by(slack.alice, slack.alice_and_bob), rules(slack)) == ([], broken)


@pytest.mark.parametrize(
    ("answer", "broken"),
    [
        ({"text": "a", "replace_original": False}, [Rule.IMPLICIT_RESPONSE_TYPE]),
        ({"text": "a", "response_type": "ephemeral"}, [Rule.IMPLICIT_REPLACE_ORIGINAL]),
        (NEW | {"response_type": "public"}, [Rule.UNKNOWN_RESPONSE_TYPE]),
        (NEW | {"replace_original": True}, [Rule.REPLACES_SLASH_COMMAND]),
        (EPHEMERAL | {"thread_ts": "1.2"}, [Rule.MISPLACED_THREAD]),
        (NEW | {"txt": "a"}, [Rule.UNKNOWN_KEY]),
    ],
)
async def test_a_mistake_in_the_answer_to_a_command_is_a_violation(
    slack: SimSlack, api: Api, command: Delivery, answer: Json, broken: list[Rule]
) -> None:
    assert (await api.answer(command, answer))[0] == 200
    assert (rules(slack), len(slack.seen_by(slack.alice, slack.alice_and_bob))) == (broken, 1)


@pytest.mark.parametrize(
    ("ephemeral", "answer", "seen", "broken"),
    [
        (False, NEW, (["a", "Paused."], ["a", "Paused."]), []),
        (False, REPLACED, (["Paused."], ["Paused."]), []),
        (False, REPLACED | {"response_type": "ephemeral"}, (["Paused."], ["Paused."]), [Rule.CHANGES_VISIBILITY]),
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


async def test_a_message_is_replaced_in_place_until_it_is_deleted(slack: SimSlack, app: RecordingApp, api: Api) -> None:
    message = slack.post(slack.alerts, "a", blocks=ALERT)
    click = await slack.click(slack.alice, message)
    await api.answer(click, REPLACED)
    [changed] = slack.channel_messages(slack.alerts)
    assert (changed.text, changed.ts, changed.revision, len(app.requests)) == ("Paused.", message.ts, 1, 1)
    await api.answer(click, {"delete_original": True})
    assert await api.answer(click, REPLACED) == (404, '{"ok": false, "error": "message_not_found"}')


async def test_a_webhook_posts_as_the_app_in_its_channel_until_the_app_is_gone(slack: SimSlack, api: Api) -> None:
    """Alertmanager names another channel, which is ignored."""
    url = slack.add_webhook(slack.private)
    answers = [await api.answer(url, {"text": "a", "channel": "#alerts"}) for _ in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [429]
    assert len(slack.channel_messages(slack.private)) == 5
    assert await api.answer(slack.add_webhook(slack.archived), {"text": "a"}) == (410, "channel_is_archived")
    slack.home.installation.refusal = "account_inactive"
    assert await api.answer(url, {"text": "a"}) == await api.answer(f"{url}x", {"text": "a"}) == (404, "no_service")
