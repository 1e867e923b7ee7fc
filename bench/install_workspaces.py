"""Fill an empty database: `install_workspaces.py N M` installs the app in N workspaces, and adds M old orders.

A program of its own, because each revision of the bot writes its own tables. It reads DATABASE_URL and
ENCRYPTION_KEYS, and imports nothing of `bench` but `people`.
"""

import asyncio
import os
import re
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg

from bot.core.fields import Secret
from bot.core.workspace import SCOPES, AnchorKey, Installation
from bot.outbound.store.store import Store, open_store

sys.path.append(str(Path(__file__).parent))
from people import anchor_key, bot_token, team_id  # type: ignore[import-not-found]

_SECONDS_EACH = 30  # between two old orders
_HISTORY = """
    INSERT INTO orders (id, trigger_id, team_id, session_id, verb, reason, source, user_id, home_team_id, channel_id,
      state, outcome, outcome_fields, delivered_by, given_at, settled_at, told_at, owner{column})
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    SELECT 'old-' || n, 'old-' || n, :team, 'session-' || (n % 50000), CASE n % 4 WHEN 0 THEN 'resume' ELSE 'pause' END,
      'it loops', 'command', 'U0OLD', :team, 'C0OLD', 'told', CASE n % 4 WHEN 0 THEN 'Resumed' ELSE 'Paused' END,
      '{{"status": null}}', 'ack', :now - n * :each, :now - n * :each, :now - n * :each, 'old'{value}
    FROM numbers
"""
_COLUMNS = "SELECT * FROM orders LIMIT 0"


async def main(count: int, history: int) -> None:
    """Install in each workspace, set its key, and add the orders."""
    keys = [Secret(key) for key in os.environ["ENCRYPTION_KEYS"].split(",")]
    async with open_store(Secret(os.environ["DATABASE_URL"]), keys) as store:
        for number in range(count):
            await _install(store, number)
        if history:
            _add_history(history)


def _add_history(count: int) -> None:
    """Add old orders, without code of the bot: that of an older revision is another one."""
    values = {"count": count, "team": team_id(0), "now": time.time() - 60, "each": _SECONDS_EACH}
    url = os.environ["DATABASE_URL"]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(_history(connection.execute(_COLUMNS).description), values)
            connection.execute("ANALYZE")
    else:
        with psycopg.connect(url) as server:
            sql = _history(server.execute(_COLUMNS).description or ())
            server.execute(re.sub(r":(\w+)", r"%(\1)s", sql.replace("%", "%%")).encode(), values)
            server.execute("ANALYZE")


def _history(columns: Sequence[Sequence[object]]) -> str:
    """Return the statement that adds the orders. Older revisions have a lease per order."""
    has_lease = any(column[0] == "leased_until" for column in columns)
    return _HISTORY.format(column=", leased_until", value=", 0") if has_lease else _HISTORY.format(column="", value="")


async def _install(store: Store, number: int) -> None:
    installation = Installation(
        team_id=team_id(number),
        team_name=f"bench-{number}",
        enterprise_id=None,
        app_id="A0BENCH",
        bot_user_id="U0BOT",
        bot_token=Secret(bot_token(number)),
        scopes=SCOPES,
        installed_by="U0INSTALLER",
        installed_at=int(time.time()),
    )
    await store.rows.save(installation)
    await store.rows.set_key(installation.team_id, AnchorKey(Secret(anchor_key(number)), set_at=int(time.time())))


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
