"""One bot, many workspaces: whose key a request gets, what becomes of one that leaves, whose alerts go where."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.core.installation import Installed
from bot.core.outcomes import NotFound, StoreUnavailable, WrongWorkspace
from bot.core.policy import NotAMember, Role
from bot.core.secret import digest
from bot.messages.alert_errors import STORE_FAILED
from bot.messages.install_pages import page_of
from bot.outbound.store.schema import workspaces
from bot.sim.slack import Enterprise, Installation, User, Workspace, expired_url, tokens_revoked
from harness import BOTH_TRANSPORTS, BY_BOTH, HTTP_ONLY, SESSION, outcome_text, paused
from harness.conversation import until
from harness.many_workspaces import ManyHarness, Tenant, many_workspaces
from harness.single_workspace import PATIENT

pytestmark = pytest.mark.anyio

GRID = Enterprise("E0GRID00001", "Grid")


def not_served(tenant: Tenant) -> str:
    return outcome_text(WrongWorkspace(), session=tenant.session)


def store_failed(tenant: Tenant) -> str:
    return outcome_text(StoreUnavailable(), session=tenant.session)


async def two_tenants(at: ManyHarness) -> tuple[Tenant, Tenant]:
    return await at.set_up(at.add(1)), await at.set_up(at.add(2))


async def teams(at: ManyHarness) -> list[str]:
    """The ids of the workspaces in the database."""
    return [one.team_id for one in await at.store.rows.summaries()]


# --- whose request it is ---


async def test_each_workspace_pauses_with_its_own_key(at: ManyHarness) -> None:
    one, two = await two_tenants(at)
    await one.command()
    await two.click()
    await at.anchor.until(lambda: two.orders)
    assert [request.key for request in one.orders] == [one.key]
    assert [request.key for request in two.orders] == [two.key]


async def test_a_key_that_was_moved_to_another_workspaces_row_is_not_used(at: ManyHarness) -> None:
    one, two = await two_tenants(at)
    theirs = select(workspaces.c.anchor_api_key).where(workspaces.c.team_id == one.team_id).scalar_subquery()
    await at.store.database.execute(update(workspaces).values(anchor_api_key=theirs))
    assert (await two.answer("a command")).text == store_failed(two)
    await one.command()
    assert [request.key for request in at.anchor.orders] == [one.key]


async def test_a_session_of_another_workspace_is_not_known(at: ManyHarness) -> None:
    one, two = await two_tenants(at)
    await one.command(two.session)
    (message,) = one.answers()
    not_found = NotFound("Session not found")
    assert message.text == outcome_text(not_found, session=two.session, user=one.person.id)
    assert [(request.key, request.status) for request in two.orders] == [(one.key, 404)]


async def test_somebody_of_another_workspace_clicks_and_is_refused_although_that_is_installed_too(
    at: ManyHarness,
) -> None:
    """In a Slack Connect channel of the first; their own workspace has a key, which must not be used either."""
    host, guest = await two_tenants(at)
    visitor = host.workspace.add_user(guest.person.id, "visitor", team_id=guest.team_id)
    host.channel.members.add(visitor.id)
    await host.click(user=visitor)
    assert (await host.wait_for_ephemeral(visitor)).text == outcome_text(
        NotAMember(Role.OUTSIDER), session=host.session
    )
    assert at.anchor.requests == []


async def test_without_an_installed_team_nobodys_key_is_used(at: ManyHarness) -> None:
    """An organisation's installation has `team: null`; the person's own team must not take its place."""
    tenant = await at.set_up(at.add(1))
    fields: list[dict[str, Any]] = [{}, {"enterprise": {"id": tenant.team_id}}]
    for more in fields:
        await tenant.click(team=None, is_enterprise_install=True, **more)
    await at.slack.until(lambda: len(tenant.answers()) == 2)
    assert [message.text for message in tenant.answers()] == [not_served(tenant)] * 2
    assert at.anchor.requests == []


async def test_a_workspace_that_joins_a_grid_keeps_its_installation_and_its_key(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    message = tenant.post_alert()
    tenant.workspace.enterprise = GRID
    await tenant.command()
    await tenant.click(message)
    await at.anchor.until(lambda: len(tenant.orders) == 2)
    assert [request.key for request in tenant.orders] == [tenant.key] * 2
    assert await teams(at) == [tenant.team_id]
    await at.install(tenant)
    (summary,) = await at.store.rows.summaries()
    assert (summary.enterprise_id, summary.has_key) == (GRID.id, True)


async def test_colleagues_of_the_grid_are_those_of_the_organisation_at_the_last_installation(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    carol = add_colleague(tenant)
    at.slack.add_workspace(Workspace(carol.team_id, "sister", Installation("xoxb-sister"), GRID))
    outsider = NotAMember(Role.OUTSIDER)
    assert (await tenant.answer("a click", carol)).text == outcome_text(outsider, session=tenant.session, user=carol.id)
    await at.install(tenant)
    assert (await tenant.answer("a click", carol)).text == paused(session=tenant.session, user=carol.id)


@pytest.mark.parametrize("by", BY_BOTH)
async def test_a_workspace_that_never_installed_the_app_is_told_so(at: ManyHarness, by: str) -> None:
    tenant = at.add(1)
    assert (await tenant.answer(by)).text == not_served(tenant)
    assert at.anchor.requests == []


# --- how it ends ---


@pytest.mark.parametrize("revoked_first", [False, True])
async def test_a_workspace_that_removes_the_app_leaves_nothing_and_can_come_back(
    at: ManyHarness, *, revoked_first: bool
) -> None:
    leaving, staying = await two_tenants(at)
    deliveries = await at.slack.uninstall(leaving.workspace, revoked_first=revoked_first)
    assert [event.answer.status for event in deliveries] == [200, 200]
    assert await teams(at) == [staying.team_id]
    assert (await leaving.answer("a command")).text == not_served(leaving)
    assert leaving.orders == []
    page = await at.install(leaving)
    assert page.page == page_of(Installed(leaving.team_id, "Tenant-1", has_key=False)), "the key came back with the app"
    await at.set_up(leaving)
    at.slack.clock.advance(6)
    await leaving.answer("a command")
    assert len(leaving.orders) == 1
    assert set(leaving.methods) == {"oauth.v2.access", "users.info"}, "something else was asked"


async def test_only_the_death_of_its_own_token_ends_an_installation(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    for event in (
        tokens_revoked(oauth=["U0PERSON001"]),
        tokens_revoked(oauth=["U0PERSON001"], bot=["U0OTHERBOT1"]),
        {"type": "tokens_revoked"},
        {"type": "app_rate_limited"},
    ):
        assert (await at.slack.events.send(tenant.workspace, event)).answer.status == 200
        assert await teams(at) == [tenant.team_id], event
    await at.slack.events.send(tenant.workspace, tokens_revoked(bot=["U0BOT000001"]))
    assert await teams(at) == []


async def test_an_event_without_a_time_ends_nothing(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    event = {"type": "event_callback", "team_id": tenant.team_id, "event": {"type": "app_uninstalled"}}
    await tenant.deliver("events_api", event)
    assert await teams(at)


async def assert_comes_again(at: ManyHarness, tenant: Tenant) -> None:
    """Check that an event that can't be handled now is not acknowledged, and is handled when it comes again."""
    await at.rename_table("workspaces", "elsewhere")
    if at.slack.socket_mode:
        at.slack.timing.ack_deadline = 3.0  # there is no ack
    event = await at.slack.events.send(tenant.workspace, {"type": "app_uninstalled"})
    if at.slack.socket_mode:
        assert event.answer.error == "operation_timeout"
    else:
        assert event.answer.status == 503
    at.slack.timing.ack_deadline = PATIENT
    await at.rename_table("elsewhere", "workspaces")
    assert await teams(at)
    assert (await at.slack.events.again(event.request)).answer.status == 200
    assert await teams(at) == []


