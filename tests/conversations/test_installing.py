"""From "Add to Slack" to the first pause, and every way in which an installation does not come about."""

import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from sqlalchemy import text

from bot.core.installation import SCOPES
from bot.sim.slack import ApiCall, Hang, ResetAfterReading, api_error, server_error
from harness import HTTP_ONLY
from harness.install_browser import Browser, Visit
from harness.many_workspaces import ManyHarness, Tenant, many_workspaces

pytestmark = pytest.mark.anyio

NOTHING = "Nothing was installed here."


def reading(page: Visit) -> list[object]:
    """The status, and what a person reads."""
    return [page.status, *page.words.split("\n")]


async def nothing_is_kept(at: ManyHarness) -> bool:
    return await at.store.installations.summaries() == []


def exchanges(at: ManyHarness) -> list[ApiCall]:
    return [call for call in at.slack.api_calls if call.method == "oauth.v2.access"]


async def test_a_workspace_installs_the_app_gets_its_key_and_pauses(at: ManyHarness) -> None:
    tenant = at.add(1)
    page = await at.install(tenant)
    assert reading(page) == [
        200,
        "Installed",
        "The app is in Tenant-1 (T0TENANT001).",
        "One thing is left: the Anchor API key of your workspace.",
        "An admin sets it in Slack: in the sidebar, under Apps, in the Home tab of this app.",
        "Try it in any channel: /anchor-pause help",
    ]
    await at.set_up(tenant)
    await tenant.command()
    (request,) = tenant.orders
    assert request.key == tenant.key
    (message,) = tenant.seen()
    assert message.text.startswith(f"⏸️ *Paused*: session `{tenant.session}`")
    methods = [call.method for call in at.slack.api_calls if call.method != "apps.connections.open"]
    assert methods == [*["oauth.v2.access"] * 2, "users.info"], "no auth.test, and no other call"


async def test_before_it_has_a_key_a_command_says_so(at: ManyHarness) -> None:
    tenant = at.add(1)
    await at.install(tenant)
    await tenant.command()
    (message,) = tenant.seen()
    assert message.ephemeral_to == tenant.person.id
    assert message.text == (
        f"*Not paused:* this workspace has no Anchor API key yet, so the bot left session `{tenant.session}` alone.\n"
        "You can set one now: press the button below, and then send the command again."
    )
    assert "anchor_set_key" in str(message.blocks)
    assert at.anchor.requests == []


async def test_installed_again_the_workspace_keeps_its_key(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    page = await at.install(tenant)
    assert page.words == (
        "Installed again\nThe app is in Tenant-1 (T0TENANT001).\nIts Anchor API key is still known.\n"
        "Try it in any channel: /anchor-pause help"
    )
    await tenant.command()
    assert [request.key for request in tenant.orders] == [tenant.key]


@HTTP_ONLY
async def test_the_way_to_slack_asks_for_what_the_bot_needs_and_binds_the_browser(at: ManyHarness) -> None:
    async with Browser() as browser:
        begun = await browser.get(f"{at.bot.url}/slack/install")
    assert begun.status == 302
    url = urlsplit(begun.location)
    asked = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}{url.path}" == at.slack.url.replace("/api/", "/oauth/v2/authorize")
    state = asked.pop("state")
    assert asked == {
        "client_id": at.slack.registration.client_id,
        "scope": ",".join(SCOPES),
        "redirect_uri": f"{at.environ['BASE_URL']}/slack/oauth_redirect",
    }
    cookie, _, flags = begun.headers["Set-Cookie"].partition("; ")
    assert cookie.startswith("anchor-install=")
    assert state not in cookie
    assert set(flags.split("; ")) == {"HttpOnly", "Max-Age=3600", "Path=/", "SameSite=Lax"}


@HTTP_ONLY
async def test_over_https_the_cookie_is_for_this_host_and_for_https_alone(tmp_path: Path) -> None:
    url, base = f"sqlite:///{tmp_path / 'bot.db'}", "https://bot.example.com/anchor/"
    async with many_workspaces(url, BASE_URL=base) as at, Browser() as browser:
        begun = await browser.get(f"{at.bot.url}/slack/install")
    assert begun.headers["Set-Cookie"].startswith("__Host-anchor-install=")
    assert set(begun.headers["Set-Cookie"].split("; ")[1:]) == {
        "HttpOnly",
        "Max-Age=3600",
        "Path=/",
        "SameSite=Lax",
        "Secure",
    }
    (redirect_uri,) = parse_qs(urlsplit(begun.location).query)["redirect_uri"]
    assert redirect_uri == "https://bot.example.com/anchor/slack/oauth_redirect"


async def test_denied(at: ManyHarness) -> None:
    page = await at.install(at.add(1), decision="cancel")
    assert reading(page) == [
        403,
        "Not installed: it was not allowed",
        NOTHING,
        "You may allow it another time.",
        "Begin again",
    ]
    assert await nothing_is_kept(at)
    assert exchanges(at) == []


