"""The pauses of which people are to be reminded. Every method can raise StoreUnreachableError.

The column `remind_at` of a pause is the time of the next look at it: 0 if nobody has looked yet, null if none comes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from bot.core.cards import MOST_IN_SUMMARY, NewCard, ResultContent
from bot.core.outcomes import Ended, Paused
from bot.core.reminders import MOST_SINGLE, SINGLE_WITHIN, Deadline
from bot.core.requests import State, Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, SessionState
from bot.outbound.store.card_claims import IS_OPEN
from bot.outbound.store.card_values import IS_ALERT, row_values
from bot.outbound.store.cards import INSERT_CARD, insert_locks
from bot.outbound.store.connections import Connection, listed
from bot.outbound.store.database import Database
from bot.outbound.store.history import states_now
from bot.outbound.store.news import CARDS

MOST_CLAIMED = 500
TOGETHER = 10.0  # seconds by which a reminder can come earlier, together with others, so that lists are long
_MOST_LATE = 86_400.0  # seconds; then nobody is told: the bot was away, or its reminders were switched off
_CLAIMED_FOR = 60.0  # seconds; then another process looks
_OVER = {Phase.PAUSED, Phase.RESUMED, Phase.ENDED}
_DUE = f"""
    SELECT id AS order_id, team_id, session_id, channel_id, user_id, reason, settled_at AS paused_at, ends_at,
      ends_by_default FROM orders
    WHERE outcome = '{Paused.__name__}' AND remind_at <= :now ORDER BY remind_at, id LIMIT {MOST_CLAIMED}
    FOR UPDATE SKIP LOCKED
"""
_CLAIM = "UPDATE orders SET remind_at = :until WHERE id IN (SELECT value FROM json_each(:ids))"
_NEXT = f"SELECT min(remind_at) AS at FROM orders WHERE outcome = '{Paused.__name__}' AND remind_at IS NOT NULL"
_SET = """
    UPDATE orders SET remind_at = CAST(:remind_at AS DOUBLE PRECISION), ends_at = CAST(:ends_at AS DOUBLE PRECISION),
      ends_by_default = CAST(:ends_by_default AS INTEGER)
    WHERE id = :id AND remind_at = :claimed AND user_id = :user_id AND reason = :reason
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
    SELECT DISTINCT channel_id FROM cards WHERE team_id = :team_id AND {IS_OPEN} AND {IS_ALERT}
      AND session_id = :session_id
"""
_RECENT = """
    SELECT count(*) AS number FROM cards WHERE team_id = :team_id AND channel_id = :channel_id
      AND created_at > :since AND content LIKE '%"reminds": "%' AND content NOT LIKE '%"reminds": ""%'
      AND content LIKE '%"group": ""%'
