"""One bot, many workspaces: whose key a request gets, what becomes of one that leaves, whose alerts go where."""

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from bot.core.digest import digest
from bot.outbound.store.schema import workspaces
from bot.sim.slack import Enterprise, Message, expired_url, tokens_revoked
from harness import HTTP_ONLY, SESSION, SOCKET_ONLY
from harness.many_workspaces import ManyHarness, Tenant, many_workspaces

pytestmark = pytest.mark.anyio

NOT_SERVED = (
    "*Not paused:* this bot holds no Anchor API key for your workspace, so it left session `{session}` alone.\n"
    "Ask whoever runs the bot to set it up for this workspace."
)


def button(at: ManyHarness, tenant: Tenant) -> Message:
    """An alert with a Pause button for the tenant's session, in the tenant's channel."""
    element = {
        "type": "button",
        "action_id": "anchor_pause",
        "text": {"type": "plain_text", "text": "Pause"},
        "value": tenant.session,
    }
    return at.slack.post(tenant.channel, "High spend", blocks=[{"type": "actions", "elements": [element]}])


async def last_word(at: ManyHarness, tenant: Tenant, count: int = 1) -> str:
    """Wait until the bot has said `count` things in the tenant's channel, and return the last."""
    await at.slack.until(lambda: len(spoken(tenant)) >= count)
    return spoken(tenant)[-1].text


def spoken(tenant: Tenant) -> list[Message]:
    return [message for message in tenant.seen() if message.source != "posted"]


# --- whose request it is ---


async def test_each_workspace_pauses_with_its_own_key(at: ManyHarness) -> None:
    one, two = [await at.set_up(at.add(number)) for number in (1, 2)]
    await one.command()
    await at.slack.click(two.person, button(at, two))
    await at.anchor.until(lambda: two.orders)
    assert [request.key for request in one.orders] == [one.key]
    assert [request.key for request in two.orders] == [two.key]


@pytest.mark.parametrize("column", ["bot_token", "anchor_api_key"])
async def test_a_key_that_was_moved_to_another_workspaces_row_is_not_used(at: ManyHarness, column: str) -> None:
    one, two = [await at.set_up(at.add(number)) for number in (1, 2)]
    theirs = select(workspaces.c[column]).where(workspaces.c.team_id == one.team_id).scalar_subquery()
    async with at.store.database.changing() as connection:
        await connection.execute(update(workspaces).values({column: theirs}))
    await two.command()
    assert "the bot can't read its database and sent nothing" in await last_word(at, two)
    await one.command()
    assert [request.key for request in at.anchor.requests] == [one.key]


async def test_a_session_of_another_workspace_is_not_known(at: ManyHarness) -> None:
    one, two = [await at.set_up(at.add(number)) for number in (1, 2)]
    await one.command(two.session)
    assert "Anchor knows no such session under this workspace's API key" in await last_word(at, one)
    assert [(request.key, request.status) for request in two.orders] == [(one.key, 404)]


async def test_somebody_of_another_workspace_clicks_and_is_refused_although_that_is_installed_too(
    at: ManyHarness,
) -> None:
    """In a Slack Connect channel of the first; their own workspace has a key, which must not be used either."""
    host, guest = [await at.set_up(at.add(number)) for number in (1, 2)]
    visitor = host.workspace.add_user(guest.person.id, "visitor", team_id=guest.team_id)
    host.channel.members.add(visitor.id)
    message = button(at, host)
    await at.slack.click(visitor, message)
    await at.slack.until(lambda: at.slack.seen_by(visitor, host.channel)[-1].ephemeral_to == visitor.id)
    assert "only members of the workspace that installed this app may do that" in (
        at.slack.seen_by(visitor, host.channel)[-1].text
    )
    assert at.anchor.requests == []


async def test_without_an_installed_team_nobodys_key_is_used(at: ManyHarness) -> None:
    """An organisation's installation has `team: null`; the person's own team must not take its place."""
    tenant = await at.set_up(at.add(1))
    message = button(at, tenant)
    await at.slack.click(tenant.person, message, team=None, is_enterprise_install=True)
    assert await last_word(at, tenant) == NOT_SERVED.format(session=tenant.session)
    await at.slack.click(
        tenant.person, message, team=None, enterprise={"id": tenant.team_id}, is_enterprise_install=True
    )
    assert await last_word(at, tenant, 2) == NOT_SERVED.format(session=tenant.session)
    assert at.anchor.requests == []


