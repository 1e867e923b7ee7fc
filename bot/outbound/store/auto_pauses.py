"""Pauses by alerts: since when an alert fires, and whether its pause may be sent. All times are the database's.

Every method can raise StoreUnreachableError.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import get_args

from cachetools import LRUCache

from bot.core.cards import Alert, AlertContent, Firing, HeldContent
from bot.core.fields import digest
from bot.core.outcomes import (
    Ended,
    EndedBefore,
    HeldBack,
    NotAutomatic,
    NotFound,
    NotRunning,
    Outcome,
    Paused,
    Resumed,
    ResumedBefore,
    StoreUnavailable,
)
from bot.core.requests import STILL_WANTED, Actor, Attempt, Order, Source, State, Verb, program_id, read_attempt
from bot.core.retries import Pace
from bot.core.session_ids import SessionId
from bot.outbound.store.alerts import FOLD
from bot.outbound.store.card_claims import IS_OPEN, read_paces
from bot.outbound.store.card_values import ALERT, HELD, read_content, readable, write_content
from bot.outbound.store.cards import LOCK
from bot.outbound.store.connections import Connection, Row
from bot.outbound.store.database import Database, session_lock, workspace_lock
from bot.outbound.store.errors import StoreError, StoreUnreachableError
from bot.outbound.store.marks import IS_RECORDED, PACE, PACE_OF_PAUSES, WRITE_MARK, firing_name
from bot.outbound.store.news import CARDS
from bot.outbound.store.outcome_codec import read_outcome
from bot.runtime import KeyedLocks

FORGOTTEN_AFTER = 86_400.0
"""Seconds without an alert after which one without a time of its own fires for the first time."""

RESPECTED = 600.0
"""Seconds for which nothing undoes a person's resume automatically, however long the alert has fired."""

WINDOW, HELD_FOR = 60.0, 600.0
"""Seconds in which the sessions that alerts of a sender pause are counted, and for which others are held back."""

AGAIN_AFTER = 60.0
"""Seconds after an attempt that did not pause the session, until the next one."""

_ENDED_WITHIN = 60.0
_TRIED_AGAIN = {one.__name__ for one in get_args(Outcome)} - {
    one.__name__ for one in (Paused, Resumed, NotRunning, NotFound, StoreUnavailable, *get_args(NotAutomatic))
}
MOST_DUE = 200  # that are tried again at once: those that were tried longest ago
MOST_HELD = 1_000
"""The most sessions of a sender that were held back and are read for a window: the newest."""

