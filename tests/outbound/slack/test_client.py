"""Calls of Slack: what an answer means, of the Web API, of a response URL and of an installation; and its clock."""

import gzip
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from bot.outbound.slack import client
from bot.outbound.slack.oauth import read_grant
from bot.outbound.slack.response_url import ResponseUrls, read_response
from bot.outbound.slack.web_api import SlackClock
from bot.sim import slack as sim
from harness.install_browser import pages as about
from harness.product import Secret
from harness.samples import sample
from harness.stored import ACME
from harness.values import FOR_ALL, FOR_ONE, UNREACHABLE, http_client, web_client

NO_VERDICT: dict[str, sim.Fault] = {
    "rate limit": sim.rate_limited(),
    "internal error": sim.api_error("internal_error"),
    "server error": sim.server_error(),
    "bad gateway": sim.Answer(502, b"<html>", "text/html"),
    "forbidden by a proxy": sim.Answer(403, b"Blocked", "text/plain"),
    "redirect": sim.Answer(302, headers={"Location": "/login"}),
    "page that calls itself JSON": sim.Answer(200, b"<html>"),
    "JSON that is no object": sim.Answer(200, b'["ok"]'),
    "object of something else": sim.Answer(200, b'{"status":"fine"}'),
    "JSON that is nested too deeply": sim.Answer(200, b"[" * 200_000),
    "a text of no charset": sim.Answer(200, b'{"ok":true}', "application/json; charset=hex"),
    "an archive": sim.Answer(200, b'{"ok":true}', "application/gzip"),
    "reset before": sim.ResetBeforeReading(),
    "reset after": sim.ResetAfterReading(),
}


@pytest.mark.parametrize("fault", NO_VERDICT.values(), ids=NO_VERDICT)
async def test_an_answer_that_is_not_slacks_leaves_everything_open(fault: sim.Fault) -> None:
    """Tokens are neither good nor refused, and a post is neither made nor an exception."""
    async with sim.SimSlack(socket_mode=True) as slack, web_client(slack) as web:
        calls, token = client.SlackClient(web), Secret(slack.bot_token)
        for method in ("auth.test", "apps.connections.open", "chat.postMessage"):
            slack.faults[method] = fault
        with pytest.raises(UNREACHABLE):
            await calls.inspect(token)
        with pytest.raises(UNREACHABLE):
            await calls.open_connection(Secret(slack.app_token))
        assert isinstance(
            await calls.post_message(token, slack.alerts.id, FOR_ALL),
            client.TryAgain | client.Doubtful | client.Refused,
        )
        slack.faults.clear()
        taken = await calls.post_message(token, slack.alerts.id, FOR_ALL)
        assert taken == client.Posted(slack.alerts.id, slack.channel_messages(slack.alerts)[-1].ts)


async def test_an_answer_that_unpacks_to_more_than_any_of_slacks_is_not_read_whole() -> None:
    body = b'{"ok":true,"team_id":"T0HOME00001","user_id":"U0BOT000001","pad":"' + b"a" * (5 << 20) + b'"}'
    async with sim.SimSlack() as slack, web_client(slack) as web:
        slack.faults["auth.test"] = sim.Answer(200, gzip.compress(body), headers={"Content-Encoding": "gzip"})
        with pytest.raises(UNREACHABLE):
            await client.SlackClient(web).inspect(Secret(slack.bot_token))


async def test_a_token_that_slack_refuses_is_refused() -> None:
    async with sim.SimSlack(socket_mode=True) as slack, web_client(slack) as web:
        calls = client.SlackClient(web)
        for error in ("invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_authed"):
            slack.home.installation.refusal = error
            with pytest.raises(client.TokenRefusedError, match=error):
                await calls.inspect(Secret(slack.bot_token))
        for error in ("invalid_auth", "not_allowed_token_type", "missing_scope"):
            slack.faults["apps.connections.open"] = sim.api_error(error)
            with pytest.raises(client.AppTokenRefusedError, match=error):
                await calls.open_connection(Secret(slack.app_token))
        slack.faults["apps.connections.open"] = sim.rate_limited(7)
        with pytest.raises(UNREACHABLE) as caught:
            await calls.open_connection(Secret(slack.app_token))
        assert caught.value.after == 7


