"""The pauses of which people are to be reminded. Every method can raise StoreUnreachableError.

The column `remind_at` of a pause is the time of its reminder, null if none comes. The check of sessions sets it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot.core.cards import Card
from bot.core.orders import State, Verb
from bot.core.outcomes import Ended, Paused, Resumed
from bot.core.reminders import MOST_LATE, TOGETHER
from bot.core.session_ids import SessionId
from bot.core.sessions import Deadline
from bot.outbound.store.connections import Connection, Row, listed
from bot.outbound.store.database import Database
from bot.outbound.store.outbox import add_cards, locks_of

MOST_DUE = 500
_OTHERS = (
    "EXISTS (SELECT 1 FROM orders AS other WHERE other.team_id = own.team_id AND other.session_id = own.session_id"
)
_READ = f"""
    SELECT id AS order_id, team_id, session_id, channel_id, user_id, reason, batch_id, settled_at AS paused_at, ends_at,
      ends_by_default,
      CASE WHEN coalesce(ends_at, settled_at) < unix_now() - {MOST_LATE} OR {_OTHERS}
          AND (other.outcome = '{Ended.__name__}' OR other.effect > coalesce(own.effect, 0)
            AND other.outcome IN ('{Paused.__name__}', '{Resumed.__name__}')))
        THEN 1 ELSE 0 END AS is_over,
      unix_now() AS now
    FROM orders AS own WHERE outcome = '{Paused.__name__}' AND remind_at IS NOT NULL
      AND NOT {_OTHERS} AND other.verb = '{Verb.END}' AND other.state = '{State.SENT}') AND
"""
"""Pauses, and whether nobody is to be reminded of them any more: the session was resumed, or paused again, or has
ended. While an end is at Anchor they wait. The condition follows."""
_DUE = f"""
    {_READ} (remind_at <= unix_now() + :early OR remind_at <= unix_now() + {TOGETHER} AND batch_id IN (
      SELECT batch_id FROM orders WHERE outcome = '{Paused.__name__}' AND remind_at <= unix_now() + :early))
    ORDER BY remind_at, id LIMIT {MOST_DUE}
"""
"""What is due, also with others of its batch."""
_OF_SESSIONS = f"""
    {_READ} team_id = :team_id AND session_id IN (SELECT value FROM json_each(:sessions))
      AND (ends_by_default IS NOT NULL OR session_id NOT IN (SELECT value FROM json_each(:gone)))
"""
"""That Anchor does not know one which was never read is no end."""
_NAMED = f"{_READ} id IN (SELECT value FROM json_each(:ids))"
_NEXT = f"""
    SELECT min(remind_at) - unix_now() AS next_in FROM orders
    WHERE outcome = '{Paused.__name__}' AND remind_at > unix_now() + :early
"""
_CLEAR = "UPDATE orders SET remind_at = NULL WHERE id IN (SELECT value FROM json_each(:ids))"


@dataclass(frozen=True, slots=True)
class PausedSession:
    """A pause that was confirmed at `paused_at`; times are in Unix seconds of the database. `now` is that of the look.

    Nobody is to be reminded of one that `is_over`.
    """

    order_id: str
    team_id: str
    session_id: SessionId
    channel_id: str
    user_id: str
    reason: str
    batch_id: str | None
    paused_at: float
    ends_at: float | None
    ends_by_default: int | None
    is_over: int
    now: float

    @property
    def deadline(self) -> Deadline | None:
        """Return the deadline that was read, unless it has passed."""
        is_known = self.ends_at is not None and self.ends_at > self.now
        return Deadline(self.ends_at or 0.0, bool(self.ends_by_default)) if is_known else None


@dataclass(eq=False, repr=False)
class ReminderRows:
    """Repository of the reminders."""

    database: Database

    async def due(self, early: float) -> tuple[list[PausedSession], float | None]:
        """Return the pauses whose reminder is due within `early` seconds, and in how many seconds the next one is."""
        rows, following = await self.database.read(lambda one: list(one.fetch_each(_DUE, _NEXT, early=early)))
        return _read(rows), 0.0 if len(rows) == MOST_DUE else following[0].next_in

    async def of_sessions(
        self, team_id: str, ended: Collection[SessionId], gone: Collection[SessionId]
    ) -> list[PausedSession]:
        """Return the pauses of sessions that have ended, or that Anchor no longer knows, of which nobody was told."""
        sessions = {"sessions": listed([*ended, *gone]), "gone": listed(gone)}
        return _read(await self.database.fetch_all(_OF_SESSIONS, team_id=team_id, **sessions))

    async def record(self, told: Sequence[PausedSession], cards: Sequence[Card]) -> None:
        """Record that people are told of pauses by these messages, in one transaction: a kill loses and doubles none.

        What another leader has told meanwhile, or what is over by now, is left out of the messages.
        """
        await self.database.change(partial(_record, told, cards), locks=locks_of(cards))


def _read(rows: Sequence[Row]) -> list[PausedSession]:
    return [PausedSession(**row._asdict() | {"session_id": SessionId(row.session_id)}) for row in rows]


def _record(told: Sequence[PausedSession], cards: Sequence[Card], connection: Connection) -> None:
    now = _read(connection.fetch_all(_NAMED, ids=listed(one.order_id for one in told)))
    read = {(one.order_id, one.user_id, one.reason) for one in told}  # a person can be forgotten meanwhile
    same = [one for one in now if (one.order_id, one.user_id, one.reason) in read]
    connection.execute(_CLEAR, ids=listed(one.order_id for one in same))
    wanted = {one.session_id for one in same if not one.is_over}
    for card in cards:
        parts = tuple(part for part in card.parts if part.session_id in wanted)
        add_cards([replace(card, parts=parts)] if parts else (), connection)
