"""The metrics of what people and programs do."""

import asyncio
from typing import Any

import pytest

from bot.sim.anchor import rate_limited
from bot.sim.local_server import free_port
from bot.sim.slack import api_error
from harness import BOTH_TRANSPORTS, BY_BOTH, current_transport, single_workspace
from harness.conversation import post_json
from harness.process import scrape

pytestmark = pytest.mark.anyio


@BOTH_TRANSPORTS
async def test_orders_are_counted_by_verb_source_and_outcome_and_timed() -> None:
    port = free_port()
    async with single_workspace(METRICS_PORT=str(port)) as at:
        before = await scrape(port)
        at.anchor.fault = rate_limited(0.1, times=1)
        for by in BY_BOTH:
            await at.answer(by)
        await at.command("00000000-0000-4000-8000-000000000000")
        await at.slack.until(lambda: len(at.answers()) == 3)
        after = await scrape(port)
    assert before("anchor_bot_orders_total") == 0
    for source, outcome in (("command", "Paused"), ("button", "Paused"), ("command", "NotFound")):
        assert after("anchor_bot_orders_total", verb="pause", source=source, outcome=outcome) == 1
    assert after("anchor_bot_orders_total", result="done") == 2
    assert after("anchor_bot_orders_total") == after("anchor_bot_order_outcome_seconds_count", verb="pause") == 3
    assert after("anchor_bot_order_delivery_seconds_count", route="ack") == 2
    assert after("anchor_bot_order_delivery_seconds_count", route="response_url") == 1
    assert after("anchor_bot_ack_seconds_count", kind="command", status="200") == 2
    assert after("anchor_bot_ack_seconds_count", kind="block_actions", status="200") == 1
    attempts = {"Paused": 2, "RateLimited": 1, "NotFound": 1}
    assert {
        outcome: after("anchor_bot_anchor_attempt_seconds_count", verb="pause", outcome=outcome) for outcome in attempts
    } == attempts
    for name in ("ack", "order_outcome", "order_delivery"):
        assert 0 < after(f"anchor_bot_{name}_seconds_sum") < 60


async def test_alerts_are_counted_by_outcome_and_sender() -> None:
    port, bearer = free_port(), {"Authorization": "Bearer s3cret-of-the-alerts"}
    own: dict[str, Any] = {"ALERTS_TOKENS": "spend-monitor=s3cret-of-the-alerts,idle=s3cret-of-the-idle-one"}
    async with single_workspace(METRICS_PORT=str(port), ALERTS_CHANNELS="C0ALERTS001", **own) as at:
        alert = {"session_id": at.session, "text": "High spend", "channel": at.channel.id}
        nowhere = {name: value for name, value in alert.items() if name != "channel"}
        for fields, headers in ((alert, bearer), (alert, {}), ({}, bearer), (nowhere, bearer)):
            await post_json(f"{at.bot.url}/alerts", fields, headers=headers)
        at.slack.faults["chat.postMessage"] = api_error("not_in_channel")
        await post_json(f"{at.bot.url}/alerts", alert | {"session_id": at.anchor.add_session()}, headers=bearer)
        metrics = await scrape(port)
    counts = {"Posted": 1, "Rejected": 0, "Invalid": 2, "Refused": 1, "Doubtful": 0, "TryAgain": 0}
    for sender, expected in (("spend-monitor", counts), ("idle", dict.fromkeys(counts, 0))):
        counted = {one: metrics("anchor_bot_alerts_total", outcome=one, sender=sender) for one in counts}
        assert counted == expected
    assert metrics("anchor_bot_alerts_total", outcome="Rejected", sender="") == 1


@BOTH_TRANSPORTS
async def test_the_state_of_the_bot_is_exported() -> None:
    port = free_port()
    async with single_workspace(METRICS_PORT=str(port)) as at:
        metrics = await scrape(port)
        assert metrics("anchor_bot_ready") == 1
        assert metrics("anchor_bot_key_accepted") == 1
        assert ("anchor_bot_socket_connected" in metrics.names) is current_transport.is_socket
        transport = "Socket Mode" if current_transport.is_socket else "HTTP"
        assert metrics("anchor_bot_info", tenancy="one workspace", transport=transport) == 1
        if current_transport.is_socket:
            assert metrics("anchor_bot_socket_connected") == 1
            at.slack.socket_mode = False
            at.slack.sockets.drop()
            while (metrics := await scrape(port))("anchor_bot_socket_connected"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            assert metrics("anchor_bot_ready") == 0
