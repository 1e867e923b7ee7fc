"""The use of alert tokens: when each was last used, and the channels that its alerts named without reaching them."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from cachetools import TTLCache

from bot.core.workspace import AlertToken
from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database
from bot.outbound.store.errors import StoreError
from bot.runtime import Tasks

KEPT = 30 * 86_400.0  # seconds for which the channels that a token named are offered to admins
MOST_ASKED = 10  # the most channels that are remembered of a token, the newest ones
WRITE_INTERVAL = 60.0  # seconds until a process records the same again
_MOST_NOTED = 10_000
_RECORD = """
    INSERT INTO marks (scope, name, until) SELECT team_id, :name, :at FROM workspaces WHERE team_id = :team_id
    ON CONFLICT (scope, name) DO UPDATE SET until = excluded.until
"""
_IS_ASKED = "scope = :team_id AND substr(name, 1, :length) = :asked"
_FORGET = f"""
    DELETE FROM marks WHERE {_IS_ASKED}
      AND name NOT IN (SELECT name FROM marks WHERE {_IS_ASKED} ORDER BY until DESC LIMIT {MOST_ASKED})
"""
_FIND = "SELECT name, until FROM marks WHERE scope = :team_id AND substr(name, 1, 7) = 'sender ' ORDER BY until DESC"


@dataclass(frozen=True, slots=True)
class Use:
    """The times at which tokens were used, by name, and named a channel in vain, by both (Unix seconds).

    They are None if the database fails.
    """

    times: Mapping[tuple[str, ...], float] | None

    def last(self, token: AlertToken) -> float | None:
        """Return when it was last used, and not an earlier token of its name; 0.0 if never, None if unknown."""
        at = None if self.times is None else self.times.get((token.name,), 0.0)
        return 0.0 if at is not None and at < (token.made_at or 0) else at

    def asked_for(self, token: AlertToken, now: float) -> list[str]:
        """Return the channels that it named lately, without reaching them, the newest first."""
        since = max(token.made_at or 0, now - KEPT)
        found = [key[-1] for key, at in (self.times or {}).items() if key[0] == token.name and at >= since]
        return [channel for channel in found if channel not in {token.name, *token.channels}]


@dataclass(eq=False)
class SenderUse:
    """Recorder of the use, for which no alert waits. What cannot be written is dropped, until a later alert."""

    database: Database
    tasks: Tasks

    def __post_init__(self) -> None:
        self._noted: TTLCache[tuple[str, str, str], None] = TTLCache(_MOST_NOTED, WRITE_INTERVAL, timer=time.monotonic)

    def note(self, team_id: str, name: str, asked_for: str) -> None:
        """Record an alert with the token `name`, and the channel that it named in vain, or ""."""
        if (team_id, name, asked_for) not in self._noted:
            self._noted[team_id, name, asked_for] = None
            self.tasks.start(self._record(team_id, name, asked_for))

    async def _record(self, team_id: str, name: str, asked_for: str) -> None:
        with suppress(StoreError):
            await self.database.change(partial(_record, team_id, name, asked_for))

    async def find(self, team_id: str) -> Use:
        """Return the use of the tokens of a workspace."""
        with suppress(StoreError):
            rows = await self.database.fetch_all(_FIND, team_id=team_id)
            return Use({tuple(row.name.split()[2:]): row.until for row in rows})
        return Use(None)


def _record(team_id: str, name: str, asked_for: str, connection: Connection) -> None:
    asked = f"sender asked {name} "
    for mark in [f"sender used {name}", *([asked + asked_for] if asked_for else [])]:
        connection.execute(_RECORD, team_id=team_id, name=mark, at=time.time())
    connection.execute(_FORGET, team_id=team_id, asked=asked, length=len(asked))