SLACKS = [
    "https://hooks.slack.com/commands/T0HOME00001/1/x",
    "https://hooks.slack-gov.com/commands/T0HOME00001/1/x",
    "https://HOOKS.SLACK.COM/actions/T0HOME00001/1/x",
    "http://127.0.0.1:8000/commands/T0HOME00001/1/x",
]
OTHERS = [
    "",
    "http://hooks.slack.com/commands/T0HOME00001/1/x",
    "https://hooks.slack.com:8443/x",
    "https://slack.com.evil.example/x",
    "https://evilslack.com/x",
    "https://evil.example/hooks.slack.com",
    "https://evil.example?.slack.com",
    "https://hooks.slack.com@evil.example/x",
    "https://evil.example\\.slack.com/x",
    "https://hooks.slack.com.",
    "https://[::1].slack.com/",
    "https://127.0.0.1:8000/x",
    "http://127.0.0.1:8001/x",
    "file:///etc/passwd",
    "//hooks.slack.com/x",
    "https://hooks.slack.com:99999/x",
    "https://.slack.com/x",
    "https://\u0440slack.com/x",
]


async def test_only_slacks_own_urls_are_called() -> None:
    async with http_client() as connections:
        urls = ResponseUrls(connections, api_url="http://127.0.0.1:8000/api/")
        assert [url for url in (*SLACKS, *OTHERS) if urls.is_trusted(url)] == SLACKS
        assert isinstance(await urls.post(Secret("https://evil.example/"), FOR_ONE), client.Refused)


@pytest.mark.parametrize(
    ("status", "headers", "body", "meaning"),
    [
        (200, {}, b"ok", client.Posted()),
        (200, {}, b'{"ok": true}', client.Posted()),
        (200, {}, b"accepted", client.Posted()),
        (200, {}, b'["ok"]', client.Doubtful("response_url status 200")),
        (200, {}, b'{"status": "ok"}', client.Doubtful("response_url status 200")),
        (200, {}, b"<html>", client.Doubtful("response_url status 200")),
        (200, {}, b"x" * 101, client.Doubtful("response_url status 200")),
        (404, {}, b"<html>", client.Doubtful("response_url status 404")),
        (200, {}, b'{"ok": false, "error": "used_url"}', client.Refused("response_url error used_url")),
        (404, {}, b'{"ok": false, "error": "Expired url"}', client.Refused("response_url status 404")),
        (302, {"Location": "/"}, b"", client.Doubtful("response_url status 302")),
        (410, {}, b"no_service", client.Refused("response_url status 410")),
        (429, {"retry-after": "7"}, b"", client.TryAgain("response_url status 429", 7.0)),
        (503, {}, b"", client.TryAgain("response_url status 503")),
    ],
    ids=repr,
)
def test_slacks_answers(status: int, headers: dict[str, str], body: bytes, meaning: client.PostResult) -> None:
    assert read_response(httpx.Response(status, headers=headers, content=body)) == meaning


