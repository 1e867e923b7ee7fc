"""Installing the app: the consent page, the codes it gives out, and what they are exchanged for."""

from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from bot.sim.slack import Installation, SimSlack, Workspace
from harness.samples import Json, sample
from sim.api_client import FORM, Api

pytestmark = pytest.mark.anyio

REDIRECT = "https://bot.example.com/slack/oauth_redirect"


@pytest.fixture(autouse=True)
def globex(slack: SimSlack) -> Workspace:
    """A workspace without the app."""
    slack.registration.redirect_urls = ["https://bot.example.com"]
    globex = Workspace("T0GLOBEX001", "globex", Installation("xoxb-never", refusal="account_inactive"))
    globex.add_user("U0GLOBEX001", "gina")
    slack.add_workspace(globex)
    return globex


class Browser:
    """Consents to the app, and lets it exchange the code."""

    def __init__(self, slack: SimSlack, api: Api, client: aiohttp.ClientSession) -> None:
        self._slack = slack
        self._api = api
        self.client = client

    def page(self, **changes: str) -> str:
        asked = {"client_id": self._slack.registration.client_id, "scope": "commands,chat:write", "state": "a state"}
        return self._slack.url.replace("/api/", "/oauth/v2/authorize?") + urlencode(
            asked | {"redirect_uri": REDIRECT} | changes
        )

    async def code(self, scope: str = "commands,chat:write", **form: str) -> str:
        """The code that the browser is sent back with."""
        body = urlencode({"decision": "allow", "team": "T0GLOBEX001"} | form)
        url, headers = self.page(scope=scope), {"Content-Type": FORM}
        async with self.client.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"].partition("?")[0]) == (302, REDIRECT)
            back = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert back["state"] == ["a state"]
        return back["code"][0]

    async def exchange(self, code: str, /, **changes: str) -> Json:
        app = self._slack.registration
        asked = {"client_id": app.client_id, "client_secret": app.client_secret, "redirect_uri": REDIRECT}
        return await self._api.form("oauth.v2.access", None, **({"code": code} | asked | changes))


@pytest.fixture
def browser(slack: SimSlack, api: Api, client: aiohttp.ClientSession) -> Browser:
    return Browser(slack, api, client)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "another"}, "invalid_client_id"),
        ({"redirect_uri": "https://bot.example.com.evil.example/"}, "bad_redirect_uri"),
        ({"scope": "commands,admin"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
async def test_the_consent_page_rejects_a_wrong_request(browser: Browser, changes: dict[str, str], error: str) -> None:
    for method in ("GET", "POST"):
        async with browser.client.request(method, browser.page(**changes), allow_redirects=False) as answer:
            assert (answer.status, (await answer.text()).partition("details: ")[2]) == (400, error)


async def test_a_consent_becomes_a_token(browser: Browser, api: Api, globex: Workspace) -> None:
    answer = await browser.exchange(await browser.code())

    expected = sample("webapi.oauth.v2.access.workspace")
    del expected["incoming_webhook"]
    assert answer == expected | {
        "authed_user": {"id": "U0GLOBEX001"},
        "scope": "chat:write,commands",
        "access_token": globex.installation.bot_token,
        "team": {"id": "T0GLOBEX001", "name": "Globex"},
    }
    assert (await api.send("auth.test", token=answer["access_token"]))["team_id"] == "T0GLOBEX001"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "another"}, "invalid_client_id"),
        ({"client_secret": "another"}, "bad_client_secret"),
        ({"code": "another"}, "invalid_code"),
        ({"redirect_uri": f"{REDIRECT}/"}, "bad_redirect_uri"),
    ],
)
async def test_a_wrong_exchange_is_rejected(browser: Browser, changes: dict[str, str], error: str) -> None:
    assert await browser.exchange(await browser.code(), **changes) == {"ok": False, "error": error}


async def test_a_code_is_valid_once_and_for_ten_minutes(slack: SimSlack, browser: Browser) -> None:
    used, old = await browser.code(), await browser.code()
    assert (await browser.exchange(used))["ok"]
    assert (await browser.exchange(used))["error"] == "invalid_code"
    slack.clock.advance(601)
    assert (await browser.exchange(old))["error"] == "invalid_code"


async def test_installing_again_adds_scopes_and_keeps_the_token(browser: Browser, globex: Workspace) -> None:
    await browser.exchange(await browser.code(org_wide="1"))
    assert globex.installation.refusal
    first = await browser.exchange(await browser.code("commands,chat:write", declined="chat:write"))
    second = await browser.exchange(await browser.code("users:read"))
    assert (first["scope"], second["scope"]) == ("commands", "commands,users:read")
    assert first["access_token"] == second["access_token"]
