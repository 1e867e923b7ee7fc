"""The Web API of simulated Slack: where a token must be, how arguments are read, and which scopes are needed."""

import aiohttp
import pytest

from bot.sim.slack import For, Rule, SimSlack, api_error, rate_limited, server_error
from sim.api_client import FORM, JSON, Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio


async def test_a_token_that_is_unknown_revoked_or_of_the_app_is_rejected(slack: SimSlack, api: Api) -> None:
    assert (await api.send("auth.test", token="xoxb-unknown"))["error"] == "invalid_auth"
    assert (await api.send("auth.test", token=slack.app_token))["error"] == "not_allowed_token_type"
    slack.home.installation.refusal = "token_revoked"
    assert await api.send("auth.test") == {"ok": False, "error": "token_revoked"}


async def test_a_token_belongs_in_the_header(slack: SimSlack, api: Api, client: aiohttp.ClientSession) -> None:
    token = f"token={slack.bot_token}".encode()
    in_json = f'{{"token": "{slack.bot_token}"}}'.encode()

    assert (await api.send("auth.test", body=token, content_type=FORM, token=None))["ok"] is True
    assert (await api.send("auth.test", body=in_json, content_type=JSON, token=None))["error"] == "not_authed"
    assert (await api.send("auth.test", query=f"?{token.decode()}", token=None))["error"] == "not_authed"
    assert rules(slack) == [Rule.TOKEN_OUTSIDE_HEADER] * 3
    async with client.post(f"{slack.url}auth.test", headers={"Authorization": f"Basic {slack.bot_token}"}) as answer:
        assert (await answer.json())["error"] == "not_authed"


async def test_an_unknown_method_is_rejected(api: Api) -> None:
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
async def test_an_unreadable_body_is_rejected(
    slack: SimSlack, api: Api, *, body: bytes, content_type: str, error: str
) -> None:
    assert await api.send("chat.postMessage", body=body, content_type=content_type) == {"ok": False, "error": error}
    assert len(slack.api_calls) == 1


async def test_slack_remarks_on_the_charset(api: Api) -> None:
    types = (JSON, "application/json", FORM, f"{FORM}; charset=utf-8")
    answers = [await api.send("auth.test", body=b"{}", content_type=each) for each in types]
    assert [answer.get("warning") for answer in answers] == [None, "missing_charset", None, "superfluous_charset"]


@pytest.mark.parametrize(
    ("method", "scope", "rest"),
    [
        ("chat.postMessage", "chat:write", "commands,users:read"),
        ("chat.update", "chat:write", "commands,users:read"),
        ("users.info", "users:read", "chat:write,commands"),
    ],
)
async def test_a_method_needs_its_scope(slack: SimSlack, api: Api, method: str, scope: str, rest: str) -> None:
    slack.home.installation.scopes.remove(scope)
    assert await api.send(method) == {"ok": False, "error": "missing_scope", "needed": scope, "provided": rest}


async def test_a_header_names_the_scopes_of_a_token_also_if_the_method_needs_another(slack: SimSlack, api: Api) -> None:
    slack.home.installation.scopes.remove("users:read")
    for method in ("auth.test", "users.info"):
        await api.send(method)
        assert api.headers["X-OAuth-Scopes"] == "chat:write,commands"
    await api.send("auth.test", token="xoxb-unknown")
    assert "X-OAuth-Scopes" not in api.headers


async def test_one_method_needs_no_token(api: Api) -> None:
    assert await api.send("api.test", token=None) == {"ok": True}


async def test_a_fault_is_for_one_method(slack: SimSlack, api: Api) -> None:
    slack.faults["auth.test"] = api_error("invalid_auth")
    slack.faults["users.info"] = api_error("missing_scope", needed="users:read", times=1)
    slack.faults["chat.postMessage"] = rate_limited(7)

    assert (await api.send("auth.test"))["error"] == "invalid_auth"
    missing = {"ok": False, "error": "missing_scope", "needed": "users:read"}
    assert await api.form("users.info", user="U0ALICE0001") == missing
    assert (await api.form("users.info", user="U0ALICE0001"))["ok"] is True
    assert (await api.post("C0ALERTS001"))["error"] == "ratelimited"
    assert (api.headers["status"], api.headers["Retry-After"]) == ("429", "7")


async def test_a_fault_can_end_by_itself(slack: SimSlack, api: Api, app: RecordingApp) -> None:
    delivery = await slack.command(slack.alice, slack.alerts)
    slack.faults["response_url"] = For(5, server_error())
    slack.faults["chat.postMessage"] = For(5, rate_limited(5))
    message = {"response_type": "ephemeral", "replace_original": False, "text": "Paused."}
    assert (await api.answer(delivery, message))[0] == 500
    await api.post("C0ALERTS001")
    assert (api.headers["status"], api.headers["Retry-After"]) == ("429", "5")
    slack.clock.advance(5)
    assert (await api.answer(delivery, message))[0] == 200
    assert (await api.post("C0ALERTS001"))["ok"] is True
    assert app.payloads


async def test_every_answer_has_the_time_of_slacks_clock(slack: SimSlack, api: Api, app: RecordingApp) -> None:
    delivery = await slack.command(slack.alice, slack.alerts)
    dates = []
    for ahead in (0, 3600):
        slack.clock.advance(ahead)
        await api.send("auth.test")
        dates.append(api.headers["Date"])
        await api.answer(delivery, {"text": "Paused."})
        dates.append(api.headers["Date"])
    before, after = "Sat, 25 Jul 2026 17:20:00 GMT", "Sat, 25 Jul 2026 18:20:00 GMT"
    assert dates == [before, before, after, after]
    assert app.payloads
