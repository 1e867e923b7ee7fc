"""The lease of each process on its orders, and that of the one that leads. Their times are the database's.

A row of `leases` has the name of a process, or LEADER. Whose row has ended does not live: the leader takes its orders
over. A process trusts its lease for less than that, from before the transaction that renewed it.
"""

import math
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from bot.outbound.store.connections import Connection

LEASE = 10.0
"""Seconds after which a process that does not renew its lease has ended for all others."""

LEADER = "leader"
_RENEWALS, _TRUST = 3.3, 0.7  # renewals in a lease, and the share of it in which a process trusts it
IS_LIVE = "leases.until >= unix_now() AND leases.until <= unix_now() + 2 * CAST(:lease AS DOUBLE PRECISION)"
"""The condition that a lease lasts. One that would last longer is from before a step of the clock."""
_RENEW = """
    INSERT INTO leases (name, owner, until, term) VALUES (:owner, :owner, unix_now() + :lease, 0)
    ON CONFLICT (name) DO UPDATE SET until = excluded.until
"""
_MAKE_LEADER = f"""
    INSERT INTO leases SELECT '{LEADER}', '', 0, 0 WHERE NOT EXISTS (SELECT 1 FROM leases WHERE name = '{LEADER}')
    ON CONFLICT DO NOTHING
"""
_LEAD = f"""
    UPDATE leases SET owner = :owner, until = unix_now() + :lease,
      term = term + CASE WHEN owner = :owner AND :is_sure = 1 THEN 0 ELSE 1 END
    WHERE name IN (SELECT name FROM leases WHERE name = '{LEADER}' AND (owner = :owner OR NOT ({IS_LIVE}))
      FOR UPDATE SKIP LOCKED)
    RETURNING term
"""
"""Who is not sure to have led without a break begins a new term, also within its own lease. Nobody waits for a process
that is just doing so, and can be frozen: orders are in the same transaction."""
_LEAVE = ("DELETE FROM leases WHERE name = :owner", "UPDATE leases SET until = unix_now() - 1 WHERE owner = :owner")


@dataclass(eq=False)
class Lease:
    """The lease of a process, `owner`, of so many seconds.

    A bot that alone uses a SQLite file needs none (`is_alone`), and leads. A command cannot lead.
    """

    owner: str
    seconds: float = LEASE
    _: KW_ONLY
    is_alone: bool = False
    can_lead: bool = True

    def __post_init__(self) -> None:
        self._renewed_at = -math.inf
        self._term: int | None = None

    @property
    def is_held(self) -> bool:
        """Return whether no other process can have taken over anything, by the monotonic clock."""
        return self.is_alone or time.monotonic() < self._renewed_at + _TRUST * self.seconds

    @property
    def term(self) -> int | None:
        """Return the number of the term for which this process leads; None if it does not."""
        return (self._term if self.is_held else None) if not self.is_alone else 0

    @property
    def is_renewal_due(self) -> bool:
        """Return whether it is time for a renewal."""
        return self.due_in() == 0.0

    def due_in(self) -> float | None:
        """Return the seconds until a renewal is due, None if none is."""
        if self.is_alone:
            return None
        return max(0.0, self._renewed_at + self.seconds / _RENEWALS - time.monotonic())

    def renew(self, connection: Connection) -> Callable[[], int | None]:
        """Renew it in a transaction. Return a function that reads the term after the commit, for `renewed`."""
        own = {"owner": self.owner, "lease": self.seconds}
        connection.queue(_RENEW, own)
        if not self.can_lead:
            return lambda: None
        connection.queue(_MAKE_LEADER, {})
        leading = connection.queue(_LEAD, own | {"is_sure": int(self.is_held)})
        return lambda: next((row.term for row in leading.fetch_all()), None)

    def renewed(self, began: float, term: int | None) -> None:
        """Trust it since a monotonic time, before the renewal began, and lead if there is a term."""
        self._renewed_at, self._term = began, term

    def leave(self, connection: Connection) -> None:
        """End it, so that others need not wait."""
        for sql in _LEAVE:
            connection.execute(sql, owner=self.owner)
        self._renewed_at, self._term = -math.inf, None
