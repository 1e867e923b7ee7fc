"""One workspace from the settings, with and without a database, and before Slack names it."""

import asyncio
import hashlib
import itertools
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from bot.demo.sandbox import environment
from bot.sim.anchor import DEFAULT_KEY, SessionState, SimAnchor
from bot.sim.slack import Answer, Fault, Hang, Installation, SimSlack, User, Workspace
from conversations.test_alerts import TOKEN, post, takes_alerts
from conversations.test_operation import becomes
from harness import BOTH_TRANSPORTS, SESSION, SingleHarness, outcome_text, paused, resumed
from harness.bots import serving, simulated
from harness.conversation import until
from harness.databases import KEY
from harness.outages import OTHER_VERSION, execute
from harness.product import Secret, Store, open_store, outcomes
from harness.secret_scan import leaks
from harness.stored import columns, fetch
from harness.texts import list_refused


async def until_recorded(url: str, team_id: str, where: str = "workspaces") -> dict[str, Any]:
    """Wait until the database has the row of the workspace, or of one of its people, and return all tables."""
    async with open_store(Secret(url), [KEY], keys_must_fit=False) as store:

        async def is_recorded() -> bool:
            return [(team_id,)] == await fetch(store, f"SELECT team_id FROM {where}")  # noqa: S608 - ours

        await until(is_recorded)
        return await everything(store)


async def everything(store: Store) -> dict[str, Any]:
    return {table: await fetch(store, f"SELECT * FROM {table}") for table in columns()}  # noqa: S608 - ours


@BOTH_TRANSPORTS
async def test_without_a_database_it_pauses_and_when_it_has_one_it_records_all(sqlite_url: str) -> None:
    """The database is that of another version of the bot, until somebody removes its tables."""
    await execute(sqlite_url, *OTHER_VERSION)
    async with takes_alerts(DATABASE_URL=sqlite_url) as at:
        assert "9999" in (await becomes(at, {"database"}))["database"]
        assert (await post(at)).status == 200
        (card,) = at.messages()
        for by in ("a command", "a click"):
            assert (await at.answer(by)).text == paused(is_recorded=False)
        refused = outcome_text(outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE), verb="resume")
        assert (await at.answer("a command", verb="resume")).text == refused
        await at.click(card)
        await execute(sqlite_url, "DROP TABLE schema_version")
        await becomes(at, set())
        assert (await at.answer("a command", verb="resume")).text == resumed()
        tables = await until_recorded(sqlite_url, at.workspace.team_id)
    verb = columns()["orders"].split(", ").index("verb")
    assert sorted(row[verb] for row in tables["orders"]) == ["pause"] * 3 + ["resume"] * 2


async def use_everything(at: SingleHarness, url: str) -> None:
    """Pause, resume, take an alert, open Home and windows, and use a key that Anchor refuses."""
    at.workspace.change_user(at.person, is_admin=True)
    await at.open_home()
    await until_recorded(url, at.workspace.team_id, "people WHERE seen_at > 0")
    assert (await post(at)).status == 200
    for verb in ("pause", "resume"):
        await at.answer("a command", verb=verb)
    await at.command("")
    at.anchor.revoke(DEFAULT_KEY)
    at.anchor.session(at.session).state = SessionState.RUNNING
    await at.answer("a click")
    await at.wait_for_direct_messages()


@BOTH_TRANSPORTS
async def test_no_secret_of_the_settings_is_in_the_database(database_url: str) -> None:
    async with takes_alerts(DATABASE_URL=database_url, PAUSE_USERS="U0ALICE0001") as at:
        await use_everything(at, database_url)
        tables = await until_recorded(database_url, at.workspace.team_id)
        own = [at.slack.bot_token, at.slack.app_token, at.slack.signing_secret, DEFAULT_KEY, TOKEN]
    filled = {table for table, rows in tables.items() if rows}
    assert filled >= {"workspaces", "people", "orders", "messages", "parts", "marks"}
    stored = json.dumps(tables, default=str)
    assert [secret for secret in own if secret in stored or hashlib.sha256(secret.encode()).hexdigest() in stored] == []
    assert [leak for leak in leaks(stored) if not leak.startswith("gAAAA")] == []  # a sealed reply is none
    (row,) = tables["workspaces"]
    names = columns()["workspaces"].split(", ")
    settings = {"bot_token": "", "anchor_api_key": None, "policy": None, "alert_tokens": None}
    assert {name: value for name, value in zip(names, row, strict=True) if name in settings} == settings


@asynccontextmanager
async def starting(slack: SimSlack, anchor: SimAnchor, url: str) -> AsyncIterator[SingleHarness]:
    """A bot that takes alerts and has not waited for its start."""
    own = {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal(), "ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001"}
    environ = environment(slack, anchor, **own)
    async with serving(slack, environ, waits=False) as bot:
        if slack.socket_mode:
            await slack.until(lambda: slack.sockets.connections)
        yield SingleHarness.of(slack, anchor, bot)


NOBODY = Answer(503)
"""Slack does not say whose the token is, as long as the bot runs."""

NOT_CONFIRMED = outcomes.Refusal(outcomes.Why.ROLE_UNKNOWN)
WRONG = outcomes.Refusal(outcomes.Why.WRONG_WORKSPACE)
SECOND = "T0SECOND001"
_numbers = itertools.count()
HOSTILE_TEAMS = ['""', '"t0 home"', f'"{"T" * 41}"', "[]"]


