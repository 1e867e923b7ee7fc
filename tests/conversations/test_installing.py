"""From "Add to Slack" to the first pause, and every way in which an installation does not come about."""

from unittest.mock import AsyncMock
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from bot.core.workspace import SCOPES
from bot.messages import install as pages
from bot.sim.slack import ApiCall, Fault, Hang, ResetAfterReading, api_error
from harness import HTTP_ONLY, paused
from harness.bots import ManyHarness, many_workspaces
from harness.install_browser import Browser, Visit


def exchanges(at: ManyHarness) -> list[ApiCall]:
    return [call for call in at.slack.api_calls if call.method == "oauth.v2.access"]


async def begin(at: ManyHarness, browser: Browser) -> Visit:
    return await browser.get(f"{at.bot.url}/slack/install")


async def state_of(at: ManyHarness, browser: Browser) -> str:
    """Begin an installation, and return its state."""
    return parse_qs((await begin(at, browser)).location)["state"][0]


async def assert_refused(at: ManyHarness, page: Visit, expected: pages.Page, *, exchanged: bool) -> None:
    """Check that the page is the expected one, that nothing is stored, and whether Slack was sent a code."""
    assert page.page == expected
    assert bool(exchanges(at)) is exchanged
    assert await at.store.rows.summaries() == []


async def test_a_workspace_installs_the_app_gets_its_key_and_pauses(at: ManyHarness) -> None:
    tenant = at.add(1)
    page = await at.install(tenant)
    assert page.page == pages.installed_page(tenant.team_id, "Tenant-1", has_key=False)
    await at.set_up(tenant)
    await tenant.command()
    assert [request.key for request in tenant.orders] == [tenant.key]
    (message,) = tenant.seen()
    assert message.text == paused(session=tenant.session, user=tenant.person.id)
    assert tenant.methods == [*["oauth.v2.access"] * 2, "users.info"], "no auth.test, and no other call"


@HTTP_ONLY
@pytest.mark.parametrize(
    ("base", "cookie_name", "flag"),
    [
        ("http://127.0.0.1:3000", "anchor-install=", set()),
        ("https://bot.example.com/anchor/", "__Host-anchor-install=", {"Secure"}),
    ],
)
async def test_the_way_to_slack_asks_for_what_the_bot_needs_and_binds_the_browser(
    sqlite_url: str, base: str, cookie_name: str, flag: set[str]
) -> None:
    async with many_workspaces(sqlite_url, BASE_URL=base) as at, Browser() as browser:
        begun = await begin(at, browser)
    assert begun.status == 302
    page, _, query = begun.location.partition("?")
    asked = {name: value for name, (value,) in parse_qs(query).items()}
    assert page == at.slack.url.replace("/api/", "/oauth/v2/authorize")
    state = asked.pop("state")
    assert asked == {
        "client_id": at.slack.registration.client_id,
        "scope": ",".join(SCOPES),
        "redirect_uri": f"{base.rstrip('/')}/slack/oauth_redirect",
    }
    cookie, *flags = begun.headers["Set-Cookie"].split("; ")
    assert cookie.startswith(cookie_name)
    assert state not in cookie
    assert set(flags) == {"HttpOnly", "Max-Age=3600", "Path=/", "SameSite=Lax"} | flag


CANCELLED, SILENT = pages.declined_page(pages.DENIED), pages.unavailable_page(pages.SLACK_SILENT)
ENDS: dict[str, tuple[dict[str, str], Fault | None, pages.Page]] = {
    "cancelled": ({"decision": "cancel"}, None, CANCELLED),
    "org-wide": ({"org_wide": "1"}, None, pages.declined_page(pages.ORG_WIDE)),
    "another URL": ({}, api_error("bad_redirect_uri"), pages.operator_page("bad_redirect_uri")),
    "no error": ({}, api_error(""), SILENT),
    "hangs up": ({}, ResetAfterReading(), SILENT),
    "hangs": ({}, Hang(), SILENT),
}


@pytest.mark.parametrize(("choices", "fault", "expected"), ENDS.values(), ids=ENDS)
async def test_a_choice_on_the_consent_page_or_an_answer_of_slacks_ends_it(
    at: ManyHarness, choices: dict[str, str], fault: Fault | None, expected: pages.Page
) -> None:
    at.slack.faults["oauth.v2.access"] = fault
    page = await at.install(at.add(1), **choices)
    await assert_refused(at, page, expected, exchanged=expected != CANCELLED)


