"""One bot, many workspaces: whose key a request gets, what becomes of one that leaves, whose alerts go where."""

import asyncio
import logging

import pytest

from bot.sim.slack import Enterprise, User, tokens_revoked
from harness import BOTH_TRANSPORTS, BY_BOTH, SESSION, outcome_text, paused
from harness.conversation import until
from harness.many_workspaces import ManyHarness, Tenant, many_workspaces
from harness.product import outcomes
from harness.single_workspace import PATIENT

pytestmark = pytest.mark.anyio

GRID = Enterprise("E0GRID00001", "Grid")
OUTSIDER = outcomes.Refusal(outcomes.Why.OUTSIDER)
ALERT = {"session_id": SESSION, "text": "It spent $40 in a minute."}


def not_served(tenant: Tenant) -> str:
    return outcome_text(outcomes.Refusal(outcomes.Why.WRONG_WORKSPACE), session=tenant.session)


def store_failed(tenant: Tenant) -> str:
    return outcome_text(outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE), session=tenant.session)


def add_colleague(tenant: Tenant) -> User:
    """Somebody of another workspace of the tenant's Grid, in its channel."""
    tenant.workspace.enterprise = GRID
    colleague = tenant.workspace.add_user("U0SISTER001", "carol", team_id="T0SISTER001")
    tenant.channel.members.add(colleague.id)
    return colleague


async def test_each_workspace_pauses_its_own_sessions_with_its_own_key(at: ManyHarness) -> None:
    one, two = await at.set_up_two()
    await one.command()
    await two.click()
    await at.anchor.until(lambda: two.orders)
    assert [request.key for request in (*one.orders, *two.orders)] == [one.key, two.key]
    await one.command(two.session)
    not_found = outcomes.NotFound("Session not found")
    assert one.answers()[-1].text == outcome_text(not_found, session=two.session, user=one.person.id)
    assert (two.orders[-1].key, two.orders[-1].status) == (one.key, 404)


async def test_somebody_of_another_workspace_is_refused_although_that_is_installed_too(at: ManyHarness) -> None:
    """In a Slack Connect channel of the first; their own workspace has a key, which must not be used either."""
    host, guest = await at.set_up_two()
    visitor = host.workspace.add_user(guest.person.id, "visitor", team_id=guest.team_id)
    host.channel.members.add(visitor.id)
    await host.click(user=visitor)
    assert (await host.wait_for_ephemeral(visitor)).text == outcome_text(OUTSIDER, session=host.session)
    assert at.anchor.requests == []


async def test_a_workspace_that_never_installed_the_app_is_told_so(at: ManyHarness) -> None:
    """On a Grid, Slack would be asked who a colleague is, and there is no token to ask it with."""
    tenant = at.add(1)
    assert (await tenant.answer("a command")).text == not_served(tenant)
    assert (await tenant.answer("a click", add_colleague(tenant))).text == not_served(tenant)
    assert (tenant.calls("users.info"), at.anchor.requests) == (0, [])


@pytest.mark.parametrize("revoked_first", [False, True])
async def test_a_workspace_that_removes_the_app_leaves_nothing_and_can_come_back(
    at: ManyHarness, *, revoked_first: bool
) -> None:
    leaving, staying = await at.set_up_two()
    deliveries = await at.slack.uninstall(leaving.workspace, revoked_first=revoked_first)
    assert [event.answer.status for event in deliveries] == [200, 200]
    assert await at.teams() == [staying.team_id]
    assert (await leaving.answer("a command")).text == not_served(leaving)
    assert leaving.orders == []
    assert (await at.install(leaving)).status == 200
    found = await at.store.rows.find(leaving.team_id)
    assert found
    assert found.anchor_key is None, "the key came back with the app"


async def test_an_order_that_is_at_anchor_when_its_workspace_removes_the_app_is_told_and_leaves_nothing(
    database_url: str,
) -> None:
    async with many_workspaces(database_url, ack_wait=0.0) as at:
        tenant = await at.set_up(at.add(1))
        at.anchor.session(tenant.session).seconds = 2.0
        await tenant.command()
        await at.anchor.until(lambda: tenant.orders)
        await at.slack.uninstall(tenant.workspace)
        told = paused(session=tenant.session, user=tenant.person.id)
        await until(lambda: told in [message.text for message in tenant.seen()])
        await asyncio.sleep(2.0)
        assert await at.store.database.fetch_all("SELECT id FROM orders") == []


async def test_only_the_death_of_its_own_token_ends_an_installation(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    for event in (
        tokens_revoked(oauth=["U0PERSON001"]),
        tokens_revoked(oauth=["U0PERSON001"], bot=["U0OTHERBOT1"]),
        {"type": "tokens_revoked"},
        {"type": "app_rate_limited"},
    ):
        assert (await at.slack.events.send(tenant.workspace, event)).answer.status == 200
        assert await at.teams() == [tenant.team_id], event
    timeless = {"type": "event_callback", "team_id": tenant.team_id, "event": {"type": "app_uninstalled"}}
    await tenant.deliver("events_api", timeless)
    assert await at.teams() == [tenant.team_id]
    await at.slack.events.send(tenant.workspace, tokens_revoked(bot=["U0BOT000001"]))
    assert await at.teams() == []


@BOTH_TRANSPORTS
async def test_an_event_that_can_not_be_handled_now_comes_again(database_url: str) -> None:
    async with many_workspaces(database_url) as at:
        tenant = await at.set_up(at.add(1))
        await at.rename_table("workspaces", "elsewhere")
        if at.slack.socket_mode:
            at.slack.timing.ack_deadline = 3.0  # there is no ack
        event = await at.slack.events.send(tenant.workspace, {"type": "app_uninstalled"})
        seen = event.answer.error if at.slack.socket_mode else event.answer.status
        assert seen == ("operation_timeout" if at.slack.socket_mode else 503)
        at.slack.timing.ack_deadline = PATIENT
        await at.rename_table("elsewhere", "workspaces")
        assert (await at.slack.events.again(event.request)).answer.status == 200
        assert await at.teams() == []


async def test_everybody_is_told_that_the_database_is_away(at: ManyHarness, caplog: pytest.LogCaptureFixture) -> None:
    tenant = await at.set_up(at.add(1))
    colleague = add_colleague(tenant)
    await at.rename_table("workspaces", "elsewhere")
    with caplog.at_level(logging.ERROR):
        answers = [await tenant.answer(by) for by in BY_BOTH]
        answers.append(await tenant.answer("a click", colleague))  # who is not taken for an outsider
        status, _ = await at.post_alert(tenant.team_id, "any", **ALERT)
        page = await at.install(at.add(2))
    assert [message.text for message in answers] == [store_failed(tenant)] * 3
    assert (status, page.status, at.anchor.requests) == (503, 503, [])
    assert "Traceback" not in caplog.text
