"""The Web API of simulated Slack: where a token must be, how arguments are read, and which scopes are needed."""

import aiohttp
import pytest

from bot.sim.slack import For, Rule, SimSlack, api_error, rate_limited, server_error
from sim.api_client import FORM, JSON, Api, rules
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio

OUTSIDE, FORMS_ONLY = [Rule.TOKEN_OUTSIDE_HEADER], [Rule.JSON_TO_FORM_METHOD]
HOME = "xoxb-0123456789-SIMULATED-HOME"


@pytest.mark.parametrize(
    ("method", "how", "error", "broken"),
    [
        ("auth.test", {"token": "xoxb-unknown"}, "invalid_auth", []),
        ("auth.test", {"token": "xapp-1-A0ANCHOR001-0123456789-SIMULATED"}, "not_allowed_token_type", []),
        ("auth.test", {"token": None}, "not_authed", []),
        ("api.test", {"token": None}, None, []),
        ("auth.test", {"token": None, "body": f"token={HOME}".encode(), "content_type": FORM}, None, OUTSIDE),
        ("auth.test", {"token": None, "body": b'{"token": "x"}', "content_type": JSON}, "not_authed", OUTSIDE),
        ("auth.test", {"token": None, "query": f"?token={HOME}"}, "not_authed", OUTSIDE),
        ("users.info", {"body": b'{"user": "U0ALICE0001"}', "content_type": JSON}, "user_not_found", FORMS_ONLY),
        ("chat.postMessage", {"body": b"{", "content_type": JSON}, "invalid_json", []),
        ("chat.postMessage", {"body": b"[]", "content_type": JSON}, "json_not_object", []),
        ("chat.postMessage", {"body": b"a=b"}, "missing_post_type", []),
        ("chat.postMessage", {"body": b"blocks=x", "content_type": FORM}, "invalid_blocks_format", []),
    ],
)
async def test_a_call_is_refused_or_on_record(
    slack: SimSlack, api: Api, *, method: str, how: dict[str, str | bytes | None], error: str | None, broken: list[Rule]
) -> None:
    answer = await api.send(method, **how)  # type: ignore[arg-type]
    assert (answer.get("error"), rules(slack), len(slack.api_calls)) == (error, broken, 1)


async def test_a_token_dies_with_the_installation_and_is_of_the_scheme_bearer(
    slack: SimSlack, api: Api, client: aiohttp.ClientSession
) -> None:
    async with client.post(f"{slack.url}auth.test", headers={"Authorization": f"Basic {HOME}"}) as answer:
        assert (await answer.json())["error"] == "not_authed"
    slack.home.installation.refusal = "token_revoked"
    assert await api.send("auth.test") == {"ok": False, "error": "token_revoked"}
    assert await api.send("chat.shout") == {"ok": False, "error": "unknown_method", "req_method": "chat.shout"}


@pytest.mark.parametrize(
    ("method", "scope", "rest"),
    [
        ("chat.postMessage", "chat:write", "commands,users:read"),
        ("users.info", "users:read", "chat:write,commands"),
    ],
)
async def test_a_method_needs_its_scope_and_a_header_names_those_of_the_token(
    slack: SimSlack, api: Api, method: str, scope: str, rest: str
) -> None:
    slack.home.installation.scopes.remove(scope)
    assert await api.send(method) == {"ok": False, "error": "missing_scope", "needed": scope, "provided": rest}
    assert api.headers["X-OAuth-Scopes"] == rest
    await api.send("auth.test", token="xoxb-unknown")
    assert "X-OAuth-Scopes" not in api.headers


async def test_a_fault_is_for_one_method_and_can_end_by_itself(slack: SimSlack, api: Api, app: RecordingApp) -> None:
    delivery = await slack.command(slack.alice, slack.alerts)
    message = {"response_type": "ephemeral", "replace_original": False, "text": "Paused."}
    slack.faults["users.info"] = api_error("missing_scope", needed="users:read", times=1)
    slack.faults["chat.postMessage"] = For(5, rate_limited(7))
    slack.faults["response_url"] = For(5, server_error())

    missing = {"ok": False, "error": "missing_scope", "needed": "users:read"}
    assert await api.form("users.info", user="U0ALICE0001") == missing
    assert (await api.form("users.info", user="U0ALICE0001"))["ok"] is True
    assert (await api.post("C0ALERTS001"))["error"] == "ratelimited"
    assert (api.headers["status"], api.headers["Retry-After"]) == ("429", "7")
    assert (await api.answer(delivery, message))[0] == 500
    slack.clock.advance(5)
    assert (await api.post("C0ALERTS001"))["ok"] is True
    assert (await api.answer(delivery, message))[0] == 200
    assert len(app.payloads) == 1


async def test_every_answer_has_the_time_of_slacks_clock(slack: SimSlack, api: Api) -> None:
    slack.clock.advance(3600)
    await api.send("auth.test")
    assert api.headers["Date"] == "Sat, 25 Jul 2026 18:20:00 GMT"
    await api.answer(f"{slack.url.removesuffix('/api/')}/commands/T0/1/x", {})
    assert api.headers["Date"] == "Sat, 25 Jul 2026 18:20:00 GMT"
