"""The clock of the database, which all its clients share."""

import logging
import math
import time
from collections.abc import Sequence

from sqlalchemy import Connection, text

_log = logging.getLogger(__name__)

MOST_ERROR = 5.0
"""Seconds by which a time of the database can be wrong in a row: the longest that a transaction takes."""

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
    """The clock of the database, and how it is offset from ours.

    `stepped_at` is the monotonic time at which the last step of one of them was noticed.
    """

    def __init__(self) -> None:
        self._offset = self._earlier_offset = self.stepped_at = -math.inf

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
        offset = min(max(self._offset, now - time.monotonic()), now - before)
        step, self._offset = offset - self._offset, offset
        if MOST_ERROR < abs(step) < math.inf:
            self._earlier_offset, self.stepped_at = offset - step, time.monotonic()
            _log.warning("the database's clock was set", extra={"seconds_ahead": round(step)})
        return offset

    def earliest(self, monotonic: float) -> float:
        """Return the earliest time that the database can have shown at a monotonic time."""
        is_before = monotonic <= self.stepped_at
        return monotonic + (min(self._offset, self._earlier_offset) if is_before else self._offset)

    def latest(self, since: float) -> float:
        """Return the latest time of an event since a monotonic time. A row with a later one is from before a step."""
        return math.inf if since <= self.stepped_at else self.estimate() + MOST_ERROR

    def estimate(self) -> float:
        """Return the database's time by the last offset, without asking."""
        return time.monotonic() + self._offset
