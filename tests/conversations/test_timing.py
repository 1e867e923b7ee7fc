"""Slack waits three seconds, and Anchor can take longer: everybody gets an answer in time, and the outcome once."""

import asyncio
import logging
import time
from dataclasses import replace

import pytest

from bot.sim.anchor import Slow
from bot.sim.slack import (
    Answer,
    Channel,
    Fault,
    For,
    ResetAfterReading,
    Source,
    api_error,
    expired_url,
    rate_limited,
    server_error,
)
from bot.sim.slack.simulator import ACK_DEADLINE
from harness import BOTH_TRANSPORTS, SESSION, SingleHarness, paused, single_workspace
from harness.product import Limits
from harness.texts import as_direct_text, waiting_text

pytestmark = pytest.mark.anyio

ACK_WAIT = Limits().ack_wait


def test_an_ack_leaves_a_second_of_the_three_that_slack_waits() -> None:
    assert ACK_DEADLINE - ACK_WAIT == 1.0


@pytest.mark.slow
@BOTH_TRANSPORTS
async def test_a_later_outcome_is_announced_in_time_and_then_posted_once() -> None:
    async with single_workspace(ack_wait=ACK_WAIT) as at:
        at.anchor.fault = Slow(5.0)
        delivery = await at.command()
        assert [one.text for one in at.seen()] == [waiting_text()]
        await at.wait_for_messages()
        await asyncio.sleep(0.3)
        assert [(one.source, one.text) for one in at.messages()] == [(Source.RESPONSE_URL, paused())]
    assert ACK_WAIT - 1.0 <= delivery.elapsed < 5.0  # Slack sends its time in whole seconds


async def slow_pause(at: SingleHarness, channel: Channel | None = None) -> None:
    """Type a command whose outcome comes after its ack."""
    at.anchor.fault = Slow(0.3)
    await at.command(channel=channel)


LIMITED = Answer(429, b"", "text/plain", headers={"Retry-After": "1"}, times=1)
WAYS: dict[str, tuple[Fault, Fault | None, Source, float]] = {
    "a limit on the response_url": (rate_limited(1, times=1), None, Source.RESPONSE_URL, 1.0),
    "an error of the response_url": (server_error(), None, Source.POST_MESSAGE, 0),
    "a limit of over three seconds on the response_url": (rate_limited(4), None, Source.POST_MESSAGE, 0),
    "an expired response_url": (expired_url(), None, Source.POST_MESSAGE, 0),
    "no answer of the response_url": (ResetAfterReading(), None, Source.POST_MESSAGE, 0),
    "a limit on posting": (expired_url(), rate_limited(1, times=1), Source.POST_MESSAGE, 1.0),
    "a limit without JSON on posting": (expired_url(), LIMITED, Source.POST_MESSAGE, 1.0),
}


@pytest.mark.parametrize(("of_url", "of_post", "source", "waits"), WAYS.values(), ids=WAYS)
async def test_a_late_outcome_is_delivered_by_the_first_way_that_works(
    of_url: Fault, of_post: Fault | None, source: Source, waits: float
) -> None:
    async with single_workspace(ack_wait=0.0) as at:
        at.slack.faults["response_url"] = of_url
        at.slack.faults["chat.postMessage"] = of_post
        began = time.monotonic()
        await slow_pause(at)
        await at.wait_for_messages()
        assert 0.3 + waits < time.monotonic() - began < 2.0 + waits
        assert [(one.source, one.text) for one in at.messages()] == [(source, paused())]


@pytest.mark.parametrize(
    ("channel", "of_post"),
    [("C0PRIVATE01", None), ("C0ALERTS001", ResetAfterReading(applied=True, times=1))],
    ids=["a channel without the bot", "no answer to the post"],
)
async def test_an_outcome_that_may_not_be_in_the_channel_is_sent_to_the_person(
    channel: str, of_post: Fault | None
) -> None:
    async with single_workspace(ack_wait=0.0) as at:
        at.slack.faults["response_url"] = expired_url()
        at.slack.faults["chat.postMessage"] = of_post
        await slow_pause(at, at.workspace.channels[channel])
        assert await at.wait_for_direct_messages() == [as_direct_text(paused(), channel)]
        assert len(at.messages(at.workspace.channels[channel])) <= (of_post is not None)
        assert "anchor_resume" in str(at.direct_messages()[0].blocks)


LOST: dict[str, tuple[Fault, Fault, str, list[str]]] = {
    "no answer": (
        ResetAfterReading(applied=True),
        ResetAfterReading(applied=True),
        "result possibly not delivered",
        ["response_url", "channel"],
    ),
    "refused": (
        expired_url(),
        api_error("account_inactive"),
        "result not delivered",
        ["response_url: response_url status 404", "channel: account_inactive", "direct message: account_inactive"],
    ),
}