def second_workspace(slack: SimSlack, *, shares_channel: bool = False) -> User:
    """Somebody of another workspace that has installed the same app, perhaps in a channel with our people."""
    slack.add_workspace(Workspace(SECOND, "second", Installation("xoxb-second")))
    user = User("U0MALLORY01", SECOND, "mallory")
    if shares_channel:
        slack.home.users[user.id] = user
        slack.alerts.members.add(user.id)
    return user


async def answer(at: SingleHarness, user: User, team_id: str, text: str = SESSION, verb: str = "pause") -> str:
    """Type a command in the workspace `team_id`, and return the answer in the ack."""
    fields = {"command": f"/anchor-{verb}", "text": text, "team_id": team_id, "channel_id": at.channel.id}
    whose = {"user_id": user.id, "trigger_id": str(next(_numbers))}
    answered = await at.deliver("slash_commands", fields | whose, takes_answer=True)
    return str(json.loads(answered.body)["text"])


def refused(why: outcomes.Outcome, user: User, verb: str = "pause") -> str:
    return outcome_text(why, verb=verb, user=user.id)


def file(directory: Path) -> str:
    return f"sqlite:///{directory / 'bot.db'}"


@BOTH_TRANSPORTS
@pytest.mark.parametrize("can_ask", [False, True], ids=["without users:read", "in a shared channel"])
@pytest.mark.parametrize(
    "fault",
    [NOBODY, Hang(), *(Answer(200, f'{{"ok":true,"team_id":{team}}}'.encode()) for team in HOSTILE_TEAMS)],
    ids=["no answer", "it hangs", "no team", "no id", "a long id", "no text"],
)
async def test_a_second_workspace_cannot_use_our_key(tmp_path: Path, fault: Fault, *, can_ask: bool) -> None:
    """It has the same app, so Slack signs its requests with the same secret."""
    async with simulated() as (slack, anchor):
        mallory = second_workspace(slack, shares_channel=can_ask)
        slack.faults["auth.test"] = fault
        if not can_ask:
            slack.home.installation.scopes -= {"users:read"}
        async with starting(slack, anchor, file(tmp_path)) as at:
            for verb in ("pause", "resume"):
                assert await answer(at, mallory, SECOND, verb=verb) == refused(NOT_CONFIRMED, mallory, verb)
            assert await answer(at, mallory, SECOND, "") == list_refused(NOT_CONFIRMED)
            assert await answer(at, mallory, slack.home.team_id) == refused(NOT_CONFIRMED, mallory)
            assert anchor.requests == []
            if can_ask:
                await at.click(at.post_alert(), user=mallory)
                await slack.until(lambda: at.ephemerals(mallory))
                assert anchor.requests == []
    with closing(sqlite3.connect(tmp_path / "bot.db")) as database:
        assert database.execute("SELECT * FROM people").fetchall() == []


@asynccontextmanager
async def named_before(url: str) -> AsyncIterator[tuple[SimSlack, SimAnchor]]:
    """A bot has run that Slack has told whose its token is. Now Slack tells nothing, and the app lacks users:read."""
    async with simulated() as (slack, anchor):
        async with starting(slack, anchor, url) as at:
            await at.bot.startup
            await asyncio.sleep(1.0)  # until it is stored
            assert (await at.answer("a command")).text == paused()
        slack.home.installation.scopes -= {"users:read"}
        slack.faults["auth.test"] = NOBODY
        yield slack, anchor


@BOTH_TRANSPORTS
async def test_a_restart_knows_the_workspace_at_once(database_url: str) -> None:
    async with named_before(database_url) as (slack, anchor):
        mallory = second_workspace(slack)
        async with starting(slack, anchor, database_url) as at:
            assert await answer(at, slack.alice, slack.home.team_id) == paused()
            assert await answer(at, mallory, SECOND) == refused(WRONG, mallory)
            assert not at.bot.startup.done()
            assert "503" in (await becomes(at, {"slack"}))["slack"]
            slack.faults["users.info"] = Hang()
            assert (await at.answer("a click", within=2.0)).text  # her role is known by now


@BOTH_TRANSPORTS
@pytest.mark.parametrize("damage", ["not stored", "of another token", "not an id"])
async def test_without_the_stored_workspace_slack_decides(tmp_path: Path, damage: str) -> None:
    url = file(tmp_path)
    async with named_before(url) as (slack, anchor):
        mallory = second_workspace(slack)
        change = {
            "not stored": "UPDATE workspaces SET token_digest = NULL",
            "of another token": "UPDATE workspaces SET token_digest = 'another'",
            "not an id": "UPDATE workspaces SET team_id = 't0 home'",
        }
        await execute(url, change[damage])
        async with starting(slack, anchor, url) as at:
            before = len(at.orders)
            assert await answer(at, mallory, SECOND) == refused(NOT_CONFIRMED, mallory)
            assert await answer(at, slack.alice, slack.home.team_id) == refused(NOT_CONFIRMED, slack.alice)
            assert len(at.orders) == before
            del slack.faults["auth.test"]
            await at.bot.startup
            assert await answer(at, slack.alice, slack.home.team_id) == paused()
            assert await answer(at, mallory, SECOND) == refused(WRONG, mallory)
