"""The leases of the processes: which of them live, and which one leads.

A row of `leases` has the name of a process, or LEADER, and times of the database. The transactions of orders renew
both. Whose row has ended does not live: the leader takes its orders over. A process trusts its lease for less than
that, from before the transaction that renewed it.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field

from bot.outbound.store.connections import Connection

LEASE = 10.0
"""Seconds after which a process that does not renew its lease has ended for all others."""

LEADER = "leader"
RENEWALS, _TRUST = 3.3, 0.7  # renewals in a lease, and the share of it in which a process trusts it
IS_LIVE = "leases.until >= unix_now() AND leases.until <= unix_now() + 2 * CAST(:lease AS DOUBLE PRECISION)"
"""The condition that a lease lasts. One that would last longer is from before a step of the clock."""
LEADS = f"""
    (:is_alone = 1 OR EXISTS (SELECT 1 FROM leases WHERE leases.name = '{LEADER}' AND leases.owner = :owner
      AND leases.term = :term AND leases.until > unix_now()))
"""
"""The condition that a process leads: it is a part of every statement that takes work."""
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
_YIELD = f"""
    UPDATE leases SET until = unix_now() - 1 WHERE name = '{LEADER}' AND owner = :owner AND EXISTS (
      SELECT 1 FROM leases WHERE name NOT IN ('{LEADER}', :owner) AND {IS_LIVE})
"""
LIVING = f"SELECT owner FROM leases WHERE name <> '{LEADER}' AND {IS_LIVE}"
_LEAVE = ("DELETE FROM leases WHERE name = :owner", "UPDATE leases SET until = unix_now() - 1 WHERE owner = :owner")
DELETE_OLD_LEASES = "DELETE FROM leases WHERE until < :limit"


@dataclass(eq=False, repr=False)
class Lease:
    """The lease of a process, `owner`, of so many seconds.

    A bot that alone uses a SQLite file needs none (`is_alone`), and leads. A command cannot lead.
    """

    owner: str
    seconds: float = LEASE
    _: KW_ONLY
    is_alone: bool = False
    can_lead: bool = True
    away: float = 10.0  # seconds after which a process that has left the lead takes it again, if nobody has it
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a renewal is due before its time, since this process leads on only in a new term."""

    def __post_init__(self) -> None:
        self._renewed_at = self._leads_from = -math.inf
        self._term: int | None = 1 if self.is_alone else None
        self._is_sure = True

    @property
    def is_held(self) -> bool:
        """Return whether no other process can have taken over anything, by the monotonic clock."""
        return self.is_alone or self.trusted_for() > 0

    @property
    def term(self) -> int | None:
        """Return the number of the term for which this process leads; None if it does not."""
        return self._term if self.is_held and self._is_sure else None

    @property
    def leading(self) -> dict[str, object]:
        """Return the values for LEADS."""
        return {"owner": self.owner, "term": self.term, "is_alone": int(self.is_alone)}

    def trusted_for(self) -> float:
        """Return for how many seconds the lease is trusted, without a further renewal."""
        return math.inf if self.is_alone else self._renewed_at + _TRUST * self.seconds - time.monotonic()

    def due_in(self) -> float:
        """Return the seconds until a renewal is due."""
        return math.inf if self.is_alone else max(0.0, self._renewed_at + self.seconds / RENEWALS - time.monotonic())

    def hasten(self) -> None:
        """Let a renewal be due now."""
        self._renewed_at = min(self._renewed_at, time.monotonic() - self.seconds / RENEWALS)
        self.wake.set()

    def doubt(self) -> None:
        """Lead on only in a new term: this process is not sure to know all that it has taken."""
        if self._term is not None and self.is_alone:
            self._term += 1
        elif self._term is not None:
            self._is_sure = False
            self.hasten()

    def renew(self, connection: Connection) -> Callable[[], int | None]:
        """Renew it in a transaction. Return a function that reads the term after the commit, for `renewed`."""
        own = {"owner": self.owner, "lease": self.seconds}
        connection.queue(_RENEW, own)
        if not self.can_lead or time.monotonic() < self._leads_from:
            return lambda: None
        connection.queue(_MAKE_LEADER, {})
        leading = connection.queue(_LEAD, own | {"is_sure": int(self.term is not None)})
        return lambda: next((row.term for row in leading.fetch_all()), None)

    def renewed(self, began: float, term: int | None) -> None:
        """Trust it since a monotonic time, before the renewal began, and lead if there is a term.

        A term in which this process has not led meanwhile does not go on: it has forgotten what it had taken.
        """
        if time.monotonic() < self._leads_from:  # it was left meanwhile
            term = None
        self._is_sure = term is not None and (term != self._term or (self._is_sure and self.is_held))
        self._renewed_at, self._term = began, term
        if term is not None and not self._is_sure:
            self.hasten()

    def yield_lead(self, connection: Connection) -> bool:
        """Leave the lead to another living process, if there is one; return whether. Take it again if it does not."""
        if connection.execute(_YIELD, owner=self.owner, lease=self.seconds) == 0:
            return False
        self._leads_from, self._term, self._is_sure = time.monotonic() + self.away, None, False
        return True

    def leave(self, connection: Connection) -> None:
        """End it, so that others need not wait."""
        for sql in _LEAVE:
            connection.execute(sql, owner=self.owner)
        self._renewed_at, self._term = -math.inf, None
