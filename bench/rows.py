"""Add old orders and open cards to a database, in SQL: the code of an older revision of the bot is another one."""

import json
import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing

import psycopg

from bench.people import Card, team_id

_SECONDS_EACH = 30  # between two old orders
_ORDERS = """
    INSERT INTO orders (id, trigger_id, team_id, session_id, verb, reason, source, user_id, home_team_id, channel_id,
      state, outcome, outcome_fields, delivered_by, given_at, settled_at, told_at, owner{column})
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    SELECT 'old-' || n, 'old-' || n, :team, 'session-' || (n % 50000), CASE n % 4 WHEN 0 THEN 'resume' ELSE 'pause' END,
      'it loops', 'command', 'U0OLD', :team, 'C0OLD', '{state}', CASE n % 4 WHEN 0 THEN 'Resumed' ELSE 'Paused' END,
      '{{"status": null}}', 'ack', :now - n * :each, :now - n * :each, :now - n * :each, 'old'{value}
    FROM numbers
"""
_COLUMNS = "SELECT * FROM orders LIMIT 0"
_CARD = """
    INSERT INTO cards (id, team_id, channel_id, ts, session_id, kind, content, shown, version, due, not_before,
      attempts, created_at, changed_at)
    VALUES (:id, :team, :channel, :ts, :session, 'alert', :content, '', 0, NULL, :now, 0, :now, :now)
"""


def add_rows(url: str, *, orders: int, cards: int) -> None:
    """Add so many old orders of the first workspace, and open cards."""
    now = time.time() - 60
    values = {"count": orders, "team": team_id(0), "now": now, "each": _SECONDS_EACH}
    rows = [_card_row(Card(number), now) for number in range(cards)]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file, file:
            if orders:
                file.execute(_orders(file.execute(_COLUMNS).description), values)
            file.executemany(_CARD, rows)
            file.execute("ANALYZE")
    else:
        with psycopg.connect(url) as server, server.cursor() as cursor:
            if orders:
                cursor.execute(_for_server(_orders(cursor.execute(_COLUMNS).description or ())), values)
            cursor.executemany(_for_server(_CARD), rows)
            cursor.execute("ANALYZE")


def _orders(columns: Sequence[Sequence[object]]) -> str:
    """Return the statement that adds the orders. Older revisions have no sequence of their effects."""
    if any(column[0] == "effect" for column in columns):
        return _ORDERS.format(state="settled", column=", effect, told", value=", n, 1")
    return _ORDERS.format(state="told", column="", value="")


def _for_server(sql: str) -> bytes:
    return re.sub(r":(\w+)", r"%(\1)s", sql.replace("%", "%%")).encode()


def _card_row(card: Card, now: float) -> dict[str, object]:
    alert = {"session_id": card.session, "text": card.text, "severity": "warning", "fields": [], "warnings": []}
    content = {"alert": alert, "count": 1, "last_at": now, "firing": [""]}
    row = {"id": f"card-{card.number:05}", "team": team_id(0), "channel": card.channel_id, "ts": card.ts}
    return row | {"session": card.session, "content": json.dumps(content), "now": now}