@pytest.mark.parametrize(("of_url", "of_post", "message", "why"), LOST.values(), ids=LOST)
async def test_an_outcome_that_is_perhaps_or_surely_not_delivered_is_logged_with_each_way(
    of_url: Fault, of_post: Fault, message: str, why: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with single_workspace(ack_wait=0.0) as at:
        at.slack.faults["response_url"], at.slack.faults["chat.postMessage"] = of_url, of_post
        await slow_pause(at)
        await at.slack.until(lambda: at.calls("chat.postMessage") == len(why) - 1)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert (record.message, vars(record)["user"]) == (message, "U0ALICE0001")
    for way, expected in zip(vars(record)["why"].split("; "), why, strict=True):
        assert way.startswith(expected)
    assert at.calls("chat.postMessage") == len(why) - 1


@pytest.mark.parametrize("body", [b"<html>", b"[" * 200_000], ids=["a page", "deeply nested JSON"])
async def test_results_that_a_captive_portal_swallows_are_told_once_when_slack_answers_again(body: bytes) -> None:
    answer = Answer(200, body, "text/html" if body.startswith(b"<") else "application/json")
    async with single_workspace(ack_wait=0.0) as at:
        for name in ("response_url", "chat.postMessage", "auth.test"):
            at.slack.faults[name] = For(3, answer)
        sessions = [at.anchor.add_session() for _ in range(5)]
        for session in sessions:
            await at.command(session)
            await asyncio.sleep(0.5)
        await asyncio.sleep(60)
        assert [[session in one.text for one in at.messages()].count(True) for session in sessions] == [1] * 5
        at.slack.faults["response_url"] = at.slack.faults["chat.postMessage"] = replace(answer, applied=True)
        await at.command(sessions[0])
        await asyncio.sleep(1900)
        assert len(at.messages()) + len(at.direct_messages()) == 5 + 2


@pytest.mark.parametrize("fault", [server_error(), rate_limited(5)], ids=["500", "429"])
async def test_where_the_bot_is_no_member_a_result_comes_also_after_many_failures(fault: Fault) -> None:
    async with single_workspace(ack_wait=0.0) as at:
        for name in ("response_url", "chat.postMessage"):
            at.slack.faults[name] = For(120, fault)
        private = at.workspace.channels["C0PRIVATE01"]
        await slow_pause(at, private)
        await at.slack.until(lambda: at.messages(private), within=600)
        assert [(one.source, one.text) for one in at.messages(private)] == [(Source.RESPONSE_URL, paused())]
        assert at.direct_messages() == []


@BOTH_TRANSPORTS
async def test_while_slack_fails_every_result_waits_and_is_then_delivered_once() -> None:
    async with single_workspace(ack_wait=0.0) as at:
        at.slack.faults["response_url"] = at.slack.faults["chat.postMessage"] = server_error()
        sessions = [at.anchor.add_session() for _ in range(8)]
        await asyncio.gather(*[at.command(session) for session in sessions])
        await at.slack.until(lambda: at.calls("chat.postMessage") >= 2 * len(sessions))  # to the channel, and a DM
        at.slack.faults.clear()
        await at.slack.until(lambda: len(at.messages()) + len(at.direct_messages()) == len(sessions))
        await asyncio.sleep(0.2)
        reported = [message.text for message in (*at.messages(), *at.direct_messages())]
    assert len(reported) == len(sessions)
    assert {session for session in sessions if any(session in text for text in reported)} == set(sessions)


@pytest.mark.parametrize("limit", ["MAX_WAITING", "MAX_WAITING_EACH"])
async def test_more_results_than_fit_into_memory_are_tried_in_one_round_only(
    limit: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"bot.usecases.delivery.{limit}", 1)
    async with single_workspace(ack_wait=0.0) as at:
        at.slack.faults["response_url"] = at.slack.faults["chat.postMessage"] = server_error()
        for session in (SESSION, at.anchor.add_session()):
            await at.command(session)
        await at.slack.until(lambda: at.calls("chat.postMessage") == 4)  # each to the channel, and as a DM
        at.slack.faults.clear()
        (reported,) = await at.wait_for_messages()
        assert [record.levelname for record in caplog.records if record.levelno == logging.ERROR] == ["ERROR"]
        await asyncio.sleep(0.2)
        assert at.messages() == [reported]


async def test_a_result_does_not_wait_for_the_card() -> None:
    async with single_workspace() as at:
        at.slack.faults["response_url"] = rate_limited(20)
        began = time.monotonic()
        await at.click()
        await at.slack.until(lambda: at.messages()[-1].text == paused())
        assert time.monotonic() - began < 10