NOW = 1_785_000_000.9
WORKSPACE: dict[str, Any] = sample("webapi.oauth.v2.access.workspace")
SILENT = about.unavailable_page(about.SLACK_SILENT)
NOT_AN_OBJECT: list[object] = [None, b"", "<html>", []]
SCOPES = ("commands", "chat:write", "users:read", "incoming-webhook")
INSTALLATION = replace(ACME, bot_token=Secret("xoxb-SIMULATED"), scopes=SCOPES)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"enterprise": {"id": "E0GRID00001", "name": "Grid"}}, {"enterprise_id": "E0GRID00001"}),
        ({"team": {"id": "T0HOME00001"}, "authed_user": None}, {"team_name": "T0HOME00001", "installed_by": ""}),
    ],
    ids=["a workspace", "a workspace of a grid", "a workspace without a name"],
)
def test_a_grant_becomes_an_installation(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read_grant(WORKSPACE | changes, now=NOW) == replace(INSTALLATION, **expected)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (sample("webapi.oauth.v2.access.org"), about.declined_page(about.ORG_WIDE)),
        (sample("webapi.oauth.v2.access.rotation"), about.operator_page(about.TOKEN_ROTATES)),
        ({}, SILENT),
        *((odd, SILENT) for odd in NOT_AN_OBJECT),
        *((WORKSPACE | {name: None}, SILENT) for name in ("team", "access_token", "bot_user_id", "app_id")),
        *((WORKSPACE | {"access_token": odd}, SILENT) for odd in ("", 7)),
        *((WORKSPACE | {"team": odd}, SILENT) for odd in ("T1", {}, {"id": 7}, {"id": "t0"}, {"id": "T" * 41})),
    ],
)
def test_any_other_grant_is_a_problem(answer: object, problem: object) -> None:
    assert read_grant(answer, now=NOW) == problem


HERE = 1_795_600_000.0  # Wed, 25 Nov 2026 09:46:40 GMT


class Machine:
    """A machine's clocks, and Slack's as it knows it."""

    def __init__(self, *skews: float) -> None:
        self.ahead, self.passed = 0.0, 0.0
        self.slack = SlackClock(lambda: HERE + self.passed + self.ahead, lambda: self.passed)
        for skew in skews:
            self.hear(skew)

    def hear(self, skew: float) -> None:
        """Get an answer."""
        self.slack.observe(formatdate(HERE + self.passed + self.ahead + skew, usegmt=True), seconds=0.0)

    def knows(self) -> float:
        """The skew that it believes."""
        return self.slack() - HERE - self.passed - self.ahead


@pytest.mark.parametrize(
    ("date", "skew"),
    [
        (None, 0.0),
        ("no date", 0.0),
        ("Wed, 25 Nov 2026 09:46:39 GMT", 0.0),  # it can be nearly a second later
        ("Wed, 25 Nov 2026 09:46:40 GMT", 0.0),
        ("Wed, 25 Nov 2026 09:46:44 GMT", 0.0),  # while the answer was under way
        ("Wed, 25 Nov 2026 09:46:45 GMT", 1.0),
        ("Wed, 25 Nov 2026 09:50:44 GMT", 240.0),
        ("Wed, 25 Nov 2026 09:42:39 GMT", -240.0),
    ],
)
def test_the_clocks_differ_as_far_as_the_date_is_outside_of_the_call(date: str | None, skew: float) -> None:
    machine = Machine()
    machine.passed = 4.0
    machine.slack.observe(date, seconds=4.0)
    assert machine.knows() == skew


@pytest.mark.parametrize(
    ("skews", "knows"), [([], 0), ([7], 7), ([60, 7], 7), ([7, 300], 300), ([7, 301], 7), ([7, -302], 7), ([86_400], 0)]
)
def test_the_last_answer_counts_unless_it_differs_by_more_than_five_minutes(skews: list[float], knows: float) -> None:
    assert Machine(*skews).knows() == knows


@pytest.mark.parametrize("team_id", ["", ',"team_id":null', ',"team_id":7', ',"team_id":""', ',"team_id":"T1\\n"'])
async def test_a_token_of_no_team_is_no_success(team_id: str) -> None:
    async with sim.SimSlack() as slack, web_client(slack) as web:
        slack.faults["auth.test"] = sim.Answer(200, f'{{"ok":true{team_id}}}'.encode())
        with pytest.raises(UNREACHABLE):
            await client.SlackClient(web).inspect(Secret(slack.bot_token))
