"""What simulated Slack makes of messages posted to the response_url of a click."""

import json

import aiohttp
import pytest

from bot.sim.slack import Delivery, Message, NotPossibleError, Rule, SimSlack, Source
from sim.alerts import ALERT, alert
from sim.api_client import JSON, rules
from sim.sample_app import App

pytestmark = pytest.mark.anyio

REPLACED = {"text": "Paused.", "replace_original": True}
NEW = {"text": "Paused.", "response_type": "in_channel", "replace_original": False}
WHISPER = {"text": "No.", "response_type": "ephemeral", "replace_original": False}
ATTACHED = [{"text": "see below"}]


class Desk:
    """Clicks, and answers to the clicks."""

    def __init__(self, slack: SimSlack, client: aiohttp.ClientSession) -> None:
        self._slack = slack
        self._client = client

    async def click(self, message: Message) -> Delivery:
        delivery = await self._slack.click(self._slack.alice, message)
        assert delivery.status == 200
        return delivery

    async def say(self, delivery: Delivery, message: dict[str, object]) -> tuple[int, str]:
        async with self._client.post(delivery.response_url, json=message, headers={"Content-Type": JSON}) as response:
            return response.status, await response.text()


@pytest.fixture
async def desk(slack: SimSlack, app: App, client: aiohttp.ClientSession) -> Desk:
    app.content_type = "text/plain"
    return Desk(slack, client)


async def test_the_original_is_replaced_in_place(slack: SimSlack, desk: Desk) -> None:
    first = slack.post(slack.incidents, "a", blocks=ALERT, attachments=ATTACHED)  # where the bot is no member
    last = slack.post(slack.incidents, "b")
    click = await desk.click(first)
    slack.clock.advance(60)

    assert await desk.say(click, REPLACED) == (200, "ok")

    changed, untouched = slack.channel_messages(slack.incidents)
    assert (changed.text, changed.blocks, changed.attachments) == ("Paused.", (), ())
    assert (changed.ts, changed.source, changed.revision) == (first.ts, Source.POSTED, 1)
    assert changed.edited_at is not None
    assert changed.edited_at.time == first.at.time + 60
    assert untouched == last
    assert slack.current(first) == changed
    assert slack.violations == []


async def test_a_replaced_message_can_be_clicked_as_it_is_now(slack: SimSlack, app: App, desk: Desk) -> None:
    message = alert(slack)
    click = await desk.click(message)

    await desk.say(click, REPLACED | {"blocks": ALERT})
    await desk.click(message)
    assert b"edited" in app.received[-1][0]

    await desk.say(click, REPLACED)
    with pytest.raises(NotPossibleError, match="no such buttons"):
        await desk.click(message)


async def test_an_ephemeral_message_is_replaced_for_its_reader(slack: SimSlack, desk: Desk) -> None:
    message = slack.post(slack.alerts, "a", blocks=ALERT, ephemeral_to=slack.alice)
    click = await desk.click(message)

    await desk.say(click, REPLACED | {"response_type": "ephemeral"})

    assert [each.text for each in slack.seen_by(slack.alice, slack.alerts)] == ["Paused."]
    assert slack.seen_by(slack.bob, slack.alerts) == []
    assert slack.violations == []


@pytest.mark.parametrize(("ephemeral", "response_type"), [(True, "in_channel"), (False, "ephemeral")])
async def test_replacing_does_not_change_who_sees_a_message(
    slack: SimSlack, desk: Desk, *, ephemeral: bool, response_type: str
) -> None:
    message = slack.post(slack.alerts, "a", blocks=ALERT, ephemeral_to=slack.alice if ephemeral else None)
    click = await desk.click(message)

    await desk.say(click, REPLACED | {"response_type": response_type})

    assert len(slack.channel_messages(slack.alerts)) == (0 if ephemeral else 1)
    assert rules(slack) == [Rule.CHANGES_VISIBILITY]


