"""The pauses of which people are to be reminded. Every method can raise StoreUnreachableError.

The column `remind_at` of a pause is the time of the next look at it: 0 if nobody has looked yet, null if none comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot.core.cards import Card
from bot.core.outcomes import Ended, Paused
from bot.core.reminders import Deadline
from bot.core.requests import State, Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, SessionState
from bot.outbound.store.connections import Connection, listed
from bot.outbound.store.database import Database, session_lock
from bot.outbound.store.history import states_now
from bot.outbound.store.message_values import ALERT
from bot.outbound.store.messages import IS_OPEN, add_cards

MOST_DUE = 500
TOGETHER = 300.0  # seconds for which the reminders of a batch come with its first one
_MOST_LATE = 86_400.0  # seconds; then nobody is told: the bot was away, or its reminders were switched off
_OVER = {Phase.PAUSED, Phase.RESUMED, Phase.ENDED}
_LOOKED_FOR = 60.0  # seconds after which it is looked again whether an end that was at Anchor has ended a session
_DUE = f"""
    SELECT id AS order_id, team_id, session_id, channel_id, user_id, reason, batch_id, settled_at AS paused_at, ends_at,
      ends_by_default, remind_at, unix_now() AS now FROM orders
    WHERE outcome = '{Paused.__name__}' AND (remind_at <= unix_now() + :early
      OR remind_at <= unix_now() + {TOGETHER} AND batch_id IN (SELECT batch_id FROM orders
        WHERE outcome = '{Paused.__name__}' AND remind_at BETWEEN 1 AND unix_now() + :early))
    ORDER BY remind_at, id LIMIT {MOST_DUE}
"""
"""What is due, also with others of its batch."""
_NEXT = f"""
    SELECT min(remind_at) - unix_now() AS next_in FROM orders
    WHERE outcome = '{Paused.__name__}' AND remind_at > unix_now() + :early
"""
_SET = """
    UPDATE orders SET remind_at = CAST(:remind_at AS DOUBLE PRECISION), ends_at = CAST(:ends_at AS DOUBLE PRECISION),
      ends_by_default = CAST(:ends_by_default AS INTEGER)
    WHERE id = :id AND remind_at = :before AND user_id = :user_id AND reason = :reason
"""
_ENDINGS = f"""
    SELECT own.id, other.outcome FROM orders AS own JOIN orders AS other
      ON other.team_id = own.team_id AND other.session_id = own.session_id AND other.verb = '{Verb.END}'
    WHERE own.id IN (SELECT value FROM json_each(:ids))
      AND (other.outcome = '{Ended.__name__}' OR other.state = '{State.SENT}')
    ORDER BY other.outcome IS NULL DESC
"""
"""The last one counts."""
_CHANNELS = f"""
    SELECT DISTINCT channel_id FROM messages WHERE id IN (
      SELECT message_id FROM parts WHERE team_id = :team_id AND session_id = :session_id AND {IS_OPEN}
        AND kind = '{ALERT}')
"""
_LOOK_NOW = f"""
    UPDATE orders SET remind_at = 0.0 WHERE team_id = :team_id AND outcome = '{Paused.__name__}' AND remind_at > 0
      AND session_id IN (SELECT value FROM json_each(:sessions))
"""


@dataclass(frozen=True, slots=True)
class PausedSession:
    """A pause that was confirmed at `paused_at`; times are in Unix seconds of the database.

    `now` is the time of the look, and `remind_at` is what the row had then.
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
    remind_at: float
    now: float

    @property
    def is_with_batch(self) -> bool:
        """Return whether people are reminded of it before its time, with others of its batch."""
        return self.batch_id is not None and self.remind_at > self.now

    @property
    def is_known(self) -> bool:
        """Return whether its session was read for this: then its deadline is known, or it has none."""
        return self.ends_by_default is not None

    @property
    def deadline(self) -> Deadline | None:
        """Return the deadline that was read."""
        return None if self.ends_at is None else Deadline(self.ends_at, bool(self.ends_by_default))


@dataclass(frozen=True, slots=True)
class Look:
    """The result of a look at a pause: the next one, if there is one, or that people are told.

    If it `is_known`, its session was read, and has no other deadline.
    """

    paused: PausedSession
    next_at: float | None = None
    deadline: Deadline | None = None
    is_told: bool = False
    is_known: bool = True


