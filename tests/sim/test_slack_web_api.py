"""Simulated Slack's Web API: where the token goes, how arguments are read, and which scopes are needed."""

import json

import aiohttp
import pytest

from bot.sim.slack import (
    Fault,
    Installation,
    ResetAfterReading,
    Rule,
    SimSlack,
    Workspace,
    api_error,
    rate_limited,
    server_error,
)
from sim.api_client import FORM, JSON, Api, rules

pytestmark = pytest.mark.anyio


async def test_auth_test_tells_whose_token_it_is(slack: SimSlack, api: Api) -> None:
    assert await api.send("auth.test") == {
        "ok": True,
        "url": "https://acme.slack.com/",
        "team": "Acme",
        "user": "anchor",
        "team_id": "T0HOME00001",
        "user_id": "U0ANCHORBOT",
        "bot_id": "B0ANCHOR001",
        "is_enterprise_install": False,
    }
    assert api.headers["X-OAuth-Scopes"] == "chat:write,commands,users:read"
    [call] = slack.api_calls
    assert (call.method, call.arguments, call.token, call.at.time) == ("auth.test", {}, slack.bot_token, 1_785_000_000)


async def test_each_workspace_has_its_own_token(slack: SimSlack, api: Api) -> None:
    other = Workspace("T0OTHER0001", "other", Installation("xoxb-other"))
    channel = other.add_channel("C0OTHER0001", "general", "U0ANCHORBOT")
    slack.add_workspace(other)

    assert (await api.send("auth.test", token="xoxb-other"))["team_id"] == "T0OTHER0001"
    assert (await api.post(channel.id))["error"] == "channel_not_found"


async def test_an_unknown_token_is_invalid(api: Api) -> None:
    assert await api.send("auth.test", token="xoxb-unknown") == {"ok": False, "error": "invalid_auth"}


async def test_a_revoked_token_is_refused(slack: SimSlack, api: Api) -> None:
    slack.home.installation.refusal = "token_revoked"

    assert (await api.send("auth.test"))["error"] == "token_revoked"


async def test_other_schemes_than_bearer_are_no_token(slack: SimSlack, client: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Basic {slack.bot_token}"}
    async with client.post(f"{slack.url}auth.test", headers=headers) as response:
        assert (await response.json())["error"] == "not_authed"


async def test_a_token_in_json_is_not_seen(slack: SimSlack, api: Api) -> None:
    body = json.dumps({"token": slack.bot_token}).encode()

    assert (await api.send("auth.test", body=body, content_type=JSON, token=None))["error"] == "not_authed"
    assert rules(slack) == [Rule.TOKEN_OUTSIDE_HEADER]
    assert slack.api_calls[0].arguments == {}


async def test_a_token_in_the_url_is_not_seen(slack: SimSlack, api: Api) -> None:
    answer = await api.send("auth.test", query=f"?token={slack.bot_token}", token=None)

    assert answer["error"] == "not_authed"
    assert rules(slack) == [Rule.TOKEN_OUTSIDE_HEADER]


async def test_a_token_in_a_form_works_but_is_a_violation(slack: SimSlack, api: Api) -> None:
    answer = await api.send("auth.test", body=f"token={slack.bot_token}".encode(), content_type=FORM, token=None)

    assert answer["ok"] is True
    assert rules(slack) == [Rule.TOKEN_OUTSIDE_HEADER]


async def test_unknown_methods_are_refused(api: Api) -> None:
    assert await api.send("chat.shout") == {"ok": False, "error": "unknown_method", "req_method": "chat.shout"}


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        (b"{", JSON, "invalid_json"),
        (b"[]", JSON, "json_not_object"),
        (b"a=b", "", "missing_post_type"),
        (b"a=b", "text/csv", "invalid_post_type"),
        (b"blocks=x", FORM, "invalid_blocks_format"),
    ],
)
async def test_bodies_that_cannot_be_read_are_refused(
    slack: SimSlack, api: Api, *, body: bytes, content_type: str, error: str
) -> None:
    answer = await api.send("chat.postMessage", body=body, content_type=content_type)

    assert answer == {"ok": False, "error": error}
    assert len(slack.api_calls) == 1


@pytest.mark.parametrize(
    ("content_type", "warning"),
    [
        (JSON, None),
        ("application/json", "missing_charset"),
        (FORM, None),
        (f"{FORM}; charset=utf-8", "superfluous_charset"),
    ],
)
async def test_slack_remarks_on_the_charset(api: Api, content_type: str, warning: str | None) -> None:
    body = b"{}" if "json" in content_type else b"a=b"

    assert (await api.send("auth.test", body=body, content_type=content_type)).get("warning") == warning


@pytest.mark.parametrize(
    ("method", "scope", "rest"),
    [
        ("chat.postMessage", "chat:write", "commands,users:read"),
        ("users.info", "users:read", "chat:write,commands"),
    ],
)
async def test_methods_need_their_scope(slack: SimSlack, api: Api, method: str, scope: str, rest: str) -> None:
    slack.home.installation.scopes.remove(scope)

    answer = await api.send(method)

    assert answer == {"ok": False, "error": "missing_scope", "needed": scope, "provided": rest}


async def test_faults_strike_one_method_only(slack: SimSlack, api: Api) -> None:
    slack.faults["auth.test"] = api_error("invalid_auth")
    slack.faults["users.info"] = api_error("missing_scope", needed="users:read", times=1)
    slack.faults["chat.postMessage"] = rate_limited(7)

    assert await api.send("auth.test") == {"ok": False, "error": "invalid_auth"}
    assert await api.info("U0ALICE0001") == {"ok": False, "error": "missing_scope", "needed": "users:read"}
    assert (await api.info("U0ALICE0001"))["ok"] is True
    assert (await api.post("C0ALERTS001"))["error"] == "ratelimited"
    assert api.headers["Retry-After"] == "7"
    assert len(slack.api_calls) == 4


@pytest.mark.parametrize("fault", [server_error(), ResetAfterReading()])
async def test_a_method_can_break(slack: SimSlack, api: Api, fault: Fault) -> None:
    slack.faults["auth.test"] = fault

    with pytest.raises((ConnectionResetError, aiohttp.ClientError)):
        await api.send("auth.test")
