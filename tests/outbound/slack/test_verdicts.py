"""Answers of Slack, or of something in its place: only Slack's own word on a token counts."""

import gzip

import pytest

from bot.outbound.slack.client import (
    AppTokenRefusedError,
    Doubtful,
    Posted,
    Refused,
    SlackClient,
    TokenRefusedError,
    TryAgain,
)
from bot.sim.slack import (
    Answer,
    Fault,
    ResetAfterReading,
    ResetBeforeReading,
    SimSlack,
    api_error,
    rate_limited,
    server_error,
)
from harness.product import Secret
from harness.roles import UNREACHABLE, web_client
from harness.values import FOR_ALL

pytestmark = pytest.mark.anyio

NO_VERDICT: dict[str, Fault] = {
    "rate limit": rate_limited(),
    "internal error": api_error("internal_error"),
    "server error": server_error(),
    "bad gateway": Answer(502, b"<html>", "text/html"),
    "forbidden by a proxy": Answer(403, b"Blocked", "text/plain"),
    "redirect": Answer(302, headers={"Location": "/login"}),
    "page that calls itself JSON": Answer(200, b"<html>"),
    "JSON that is no object": Answer(200, b'["ok"]'),
    "object of something else": Answer(200, b'{"status":"fine"}'),
    "JSON that is nested too deeply": Answer(200, b"[" * 200_000),
    "a text of no charset": Answer(200, b'{"ok":true}', "application/json; charset=hex"),
    "an archive": Answer(200, b'{"ok":true}', "application/gzip"),
    "reset before": ResetBeforeReading(),
    "reset after": ResetAfterReading(),
}


@pytest.mark.parametrize("fault", NO_VERDICT.values(), ids=NO_VERDICT)
async def test_an_answer_that_is_not_slacks_leaves_everything_open(fault: Fault) -> None:
    """Tokens are neither good nor refused, and a post is neither made nor an exception."""
    async with SimSlack(socket_mode=True) as slack, web_client(slack) as web:
        client, token = SlackClient(web), Secret(slack.bot_token)
        for method in ("auth.test", "apps.connections.open", "chat.postMessage"):
            slack.faults[method] = fault
        with pytest.raises(UNREACHABLE):
            await client.inspect(token)
        with pytest.raises(UNREACHABLE):
            await client.open_connection(Secret(slack.app_token))
        assert isinstance(await client.post_message(token, slack.alerts.id, FOR_ALL), TryAgain | Doubtful | Refused)
        slack.faults.clear()
        taken = await client.post_message(token, slack.alerts.id, FOR_ALL)
        assert taken == Posted(slack.alerts.id, slack.channel_messages(slack.alerts)[-1].ts)


async def test_a_field_that_is_nested_deeply_says_nothing() -> None:
    async with SimSlack() as slack, web_client(slack) as web:
        slack.faults["chat.postMessage"] = Answer(200, b'{"ok":true,"ts":%b}' % (b"[" * 600 + b"]" * 600))
        posted = await SlackClient(web).post_message(Secret(slack.bot_token), slack.alerts.id, FOR_ALL)
        assert posted == Posted(slack.alerts.id, "")


@pytest.mark.parametrize("team_id", ["", ',"team_id":null', ',"team_id":7', ',"team_id":""', ',"team_id":"T1\\n"'])
async def test_a_token_of_no_team_is_no_success(team_id: str) -> None:
    async with SimSlack() as slack, web_client(slack) as web:
        slack.faults["auth.test"] = Answer(200, f'{{"ok":true{team_id}}}'.encode())
        with pytest.raises(UNREACHABLE):
            await SlackClient(web).inspect(Secret(slack.bot_token))


async def test_an_answer_that_unpacks_to_more_than_any_of_slacks_is_not_read_whole() -> None:
    body = b'{"ok":true,"team_id":"T0HOME00001","user_id":"U0BOT000001","pad":"' + b"a" * (5 << 20) + b'"}'
    async with SimSlack() as slack, web_client(slack) as web:
        slack.faults["auth.test"] = Answer(200, gzip.compress(body), headers={"Content-Encoding": "gzip"})
        with pytest.raises(UNREACHABLE):
            await SlackClient(web).inspect(Secret(slack.bot_token))


async def test_a_token_that_slack_refuses_is_refused() -> None:
    async with SimSlack(socket_mode=True) as slack, web_client(slack) as web:
        client = SlackClient(web)
        for error in ("invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_authed"):
            slack.home.installation.refusal = error
            with pytest.raises(TokenRefusedError, match=error):
                await client.inspect(Secret(slack.bot_token))
        for error in ("invalid_auth", "not_allowed_token_type", "missing_scope"):
            slack.faults["apps.connections.open"] = api_error(error)
            with pytest.raises(AppTokenRefusedError, match=error):
                await client.open_connection(Secret(slack.app_token))
        slack.faults["apps.connections.open"] = rate_limited(7)
        with pytest.raises(UNREACHABLE) as caught:
            await client.open_connection(Secret(slack.app_token))
        assert caught.value.after == 7
