"""Connections to PostgreSQL. Only a bot that uses it loads the driver."""

import asyncio
import logging
import os
import re
import select
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bot.outbound.store.connections import Connection, Driver, Row
from bot.outbound.store.errors import StoreNotUsableError
from bot.runtime import ended

_log = logging.getLogger(__name__)

_RETRY_DELAY = 5.0  # seconds until the connection for notifications is opened again
# kept plans that read all of a small table would stay when it grows
_IS_DIRECT = """
    SELECT set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),
      set_config('enable_mergejoin', 'off', false) WHERE pg_backend_pid() = :own
"""
_LOOK, _LOOK_TIMEOUT = b"(SELECT json_agg(found) FROM (%b) AS found)", 2.0  # seconds for a look
# firewalls and proxies drop connections that are silent for longer
_DEFAULTS = {"connect_timeout": "5", "application_name": "anchor-bot", "keepalives_idle": "60"}
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
    (r"unix_now\(\)", "CAST(extract(epoch FROM clock_timestamp()) AS float8)"),
    (r"INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    (r"group_concat\((\w+)\)", r"string_agg(\1, ',')"),
    (r"\bname FROM sqlite_master", "tablename AS name FROM pg_tables WHERE schemaname = ANY (current_schemas(false))"),
    (r"(?<!:):([a-z]\w*)", r"%(\1)s"),
)
# an operator may have turned synchronous_commit off for the whole database: https://www.postgresql.org/docs/current/wal-async-commit.html
CLOCK = f"""
    SELECT CASE current_setting('synchronous_commit')
      WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END,
      set_config('idle_in_transaction_session_timeout', '3s', true), -- of a frozen process, so that its locks end
      set_config('lock_timeout', CAST(:lock_timeout AS text), true), ({_TAKE_LOCKS}), unix_now() AS now
"""


def driver(url: str) -> Driver:
    """Return that of the server at `url` (DATABASE_URL). Raises StoreNotUsableError.

    A connection is always in pipeline mode: statements are sent together, and after one that fails, none is executed.
    https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
    """
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise StoreNotUsableError(_BAD_URL) from None
    conninfo = make_conninfo(url, **{name: value for name, value in _DEFAULTS.items() if name not in given})
    listener = _Listener(conninfo)
    return Driver(
        api=psycopg,
        open=partial(_open, conninfo),
        opened=_keep_plans,
        translate=_translate,
        begin="BEGIN ISOLATION LEVEL READ COMMITTED",  # what a lock was waited for is seen, whatever the default is
        clock=CLOCK,
        has_ended=_has_ended,
        break_off=_break_off,
        listen=listener.listen,
        look=listener.look,
    )


def _open(conninfo: str) -> tuple[psycopg.Connection[Any], Callable[[], None]]:
    raw = psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)
    raw.add_notify_handler(lambda _: None)  # a pooler delivers some here, and the driver would keep them
    # the block of `raw.pipeline()` ends with a flush: a server that has read one ends no idle transaction any more
    raw._pipeline = pipeline = psycopg.Pipeline(raw)  # noqa: SLF001
    pipeline.__enter__()
    return raw, pipeline.sync


def _keep_plans(connection: Connection) -> None:
    """Let the server keep the plans of statements. A pooler, whose ids are its own, changes between servers."""
    if connection.fetch_all(_IS_DIRECT, own=connection.raw.info.backend_pid):
        connection.raw.prepare_threshold = 2


class _Listener:
    """A connection without a thread, for notifications and looks."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._raw: psycopg.AsyncConnection[Any] | None = None
        self._looks: list[tuple[bytes, Mapping[str, object]]] = []  # those of this turn of the event loop
        self._asking: asyncio.Future[tuple[Sequence[Any] | BaseException]]

    async def listen(self, hear: Callable[[str], None]) -> None:
        """Hear what `tell` tells (https://www.postgresql.org/docs/current/sql-notify.html), and "" at first."""
        while True:
            try:
                raw = await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True, prepare_threshold=None)
                async with raw:
                    raw.add_notify_handler(lambda told: hear(told.payload))  # of those that come during a look
                    await raw.execute("LISTEN anchor_bot")
                    self._raw = raw
                    hear("")
                    try:
                        await _hear(raw, hear)
                    finally:
                        self._raw = None
                        _break_off(raw)  # the end of the block waits for a look
            except psycopg.Error as error:
                _log.info("no notifications", extra={"why": type(error).__name__})
            await asyncio.sleep(_RETRY_DELAY)

    async def look(self, sql: str, values: Mapping[str, object]) -> list[Row] | None:
        """Return the rows of a statement; None without an answer. All looks of a turn are sent as one statement."""
        if (raw := self._raw) is None:
            return None
        if not self._looks:
            # it goes on if the look is cancelled, and can fail then
            self._asking = asyncio.gather(self._ask(raw), return_exceptions=True)
        asking, place = self._asking, len(self._looks)
        self._looks.append((_translate(sql), values))
        await asyncio.wait({asking}, timeout=_LOOK_TIMEOUT)
        if not asking.done():
            _break_off(raw)
        await ended(asking)
        (answer,) = asking.result()
        return None if isinstance(answer, BaseException) else [SimpleNamespace(**row) for row in answer[place] or ()]

    async def _ask(self, raw: psycopg.AsyncConnection[Any]) -> Sequence[Any]:
        looks, self._looks = self._looks, []
        parts = (_LOOK % sql.replace(b"%(", b"%%(%d_" % place) for place, (sql, _) in enumerate(looks))
        named = {f"{place}_{name}": one for place, (_, values) in enumerate(looks) for name, one in values.items()}
        return await (await raw.execute(b"SELECT " + b", ".join(parts), named)).fetchone() or ()


async def _hear(raw: psycopg.AsyncConnection[Any], hear: Callable[[str], None]) -> None:
    """Hear notifications until the connection ends. Raises psycopg.Error."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    # `raw.notifies()` would look ten times a second; libpq closes its socket as the server ends
    with socket.socket(fileno=os.dup(raw.fileno())) as own:
        loop.add_reader(own, readable.set)
        try:
            while await readable.wait():
                readable.clear()
                async with raw.lock:  # else it takes the answer of a look
                    raw.pgconn.consume_input()
                    while told := raw.pgconn.notifies():
                        hear(told.extra.decode(errors="replace"))
        finally:
            loop.remove_reader(own)


def _has_ended(raw: psycopg.Connection[Any]) -> bool:
    """Return whether there is something to read, which between two statements is the end, or news of it."""
    poll = select.poll()
    poll.register(raw.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _break_off(raw: psycopg.Connection[Any] | psycopg.AsyncConnection[Any]) -> None:
    """Shut the socket down, so that the thread that waits for the server goes on, also if the server hangs."""
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(raw.pgconn.socket)) as own:
        own.shutdown(socket.SHUT_RDWR)


@lru_cache(500)
def _translate(sql: str) -> bytes:
    for pattern, replacement in _DIFFERENCES:
        sql = re.sub(pattern, replacement, sql)
    return sql.encode()
