"""Marks: what is small and has no table of its own, by scope and name.

| scope | name | until | value |
|---|---|---|---|
| `process` | a process | the end of its lease | |
| a workspace | `notice` and its name | when it can be sent again, if ever | the events since it was sent |
| a workspace | `check` | the next check of its sessions | |
| a workspace | `pace` | | the messages that it has been sent recently |
| a workspace | `reads` | | the times of recent requests to Anchor in the background |
| a workspace | `counted` and a channel | when the message is complete | the sessions that its last message counts |
| a workspace | `sender used` and the name of an alert token | its last use | |
| a workspace | `sender asked`, the name of an alert token, and a channel | when it last named the channel in vain | |
| `people` | `refresh` | the next refresh of old roles | |
| `install` | the digest of a used OAuth state | its expiry | |
| `team` | a digest of a bot token | | the ids of its team and organisation |
| `key` | the id of an encryption key | | a known plaintext that it has encrypted |
"""

import math
import time
from dataclasses import dataclass

from bot.outbound.store.connections import Connection
from bot.outbound.store.database import Database

PROCESS, INSTALL, KEY, TEAM = "process", "install", "key", "team"
CHECK, PACE, READS, COUNTED = "check", "pace", "reads", "counted"
REFRESH = "people", "refresh"

_CLAIM = """
    INSERT INTO marks (scope, name, until) VALUES (:scope, :name, :until)
    ON CONFLICT (scope, name) DO UPDATE SET until = excluded.until WHERE marks.until <= :now
"""
_EXISTS = "SELECT 1 FROM workspaces WHERE team_id = :team_id FOR UPDATE"

_UNTOLD = "SELECT value FROM marks WHERE scope = :scope AND name = :name"
_SET_UNTOLD = "UPDATE marks SET value = :untold WHERE scope = :scope AND name = :name"


def claim_mark(connection: Connection, scope: str, name: str, until: float | None, now: float) -> bool:
    """Return whether nobody else has claimed it, or only until now. From now on it is claimed; None: for good."""
    return connection.execute(_CLAIM, scope=scope, name=name, until=until, now=now) > 0


LEASE = 10.0
"""Seconds after which another process takes over the unfinished orders of one that does not renew its lease."""

RENEWALS = 3
"""The number of renewals within a lease."""

_RENEW = f"""
    INSERT INTO marks (scope, name, until) VALUES ('{PROCESS}', :owner, :until)
    ON CONFLICT (scope, name) DO UPDATE SET until = excluded.until
"""
_ENDED = f"""
    SELECT name FROM marks WHERE scope = '{PROCESS}' AND name <> :owner AND (until < :now OR until > :longest)
    FOR UPDATE SKIP LOCKED
"""


class Lease:
    """The lease of a process, `owner`, on all its unfinished orders. `renewed_at` is monotonic."""

    def __init__(self, owner: str, seconds: float) -> None:
        self.seconds = seconds
        self.renew_interval = seconds / RENEWALS
        self.renewed_at = -math.inf
        self._owner = owner

    @property
    def is_held(self) -> bool:
        """Return whether no other process can have taken over anything, by the monotonic clock."""
        return time.monotonic() < self.renewed_at + self.seconds

    @property
    def is_renewal_due(self) -> bool:
        """Return whether it is time for a renewal."""
        return time.monotonic() >= self.renewed_at + self.renew_interval

    def renew(self, connection: Connection, now: float) -> None:
        """Renew it in a transaction; set `renewed_at` once that is committed, to a time before its begin."""
        connection.queue(_RENEW, {"owner": self._owner, "until": now + self.seconds})

    def find_ended(self, connection: Connection, now: float) -> list[str]:
        """Return the processes whose lease has run out. Until the end of the transaction, they cannot renew it."""
        longest = now + 2 * self.seconds  # longer is from before a step of the clock
        return [row.name for row in connection.fetch_all(_ENDED, owner=self._owner, now=now, longest=longest)]


@dataclass(eq=False)
class Notices:
    """Repository of the notices that a workspace gets once, from one of all replicas.

    Both methods can raise StoreUnreachableError.
    """

    database: Database

    async def claim(self, team_id: str, name: str, seconds: float | None = None, *, number: int = 1) -> int:
        """Return how many events the first claim is for, and 0 to all others, or if the workspace does not exist.

        A later claim can be the first again after so many `seconds`, if they are given. Each is for a `number` of
        events; those of the claims since the last first one are added.
        """
        now = time.time()
        until = None if seconds is None else now + seconds

        def claim_one(connection: Connection) -> int:
            if connection.fetch_one(_EXISTS, team_id=team_id) is None:
                return 0
            mark = {"scope": team_id, "name": f"notice {name}"}
            before = connection.fetch_one(_UNTOLD, **mark)
            total = number + int((before and before.value) or 0)
            is_first = claim_mark(connection, team_id, mark["name"], until, now)
            connection.execute(_SET_UNTOLD, **mark, untold=None if is_first else str(total))
            return total if is_first else 0

        return await self.database.change(claim_one)

    async def release(self, team_id: str, name: str) -> None:
        """Release a claim, so that the next one is the first again."""
        sql = "DELETE FROM marks WHERE scope = :team_id AND name = :name"
        await self.database.execute(sql, team_id=team_id, name=f"notice {name}")
