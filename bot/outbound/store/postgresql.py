"""Connections to PostgreSQL. Only a bot that uses it loads the driver."""

import os
import re
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from functools import lru_cache, partial
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bot.outbound.store.errors import StoreNotUsableError

_LONGEST_USE = 1_800.0  # seconds; firewalls and proxies drop older connections
_BAD_URL = "DATABASE_URL is invalid: use postgresql://user:password@host:5432/name or sqlite:///anchor-bot.db."
_TAKE_LOCKS = "SELECT count(pg_advisory_xact_lock(CAST(value AS bigint))) FROM json_each(:locks)"
_DIFFERENCES = (
    (r"%", "%%"),
    # an array is one step of an index scan; for the rows of a function a hash join is planned
    (
        r"(?<!NOT )IN \(SELECT value FROM json_each\(:(\w+)\)\)",
        r"= ANY (ARRAY(SELECT json_array_elements_text(CAST(:\1 AS json))))",
    ),
    (r"json_each\(:(\w+)\)", r"json_array_elements_text(CAST(:\1 AS json)) AS listed(value)"),
    (r"json_extract\(value, '\$\[(\d)\]'\)", r"(CAST(value AS json) ->> \1)"),
    (r"group_concat\((\w+)\)", r"string_agg(\1, ',')"),
    (r"(?<!:):([a-z]\w*)", r"%(\1)s"),
)


class PostgresqlDriver:
    """Connections to a server."""

    error: type[Exception] = psycopg.Error
    violation: type[Exception] = psycopg.IntegrityError
    passing: tuple[type[Exception], ...] = (
        *(psycopg.OperationalError, psycopg.InterfaceError),
        psycopg.InternalError,  # a read-only server
    )
    begin = "BEGIN ISOLATION LEVEL READ COMMITTED"  # what a lock was waited for is seen, whatever the default is
    # an operator may have turned synchronous_commit off for the whole database: https://www.postgresql.org/docs/current/wal-async-commit.html
    clock = f"""
        SELECT extract(epoch FROM clock_timestamp())::float8 AS now, CASE current_setting('synchronous_commit')
          WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END,
          set_config('idle_in_transaction_session_timeout', '3s', true), -- of a frozen process, so that its locks end
          ({_TAKE_LOCKS})
    """
    catalog = "SELECT 1 FROM pg_tables WHERE tablename = :name AND schemaname = ANY (current_schemas(false))"
    savepoint: Sequence[str] = ("SAVEPOINT last_part", "SET LOCAL lock_timeout = '500ms'", _TAKE_LOCKS)
    longest_use = _LONGEST_USE

    def __init__(self, url: str) -> None:
        """Prepare connections to the server at `url` (DATABASE_URL). Raises StoreNotUsableError.

        https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
        """
        try:
            given = conninfo_to_dict(url)
        except psycopg.Error:
            raise StoreNotUsableError(_BAD_URL) from None
        defaults = {"connect_timeout": "5", "application_name": "anchor-bot"}
        conninfo = make_conninfo(url, **{name: value for name, value in defaults.items() if name not in given})
        self._connect = partial(psycopg.connect, conninfo, autocommit=True, prepare_threshold=None)  # for poolers

    def open(self) -> psycopg.Connection[Any]:
        """Connect to the server. Notifications that come beside an answer are dropped: the driver would keep them."""
        raw = self._connect()
        raw.add_notify_handler(_drop)
        return raw

    def translate(self, sql: str) -> bytes:
        """Return a statement in the words of PostgreSQL and of its driver."""
        return _translate(sql)

    def pipeline(self, raw: psycopg.Connection[Any]) -> AbstractContextManager[object]:
        """Send all statements together. After one that fails, none is executed.

        https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
        """
        return raw.pipeline()

    def is_closed(self, raw: psycopg.Connection[Any]) -> bool:
        """Return whether the server has closed a connection."""
        return raw.closed

    def break_off(self, raw: psycopg.Connection[Any]) -> None:
        """Shut the socket down, so that the thread that waits for the server goes on, also if the server hangs."""
        with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(raw.pgconn.socket)) as own:
            own.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Do nothing: nothing is left."""


def _drop(_: psycopg.Notify) -> None:
    pass


@lru_cache(500)
def _translate(sql: str) -> bytes:
    for pattern, replacement in _DIFFERENCES:
        sql = re.sub(pattern, replacement, sql)
    return sql.encode()