async def test_only_named_workspaces_install_the_app_and_those_that_have_it_keep_it(database_url: str) -> None:
    async with many_workspaces(database_url) as at:
        old = await at.set_up(at.add(1))
    async with many_workspaces(database_url, ALLOWED_WORKSPACES="T0NAMED0001,T0TENANT002") as at:
        known, named, other = (at.add(number) for number in (1, 2, 3))
        assert (known.team_id, named.team_id) == (old.team_id, "T0TENANT002")
        expected = pages.declined_page(pages.workspace_declined(other.team_id), again=False)
        for fault, revoked in ((api_error("fatal_error"), False), (None, True)):
            at.slack.faults["auth.revoke"] = fault
            assert (await at.install(other)).page == expected
            assert (other.workspace.installation.refusal == "token_revoked") is revoked
        assert {summary.team_id for summary in await at.store.rows.summaries()} == {old.team_id}
        assert (await at.install(named)).status == 200
        page = await at.install(known)
        assert page.page == pages.installed_page(known.team_id, "Tenant-1", has_key=True)
        await known.command()
        assert [request.key for request in known.orders] == [known.key]


async def test_a_link_and_a_code_work_once(at: ManyHarness) -> None:
    tenant = at.add(1)
    async with Browser() as browser:
        back = await browser.consent((await begin(at, browser)).location, tenant.team_id)
        assert (await browser.get(back)).status == 200
        again = await browser.get(back)
        assert (again.status, again.page) == (400, pages.BEGIN_AGAIN)
        assert len(exchanges(at)) == 1
        (code,) = parse_qs(urlsplit(back).query)["code"]
        await at.store.rows.delete(tenant.team_id)
        state = await state_of(at, browser)
        page = await browser.get(f"{at.bot.url}/slack/oauth_redirect?state={state}&code={code}")
    await assert_refused(at, page, pages.BEGIN_AGAIN, exchanged=True)


async def test_it_ends_in_the_browser_that_it_began_in(at: ManyHarness) -> None:
    """Somebody sends the end of their own installation to somebody else."""
    tenant = at.add(1)
    async with Browser() as theirs, Browser() as ours:
        back = await theirs.consent((await begin(at, theirs)).location, tenant.team_id)
        without_cookie = await ours.get(back)
        await begin(at, ours)
        with_another = await ours.get(back)
    for page in (without_cookie, with_another):
        await assert_refused(at, page, pages.BEGIN_AGAIN, exchanged=False)


@pytest.mark.parametrize(
    "query", ["", "code=1", "state=&code=1", "state=forged&code=1", "state=%ff%00&code=%ff", "state={its own}"]
)
async def test_a_way_back_without_its_state_or_a_code_ends_nothing(at: ManyHarness, query: str) -> None:
    async with Browser() as browser:
        state = await state_of(at, browser)
        page = await browser.get(f"{at.bot.url}/slack/oauth_redirect?{query.replace('{its own}', state)}")
    await assert_refused(at, page, pages.BEGIN_AGAIN, exchanged=False)


async def test_what_slack_says_is_shown_as_text(at: ManyHarness) -> None:
    error = '<script>alert(1)</script>"&'
    async with Browser() as browser:
        state = await state_of(at, browser)
        page = await browser.get(f"{at.bot.url}/slack/oauth_redirect?state={state}&error={quote(error)}")
    await assert_refused(at, page, pages.operator_page(error), exchanged=False)
    assert "<script" not in page.text


@HTTP_ONLY
async def test_an_accident_is_told_under_one_id(
    at: ManyHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.outbound.store.install_states.InstallStates.end", AsyncMock(side_effect=RuntimeError))
    async with Browser() as browser:
        page = await browser.install(at.bot.url, at.add(1).team_id)
    (incident,) = [vars(record)["incident"] for record in caplog.records if hasattr(record, "incident")]
    assert page.page == pages.unavailable_page(pages.broken(incident))


@HTTP_ONLY
async def test_every_page_is_sealed_and_leads_back_to_the_beginning(at: ManyHarness) -> None:
    pages = [await at.install(at.add(1)), await at.install(at.add(2), decision="cancel")]
    async with Browser() as browser:
        pages.append(await browser.get(f"{at.bot.url}/slack/oauth_redirect"))
        pages.append(await begin(at, browser))
    for page in pages:
        policy = page.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert policy.endswith("; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
        headers = [page.headers[name] for name in ("Referrer-Policy", "Cache-Control", "X-Content-Type-Options")]
        assert headers == ["no-referrer", "no-store", "nosniff"]
        assert "src=" not in page.text
    again = f'<a href="{at.environ["BASE_URL"]}/slack/install">'
    assert [again in page.text for page in pages] == [False, True, True, False]