async def test_a_workspace_that_joins_a_grid_keeps_its_installation_and_its_key(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    message = button(at, tenant)
    tenant.workspace.enterprise = Enterprise("E0GRID00001", "Grid")
    await tenant.command()
    await at.slack.click(tenant.person, message)
    await at.anchor.until(lambda: len(tenant.orders) == 2)
    assert [request.key for request in tenant.orders] == [tenant.key] * 2
    assert len(await at.store.installations.summaries()) == 1
    await at.install(tenant)
    (summary,) = await at.store.installations.summaries()
    assert (summary.enterprise_id, summary.has_key) == ("E0GRID00001", True)


async def test_a_workspace_that_never_installed_the_app_is_told_so(at: ManyHarness) -> None:
    tenant = at.add(1)
    await tenant.command()
    assert await last_word(at, tenant) == NOT_SERVED.format(session=tenant.session)
    await at.slack.click(tenant.person, button(at, tenant))
    assert await last_word(at, tenant, 2) == NOT_SERVED.format(session=tenant.session)
    assert at.anchor.requests == []


# --- how it ends ---


@pytest.mark.parametrize("revoked_first", [False, True])
async def test_a_workspace_that_removes_the_app_leaves_nothing_and_may_come_back(
    at: ManyHarness, *, revoked_first: bool
) -> None:
    leaving, staying = [await at.set_up(at.add(number)) for number in (1, 2)]
    told = await at.slack.uninstall(leaving.workspace, revoked_first=revoked_first)
    assert [event.answer.status for event in told] == [200, 200]
    assert [one.team_id for one in await at.store.installations.summaries()] == [staying.team_id]
    await leaving.command()
    assert await last_word(at, leaving) == NOT_SERVED.format(session=leaving.session)
    assert leaving.orders == []
    page = await at.install(leaving)
    assert "One thing is left" in page.words, "the key came back with the app"
    await at.set_up(leaving)
    at.slack.clock.advance(6)
    await leaving.command()
    assert await last_word(at, leaving, 2)
    methods = {call.method for call in at.slack.api_calls}
    assert methods - {"apps.connections.open"} == {"oauth.v2.access", "users.info"}, "something else was asked"


async def test_an_event_that_comes_late_does_not_end_a_new_installation(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    told = await at.slack.uninstall(tenant.workspace)
    at.slack.clock.advance(60)
    await at.set_up(tenant)
    for event in told:
        assert (await at.slack.events.again(event.request)).answer.status == 200
    assert [one.has_key for one in await at.store.installations.summaries()] == [True]


@pytest.mark.parametrize(
    ("event", "stays"),
    [
        (tokens_revoked(oauth=["U0PERSON001"]), True),
        (tokens_revoked(oauth=["U0PERSON001"], bot=["U0OTHERBOT1"]), True),
        (tokens_revoked(bot=["U0BOT000001"]), False),
        ({"type": "tokens_revoked"}, True),
        ({"type": "app_uninstalled"}, False),
        ({"type": "app_rate_limited"}, True),
    ],
    ids=["person", "other bot", "own bot", "nobody", "uninstalled", "another event"],
)
async def test_only_the_death_of_its_own_token_ends_an_installation(
    at: ManyHarness, event: dict[str, object], *, stays: bool
) -> None:
    tenant = await at.set_up(at.add(1))
    assert (await at.slack.events.send(tenant.workspace, event)).answer.status == 200
    assert bool(await at.store.installations.summaries()) is stays


async def test_an_event_without_a_time_ends_nothing(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    event = {"type": "event_callback", "team_id": tenant.team_id, "event": {"type": "app_uninstalled"}}
    if at.slack.socket_mode:
        await at.slack.sockets.send("events_api", event)
    else:
        body = json.dumps(event).encode()
        await at.slack.send(body, at.slack.sign(body) | {"Content-Type": "application/json"})
    assert await at.store.installations.summaries()


async def hold_the_database(at: ManyHarness) -> None:
    """Make every read and change fail, until `free_the_database`."""
    async with at.store.database.changing() as connection:
        await connection.execute(text("ALTER TABLE workspaces RENAME TO elsewhere"))


async def free_the_database(at: ManyHarness) -> None:
    async with at.store.database.changing() as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO workspaces"))


@HTTP_ONLY
async def test_an_event_that_can_not_be_handled_now_is_asked_for_again(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    await hold_the_database(at)
    (first, second) = await at.slack.uninstall(tenant.workspace)
    assert (first.answer.status, second.answer.status) == (503, 503)
    await free_the_database(at)
    assert await at.store.installations.summaries()
    assert (await at.slack.events.again(first.request)).answer.status == 200
    assert await at.store.installations.summaries() == []


@pytest.mark.parametrize("behind", [60.0, -60.0], ids=["behind", "ahead"])
async def test_a_clock_that_is_wrong_keeps_no_workspace_and_loses_none(tmp_path: Path, behind: float) -> None:
    async with many_workspaces(f"sqlite:///{tmp_path / 'bot.db'}", behind=behind) as at:
        tenant = await at.set_up(at.add(1))
        at.slack.clock.advance(2.0)
        (event, _) = await at.slack.uninstall(tenant.workspace)
        assert await at.store.installations.summaries() == []
        at.slack.clock.advance(2.0)
        await at.set_up(tenant)
        await at.slack.events.again(event.request)
        assert await at.store.installations.summaries()


@HTTP_ONLY
async def test_an_event_is_asked_for_again_whatever_goes_wrong(
    postgresql_urls: Iterator[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with many_workspaces(next(postgresql_urls)) as at:
        tenant = await at.set_up(at.add(1))
        await hold_the_database(at)  # for PostgreSQL that is a mistake of ours, and no database that is away
        with caplog.at_level(logging.ERROR):
            (first, _) = await at.slack.uninstall(tenant.workspace)
        assert first.answer.status == 503
        assert "UndefinedTable" in caplog.text
        await free_the_database(at)
        assert (await at.slack.events.again(first.request)).answer.status == 200
        assert await at.store.installations.summaries() == []


@SOCKET_ONLY
async def test_over_a_socket_it_is_asked_for_again_by_no_ack(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    await hold_the_database(at)
    event = await at.slack.events.send(tenant.workspace, {"type": "app_uninstalled"})
    assert event.answer.error == "operation_timeout"
    await free_the_database(at)
    assert (await at.slack.events.again(event.request)).answer.status == 200
    assert await at.store.installations.summaries() == []


async def test_a_database_that_is_away_is_said_to_be(at: ManyHarness, caplog: pytest.LogCaptureFixture) -> None:
    tenant = await at.set_up(at.add(1))
    await hold_the_database(at)
    with caplog.at_level(logging.ERROR):
        await tenant.command()
        await at.slack.click(tenant.person, button(at, tenant))
        answer = await at.post_alert(tenant.team_id, "any", session_id=SESSION, text="spent")
        page = await at.install(at.add(2))
    failed = (
        f"*Not paused:* the bot can't read its database and sent nothing for session `{tenant.session}`.\n"
        "Try again in a moment. If it can't wait, do it in Anchor's dashboard."
    )
    assert await last_word(at, tenant, 2) == failed
    assert [message.text for message in spoken(tenant)] == [failed] * 2
    assert answer == (
        503,
        {"error": "Nothing was posted: the bot can't read its database. Send the alert again in a few seconds."},
    )
    assert (page.status, page.words.splitlines()[0]) == (503, "Not installed: the bot's database is away")
    assert at.anchor.requests == []
    assert "Traceback" not in caplog.text


async def test_where_neither_slack_nor_the_database_can_be_used_the_log_says_what_was_not_told(
    at: ManyHarness, caplog: pytest.LogCaptureFixture
) -> None:
    tenant = await at.set_up(at.add(1))
    await hold_the_database(at)
    at.slack.faults["response_url"] = expired_url()
    with caplog.at_level(logging.ERROR):
        await at.slack.click(tenant.person, button(at, tenant))
        while "a result could not be told" not in caplog.text:  # noqa: ASYNC110 - nothing else tells of it
            await asyncio.sleep(0.01)
    (record,) = [record for record in caplog.records if record.message == "a result could not be told"]
    assert vars(record)["why"] == ("response_url: response_url answered 404; direct message: OperationalError")


async def test_a_colleague_of_a_workspace_that_is_not_served_is_refused(at: ManyHarness) -> None:
    """On a Grid, Slack would be asked who somebody is, and there is no token to ask it with."""
    tenant = at.add(1)
    tenant.workspace.enterprise = Enterprise("E0GRID00001", "Grid")
    colleague = tenant.workspace.add_user("U0SISTER001", "carol", team_id="T0SISTER001")
    tenant.channel.members.add(colleague.id)
    await at.slack.click(colleague, button(at, tenant))
    await at.slack.until(lambda: at.slack.seen_by(colleague, tenant.channel)[-1].ephemeral_to == colleague.id)
    assert at.slack.seen_by(colleague, tenant.channel)[-1].text == NOT_SERVED.format(session=tenant.session)
    assert [call.method for call in at.slack.api_calls if call.method == "users.info"] == []


async def test_a_colleague_is_not_taken_for_an_outsider_while_the_database_is_away(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    tenant.workspace.enterprise = Enterprise("E0GRID00001", "Grid")
    colleague = tenant.workspace.add_user("U0SISTER001", "carol", team_id="T0SISTER001")
    tenant.channel.members.add(colleague.id)
    await hold_the_database(at)
    await at.slack.click(colleague, button(at, tenant))
    await at.slack.until(lambda: at.slack.seen_by(colleague, tenant.channel)[-1].ephemeral_to == colleague.id)
    assert at.slack.seen_by(colleague, tenant.channel)[-1].text == (
        f"*Not paused:* the bot can't read its database and sent nothing for session `{tenant.session}`.\n"
        "Try again in a moment. If it can't wait, do it in Anchor's dashboard."
    )
    assert tenant.orders == []


# --- alerts ---


ALERT = {"session_id": SESSION, "text": "It spent $40 in a minute."}
WRONG = (
    401,
    {"error": "The token is missing or wrong: send Authorization: Bearer and the alerts token of this workspace."},
)


async def let_report(at: ManyHarness, tenant: Tenant, token: str) -> None:
    assert await at.store.installations.set_alerts_token(tenant.team_id, digest(token))
    assert await at.store.installations.set_alerts_channel(tenant.team_id, tenant.channel.id)


async def test_each_workspace_has_its_own_alerts(at: ManyHarness) -> None:
    one, two = [await at.set_up(at.add(number)) for number in (1, 2)]
    await let_report(at, one, "token-1")
    await let_report(at, two, "token-2")
    status, answer = await at.post_alert(one.team_id, "token-1", **ALERT)
    assert (status, answer["channel"]) == (200, one.channel.id)
    assert await at.post_alert(two.team_id, "token-1", **ALERT) == WRONG
    assert await at.post_alert("T0NOBODY001", "token-1", **ALERT) == WRONG
    (posted,) = [call for call in at.slack.api_calls if call.method == "chat.postMessage"]
    assert posted.token == one.workspace.installation.bot_token
    assert "High spend" not in str(two.seen())
    assert two.seen() == []


async def test_a_channel_of_another_workspace_is_out_of_reach(at: ManyHarness) -> None:
    one, two = [await at.set_up(at.add(number)) for number in (1, 2)]
    await let_report(at, one, "token-1")
    status, answer = await at.post_alert(one.team_id, "token-1", channel=two.channel.id, **ALERT)
    assert (status, answer["slack_error"]) == (502, "channel_not_found")
    assert two.seen() == []


async def test_a_workspace_without_a_token_takes_no_alerts(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    for token in ("", "None", "x"):
        assert await at.post_alert(tenant.team_id, token, **ALERT) == WRONG


async def test_another_token_ends_the_first(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    await let_report(at, tenant, "token-1")
    await let_report(at, tenant, "token-2")
    assert await at.post_alert(tenant.team_id, "token-1", **ALERT) == WRONG
    assert (await at.post_alert(tenant.team_id, "token-2", **ALERT))[0] == 200


async def test_there_is_no_door_for_alerts_of_nobody(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    await let_report(at, tenant, "token-1")
    for path in ("", "x/y"):
        status, _ = await at.post_alert(path, "token-1", **ALERT)
        assert status == 404


async def test_the_pause_of_an_alerts_card_is_the_workspaces_own(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    await let_report(at, tenant, "token-1")
    await at.post_alert(tenant.team_id, "token-1", session_id=tenant.session, text="spent")
    (card,) = tenant.seen()
    await at.slack.click(tenant.person, card)
    await at.anchor.until(lambda: tenant.orders)
    assert [request.key for request in tenant.orders] == [tenant.key]
    await at.slack.until(lambda: len(tenant.seen()) == 2)