"""


@dataclass(frozen=True, slots=True)
class PausedSession:
    """A pause that was confirmed at `paused_at`; times are in Unix seconds of the database.

    `now` is the time of the look, and `claimed` until when no other process looks.
    """

    order_id: str
    team_id: str
    session_id: SessionId
    channel_id: str
    user_id: str
    reason: str
    paused_at: float
    ends_at: float | None
    ends_by_default: int | None
    now: float
    claimed: float

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
    """The result of a look at a pause: the next one, if there is one, or the message to post in some channels.

    If it `is_known`, its session was read, and has no other deadline.
    """

    paused: PausedSession
    next_at: float | None = None
    deadline: Deadline | None = None
    cards: Sequence[NewCard] = ()
    is_known: bool = True


@dataclass(eq=False)
class ReminderRows:
    """Repository of the reminders."""

    database: Database

    async def claim(self) -> tuple[list[PausedSession], float | None]:
        """Return the pauses to look at now, and in how many seconds the next one is due.

        Sessions that were resumed, or paused again, are left out for good, and those whose time was long ago.
        """
        return await self.database.change(self._claim)

    def _claim(self, connection: Connection) -> tuple[list[PausedSession], float | None]:
        now = connection.now()
        rows, until = connection.fetch_all(_DUE, now=now + TOGETHER), now + _CLAIMED_FOR
        states = states_now(connection, {(row.team_id, SessionId(row.session_id)) for row in rows})
        endings = _endings(connection, [row.order_id for row in rows])
        over, wanted = list[str](), list[PausedSession]()
        for row in rows:
            last = states.get((row.team_id, SessionId(row.session_id)))
            is_late = max(row.ends_at or 0.0, row.paused_at or 0.0) < now - _MOST_LATE
            if is_late or endings.get(row.order_id) or _is_over(last, row.order_id):
                over.append(row.order_id)
            else:
                wanted.append(PausedSession(**row._asdict(), now=now, claimed=until))
        connection.execute(_CLAIM, ids=listed(over), until=None)
        connection.execute(_CLAIM, ids=listed(one.order_id for one in wanted), until=until)
        first = connection.fetch_one(_NEXT)
        return wanted, None if first is None or first.at is None else first.at - now

    async def channels(self, team_id: str, session_id: str) -> list[str]:
        """Return the channels with open cards of alerts about a session."""
        rows = await self.database.fetch_all(_CHANNELS, team_id=team_id, session_id=session_id)
        return [row.channel_id for row in rows]

    async def record(self, looks: Sequence[Look]) -> None:
        """Record looks, and the messages that they lead to, in one transaction: a kill loses none and doubles none."""
        if looks:
            locks = insert_locks((one.paused.team_id, one.paused.session_id) for one in looks if one.cards)
            await self.database.change(partial(self._record, looks), locks=locks)

    def _record(self, looks: Sequence[Look], connection: Connection) -> None:
        new = list[NewCard]()
        told = [look.paused for look in looks if look.cards]
        now = connection.now()
        # somebody can have resumed or ended one while it was read
        states = states_now(connection, {(one.team_id, one.session_id) for one in told})
        endings = _endings(connection, [one.order_id for one in told])
        for look in looks:
            paused, deadline = look.paused, look.deadline
            by_default = int(deadline is not None and deadline.is_default) if look.is_known else None
            ends = {"ends_at": None if deadline is None else deadline.at, "ends_by_default": by_default}
            next_at = now + _CLAIMED_FOR if endings.get(paused.order_id, "") is None else look.next_at
            own = {"id": paused.order_id, "user_id": paused.user_id, "reason": paused.reason}
            values = {**own, "claimed": paused.claimed, "remind_at": next_at, **ends}
            last = states.get((paused.team_id, paused.session_id))
            is_ours = connection.execute(_SET, **values)  # else it took too long, or a person was forgotten meanwhile
            is_over = paused.order_id in endings or _is_over(last, paused.order_id)
            new += look.cards if is_ours and not is_over else ()
        for card in self._grouped(connection, new, now):
            connection.execute(INSERT_CARD, **row_values(card, now))
        if new:
            self.database.news.tell(connection, CARDS)

    def _grouped(self, connection: Connection, cards: Sequence[NewCard], now: float) -> list[NewCard]:
        """Return the cards; in each channel those beyond the limit of an hour are parts of lists."""
        by_channel = defaultdict[tuple[str, str], list[NewCard]](list)
        for card in cards:
            by_channel[card.team_id, card.channel_id].append(card)
        grouped = list[NewCard]()
        for (team_id, channel_id), some in by_channel.items():
            at = {"team_id": team_id, "channel_id": channel_id, "since": now - SINGLE_WITHIN}
            single = max(0, MOST_SINGLE - connection.fetch_all(_RECENT, **at)[0].number)
            grouped += some[:single]
            listed_ones = some[single:]
            for first in range(0, len(listed_ones), MOST_IN_SUMMARY):
                part = listed_ones[first : first + MOST_IN_SUMMARY]
                grouped += [_in_group(one, part[0].id) for one in part]
        return grouped


def _endings(connection: Connection, order_ids: Sequence[str]) -> dict[str, str | None]:
    """Return the outcomes of orders to end the sessions of pauses, by the pauses' ids; None for one at Anchor."""
    rows = connection.fetch_all(_ENDINGS, ids=listed(order_ids)) if order_ids else []
    return {row.id: row.outcome for row in rows}


def _is_over(last: SessionState | None, order_id: str) -> bool:
    """Return whether nobody is to be reminded of a pause: its session was resumed, or paused again, or has ended."""
    return last is not None and last.order_id != order_id and last.phase in _OVER


def _in_group(card: NewCard, group: str) -> NewCard:
    assert isinstance(card.content, ResultContent)  # noqa: S101 - a reminder is one
    return replace(card, content=replace(card.content, group=group))
