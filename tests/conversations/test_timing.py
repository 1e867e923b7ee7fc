"""The time of an ack, and results that come after it."""

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from bot.app import LONGEST_STOP
from bot.sim import slack as sim
from bot.sim.anchor import Slow
from bot.sim.slack.simulator import ACK_DEADLINE
from conversations.test_alert_cards import TOKEN, send
from harness import ALICE, BOTH_TRANSPORTS, SESSION, SingleHarness, paused, single_workspace
from harness.bots import remains
from harness.conversation import until
from harness.product import Limits, alerts
from harness.texts import waiting_text

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
        assert [(one.source, one.text) for one in at.messages()] == [(sim.Source.RESPONSE_URL, paused())]
    assert ACK_WAIT - 1.0 <= delivery.elapsed < 5.0  # Slack sends its time in whole seconds


async def slow_pause(at: SingleHarness, channel: sim.Channel | None = None) -> None:
    """Type a command whose outcome comes after its ack."""
    at.anchor.fault = Slow(0.3)
    await at.command(channel=channel)


LIMITED = sim.Answer(429, b"", "text/plain", headers={"Retry-After": "1"}, times=1)
EMPTY = sim.Answer(200, b"", "text/plain", applied=True)
WAYS: dict[str, tuple[sim.Fault, sim.Fault | None, sim.Source, float]] = {
    "a limit on the response_url": (sim.rate_limited(1, times=1), None, sim.Source.RESPONSE_URL, 1.0),
    "an error of the response_url": (sim.server_error(), None, sim.Source.POST_MESSAGE, 0),
    "a limit of over three seconds on the response_url": (sim.rate_limited(4), None, sim.Source.POST_MESSAGE, 0),
    "an expired response_url": (sim.expired_url(), None, sim.Source.POST_MESSAGE, 0),
    "an empty answer of the response_url": (EMPTY, None, sim.Source.RESPONSE_URL, 0),
    "no answer of the response_url once": (sim.ResetAfterReading(times=1), None, sim.Source.RESPONSE_URL, 5.0),
    "no answer of the response_url": (sim.ResetAfterReading(), None, sim.Source.POST_MESSAGE, 35.0),
    "a limit on posting": (sim.expired_url(), sim.rate_limited(1, times=1), sim.Source.POST_MESSAGE, 1.0),
    "a limit without JSON on posting": (sim.expired_url(), LIMITED, sim.Source.POST_MESSAGE, 1.0),
}


@pytest.mark.parametrize(("of_url", "of_post", "source", "waits"), WAYS.values(), ids=WAYS)
async def test_a_late_outcome_is_delivered_by_the_first_way_that_works(
    of_url: sim.Fault, of_post: sim.Fault | None, source: sim.Source, waits: float
) -> None:
    async with single_workspace(ack_wait=0.0) as at:
        at.slack.faults["response_url"] = of_url
        at.slack.faults["chat.postMessage"] = of_post
        began = time.monotonic()
        await slow_pause(at)
        await at.wait_for_messages(within=60.0)
        assert 0.3 + waits < time.monotonic() - began < 2.0 + waits
        await asyncio.sleep(60.0)
        assert [(one.source, one.text) for one in at.messages()] == [(source, paused())]


@pytest.mark.parametrize("why", ["no member", "archived"])
async def test_an_outcome_that_can_not_be_posted_in_the_channel_is_sent_to_the_person(why: str) -> None:
    async with single_workspace(ack_wait=0.0) as at:
        channel = at.workspace.channels["C0PRIVATE01"] if why == "no member" else at.channel
        at.slack.faults["response_url"] = sim.expired_url()
        at.anchor.fault = Slow(0.3)
        await at.command(channel=channel)
        channel.is_archived = why == "archived"
        assert await at.wait_for_direct_messages() == [paused()]
        assert "anchor_resume" in str(at.direct_messages()[0].blocks)


