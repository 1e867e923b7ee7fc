"""Very many sessions with an alert: beyond those that can wait, the last message of a channel counts them."""

import asyncio
import time

import pytest

from bot.sim.local_server import free_port
from bot.sim.slack import Fault, Message, ResetAfterReading, rate_limited
from bot.sim.slack.content import parts
from conversations.test_cards import RESUME, ops, taking_alerts
from conversations.test_repeated_alerts import POST, on_cards, send
from harness import SingleHarness
from harness.process import scrape

pytestmark = pytest.mark.anyio

READ_LIST, SEVERAL = "anchor_read_list", "anchor_pause_several"


def counting(at: SingleHarness) -> list[Message]:
    """The messages that count alerts."""
    return [message for message in at.messages() if "more alert" in message.text]


@pytest.mark.parametrize("fault", [rate_limited(3, times=1), ResetAfterReading(times=1)], ids=["429", "no answer"])
async def test_beyond_those_that_can_wait_the_last_message_counts_sessions_and_reads_the_list(
    database_url: str, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.store.alerts.MOST_WAITING", 2)
    port = free_port()
    async with taking_alerts(database_url, METRICS_PORT=str(port)) as at:
        at.slack.faults[POST] = fault
        sessions = [at.anchor.add_session() for _ in range(22)]
        waiting = [asyncio.ensure_future(send(at, session)) for session in sessions[:2]]
        await asyncio.sleep(0.2)
        began = time.monotonic()
        answers = [await send(at, session, title=f"Loop {n}") for n, session in enumerate(sessions[2:])]
        assert time.monotonic() - began < 7.0  # none of them waits for Slack
        assert [(status, answer["counted"]) for status, answer in answers] == [(200, n) for n in range(1, 21)]
        assert all("counts this one" in answer["warnings"][0] for _, answer in answers)
        elsewhere = await send(at, at.anchor.add_session(), channel=ops(at).id)
        assert "counted" not in elsewhere[1]  # nothing waits there
        await at.slack.until(lambda: counting(at))
        assert {status for status, _ in await asyncio.gather(*waiting)} <= {200, 202}
        (last,) = counting(at)
        assert "*20 more alerts*" in last.text
        assert [one["action_id"] for one in parts(last.blocks[-1].get("elements"))][-1] == READ_LIST
        await at.slack.click(at.slack.bob, last, READ_LIST)
        await at.slack.until(lambda: any(SEVERAL in str(one.blocks) for one in at.ephemerals(at.slack.bob)))
        (shown,) = [session for session, _, message in on_cards(at) if message == last]
        await at.click(last, value=shown)
        await at.slack.until(lambda: (shown, *RESUME) in [one[:2] for one in on_cards(at)])
        again = await send(at, sessions[-1])
        assert "counted" not in again[1]  # by now it has a card of its own
        counted = (await scrape(port))("anchor_bot_alerts_total", outcome="Counted")
    assert counted == 20
