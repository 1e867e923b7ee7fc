"""Calls of Slack's Web API in the log."""

import logging

import pytest

from bot.core.secret import Secret
from bot.outbound.http_client import open_session
from bot.outbound.slack.call_log import call_traces
from bot.outbound.slack.client import SlackClient
from bot.outbound.slack.errors import SlackUnreachableError, open_web
from bot.sim.slack import SimSlack

pytestmark = pytest.mark.anyio

MESSAGE = "call of Slack's API"


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    lines = [vars(record) for record in caplog.records if record.getMessage() == MESSAGE]
    return [{name: line[name] for name in ("method", "status", "why") if name in line} for line in lines]


async def test_each_call_is_logged_and_other_requests_are_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "bot")
    async with SimSlack() as slack, open_session(*call_traces(slack.url)) as session:
        client, token = SlackClient(open_web(session, slack.url)), Secret(slack.bot_token)
        await client.identify(token)
        async with session.get(f"{slack.url.removesuffix('/api/')}/link/?ticket=s3cret") as response:
            assert response.status == 403
        await slack.stop()
        with pytest.raises(SlackUnreachableError):
            await client.identify(token)
    assert logged(caplog) == [
        {"method": "auth.test", "status": 200},
        {"method": "auth.test", "why": "ClientConnectorError"},
    ]


async def test_without_debug_nothing_is_traced(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bot")
    assert call_traces("https://slack.com/api/") == ()