@BOTH_TRANSPORTS
async def test_an_event_that_can_not_be_handled_now_comes_again(at: ManyHarness) -> None:
    await assert_comes_again(at, await at.set_up(at.add(1)))


@HTTP_ONLY
async def test_an_event_comes_again_after_an_accident_too(
    postgresql_urls: Iterator[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A table that is gone is one, for PostgreSQL."""
    async with many_workspaces(next(postgresql_urls)) as at:
        with caplog.at_level(logging.ERROR):
            await assert_comes_again(at, await at.set_up(at.add(1)))
    assert "UndefinedTable" in caplog.text


@HTTP_ONLY
async def test_an_event_that_does_not_come_again_is_handled_once_the_database_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack sends it again for 6 minutes."""
    monkeypatch.setattr("bot.outbound.store.availability.CHECK_INTERVAL", 0.1)
    async with many_workspaces(f"sqlite:///{tmp_path / 'bot.db'}") as at:
        leaving, staying = await two_tenants(at)
        await at.rename_table("workspaces", "elsewhere")
        event = await at.slack.events.send(leaving.workspace, {"type": "app_uninstalled"})
        await asyncio.sleep(0.3)
        await at.rename_table("elsewhere", "workspaces")
        async with asyncio.timeout(20):
            while await teams(at) != [staying.team_id]:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.05)
    assert event.answer.status == 503


@pytest.mark.parametrize("behind", [0.0, 60.0, -60.0], ids=["right", "behind", "ahead"])
async def test_an_event_that_comes_late_ends_no_new_installation_whatever_the_bots_clock_says(
    tmp_path: Path, behind: float
) -> None:
    async with many_workspaces(f"sqlite:///{tmp_path / 'bot.db'}", behind=behind) as at:
        tenant = await at.set_up(at.add(1))
        at.slack.clock.advance(2.0)
        events = await at.slack.uninstall(tenant.workspace)
        assert await teams(at) == []
        at.slack.clock.advance(2.0)
        await at.set_up(tenant)
        for event in events:
            assert (await at.slack.events.again(event.request)).answer.status == 200
        assert [one.has_key for one in await at.store.rows.summaries()] == [True]


# --- while the database is away ---


async def test_everybody_is_told_that_the_database_is_away(at: ManyHarness, caplog: pytest.LogCaptureFixture) -> None:
    tenant = await at.set_up(at.add(1))
    await at.rename_table("workspaces", "elsewhere")
    with caplog.at_level(logging.ERROR):
        answers = [await tenant.answer(by) for by in BY_BOTH]
        alert = await at.post_alert(tenant.team_id, "any", **ALERT)
        page = await at.install(at.add(2))
    assert [message.text for message in answers] == [store_failed(tenant)] * 2
    assert alert == (503, {"error": STORE_FAILED})
    assert page.page == page_of(StoreUnavailable())
    assert at.anchor.requests == []
    assert "Traceback" not in caplog.text


async def test_if_slack_can_not_be_used_either_the_person_is_notified_once_the_database_is_back(
    at: ManyHarness, caplog: pytest.LogCaptureFixture
) -> None:
    tenant = await at.set_up(at.add(1))
    await at.rename_table("workspaces", "elsewhere")
    at.slack.faults["response_url"] = expired_url()
    with caplog.at_level(logging.WARNING):
        await tenant.click()
        await until(lambda: any(record.name == "bot.usecases.pending_result" for record in caplog.records))
    await at.rename_table("elsewhere", "workspaces")
    assert len(await tenant.wait_for_direct_messages()) == 1
    (record,) = [record for record in caplog.records if record.name == "bot.usecases.pending_result"]
    by_url, by_dm = vars(record)["why"].split("; ")
    assert by_url.endswith("404")
    assert by_dm.endswith("SQLITE_ERROR")


def add_colleague(tenant: Tenant) -> User:
    """Somebody of another workspace of the tenant's Grid, in its channel."""
    tenant.workspace.enterprise = GRID
    colleague = tenant.workspace.add_user("U0SISTER001", "carol", team_id="T0SISTER001")
    tenant.channel.members.add(colleague.id)
    return colleague


async def test_a_colleague_of_a_workspace_that_is_not_served_is_refused(at: ManyHarness) -> None:
    """On a Grid, Slack would be asked who somebody is, and there is no token to ask it with."""
    tenant = at.add(1)
    colleague = add_colleague(tenant)
    await tenant.click(user=colleague)
    assert (await tenant.wait_for_ephemeral(colleague)).text == not_served(tenant)
    assert tenant.calls("users.info") == 0


async def test_a_colleague_is_not_taken_for_an_outsider_while_the_database_is_away(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    colleague = add_colleague(tenant)
    await at.rename_table("workspaces", "elsewhere")
    await tenant.click(user=colleague)
    assert (await tenant.wait_for_ephemeral(colleague)).text == store_failed(tenant)
    assert tenant.orders == []


# --- alerts ---


ALERT = {"session_id": SESSION, "text": "It spent $40 in a minute."}


async def let_report(at: ManyHarness, tenant: Tenant, token: str) -> None:
    assert await at.store.rows.set_alerts_token(tenant.team_id, digest(token))
    assert await at.store.rows.set_alerts_channel(tenant.team_id, tenant.channel.id)


async def test_each_workspace_has_its_own_alerts(at: ManyHarness) -> None:
    one, two = await two_tenants(at)
    await let_report(at, one, "token-1")
    await let_report(at, two, "token-2")
    status, answer = await at.post_alert(one.team_id, "token-1", session_id=one.session, text="spent")
    assert (status, answer["channel"]) == (200, one.channel.id)
    for team_id in (two.team_id, "T0NOBODY001"):
        assert (await at.post_alert(team_id, "token-1", **ALERT))[0] == 401
    for path in ("", "x/y"):
        assert (await at.post_alert(path, "token-1", **ALERT))[0] == 404
    (posted,) = [call for call in at.slack.api_calls if call.method == "chat.postMessage"]
    assert posted.token == one.workspace.installation.bot_token
    assert two.seen() == []
    (card,) = one.seen()
    await one.click(card)
    await at.slack.until(lambda: len(one.seen()) == 2)
    assert [request.key for request in one.orders] == [one.key]


async def test_a_channel_of_another_workspace_is_out_of_reach(at: ManyHarness) -> None:
    one, two = await two_tenants(at)
    await let_report(at, one, "token-1")
    status, answer = await at.post_alert(one.team_id, "token-1", channel=two.channel.id, **ALERT)
    assert (status, answer["slack_error"]) == (502, "channel_not_found")
    assert two.seen() == []


async def test_only_the_last_token_of_a_workspace_is_taken(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    for token in ("", "None", "x"):
        assert (await at.post_alert(tenant.team_id, token, **ALERT))[0] == 401
    await let_report(at, tenant, "token-1")
    await let_report(at, tenant, "token-2")
    statuses = [(await at.post_alert(tenant.team_id, token, **ALERT))[0] for token in ("token-1", "token-2")]
    assert statuses == [401, 200]
