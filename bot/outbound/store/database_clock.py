"""The clock of the database, which all its clients share."""

import math
import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# julianday counts days; SQLite has the more convenient unixepoch('subsec') only since 3.42
_CLOCKS = {
    "sqlite": text("SELECT (julianday('now') - 2440587.5) * 86400.0"),
    # an operator may have turned synchronous_commit off for the whole database: https://www.postgresql.org/docs/current/wal-async-commit.html
    "postgresql": text(
        "SELECT extract(epoch FROM clock_timestamp())::float8, CASE current_setting('synchronous_commit') "
        "WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END"
    ),
}


class DatabaseClock:
    """The clock of the database, and how it is offset from ours."""

    def __init__(self) -> None:
        self._offset = -math.inf

    async def now(self, connection: AsyncConnection) -> float:
        """Return the database's time in Unix seconds. On PostgreSQL, make the transaction durable."""
        return float((await connection.execute(_CLOCKS[connection.dialect.name])).scalar_one())

    async def offset(self, connection: AsyncConnection) -> float:
        """Return the database's time minus the monotonic one. On PostgreSQL, make the transaction durable.

        It changes only if the clocks have: else a slow answer would change the order of what people did.
        """
        before = time.monotonic()
        now = await self.now(connection)
        self._offset = min(max(self._offset, now - time.monotonic()), now - before)
        return self._offset
