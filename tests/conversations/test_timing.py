"""Slack waits three seconds; Anchor may take longer. Nobody is left without an answer."""

import asyncio
import logging
import socket
import time
from urllib.parse import urlencode, urlsplit

import pytest

from bot.sim.anchor import Slow, server_error
from bot.sim.slack import Answer, ResetAfterReading, Source, api_error, expired_url, rate_limited
from bot.sim.slack import server_error as slack_error
from harness import HTTP_ONLY, SESSION, SingleHarness, single_workspace

pytestmark = pytest.mark.anyio

PAUSING = f"Pausing session `{SESSION}`… The result will be posted here."


async def test_an_answer_within_two_seconds_is_the_ack() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(1.9)
        delivery = await at.command(SESSION)
        await asyncio.sleep(0.5)
        (message,) = at.messages()
        assert at.ephemerals() == []
    assert delivery.elapsed < 2.5
    assert message.source is Source.ACK


async def test_a_later_answer_is_announced_in_time_and_then_posted_once() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(2.1)
        delivery = await at.command(SESSION)
        assert at.messages() == []
        await at.wait_for_messages()
        await asyncio.sleep(0.5)
        (message,) = at.messages()
        (whisper,) = at.ephemerals()
    assert delivery.elapsed < 2.5
    assert whisper.text == PAUSING
    assert message.source is Source.RESPONSE_URL
    assert message.text.startswith(f"⏸️ *Paused*: session `{SESSION}`")


async def test_a_server_error_of_anchor_is_told_within_the_ack() -> None:
    async with single_workspace() as at:
        at.anchor.fault = server_error()
        delivery = await at.command(SESSION)
        assert len(at.anchor.posts(SESSION)) == 3
        (message,) = at.messages()
    assert delivery.elapsed < 2.0
    assert message.source is Source.ACK


@HTTP_ONLY
async def test_a_request_that_took_its_time_to_arrive_has_less_to_wait() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(1.5)
        started = time.monotonic()
        answer = await asyncio.to_thread(_send_slowly, at, 1.0)
        elapsed = time.monotonic() - started
    assert b"Pausing" in answer
    assert 1.9 < elapsed < 2.5


def _send_slowly(at: SingleHarness, seconds: float) -> bytes:
    """A command whose last byte comes late."""
    fields = {"command": "/anchor-pause", "text": SESSION, "team_id": "T0HOME00001", "channel_id": "C0ALERTS001"}
    body = urlencode(fields | {"user_id": "U0ALICE0001", "trigger_id": "slow"}).encode()
    url = urlsplit(at.bot.url)
    lines = [f"{name}: {value}" for name, value in at.slack.sign(body).items()]
    head = "\r\n".join(["POST /slack/events HTTP/1.1", "Host: bot", f"Content-Length: {len(body)}", *lines, "", ""])
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(head.encode() + body[:-1])
        time.sleep(seconds)
        connection.sendall(body[-1:])
        return connection.recv(65536)


async def slow_pause(at: SingleHarness) -> None:
    at.anchor.fault = Slow(0.3)
    await at.command(SESSION)


async def test_a_response_url_that_asks_to_wait_is_waited_for() -> None:
    async with single_workspace(patience=0.1) as at:
        at.slack.faults["response_url"] = rate_limited(1, times=1)
        await slow_pause(at)
        (message,) = await at.wait_for_messages()
    assert message.source is Source.RESPONSE_URL


async def test_a_response_url_that_fails_for_a_moment_is_tried_again() -> None:
    async with single_workspace(patience=0.1) as at:
        at.slack.faults["response_url"] = slack_error(times=2)
        await slow_pause(at)
        (message,) = await at.wait_for_messages()
    assert message.source is Source.RESPONSE_URL


@pytest.mark.parametrize(
    "fault", [expired_url(), slack_error(), rate_limited(3600), ResetAfterReading()], ids=lambda fault: repr(fault)[:40]
)
async def test_without_its_response_url_the_result_is_posted_by_the_bot(fault: object) -> None:
    async with single_workspace(patience=0.1) as at:
        at.slack.faults["response_url"] = fault  # type: ignore[assignment]
        await slow_pause(at)
        (message,) = await at.wait_for_messages()
    assert message.source is Source.POST_MESSAGE
    assert message.text.startswith("⏸️ *Paused*")


