"""What a process writes to its log: one id for each request, and no secret; and a log that nobody reads."""

import json
from functools import partial
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import pytest

from bot.sim.anchor import (
    DEFAULT_KEY,
    Answer,
    ResetAfterReading,
    Slow,
    html,
    unauthorized,
)
from bot.sim.slack import api_error, expired_url
from bot.sim.slack import server_error as slack_error
from harness import SESSION
from harness.process import ProcessHarness, single_workspace_process

pytestmark = pytest.mark.anyio

RESPONSE_URL = "https://hooks.slack.com/commands/T0HOME00001/1/typed-by-hand"
ALERTS_TOKEN = "s3cret-of-the-alerts"
LOUD = {
    "ALERTS_TOKEN": ALERTS_TOKEN,
    "ALERTS_CHANNEL": "C0ALERTS001",
    "LOG_LEVEL": "DEBUG",
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONWARNINGS": "default",
}


async def anchor_misbehaves(at: ProcessHarness) -> list[str]:
    """Commands that Anchor answers badly at once."""
    urls = []
    for fault in (unauthorized(), html(), Answer(500, DEFAULT_KEY.encode()), ResetAfterReading(), Answer(600, b"\0")):
        at.anchor.fault = fault
        urls.append((await at.command(at.anchor.add_session())).response_url)
    return urls


def has_called(at: ProcessHarness, calls: int) -> bool:
    return len(at.slack.api_calls) > calls


async def slack_misbehaves(at: ProcessHarness) -> list[str]:
    """Slow commands whose outcome can't be sent to the response_url, nor in another way."""
    urls, calls = [], 0
    for result, by_url, by_post in (
        ("Doubtful", ResetAfterReading(), slack_error()),
        ("Refused", expired_url(), api_error("token_revoked")),
    ):
        calls = len(at.slack.api_calls)
        at.anchor.fault = Slow(4.0)
        at.slack.faults["response_url"], at.slack.faults["chat.postMessage"] = by_url, by_post
        urls.append((await at.command(at.anchor.add_session())).response_url)
        await at.bot.logs(message="post to a response_url", result=result)
    await at.slack.until(partial(has_called, at, calls))
    return urls


async def strangers_knock(at: ProcessHarness) -> None:
    """Bodies with secrets in them that the door or Bolt refuse."""
    asked = {"command": "/unknown", "text": SESSION, "team_id": "T0HOME00001", "channel_id": "C1", "user_id": "U1"}
    form = urlencode(asked | {"response_url": RESPONSE_URL}).encode()
    click = {
        "type": "block_actions",
        "user": {"id": "U0ALICE0001"},
        "team": {"id": "T0HOME00001"},
        "actions": [{"action_id": "unknown"}],
        "response_url": RESPONSE_URL,
    }
    event = {"type": "event_callback", "team_id": "T0HOME00001", "event": {"type": "message", "text": RESPONSE_URL}}
    bodies = [form, b"payload=" + quote(json.dumps(click)).encode(), form.replace(b"user_id", b"nobody"), form[:-9]]
    for body in bodies:
        await at.slack.send(body, at.slack.sign(body))
        await at.slack.send(body, at.slack.sign(body, timestamp=1))
        await at.slack.send(body, {"Content-Type": "application/x-www-form-urlencoded"})
    body = json.dumps(event | {"token": at.slack.bot_token}).encode()
    await at.slack.send(body, at.slack.sign(body) | {"Content-Type": "application/json"})


async def programs_report(at: ProcessHarness) -> None:
    """Alerts with the token and with another, to a Slack that does not take them."""
    url = f"{at.bot.url}/alerts"
    alert = {"session_id": SESSION, "text": RESPONSE_URL}
    at.slack.faults["chat.postMessage"] = api_error("token_revoked")
    async with aiohttp.ClientSession() as session:
        for token in (ALERTS_TOKEN, f"{ALERTS_TOKEN}x"):
            async with session.post(url, json=alert, headers={"Authorization": f"Bearer {token}"}) as answer:
                assert answer.status in {202, 401, 502}


async def test_no_secret_is_ever_logged() -> None:
    async with single_workspace_process(LOUD) as at:
        urls = [(await at.command(text)).response_url for text in (SESSION, "help", "nonsense", RESPONSE_URL)]
        urls += await anchor_misbehaves(at)
        urls += await slack_misbehaves(at)
        await strangers_knock(at)
        await programs_report(at)
        assert await at.bot.stop() == 0
    written = "\n".join(at.bot.lines)
    paths = [urlsplit(url).path for url in urls]
    for secret in (at.slack.bot_token, at.slack.signing_secret, DEFAULT_KEY, ALERTS_TOKEN, RESPONSE_URL, *urls, *paths):
        assert secret not in written
    assert "hooks.slack.com" not in written
    assert "/commands/" not in written
    assert len([entry for entry in at.bot.log if entry["message"] == "pause"]) == 8
