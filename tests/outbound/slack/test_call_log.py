"""Calls of Slack's Web API in the log."""

import asyncio
import logging

import pytest

from bot.outbound.slack.call_log import call_traces
from bot.sim.slack import SimSlack
from harness.slack_faults import UNREACHABLE, slack_client

pytestmark = pytest.mark.anyio


async def test_each_call_is_logged_and_other_requests_are_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    async with SimSlack() as slack, slack_client(slack, *call_traces(slack.url)) as (identify, get):
        await identify()
        assert await get("/link/?ticket=s3cret") == 403
        await slack.stop()
        await asyncio.sleep(0.1)  # so that the client knows
        with pytest.raises(UNREACHABLE):
            await identify()
    lines = [vars(record) for record in caplog.records if record.getMessage() == "call of Slack's API"]
    assert [{name: line[name] for name in ("method", "status", "why") if name in line} for line in lines] == [
        {"method": "auth.test", "status": 200},
        {"method": "auth.test", "why": "ClientConnectorError"},
    ]
    caplog.set_level(logging.INFO, "bot")
    assert call_traces("https://slack.com/api/") == ()
