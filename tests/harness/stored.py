"""What tests put into a store, its tables by SQL past its repositories, and rows of workspaces that fail as told."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from functools import cache
from typing import Any

from bot.core.alert_tokens import AlertToken
from bot.core.fields import Secret, digest
from bot.core.permissions import Policy, Rule
from bot.core.workspace import AnchorKey, Installation, KeyCheck
from bot.outbound.store.schema import SCHEMA, TABLES
from bot.outbound.store.store import Store, open_store
from bot.outbound.store.workspaces import WorkspaceRows
from bot.outbound.workspaces import MAX_AGE
from bot.runtime import Readiness
from harness.conversation import until
from harness.databases import KEY

ACME = Installation(
    team_id="T0HOME00001",
    team_name="Acme",
    enterprise_id=None,
    app_id="A0ANCHOR001",
    bot_user_id="U0ANCHORBOT",
    bot_token=Secret("xoxb-of-acme"),
    scopes=("commands", "chat:write"),
    installed_by="U0ALICE0001",
    installed_at=1_785_000_000,
)
GLOBEX = replace(ACME, team_id="T0GLOBEX001", team_name="Globex", bot_token=Secret("xoxb-of-globex"))
ANCHOR_KEY = AnchorKey(Secret("sk-of-acme"), KeyCheck.VERIFIED, "U0ALICE0001", 1_785_000_100)
POLICY = Policy(pause=Rule(frozenset({"U2", "U1"}), frozenset({"C1"})))
NOW = 1_785_000_000.5
DAY = 86_400


async def until_read_again() -> None:
    """Wait until bots know what another process, such as this one, has changed in a workspace."""
    await asyncio.sleep(MAX_AGE)


def readiness() -> Readiness:
    return Readiness()


async def add_token(rows: WorkspaceRows, team_id: str, text: str, name: str = "default", **more: Any) -> bool:
    """Let a program post alerts with this token, as if it had just been made, beside its other ones."""
    found = await rows.find(team_id)
    before, version = (found.alert_tokens, found.alerts_token_version) if found else ((), 0)
    tokens = (*(one for one in before if one.name != name), AlertToken(name, digest(text), text[-4:], **more))
    return await rows.set_alert_tokens(team_id, tokens, if_version=version)


async def fetch(store: Store, sql: str, **values: object) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await store.database.fetch_all(sql, **values)]


async def until_found(url: str, sql: str, *, exists: bool = True) -> None:
    """Wait until a query finds a row, or none."""

    async def is_so() -> bool:
        return bool(await fetch(store, sql)) is exists

    async with open_store(Secret(url), [KEY]) as store:
        await until(is_so)


async def execute(store: Store, sql: str, **values: object) -> None:
    await store.database.execute(sql, **values)


@cache
def columns() -> dict[str, str]:
    """Return the names of the columns of each table, separated by commas."""
    with closing(sqlite3.connect(":memory:")) as new:
        new.executescript(SCHEMA)
        found = {table: new.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchall() for table in TABLES}  # noqa: S608
    return {table: ", ".join(name for (name,) in names) for table, names in found.items()}
