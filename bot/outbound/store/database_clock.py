"""The clock of the database, which all its clients share."""

import math
import time
from collections.abc import Sequence

from sqlalchemy import Connection, text

# julianday counts days; SQLite has the more convenient unixepoch('subsec') only since 3.42
_CLOCKS = {
    "sqlite": text("SELECT (julianday('now') - 2440587.5) * 86400.0"),
    # an operator may have turned synchronous_commit off for the whole database: https://www.postgresql.org/docs/current/wal-async-commit.html
    "postgresql": text(
        "SELECT extract(epoch FROM clock_timestamp())::float8, CASE current_setting('synchronous_commit') "
        "WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END, "
        "set_config('idle_in_transaction_session_timeout', '3s', true), "  # of a frozen process, so that its locks end
        "(SELECT count(pg_advisory_xact_lock(lock)) FROM unnest(CAST(:locks AS bigint[])) AS lock)"
    ),
}


class DatabaseClock:
    """The clock of the database, and how it is offset from ours."""

    def __init__(self) -> None:
        self._offset = -math.inf

    def now(self, connection: Connection, locks: Sequence[int] = ()) -> float:
        """Return the database's time in Unix seconds.

        On PostgreSQL, make the transaction durable, and take these locks (sorted, so that nobody waits in a circle)
        until its end. SQLite has one writer at a time anyway.
        """
        is_shared = connection.dialect.name == "postgresql"
        values = {"locks": list(locks)} if is_shared else {}
        return float(connection.execute(_CLOCKS[connection.dialect.name], values).scalar_one())

    def offset(self, connection: Connection, locks: Sequence[int] = ()) -> float:
        """Return the database's time minus the monotonic one, as `now` does.

        It changes only if the clocks have: else a slow answer would change the order of what people did.
        """
        before = time.monotonic()
        now = self.now(connection, locks)
        self._offset = min(max(self._offset, now - time.monotonic()), now - before)
        return self._offset

    def estimate(self) -> float:
        """Return the database's time by the last offset, without asking."""
        return time.monotonic() + self._offset