MOST_PACES = 1_000  # of workspaces
_MOST_ADMITTED = 1_000  # sessions that are remembered, for further attempts
_DIGEST = 32
_OF_ALERT = len(program_id("")) + _DIGEST  # characters that the triggers of an alert begin with, whenever it fires
_READ_MARK = "SELECT until, value FROM marks WHERE scope = :team_id AND name = :name"
_OF_SESSION = "team_id = :team_id AND session_id = :session_id"
_RESUME = f"""
    SELECT user_id, coalesce(settled_at, given_at) AS at, outcome FROM orders
    WHERE {_OF_SESSION} AND verb = '{Verb.RESUME}' AND source <> '{Source.DRILL}'
      AND ((effect IS NOT NULL AND settled_at > :since) OR state = '{State.SENT}'
        OR (state = '{State.WAITING}' AND given_at > :wanted))
    ORDER BY seq DESC LIMIT 1
"""
_ENDED = f"""
    SELECT 1 FROM cards WHERE {_OF_SESSION} AND ended_at > :ended_since UNION ALL
    SELECT 1 FROM orders WHERE {_OF_SESSION} AND outcome = '{Ended.__name__}' AND settled_at > :ended_since LIMIT 1
"""
_PAUSE = f"""
    SELECT outcome FROM orders WHERE {_OF_SESSION} AND id <> :id AND verb IN ('{Verb.PAUSE}', '{Verb.RESUME}')
      AND (effect IS NOT NULL OR (verb = '{Verb.PAUSE}' AND state = '{State.SENT}'))
    ORDER BY outcome IS NULL DESC, effect DESC LIMIT 1
"""
_OWN = f"SELECT 1 FROM orders WHERE id = :id AND owner = :owner AND state <> '{State.SETTLED}' FOR UPDATE"
_LOOKS = (IS_RECORDED, _OWN, _RESUME, _ENDED, _PAUSE, _READ_MARK)
_SEND = f"UPDATE orders SET state = '{State.SENT}' WHERE id = :id"
_NOT_PAUSED = f"""
    SELECT team_id, session_id, channel_id, user_id, reason, trigger_id FROM orders AS own
    WHERE source = '{Source.ALERT}' AND given_at > :since AND settled_at <= :until AND %s
      AND NOT EXISTS (SELECT 1 FROM orders AS later
        WHERE later.team_id = own.team_id AND later.session_id = own.session_id
          AND later.seq > own.seq AND (later.outcome = '{Paused.__name__}' OR (later.user_id = own.user_id
            AND substr(later.trigger_id, 1, {_OF_ALERT}) = substr(own.trigger_id, 1, {_OF_ALERT}))))
      AND EXISTS (SELECT 1 FROM cards WHERE team_id = own.team_id AND session_id = own.session_id
        AND channel_id = own.channel_id AND {IS_OPEN} AND kind = '{ALERT}' AND content LIKE '%%"resolved_at": null%%')
    ORDER BY row_number() OVER (PARTITION BY team_id, user_id ORDER BY given_at %s), given_at LIMIT :most
"""
"""The last pause by each alert, if it did not pause its session, nor anybody else, while one fires: senders in turn."""
_DUE_AGAIN = _NOT_PAUSED % ("outcome IN ('{}')".format("', '".join(sorted(_TRIED_AGAIN))), "ASC")
_HELD_BACK = _NOT_PAUSED % (f"outcome = '{HeldBack.__name__}' AND team_id = :team_id AND user_id = :user_id", "DESC")
_CARDS = f"SELECT * FROM cards WHERE {_OF_SESSION} AND channel_id = :channel_id AND {IS_OPEN} AND kind = '{ALERT}'"
_READ_HELD = f"SELECT * FROM cards WHERE id = :id AND team_id = :team_id AND {IS_OPEN} AND kind = '{HELD}'"
_HOLD = f"""
    INSERT INTO cards (id, team_id, channel_id, session_id, kind, content, version, due, not_before, attempts,
      created_at, changed_at, ended_at)
    VALUES (:id, :team_id, :channel_id, '', '{HELD}', :content, 0, :now, :at, 0, :now, :now, :now)
    ON CONFLICT DO NOTHING
"""
"""It has no session, so none of which Anchor is asked."""
_LAST_OF_FIRING = """
    SELECT outcome, outcome_fields FROM orders
    WHERE trigger_id >= :first AND trigger_id <= :last ORDER BY seq DESC LIMIT 1
"""
"""The last number has more digits than any: with the same beginning, every collation sorts digits alike."""


NextPause = tuple[Order, AlertContent, str | None]
"""The next attempt for a firing that has not paused its session, and its open card: the content, and its `ts`."""


def pause_of(attempt: Attempt, session_id: SessionId, actor: Actor, reason: str, *, age: float = 0.0) -> Order:
    """Return the order of an attempt, which is so many seconds old."""
    return Order(Verb.PAUSE, session_id, actor, reason, attempt.trigger_id, age, Source.ALERT)


def attempt_of(team_id: str, session_id: str, firing: Firing, since: float) -> Attempt:
    """Return the first attempt for what fires in a session since a time (Unix seconds)."""
    return Attempt(f"{digest(json.dumps([team_id, session_id, firing.fingerprint]))[:_DIGEST]} {firing.sender}", since)


def _fires(team_id: str, content: AlertContent, attempt: Attempt) -> bool:
    """Return whether what an attempt was for still fires."""
    begun, own = partial(attempt_of, team_id, content.alert.session_id), attempt.firing.partition(" ")[2]
    of_sender = [(one, attempt.since if one[2] is None else one[2]) for one in content.firing if one.sender == own]
    return any(begun(*one).all_of_firing == attempt.all_of_firing for one in of_sender)


def _still_firing(connection: Connection, rows: Sequence[Row]) -> Iterator[NextPause]:
    """Yield the next attempts for those orders whose alert still fires."""
    places = [{name: getattr(row, name) for name in ("team_id", "session_id", "channel_id")} for row in rows]
    asked = [connection.queue(_CARDS, place) for place in places]
    for row, cards in zip(rows, asked, strict=True):
        attempt = read_attempt(row.trigger_id)
        for card, content in readable(cards.fetch_all(), lambda card: read_content(card.kind, card.content)):
            if attempt and isinstance(content, AlertContent) and _fires(row.team_id, content, attempt):
                actor = Actor(row.team_id, row.channel_id, row.user_id)
                order = pause_of(attempt.next(), SessionId(row.session_id), actor, row.reason)
                yield order, content, card.ts


def _read_held(connection: Connection, team_id: str, held_id: str) -> HeldContent | None:
    rows = connection.fetch_all(_READ_HELD, id=held_id, team_id=team_id)
    contents = (content for _, content in readable(rows, lambda row: read_content(row.kind, row.content)))
    return next((one for one in contents if isinstance(one, HeldContent)), None)