@dataclass(eq=False)
class ReminderRows:
    """Repository of the reminders."""

    database: Database

    async def due(self, early: float) -> tuple[list[PausedSession], float | None]:
        """Return the pauses to look at within `early` seconds, and in how many seconds the next one is due.

        Sessions that were resumed, or paused again, are left out for good, and those whose time was long ago.
        """
        rows, following = await self.database.read(lambda one: list(one.fetch_each(_DUE, _NEXT, early=early)))
        found = [PausedSession(**row._asdict() | {"session_id": SessionId(row.session_id)}) for row in rows]
        over = await self.over(found)
        await self.record([Look(one) for one in found if one.order_id in over], ())
        return [one for one in found if one.order_id not in over], following[0].next_in

    async def over(self, paused: Sequence[PausedSession]) -> set[str]:
        """Return the orders of those pauses of which nobody is to be reminded any more."""
        return await self.database.read(lambda connection: _over(connection, paused)) if paused else set()

    async def channels(self, team_id: str, session_id: str) -> list[str]:
        """Return the channels with open cards of alerts about a session."""
        rows = await self.database.fetch_all(_CHANNELS, team_id=team_id, session_id=session_id)
        return [row.channel_id for row in rows]

    async def look_now(self, team_id: str, session_ids: Sequence[SessionId]) -> None:
        """Let the pauses of sessions be looked at now: they have ended, or are gone."""
        await self.database.execute(_LOOK_NOW, team_id=team_id, sessions=listed(session_ids))

    async def record(self, looks: Sequence[Look], cards: Sequence[Card]) -> None:
        """Record looks, and the messages that they lead to, in one transaction: a kill loses none and doubles none.

        What another leader has recorded meanwhile, or what is over by now, is left out of the messages.
        """
        if looks:
            names = sorted({(card.team_id, part.session_id) for card in cards for part in card.parts})
            locks = [session_lock(*name) for name in names]
            await self.database.change(partial(_record, looks, cards), locks=locks)


def _record(looks: Sequence[Look], cards: Sequence[Card], connection: Connection) -> None:
    telling = [one.paused for one in looks if one.is_told]
    told, over = list[SessionId](), _over(connection, telling)
    endings = _endings(connection, telling)
    for look in looks:
        paused, deadline = look.paused, look.deadline
        is_ending = endings.get(paused.order_id, "") is None
        next_at = paused.now + _LOOKED_FOR if is_ending else look.next_at
        by_default = int(deadline is not None and deadline.is_default) if look.is_known else None
        ends = {"ends_at": None if deadline is None else deadline.at, "ends_by_default": by_default}
        own = {"id": paused.order_id, "user_id": paused.user_id, "reason": paused.reason, "before": paused.remind_at}
        is_ours = connection.execute(_SET, **own, remind_at=next_at, **ends)
        is_wanted = is_ours and look.is_told and not is_ending and paused.order_id not in over
        told += [paused.session_id] if is_wanted else []
    for card in cards:
        parts = tuple(part for part in card.parts if part.session_id in told)
        add_cards([replace(card, parts=parts)] if parts else (), connection)


def _over(connection: Connection, paused: Sequence[PausedSession]) -> set[str]:
    if not paused:
        return set()
    states = states_now(connection, {(one.team_id, one.session_id) for one in paused})
    ended = {order_id for order_id, outcome in _endings(connection, paused).items() if outcome}
    lasts = ((one, states.get((one.team_id, one.session_id))) for one in paused)
    late = {one.order_id for one in paused if max(one.ends_at or 0.0, one.paused_at or 0.0) < one.now - _MOST_LATE}
    return ended | late | {one.order_id for one, last in lasts if _is_over(last, one.order_id)}


def _endings(connection: Connection, paused: Sequence[PausedSession]) -> dict[str, str | None]:
    """Return the outcomes of orders to end the sessions of pauses, by the pauses' ids; None for one at Anchor."""
    rows = connection.fetch_all(_ENDINGS, ids=listed(one.order_id for one in paused)) if paused else []
    return {row.id: row.outcome for row in rows}


def _is_over(last: SessionState | None, order_id: str) -> bool:
    """Return whether nobody is to be reminded of a pause: its session was resumed, or paused again, or has ended."""
    return last is not None and last.order_id != order_id and last.phase in _OVER