async def test_new_messages_leave_the_original_alone(slack: SimSlack, desk: Desk) -> None:
    message = alert(slack)
    click = await desk.click(message)

    await desk.say(click, NEW)
    await desk.say(click, NEW | {"thread_ts": message.ts})
    await desk.say(click, WHISPER)

    original, answer, reply = slack.channel_messages(slack.alerts)
    assert original == message
    assert (answer.text, answer.source, answer.thread_ts) == ("Paused.", Source.RESPONSE_URL, None)
    assert (answer.trigger_id, reply.thread_ts) == (click.trigger_id, message.ts)
    assert slack.seen_by(slack.alice, slack.alerts)[-1].ephemeral_to == "U0ALICE0001"
    assert slack.seen_by(slack.bob, slack.alerts) == slack.channel_messages(slack.alerts)
    assert slack.violations == []


async def test_the_original_can_be_deleted(slack: SimSlack, desk: Desk) -> None:
    message = alert(slack)
    click = await desk.click(message)

    assert await desk.say(click, {"delete_original": True}) == (200, "ok")

    assert slack.channel_messages(slack.alerts) == []
    assert slack.current(message) is None
    with pytest.raises(NotPossibleError, match="gone"):
        await desk.click(message)
    assert await desk.say(click, REPLACED) == (404, '{"ok": false, "error": "message_not_found"}')
    assert await desk.say(click, NEW) == (200, "ok")
    assert slack.violations == []


async def test_the_original_can_be_deleted_for_another_message(slack: SimSlack, desk: Desk) -> None:
    message = alert(slack)
    click = await desk.click(message)

    await desk.say(click, NEW | {"delete_original": True})

    [answer] = slack.channel_messages(slack.alerts)
    assert (answer.text, answer.revision) == ("Paused.", 0)


async def test_a_url_answers_five_times_in_thirty_minutes(slack: SimSlack, desk: Desk) -> None:
    message = alert(slack)
    click, other = await desk.click(message), await desk.click(message)

    assert [(await desk.say(click, REPLACED))[0] for _ in range(6)] == [200] * 5 + [404]
    slack.clock.advance(30 * 60 + 1)
    status, body = await desk.say(other, REPLACED)
    assert (status, json.loads(body)) == (404, {"ok": False, "error": "Expired url"})


@pytest.mark.parametrize(
    ("message", "broken"),
    [
        ({"text": "a"}, [Rule.IMPLICIT_RESPONSE_TYPE, Rule.IMPLICIT_REPLACE_ORIGINAL]),
        ({"text": "a", "replace_original": False}, [Rule.IMPLICIT_RESPONSE_TYPE]),
        ({"text": "a", "response_type": "ephemeral"}, [Rule.IMPLICIT_REPLACE_ORIGINAL]),
        (NEW | {"response_type": "public"}, [Rule.UNKNOWN_RESPONSE_TYPE]),
        (WHISPER | {"thread_ts": "1.2"}, [Rule.MISPLACED_THREAD]),
        (REPLACED | {"response_type": "in_channel", "thread_ts": "1.2"}, [Rule.MISPLACED_THREAD]),
        (REPLACED | {"blocks": [{"type": "divider"}], "text": ""}, [Rule.BLOCKS_WITHOUT_TEXT]),
    ],
)
async def test_mistakes_are_violations(
    slack: SimSlack, desk: Desk, message: dict[str, object], broken: list[Rule]
) -> None:
    click = await desk.click(alert(slack))

    assert (await desk.say(click, message))[0] == 200

    assert rules(slack) == broken


async def test_refused_answers_change_nothing(slack: SimSlack, desk: Desk) -> None:
    message = alert(slack)
    click = await desk.click(message)

    assert await desk.say(click, REPLACED | {"blocks": [{"type": "divide"}]}) == (400, "invalid_blocks")
    assert await desk.say(click, {"replace_original": True}) == (400, "no_text")
    assert slack.current(message) == message
