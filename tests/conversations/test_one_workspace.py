"""A bot of one workspace: its settings stay in memory, and without its database it still pauses."""

import asyncio
import hashlib
import json
from typing import Any

import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState
from conversations.test_alerts import TOKEN, post, takes_alerts
from conversations.test_health import becomes
from harness import BOTH_TRANSPORTS, SingleHarness, outcome_text, paused, resumed
from harness.conversation import until
from harness.databases import KEY
from harness.outages import OTHER_VERSION, execute
from harness.product import Secret, Store, open_store, outcomes
from harness.secret_scan import leaks
from harness.stored import columns, fetch

pytestmark = pytest.mark.anyio


async def until_recorded(url: str, team_id: str) -> dict[str, Any]:
    """Wait until the database has the row of the workspace, and return all tables."""
    async with open_store(Secret(url), [KEY], keys_must_fit=False) as store:

        async def is_recorded() -> bool:
            return [(team_id,)] == await fetch(store, "SELECT team_id FROM workspaces")

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


async def use_everything(at: SingleHarness) -> None:
    """Pause, resume, take an alert, open Home and windows, and use a key that Anchor refuses."""
    at.workspace.change_user(at.person, is_admin=True)
    await at.open_home()
    await asyncio.sleep(1.0)  # until the admin is recorded
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
        await use_everything(at)
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