async def test_replayed(at: ManyHarness) -> None:
    tenant = at.add(1)
    async with Browser() as browser:
        back = await browser.consent((await browser.get(f"{at.bot.url}/slack/install")).location, tenant.team_id)
        assert (await browser.get(back)).status == 200
        page = await browser.get(back)
    assert reading(page) == [
        409,
        "This link was used before",
        "It works once, and nothing was changed this time.",
        "If the app is in your workspace, all is well.",
        "Begin again",
    ]
    assert len(exchanges(at)) == 1


async def test_foreign(at: ManyHarness) -> None:
    """Somebody sends the end of their own installation to somebody else."""
    tenant = at.add(1)
    async with Browser() as theirs, Browser() as ours:
        back = await theirs.consent((await theirs.get(f"{at.bot.url}/slack/install")).location, tenant.team_id)
        without_cookie = await ours.get(back)
        await ours.get(f"{at.bot.url}/slack/install")
        with_another = await ours.get(back)
    for page in (without_cookie, with_another):
        assert reading(page) == [
            403,
            "Not installed: it was begun in another browser",
            NOTHING,
            "An installation ends in the browser that it began in, with cookies allowed.",
            "If somebody sent you this link, don't go on.",
            "Begin again",
        ]
    assert await nothing_is_kept(at)
    assert exchanges(at) == []


@pytest.mark.parametrize("query", ["", "?code=1", "?state=&code=1", "?state=forged&code=1", "?state=%ff%00&code=%ff"])
async def test_forged(at: ManyHarness, query: str) -> None:
    async with Browser() as browser:
        await browser.get(f"{at.bot.url}/slack/install")
        page = await browser.get(f"{at.bot.url}/slack/oauth_redirect{query}")
    assert reading(page) == [
        400,
        "Not installed: this is no way back from Slack",
        NOTHING,
        "This address is only for the way back from Slack, right after an installation was begun.",
        "Begin again",
    ]
    assert await nothing_is_kept(at)
    assert exchanges(at) == []


async def test_without_a_code(at: ManyHarness) -> None:
    async with Browser() as browser:
        state = parse_qs((await browser.get(f"{at.bot.url}/slack/install")).location)["state"][0]
        page = await browser.get(f"{at.bot.url}/slack/oauth_redirect?state={state}")
    assert page.status == 400
    assert exchanges(at) == []


async def test_expired(at: ManyHarness) -> None:
    async with Browser() as browser:
        begun = await browser.get(f"{at.bot.url}/slack/install")
        at.slack.clock.advance(601)
        page = await browser.get(await browser.consent(begun.location, at.add(1).team_id))
    assert reading(page) == [
        410,
        "Not installed: it took too long",
        NOTHING,
        "An installation must end within 10 minutes.",
        "Begin again",
    ]
    assert await nothing_is_kept(at)
    assert exchanges(at) == []


async def a_code_that_slack_does_not_take(at: ManyHarness, browser: Browser, tenant: Tenant) -> Visit:
    """The code of an earlier installation, with a state that is good."""
    first = await browser.consent((await browser.get(f"{at.bot.url}/slack/install")).location, tenant.team_id)
    await browser.get(first)
    (code,) = parse_qs(urlsplit(first).query)["code"]
    await at.store.installations.delete(tenant.team_id)
    (state,) = parse_qs((await browser.get(f"{at.bot.url}/slack/install")).location)["state"]
    return await browser.get(f"{at.bot.url}/slack/oauth_redirect?state={state}&code={code}")


async def test_reused_code(at: ManyHarness) -> None:
    async with Browser() as browser:
        page = await a_code_that_slack_does_not_take(at, browser, at.add(1))
    assert reading(page) == [
        409,
        "Not installed: Slack does not take the code any more",
        NOTHING,
        "Slack's code works once, for 10 minutes.",
        "Begin again",
    ]
    assert await nothing_is_kept(at)


async def test_wrong_redirect(at: ManyHarness) -> None:
    """Slack finds out at the exchange: what it shows at the consent page is Slack's own."""
    at.slack.faults["oauth.v2.access"] = api_error("bad_redirect_uri")
    page = await at.install(at.add(1))
    assert reading(page) == [
        502,
        "Not installed: Slack does not know this address",
        NOTHING,
        "Tell whoever runs this bot.",
        "Among the Slack app's redirect URLs must be BASE_URL with /slack/oauth_redirect.",
    ]
    assert await nothing_is_kept(at)


@pytest.mark.parametrize("declined", ["users:read", "chat:write,users:read"])
async def test_declined_scope(at: ManyHarness, declined: str) -> None:
    page = await at.install(at.add(1), declined=declined)
    assert reading(page) == [
        403,
        "Not installed: a permission is missing",
        NOTHING,
        f"The app can't do its work without {declined.replace(',', ', ')}. Please allow everything that it asks for.",
        "Slack may list the app in your workspace all the same: installing it again mends that.",
        "Begin again",
    ]
    assert await nothing_is_kept(at)


