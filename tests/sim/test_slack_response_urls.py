"""What simulated Slack makes of messages posted to the response_url of a command."""

import asyncio
import json

import aiohttp
import pytest

from bot.sim.slack import (
    Fault,
    Hang,
    ResetAfterReading,
    ResetBeforeReading,
    Rule,
    SimSlack,
    Source,
    expired_url,
    rate_limited,
    server_error,
    used_url,
)
from sim.sample_app import App

pytestmark = pytest.mark.anyio

PAUSED = {"text": "Paused.", "response_type": "in_channel", "replace_original": False}
EXPIRED = {"ok": False, "error": "Expired url"}


class Url:
    """The response_url of one command of Alice's in a DM with Bob, where the bot is no member."""

    def __init__(self, url: str, client: aiohttp.ClientSession) -> None:
        self.url = url
        self._client = client

    async def post(self, body: bytes, content_type: str = "application/json") -> tuple[int, str]:
        headers = {"Content-Type": content_type}
        async with self._client.post(self.url, data=body, headers=headers) as response:
            return response.status, await response.text()

    async def say(self, **message: object) -> tuple[int, str]:
        return await self.post(json.dumps(message).encode())


@pytest.fixture
async def url(slack: SimSlack, app: App, client: aiohttp.ClientSession) -> Url:
    assert app.received == []
    delivery = await slack.command(slack.alice, slack.alice_and_bob, "x")
    return Url(delivery.response_url, client)


async def test_everyone_sees_an_answer_in_the_channel(slack: SimSlack, url: Url) -> None:
    assert await url.say(**PAUSED) == (200, "ok")

    [message] = slack.channel_messages(slack.alice_and_bob)
    assert (message.text, message.source, message.bot_id) == ("Paused.", Source.RESPONSE_URL, "B0ANCHOR001")
    assert message.trigger_id is not None
    assert slack.violations == []


async def test_only_the_typist_sees_an_ephemeral_answer(slack: SimSlack, url: Url) -> None:
    await url.say(text="Paused.", response_type="ephemeral", replace_original=False)

    assert slack.channel_messages(slack.alice_and_bob) == []
    assert [message.text for message in slack.seen_by(slack.alice, slack.alice_and_bob)] == ["Paused."]
    assert slack.seen_by(slack.bob, slack.alice_and_bob) == []


async def test_a_url_answers_five_times(slack: SimSlack, url: Url) -> None:
    assert [(await url.say(**PAUSED))[0] for _ in range(6)] == [200] * 5 + [404]
    status, body = await url.say(**PAUSED)
    assert (status, json.loads(body)) == (404, {"ok": False, "error": "used_url"})
    assert len(slack.channel_messages(slack.alice_and_bob)) == 5


async def test_a_url_lives_for_thirty_minutes(slack: SimSlack, url: Url) -> None:
    slack.clock.advance(30 * 60)
    assert (await url.say(**PAUSED))[0] == 200
    slack.clock.advance(1)
    status, body = await url.say(**PAUSED)
    assert (status, json.loads(body)) == (404, EXPIRED)


async def test_an_unknown_url_is_refused(url: Url) -> None:
    url.url += "x"

    status, body = await url.say(**PAUSED)

    assert (status, json.loads(body)) == (404, EXPIRED)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b'{"text":"x"}', "text/plain"), (b"payload=%7B%7D", "application/x-www-form-urlencoded")]
    + [(body, "application/json") for body in (b"", b"{", b"[]")],
)
async def test_only_json_objects_are_taken(slack: SimSlack, url: Url, body: bytes, content_type: str) -> None:
    assert await url.post(body, content_type) == (400, "invalid_payload")
    assert slack.seen_by(slack.alice, slack.alice_and_bob) == []


async def test_a_message_needs_something_to_show(url: Url) -> None:
    assert await url.say(response_type="ephemeral", replace_original=False) == (400, "no_text")


