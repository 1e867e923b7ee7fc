"""Installing the app: the consent page, the codes it gives out, and what they are exchanged for."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from bot.sim.slack import Installation, SimSlack, Workspace
from harness.samples import Json, sample
from sim.api_client import FORM, Api

pytestmark = pytest.mark.anyio

REDIRECT = "https://bot.example.com/slack/oauth_redirect"
Consent = Callable[..., Awaitable[str]]


@pytest.fixture(autouse=True)
def globex(slack: SimSlack) -> Workspace:
    """A workspace without the app."""
    slack.registration.redirect_urls = ["https://bot.example.com"]
    globex = Workspace("T0GLOBEX001", "globex", Installation("xoxb-never", refusal="account_inactive"))
    globex.add_user("U0GLOBEX001", "gina")
    slack.add_workspace(globex)
    return globex


def page(slack: SimSlack, **changes: str) -> str:
    asked = {"client_id": slack.registration.client_id, "scope": "commands,chat:write", "redirect_uri": REDIRECT}
    return slack.url.replace("/api/", "/oauth/v2/authorize?") + urlencode(asked | {"state": "a state"} | changes)


@pytest.fixture
def consent(slack: SimSlack, client: aiohttp.ClientSession) -> Consent:
    """Consents to the app, and returns the code that the browser is sent back with."""

    async def consent(scope: str = "commands,chat:write", **form: str) -> str:
        body = urlencode({"decision": "allow", "team": "T0GLOBEX001"} | form)
        headers, url = {"Content-Type": FORM}, page(slack, scope=scope)
        async with client.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"].partition("?")[0]) == (302, REDIRECT)
            back = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert back["state"] == ["a state"]
        return back["code"][0]

    return consent


async def exchange(slack: SimSlack, api: Api, code: str, **changes: str) -> Json:
    app = slack.registration
    asked = {"client_id": app.client_id, "client_secret": app.client_secret, "redirect_uri": REDIRECT}
    return await api.form("oauth.v2.access", None, **({"code": code} | asked | changes))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "another"}, "invalid_client_id"),
        ({"redirect_uri": "https://bot.example.com.evil.example/"}, "bad_redirect_uri"),
        ({"scope": "commands,admin"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
async def test_the_consent_page_rejects_a_wrong_request(
    slack: SimSlack, client: aiohttp.ClientSession, changes: dict[str, str], error: str
) -> None:
    for method in ("GET", "POST"):
        async with client.request(method, page(slack, **changes), allow_redirects=False) as answer:
            assert (answer.status, (await answer.text()).partition("details: ")[2]) == (400, error)


async def test_a_wrong_exchange_is_rejected(slack: SimSlack, api: Api, consent: Consent) -> None:
    for changes, error in (
        ({"client_id": "another"}, "invalid_client_id"),
        ({"client_secret": "another"}, "bad_client_secret"),
        ({"code": "another"}, "invalid_code"),
        ({"redirect_uri": f"{REDIRECT}/"}, "bad_redirect_uri"),
    ):
        answer = await exchange(slack, api, **({"code": await consent()} | changes))
        assert answer == {"ok": False, "error": error}


async def test_a_consent_becomes_a_token_once_and_within_ten_minutes(
    slack: SimSlack, api: Api, consent: Consent, globex: Workspace
) -> None:
    code, old = await consent(), await consent()
    answer = await exchange(slack, api, code)
    assert list(answer) == [name for name in sample("webapi.oauth.v2.access.workspace") if name != "incoming_webhook"]
    assert answer["access_token"] == globex.installation.bot_token
    slack.clock.advance(601)
    assert [(await exchange(slack, api, each))["error"] for each in (code, old)] == ["invalid_code"] * 2