def _check_recorded(rows: Sequence[Row]) -> None:
    """Raise StoreError if a workspace has no row yet: without one nothing is counted."""
    if not rows:
        raise StoreError("the workspace is not recorded yet")


@dataclass(eq=False)
class AutoPauseRows:
    """Repository of what pauses by alerts depend on. Those of a sender pause `most` sessions within WINDOW."""

    database: Database
    most: int

    def __post_init__(self) -> None:
        self._paces: LRUCache[str, Pace] = LRUCache(MOST_PACES)
        self._turns = KeyedLocks()  # of a workspace one waits here for each sender, where they are in nobody's way

    async def firing_since(self, team_id: str, alert: Alert) -> float:
        """Return since when an alert fires that does not say so itself (Unix seconds), and remember it.

        That is the first one after a resolved one, or after a day without any.
        """
        locks = [session_lock(team_id, alert.session_id)]  # which a transaction with its end holds, too
        async with self._turns.get((team_id, program_id(alert.sender))), self._turns.get(team_id):
            return await self.database.change(partial(self._firing_since, team_id, alert), locks=locks)

    def _firing_since(self, team_id: str, alert: Alert, connection: Connection) -> float:
        now, mark = connection.now(), {"team_id": team_id, "name": firing_name(alert)}
        _check_recorded(connection.fetch_all(IS_RECORDED, team_id=team_id))
        row = connection.fetch_one(_READ_MARK, **mark)
        since = json.loads(row.value)[0] if row is not None and row.until > now else now
        connection.execute(WRITE_MARK, **mark, until=now + FORGOTTEN_AFTER, value=json.dumps([since, alert.sender]))
        return float(since)

    def judge(
        self, order_id: str, order: Order, channel_id: str, connection: Connection, owner: str
    ) -> NotAutomatic | bool:
        """Return the rule against the pause of an alert, or True: then it is recorded as sent.

        False means that `owner` has it no more. The transaction holds the locks of its workspace and its session, so
        one is decided after the other. If it is held back, a message in the channel says so.
        """
        now, attempt = connection.now(), read_attempt(order.trigger_id)
        assert attempt is not None  # noqa: S101 - only alerts are judged
        about = {"team_id": order.actor.team_id, "session_id": order.session_id, "id": order_id, "owner": owner}
        about["name"] = f"{PACE_OF_PAUSES} {order.actor.user_id}"
        times = {"since": min(now - RESPECTED, attempt.since), "wanted": now - STILL_WANTED}
        looks = connection.fetch_each(*_LOOKS, **about, **times, ended_since=now - _ENDED_WITHIN)
        recorded, own, resumes, ends, pauses, counted = looks
        _check_recorded(recorded)
        if not own:
            return False
        if resumes:
            return ResumedBefore(resumes[0].user_id, resumes[0].at, resumes[0].outcome == Resumed.__name__)
        if ends:
            return EndedBefore()
        was_paused = any(one.outcome in {None, Paused.__name__} for one in pauses)
        held = None if was_paused else self._count(connection, order_id, order, counted, now)
        if held is not None:
            self._tell(connection, held, order, channel_id, now)
            return HeldBack(self.most)
        connection.queue(_SEND, {"id": order_id})
        return True

    def _count(
        self, connection: Connection, order_id: str, order: Order, counted: Sequence[Row], now: float
    ) -> HeldContent | None:
        """Count a session that its sender may pause. Return None, or the new message if it may no other for HELD_FOR.

        Further attempts for one that was counted are no more.
        """
        mark = {"team_id": order.actor.team_id, "name": f"{PACE_OF_PAUSES} {order.actor.user_id}"}
        row = next(iter(counted), None)
        held_until, (admitted, held_id) = (0.0, ([], "")) if row is None else (row.until, json.loads(row.value))
        recent = {one for at, one in admitted if now - at < WINDOW}
        attempt = read_attempt(order.trigger_id)
        is_again = attempt and attempt.number > 0 and any(one == order.session_id for _, one in admitted)
        if order.session_id in recent or is_again:
            return None
        if held_until <= now:
            is_admitted = len(recent) < self.most
            admitted = [*admitted, [now, order.session_id]][-_MOST_ADMITTED:] if is_admitted else admitted
            held_until, held_id = (0.0, "") if is_admitted else (now + HELD_FOR, order_id)
            value = json.dumps([admitted, held_id])
            connection.queue(WRITE_MARK, {**mark, "until": held_until, "value": value})
        return HeldContent(held_id, len(recent), held_until) if held_id else None

    def _tell(self, connection: Connection, new: HeldContent, order: Order, channel_id: str, now: float) -> None:
        """Let the message about what is held back, or failed, say that this is, too."""
        before, row = _read_held(connection, order.actor.team_id, new.id), {"id": new.id, "now": now}
        after = (before or new).with_session(order.session_id, order.reason, order.actor.user_id)
        if before is None:
            row |= {"team_id": order.actor.team_id, "channel_id": channel_id, "at": new.until if new.calls else now}
            connection.execute(_HOLD, **row, content=write_content(after))
        elif after != before:
            connection.execute(FOLD, **row, content=write_content(after))
        self.database.news.tell(connection, CARDS)

    async def take_call(self, order: Order) -> bool | None:
        """Return whether people are mentioned now, since a pause has failed. If not, a message counts it later.

        While the database fails, each process counts its own, and None means that they are not.
        """
        team_id = order.actor.team_id
        try:
            self._paces[team_id], is_now = await self.database.change(partial(self._take_call, order), locks=[LOCK])
        except StoreUnreachableError:
            self._paces[team_id], at = self._paces.get(team_id, Pace()).with_call(order, now := time.time())
            return at <= now or None
        return is_now

    def _take_call(self, order: Order, connection: Connection) -> tuple[Pace, bool]:
        actor, now = order.actor, connection.now()
        pace, at = read_paces(connection, [actor.team_id]).get(actor.team_id, Pace()).with_call(order, now)
        connection.execute(WRITE_MARK, team_id=actor.team_id, name=PACE, until=None, value=pace.as_text())
        if at > now:
            held_id = digest(f"{actor.team_id} {actor.channel_id} {actor.user_id} {at}")[:_DIGEST]
            self._tell(connection, HeldContent(held_id, 0, at, calls=True), order, actor.channel_id, now)
        return pace, at <= now

    async def held(self, team_id: str, held_id: str) -> tuple[SessionId, ...] | None:
        """Return the sessions of a message that nobody has paused, and whose alerts still fire; None without it."""
        return await self.database.read(partial(self._held, team_id, held_id))

    def _held(self, team_id: str, held_id: str, connection: Connection) -> tuple[SessionId, ...] | None:
        if (content := _read_held(connection, team_id, held_id)) is None:
            return None
        within = {"since": content.until - HELD_FOR - STILL_WANTED, "until": content.until + STILL_WANTED}
        sender = {"team_id": team_id, "user_id": content.alerts[0][1], "most": MOST_HELD}
        firing = _still_firing(connection, connection.fetch_all(_HELD_BACK, **within, **sender))
        return tuple(dict.fromkeys(order.session_id for order, _, _ in firing))

    async def lift(self, team_id: str, held_id: str) -> None:
        """End the limit of the sender of a message, and count from zero: a person has paused its sessions."""
        await self.database.change(partial(self._lift, team_id, held_id), locks=[workspace_lock(team_id)])
        self.database.news.cards.set()

    def _lift(self, team_id: str, held_id: str, connection: Connection) -> None:
        now = connection.now()
        if (content := _read_held(connection, team_id, held_id)) is None:
            return
        mark = {"team_id": team_id, "name": f"{PACE_OF_PAUSES} {content.alerts[0][1]}"}
        row = connection.fetch_one(_READ_MARK, **mark)
        admitted, current_id = ([], "") if row is None else json.loads(row.value)
        if current_id == held_id:
            earlier = [[0.0, one] for _, one in admitted]
            connection.execute(WRITE_MARK, **mark, until=0.0, value=json.dumps([earlier, ""]))
            connection.execute(FOLD, id=held_id, now=now, content=write_content(replace(content, until=now)))
            self.database.news.tell(connection, CARDS)

    async def unpaused(self) -> list[NextPause]:
        """Return what is to be tried again now, since it still fires."""
        return await self.database.read(lambda connection: list(self._unpaused(connection)))

    def _unpaused(self, connection: Connection) -> Iterator[NextPause]:
        now = connection.ask_now()
        since, until = now - FORGOTTEN_AFTER, now - AGAIN_AFTER
        yield from _still_firing(connection, connection.fetch_all(_DUE_AGAIN, since=since, until=until, most=MOST_DUE))

    async def last_outcome(self, attempt: Attempt) -> Outcome | None:
        """Return the outcome of the last attempt for a firing, if it is known."""
        first = attempt.all_of_firing
        row = await self.database.fetch_one(_LAST_OF_FIRING, first=first, last=f"{first}999999")
        return None if row is None or row.outcome is None else read_outcome(row.outcome, row.outcome_fields)