async def test_invalid_blocks_are_refused(slack: SimSlack, url: Url) -> None:
    assert await url.say(**PAUSED, blocks=[{"type": "divide"}]) == (400, "invalid_blocks")
    assert [violation.rule for violation in slack.violations] == [Rule.INVALID_BLOCKS]


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        ({"text": "a", "replace_original": False}, Rule.IMPLICIT_RESPONSE_TYPE),
        ({"text": "a", "response_type": "ephemeral"}, Rule.IMPLICIT_REPLACE_ORIGINAL),
        ({"text": "a", "response_type": "public", "replace_original": False}, Rule.UNKNOWN_RESPONSE_TYPE),
        (PAUSED | {"replace_original": True}, Rule.REPLACES_SLASH_COMMAND),
        (PAUSED | {"delete_original": True}, Rule.REPLACES_SLASH_COMMAND),
        (PAUSED | {"response_type": "ephemeral", "thread_ts": "1.2"}, Rule.MISPLACED_THREAD),
        (PAUSED | {"txt": "a"}, Rule.UNKNOWN_KEY),
        (PAUSED | {"text": "a < b"}, Rule.RAW_ANGLE_BRACKET),
    ],
)
async def test_mistakes_are_violations(slack: SimSlack, url: Url, message: dict[str, object], rule: Rule) -> None:
    assert (await url.say(**message))[0] == 200

    assert [violation.rule for violation in slack.violations] == [rule]
    assert len(slack.seen_by(slack.alice, slack.alice_and_bob)) == 1


async def test_a_thread_needs_replace_original_to_be_false(slack: SimSlack, url: Url) -> None:
    await url.say(**PAUSED, thread_ts="1785000000.000001")
    assert slack.violations == []
    assert slack.channel_messages(slack.alice_and_bob)[0].thread_ts == "1785000000.000001"

    await url.say(text="a", response_type="in_channel", thread_ts="1785000000.000001")
    assert [violation.rule for violation in slack.violations] == [
        Rule.IMPLICIT_REPLACE_ORIGINAL,
        Rule.MISPLACED_THREAD,
    ]


async def test_deleting_the_original_deletes_nothing(slack: SimSlack, url: Url) -> None:
    assert await url.say(delete_original=True, response_type="ephemeral", replace_original=False) == (200, "ok")

    assert slack.seen_by(slack.alice, slack.alice_and_bob) == []
    assert [violation.rule for violation in slack.violations] == [Rule.REPLACES_SLASH_COMMAND]


@pytest.mark.parametrize(
    ("fault", "status"), [(rate_limited(2), 429), (server_error(), 500), (expired_url(), 404), (used_url(), 404)]
)
async def test_faults_replace_the_answer(slack: SimSlack, url: Url, fault: Fault, status: int) -> None:
    slack.faults["response_url"] = fault
    assert (await url.say(**PAUSED))[0] == status
    assert slack.channel_messages(slack.alice_and_bob) == []

    slack.faults.clear()
    assert (await url.say(**PAUSED))[0] == 200


async def test_rate_limits_say_how_long_to_wait(slack: SimSlack, url: Url, client: aiohttp.ClientSession) -> None:
    for retry_after, header in ((30, "30"), (None, None)):
        slack.faults["response_url"] = rate_limited(retry_after, times=1)
        async with client.post(url.url, json=PAUSED) as response:
            assert response.headers.get("Retry-After") == header


@pytest.mark.parametrize("fault", [ResetBeforeReading(), ResetAfterReading()])
async def test_connections_can_be_reset(slack: SimSlack, url: Url, fault: Fault) -> None:
    slack.faults["response_url"] = fault

    with pytest.raises((ConnectionResetError, aiohttp.ClientError)):
        await url.say(**PAUSED)


async def test_an_answer_can_get_lost_after_it_was_shown(slack: SimSlack, url: Url) -> None:
    slack.faults["response_url"] = Hang(applied=True)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await url.say(**PAUSED)

    assert len(slack.channel_messages(slack.alice_and_bob)) == 1