async def test_org_wide(at: ManyHarness) -> None:
    page = await at.install(at.add(1), org_wide="1")
    assert reading(page) == [
        403,
        "Not installed: this is for single workspaces",
        NOTHING,
        "The app was installed for a whole organisation, but each workspace has its own Anchor key.",
        "Please remove it from the organisation, and install it in the workspace that needs it.",
        "Begin again",
    ]
    assert await nothing_is_kept(at)


async def test_rotating_tokens(at: ManyHarness) -> None:
    at.slack.registration.rotates_tokens = True
    page = await at.install(at.add(1))
    assert reading(page) == [
        502,
        "Not installed: the Slack app rotates its tokens",
        NOTHING,
        "Tell whoever runs this bot.",
        "Token rotation must be off in the Slack app's settings.",
    ]
    assert await nothing_is_kept(at)


async def test_a_wrong_client_secret(at: ManyHarness) -> None:
    at.slack.registration.client_secret = "another"
    page = await at.install(at.add(1))
    assert reading(page) == [
        502,
        "Not installed: Slack refuses",
        NOTHING,
        "Tell whoever runs this bot.",
        "Slack's reason is: bad_client_secret",
        "Begin again",
    ]
    assert await nothing_is_kept(at)


async def test_what_slack_says_is_shown_as_text(at: ManyHarness) -> None:
    async with Browser() as browser:
        (state,) = parse_qs((await browser.get(f"{at.bot.url}/slack/install")).location)["state"]
        page = await browser.get(
            f"{at.bot.url}/slack/oauth_redirect?state={state}&error=%3Cscript%3Ealert(1)%3C/script%3E%22%26"
        )
    assert page.status == 502
    assert "Slack's reason is: <script>alert(1)</script>\"&" in page.words
    assert "<script" not in page.text
    assert exchanges(at) == []


@pytest.mark.parametrize(
    "fault", [server_error(), ResetAfterReading(), api_error(""), pytest.param(Hang(), marks=pytest.mark.timeout(90))]
)
async def test_a_slack_that_does_not_answer(at: ManyHarness, fault: object) -> None:
    at.slack.faults["oauth.v2.access"] = fault  # type: ignore[assignment]
    page = await at.install(at.add(1))
    assert reading(page) == [
        502,
        "Not installed: Slack did not answer",
        NOTHING,
        "Slack could not be reached, or its answer could not be read.",
        "Begin again",
    ]
    assert await nothing_is_kept(at)


async def run_sql(at: ManyHarness, sql: str) -> None:
    async with at.store.database.changing() as connection:
        await connection.execute(text(sql))


@HTTP_ONLY
async def test_where_the_database_is_away_nothing_begins(at: ManyHarness) -> None:
    await run_sql(at, "ALTER TABLE install_states RENAME TO elsewhere")
    async with Browser() as browser:
        page = await browser.get(f"{at.bot.url}/slack/install")
    assert reading(page) == [
        503,
        "The installation can't begin",
        "The bot's database is away.",
        "Please try again in a moment.",
        "Begin again",
    ]


@HTTP_ONLY
async def test_an_accident_is_told_under_one_id(
    postgresql_urls: Iterator[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A table that is gone is one, for PostgreSQL: it can't come of a database that is away."""
    async with many_workspaces(next(postgresql_urls)) as at, Browser() as browser:
        begun = await browser.get(f"{at.bot.url}/slack/install")
        await run_sql(at, "ALTER TABLE install_states RENAME TO elsewhere")
        with caplog.at_level(logging.ERROR):
            pages = [
                await browser.get(await browser.consent(begun.location, at.add(1).team_id)),
                await browser.get(f"{at.bot.url}/slack/install"),
            ]
    incidents = [vars(record)["incident"] for record in caplog.records if hasattr(record, "incident")]
    for page, incident in zip(pages, incidents, strict=True):
        assert reading(page) == [
            500,
            "Something broke in the bot itself",
            "Whether anything was installed is not known.",
            f"Tell whoever runs this bot. The log has the details under {incident}.",
            "Begin again",
        ]


@HTTP_ONLY
async def test_every_page_is_sealed(at: ManyHarness) -> None:
    pages = [await at.install(at.add(1)), await at.install(at.add(2), decision="cancel")]
    async with Browser() as browser:
        pages.append(await browser.get(f"{at.bot.url}/slack/oauth_redirect"))
        pages.append(await browser.get(f"{at.bot.url}/slack/install"))
    for page in pages:
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert policy.endswith("; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
        told = [page.headers[name] for name in ("Referrer-Policy", "Cache-Control", "X-Content-Type-Options")]
        assert told == ["no-referrer", "no-store", "nosniff"]
        assert "src=" not in page.text


@HTTP_ONLY
async def test_only_a_get_begins_or_ends_something(at: ManyHarness) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/slack/install", "/slack/oauth_redirect"):
            for method in ("HEAD", "POST"):
                async with session.request(method, at.bot.url + path, allow_redirects=False) as answer:
                    assert answer.status == 405