ROUTES = ("response_url", "channel", "direct message")
LOST: dict[str, tuple[sim.Fault, sim.Fault, tuple[float, float], list[str]]] = {
    "no answer": (sim.ResetAfterReading(), sim.ResetAfterReading(), (2_100, 2_300), [f"{one}: " for one in ROUTES]),
    "refused": (
        sim.expired_url(),
        sim.api_error("channel_not_found"),
        (0, 5),
        ["response_url: response_url status 404", "channel: channel_not_found", "direct message: channel_not_found"],
    ),
    "a refused token": (
        sim.expired_url(),
        sim.api_error("token_revoked"),
        (1_700, 1_900),
        ["response_url: response_url status 404", "channel: token_revoked", "direct message: token_revoked"],
    ),
}


@pytest.mark.parametrize(("of_url", "of_post", "after", "why"), LOST.values(), ids=LOST)
async def test_an_outcome_that_is_given_up_is_one_error_with_each_way(
    of_url: sim.Fault, of_post: sim.Fault, after: tuple[float, float], why: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with single_workspace(ack_wait=0.0) as at:
        at.slack.faults["response_url"], at.slack.faults["chat.postMessage"] = of_url, of_post
        began = time.monotonic()
        await slow_pause(at)

        def errors() -> list[logging.LogRecord]:
            return [record for record in caplog.records if record.levelno >= logging.ERROR]

        await until(errors, within=2_500.0)
        assert after[0] < time.monotonic() - began < after[1]
        await asyncio.sleep(60.0)
        (record,) = errors()
    fields = vars(record)
    assert [fields[name] for name in ("session", "channel", "user")] == [SESSION, "C0ALERTS001", ALICE]
    assert [way.startswith(expected) for way, expected in zip(fields["why"].split("; "), why, strict=True)] == [
        True
    ] * 3


OUTAGES = {
    "hanging for 12 s": sim.For(12.0, sim.Hang()),
    "resetting for 5 s": sim.For(5.0, sim.ResetAfterReading()),
    "limited": sim.For(60.0, sim.rate_limited(5)),
    "a refused token": sim.For(60.0, sim.api_error("invalid_auth")),
}


@pytest.mark.parametrize(
    ("outage", "restarts"),
    [(one, name.startswith(("hanging", "a refused"))) for name, one in OUTAGES.items()],
    ids=OUTAGES,
)
async def test_what_slack_does_not_take_is_sent_again_also_after_a_restart(
    outage: sim.For, sqlite_url: str, *, restarts: bool
) -> None:
    own = {"ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001"}
    async with remains(sqlite_url, **own) as left, AsyncExitStack() as bots:
        at = await bots.enter_async_context(left.restart(ack_wait=0.0))
        at.slack.faults["response_url"] = at.slack.faults["chat.postMessage"] = outage
        ordered, alerted = ([at.anchor.add_session() for _ in range(count)] for count in (20, 30))
        alerting = [asyncio.ensure_future(send(at, session)) for session in alerted]
        await asyncio.gather(*map(at.command, ordered))
        await asyncio.sleep(1.0)
        if restarts:
            await asyncio.gather(*alerting)
            await bots.aclose()
            at = await bots.enter_async_context(left.restart())
        assert {status for status, _ in await asyncio.gather(*alerting)} <= {200, 202}

        def told() -> str:
            return str([(one.text, one.blocks) for one in (*at.messages(), *at.direct_messages())])

        await at.slack.until(lambda: all(one in told() for one in (*ordered, *alerted)), within=300.0)
        assert max(sum(one in message.text for one in alerted) for message in at.messages()) <= alerts.MOST_IN_SUMMARY


async def test_a_result_does_not_wait_for_the_card() -> None:
    async with single_workspace() as at:
        at.slack.faults["response_url"] = sim.rate_limited(20)
        began = time.monotonic()
        await at.click()
        await at.slack.until(lambda: at.messages()[-1].text == paused())
        assert time.monotonic() - began < 10


async def test_a_slack_that_hangs_does_not_hold_the_end_up_for_ten_seconds(caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace(ack_wait=0.0) as at:
        at.anchor.fault = at.slack.faults["response_url"] = sim.Hang()
        delivery = await at.command()
        await at.anchor.until(lambda: at.orders)
        began = time.monotonic()
    assert time.monotonic() - began < LONGEST_STOP + 0.5
    (untold,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert untold.name == "bot.usecases.results"
    assert urlsplit(delivery.response_url).path not in caplog.text