async def test_where_the_bot_is_no_member_the_person_is_told_directly() -> None:
    async with single_workspace(patience=0.1) as at:
        at.slack.faults["response_url"] = expired_url()
        at.anchor.fault = Slow(0.3)
        await at.command(SESSION, channel=at.slack.private)
        await at.slack.until(lambda: at.messages(at.slack.alice_and_bot))
        (message,) = at.messages(at.slack.alice_and_bot)
        assert at.messages(at.slack.private) == []
    first, second, *_ = message.text.splitlines()
    assert first == "For <#C0PRIVATE01>, in case it does not show there:"
    assert second.startswith("⏸️ *Paused*")
    assert "anchor_resume" in str(message.blocks)


async def test_a_command_that_came_without_a_response_url_is_answered_by_a_post() -> None:
    async with single_workspace(patience=0.1) as at:
        at.anchor.fault = Slow(0.3)
        await at.command(SESSION, response_url=None)
        (message,) = await at.wait_for_messages()
    assert message.source is Source.POST_MESSAGE


async def test_a_post_that_may_have_got_lost_is_followed_by_a_direct_message() -> None:
    async with single_workspace(patience=0.1) as at:
        at.slack.faults["response_url"] = expired_url()
        at.slack.faults["chat.postMessage"] = ResetAfterReading(applied=True, times=1)
        await slow_pause(at)
        await at.slack.until(lambda: at.messages(at.slack.alice_and_bot))
        assert len(at.messages()) <= 1
        (message,) = at.messages(at.slack.alice_and_bot)
    assert message.text.startswith("For <#C0ALERTS001>, in case it does not show there:\n⏸️ *Paused*")


async def test_a_slack_that_answers_too_late_gets_the_result_twice_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with single_workspace(patience=0.1) as at:
        at.slack.faults["response_url"] = ResetAfterReading(applied=True)
        at.slack.faults["chat.postMessage"] = ResetAfterReading(applied=True)
        await slow_pause(at)
        await at.slack.until(lambda: len(at.methods) == 3)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.message == "a result may not have been told"
    assert vars(record)["why"].startswith("response_url: ConnectTimeout; channel: ")
    assert at.methods == ["auth.test", "users.info", "chat.postMessage"]


async def test_a_limit_without_words_is_waited_out_too() -> None:
    async with single_workspace(patience=0.1) as at:
        at.slack.faults["response_url"] = expired_url()
        at.slack.faults["chat.postMessage"] = Answer(429, b"", "text/plain", headers={"Retry-After": "1"}, times=1)
        await slow_pause(at)
        (message,) = await at.wait_for_messages()
    assert message.source is Source.POST_MESSAGE


async def test_a_way_to_tell_that_breaks_is_logged_and_the_next_one_taken(caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace(patience=0.1) as at:
        at.anchor.fault = Slow(0.3)
        await at.command(SESSION, response_url="https://xn--.slack.com/commands/x")
        (message,) = await at.wait_for_messages()
    assert message.source is Source.POST_MESSAGE
    assert "a way to tell people broke" in [record.message for record in caplog.records]


async def test_a_limit_on_posting_is_waited_out() -> None:
    async with single_workspace(patience=0.1) as at:
        at.slack.faults["response_url"] = expired_url()
        at.slack.faults["chat.postMessage"] = rate_limited(1, times=1)
        await slow_pause(at)
        (message,) = await at.wait_for_messages()
    assert message.source is Source.POST_MESSAGE


async def test_what_cannot_be_told_at_all_is_logged_as_such(caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace(patience=0.1) as at:
        at.slack.faults["response_url"] = expired_url()
        at.slack.faults["chat.postMessage"] = api_error("account_inactive")
        await slow_pause(at)
        await at.slack.until(lambda: len([c for c in at.slack.api_calls if c.method == "chat.postMessage"]) == 2)
    (record,) = [record for record in caplog.records if record.message == "a result could not be told"]
    assert vars(record)["why"] == (
        "response_url: response_url answered 404; channel: account_inactive; direct message: account_inactive"
    )
    assert vars(record)["user"] == "U0ALICE0001"
