"""Installing the app: the consent page, the codes it gives out, and what they are exchanged for."""

import base64
from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import pytest

from bot.sim.slack import Enterprise, Installation, SimSlack, Workspace, tokens_revoked
from sim.api_client import FORM, Api
from sim.sample_app import App

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


def page(slack: SimSlack, **changes: str) -> str:
    asked = {
        "client_id": slack.registration.client_id,
        "scope": "commands,chat:write",
        "redirect_uri": REDIRECT,
        "state": "a state",
    }
    return slack.url.replace("/api/", "/oauth/v2/authorize?") + urlencode(asked | changes)


async def sent_back(client: aiohttp.ClientSession, url: str, **form: str) -> Mapping[str, list[str]]:
    """What a decision sends the browser back with."""
    choices = {"decision": "allow", "team": "T0GLOBEX001"} | form
    body, headers = urlencode(choices), {"Content-Type": FORM}
    async with client.post(url, data=body, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 302
        location = answer.headers["Location"]
    assert location.startswith(f"{REDIRECT}?")
    return parse_qs(urlsplit(location).query)


async def exchange(slack: SimSlack, api: Api, code: str, /, **changes: str) -> dict[str, object]:
    asked = {
        "client_id": slack.registration.client_id,
        "client_secret": slack.registration.client_secret,
        "code": code,
        "redirect_uri": REDIRECT,
    }
    body = urlencode(asked | changes).encode()
    return await api.send("oauth.v2.access", body=body, content_type=FORM, token=None)


async def test_the_page_offers_every_workspace(slack: SimSlack, client: aiohttp.ClientSession) -> None:
    async with client.get(page(slack)) as answer:
        text = await answer.text()
    assert answer.status == 200
    for shown in ("T0HOME00001", "T0GLOBEX001", ">Allow<", ">Cancel<"):
        assert shown in text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "another"}, "invalid_client_id"),
        ({"redirect_uri": "https://bot.example.com.evil.example/"}, "bad_redirect_uri"),
        ({"redirect_uri": "https://elsewhere.example/"}, "bad_redirect_uri"),
        ({"scope": "commands,admin"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
async def test_what_the_app_may_not_ask_for_is_an_error_of_slacks_own(
    slack: SimSlack, client: aiohttp.ClientSession, changes: dict[str, str], error: str
) -> None:
    for method in ("GET", "POST"):
        async with client.request(method, page(slack, **changes), allow_redirects=False) as answer:
            assert answer.status == 400
            assert (await answer.text()).endswith(f"Error details: {error}")


async def test_a_consent_becomes_a_token(
    slack: SimSlack, api: Api, client: aiohttp.ClientSession, globex: Workspace
) -> None:
    back = await sent_back(client, page(slack))
    assert back["state"] == ["a state"]
    answer = await exchange(slack, api, back["code"][0])
    token = str(answer["access_token"])
    assert answer == {
        "ok": True,
        "app_id": "A0ANCHOR001",
        "authed_user": {"id": "U0GLOBEX001"},
        "scope": "chat:write,commands",
        "token_type": "bot",
        "access_token": token,
        "bot_user_id": "U0ANCHORBOT",
        "team": {"id": "T0GLOBEX001", "name": "Globex"},
        "enterprise": None,
        "is_enterprise_install": False,
    }
    assert token.startswith("xoxb-")
    assert token == globex.installation.bot_token
    assert (await api.send("auth.test", token=token))["team_id"] == "T0GLOBEX001"


async def test_the_credentials_may_stand_in_the_header(slack: SimSlack, client: aiohttp.ClientSession) -> None:
    code = (await sent_back(client, page(slack)))["code"][0]
    app = slack.registration
    headers = {"Authorization": "Basic " + base64.b64encode(f"{app.client_id}:{app.client_secret}".encode()).decode()}
    body, headers = urlencode({"code": code, "redirect_uri": REDIRECT}), headers | {"Content-Type": FORM}
    async with client.post(f"{slack.url}oauth.v2.access", data=body, headers=headers) as answer:
        assert (await answer.json())["ok"]


async def test_a_refusal_and_a_page_without_a_state(slack: SimSlack, client: aiohttp.ClientSession) -> None:
    assert await sent_back(client, page(slack), decision="cancel") == {
        "error": ["access_denied"],
        "state": ["a state"],
    }
    url = page(slack).replace("&state=a+state", "")
    assert await sent_back(client, url, decision="cancel") == {"error": ["access_denied"]}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "another"}, "invalid_client_id"),
        ({"client_secret": "another"}, "bad_client_secret"),
        ({"code": "another"}, "invalid_code"),
        ({"redirect_uri": f"{REDIRECT}/"}, "bad_redirect_uri"),
    ],
)
async def test_what_does_not_fit_is_refused(
    slack: SimSlack, api: Api, client: aiohttp.ClientSession, changes: dict[str, str], error: str
) -> None:
    code = (await sent_back(client, page(slack)))["code"][0]
    assert await exchange(slack, api, code, **changes) == {"ok": False, "error": error}


async def test_a_code_is_good_once_and_for_ten_minutes(
    slack: SimSlack, api: Api, client: aiohttp.ClientSession
) -> None:
    used, old = [(await sent_back(client, page(slack)))["code"][0] for _ in range(2)]
    assert (await exchange(slack, api, used))["ok"]
    slack.clock.advance(601)
    for code in (used, old):
        assert await exchange(slack, api, code) == {"ok": False, "error": "invalid_code"}


async def test_installing_again_adds_scopes_and_keeps_the_token(
    slack: SimSlack, api: Api, client: aiohttp.ClientSession
) -> None:
    codes = [(await sent_back(client, page(slack, scope=scope)))["code"][0] for scope in ("commands", "users:read")]
    first, second = [await exchange(slack, api, code) for code in codes]
    assert (first["scope"], second["scope"]) == ("commands", "commands,users:read")
    assert first["access_token"] == second["access_token"]


async def test_scopes_may_be_declined(slack: SimSlack, api: Api, client: aiohttp.ClientSession) -> None:
    code = (await sent_back(client, page(slack), declined="chat:write"))["code"][0]
    assert (await exchange(slack, api, code))["scope"] == "commands"


async def test_an_installation_for_the_organisation_names_no_team(
    slack: SimSlack, api: Api, client: aiohttp.ClientSession, globex: Workspace
) -> None:
    globex.enterprise = Enterprise("E0GRID00001", "Grid")
    code = (await sent_back(client, page(slack), org_wide="1"))["code"][0]
    answer = await exchange(slack, api, code)
    assert (answer["team"], answer["is_enterprise_install"]) == (None, True)
    assert answer["enterprise"] == {"id": "E0GRID00001", "name": "Grid"}
    assert globex.installation.refusal


async def test_tokens_may_rotate(slack: SimSlack, api: Api, client: aiohttp.ClientSession) -> None:
    slack.registration.rotates_tokens = True
    answer = await exchange(slack, api, (await sent_back(client, page(slack)))["code"][0])
    assert (answer["refresh_token"], answer["expires_in"]) == ("xoxe-1-SIMULATED", 43_200)


@pytest.mark.parametrize("revoked_first", [False, True])
async def test_a_removal_kills_the_token_and_is_told_in_either_order(
    slack: SimSlack, api: Api, app: App, *, revoked_first: bool
) -> None:
    told = await slack.uninstall(slack.home, revoked_first=revoked_first)
    assert await api.send("auth.test") == {"ok": False, "error": "account_inactive"}
    assert [event.answer.status for event in told] == [200, 200]
    kinds = [b"app_uninstalled", b"tokens_revoked"]
    received = [body for body, _ in app.received]
    for kind, body in zip(reversed(kinds) if revoked_first else kinds, received, strict=True):
        assert kind in body
    assert {headers["Content-Type"] for _, headers in app.received} == {"application/json"}


async def test_an_event_that_is_not_taken_can_be_sent_again(slack: SimSlack, app: App) -> None:
    app.status = 503
    event = await slack.events.send(slack.home, tokens_revoked(bot=["U1"], oauth=["U2"]), event_time=1_700_000_000)
    assert event.answer.status == 503
    app.status = 200
    assert (await slack.events.again(event.request)).answer.status == 200
    assert app.received[0][0] == app.received[1][0]
    assert b'"tokens": {"oauth": ["U2"], "bot": ["U1"]}' in app.received[0][0]
    assert b'"event_time": 1700000000' in app.received[0][0]
