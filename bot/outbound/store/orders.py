"""The orders in the database, which keeps those of a session in sequence, for one process or several.

Three statements decide: CLEAR whether a resume or an end is sent, LOOK whether a pause has crossed a resume, and SETTLE
what has become of an order. An order that is not in the sequence of its session is not sent, or sent again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, TypeVar

from bot.core.audit import ORDER_COLUMNS, row_of_order
from bot.core.cards import MarkedCards, SessionName
from bot.core.outcomes import (
    Broken,
    Done,
    Doubt,
    Ended,
    Outcome,
    Paused,
    RateLimited,
    Refusal,
    Resumed,
    Unconfirmed,
    Why,
)
from bot.core.requests import LATE, STILL_WANTED, UNCONFIRMED_TTL, Source, State, Verb, made_at
from bot.outbound.store.audit import AuditTrail
from bot.outbound.store.connections import Connection, Row, Statement, listed, storable
from bot.outbound.store.database import Database, session_lock, workspace_lock
from bot.outbound.store.errors import StoreUnreachableError, or_default
from bot.outbound.store.leases import IS_LIVE, LEADS
from bot.outbound.store.messages import Marks, ask_for_cards, mark
from bot.outbound.store.news import CARDS
from bot.outbound.store.running_orders import (
    NO_CARDS,
    Crossed,
    RunningOrder,
    Settled,
    audit_row,
    in_sequence,
    marks_of,
    read_outcome,
    read_row,
    row_values,
    write_outcome,
)
from bot.outbound.store.secrets import FieldCipher
from bot.outbound.store.writer import Work, Writer

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

MOST_TAKEN = 100
"""The most orders that are taken over at a time."""

LONGEST_SENT, LONGEST_UNTOLD = 420.0, 2_400.0
"""Seconds after which an order without an outcome, or that nobody was told of, is taken over from any process."""

_HAS_EFFECT = Done | Unconfirmed | Broken
_OURS_WITHIN = 0.2  # seconds
_EVER = 1e15  # Unix seconds
_SAME = "other.team_id = own.team_id AND other.session_id = own.session_id AND other.id <> own.id"
_INSERT = """
    INSERT INTO orders (id, trigger_id, team_id, session_id, verb, reason, source, user_id, home_team_id, channel_id,
      thread_ts, reply, state, told, told_at, given_at, owner, remind_at, batch_id)
    SELECT :id, :trigger_id, :team_id, :session_id, :verb, :reason, :source, :user_id, :home_team_id, :channel_id,
      :thread_ts, :reply, :state, :told,
      CASE :told WHEN 1 THEN CAST(:given_at AS DOUBLE PRECISION) END, CAST(:given_at AS DOUBLE PRECISION), :owner,
      CAST(:given_at AS DOUBLE PRECISION) + CAST(:remind_after AS DOUBLE PRECISION), :batch_id
    WHERE :is_pinned = 1 OR EXISTS (SELECT 1 FROM workspaces WHERE team_id = CAST(:team_id AS VARCHAR)
      AND installed_at <= CAST(:installed_by AS DOUBLE PRECISION) FOR KEY SHARE)
    ON CONFLICT (trigger_id) DO UPDATE SET owner = orders.owner RETURNING id
"""
"""An order without a trigger has its id for one. It returns the id of the order that has the trigger."""
_AGAINST = f"""
    FROM orders AS own JOIN orders AS other ON {_SAME} LEFT JOIN orders AS known ON known.id = :version
    WHERE own.id = :id AND (
      other.verb = 'pause' AND other.state = '{State.SENT}'
      OR other.verb = 'pause' AND other.seq > own.seq AND (other.state <> '{State.SETTLED}' OR other.effect IS NOT NULL)
        AND NOT (other.state = '{State.WAITING}' AND other.source = '{Source.ALERT}')
      OR other.verb = 'end' AND (other.state = '{State.SENT}' OR other.outcome = '{Ended.__name__}')
      OR other.verb = 'pause' AND other.user_id <> own.user_id AND other.effect IS NOT NULL AND :made_at > 0
        AND CASE WHEN known.id IS NULL THEN other.given_at > :made_at ELSE other.seq > known.seq END
      OR own.source = '{Source.DRILL}' AND other.source <> '{Source.DRILL}' AND other.verb <> 'end'
        AND other.seq > coalesce(known.seq, 0)
        AND (other.state <> '{State.SETTLED}' OR other.effect IS NOT NULL))
"""
"""The orders that speak against a resume: a pause that is at Anchor, one that was recorded later, an end of its session
that is at Anchor or confirmed, a pause by somebody else that the person of a button does not know of, and any other
order after the last one that a drill knows of."""
_IN_TIME = "given_at > unix_now() - CAST(:longest AS DOUBLE PRECISION)"
_CLEAR = f"""
    UPDATE orders SET state = '{State.SENT}' WHERE id = :id AND owner = :owner AND state <> '{State.SETTLED}'
      AND {_IN_TIME} AND (:is_resume = 0 OR NOT EXISTS (SELECT 1 {_AGAINST})) RETURNING id
"""
_WHY_NOT = f"""
    SELECT other.id, other.verb, other.state, other.outcome, other.user_id, other.channel_id, other.reason,
      other.given_at, CASE WHEN other.seq > own.seq THEN 1 ELSE 0 END AS is_later {_AGAINST}
    ORDER BY other.verb, is_later DESC, other.seq DESC LIMIT 1
"""
_IS_RESUMED = f"""
    FROM orders AS own JOIN orders AS other ON {_SAME} WHERE own.id = :id AND other.verb = 'resume'
      AND (other.seq > own.seq OR other.given_at > own.given_at)
      AND (other.state = '{State.SENT}' OR other.effect IS NOT NULL)
"""
_TAKE_TURN = f"""
    UPDATE orders SET state = '{State.SENT}' WHERE id = :id AND owner = :owner AND state <> '{State.SETTLED}'
      AND NOT EXISTS (SELECT 1 {_IS_RESUMED}) RETURNING id
"""
_RESUMED = f"SELECT other.user_id, other.given_at {_IS_RESUMED} ORDER BY other.seq DESC LIMIT 1"
_OPPOSITE = f"FROM orders AS other WHERE {_SAME} AND other.verb <> own.verb AND other.verb <> '{Verb.END}'"
_THEN = "unix_now() - CAST(:ago AS DOUBLE PRECISION)"
_LOOK = f"""
    SELECT
      (SELECT other.user_id {_OPPOSITE} AND other.given_at <= {_THEN}
        AND (other.state = '{State.SENT}' OR other.effect IS NOT NULL AND other.settled_at >= own.given_at)
        ORDER BY other.seq DESC LIMIT 1) AS crossed,
      (SELECT count(*) {_OPPOSITE} AND other.state = '{State.SENT}') AS running,
      (SELECT count(*) {_OPPOSITE} AND other.doubt = 1 AND other.settled_at > {_THEN} - {UNCONFIRMED_TTL}) AS doubts,
      last.outcome, last.user_id, last.given_at AS last_given_at, last.settled_at, own.given_at
    FROM orders AS own LEFT JOIN orders AS last ON last.id = (SELECT all_of.id FROM orders AS all_of
      WHERE all_of.team_id = own.team_id AND all_of.session_id = own.session_id AND all_of.effect IS NOT NULL
      ORDER BY all_of.effect DESC LIMIT 1)
    WHERE own.id = :id AND own.owner = :owner AND own.state <> '{State.SETTLED}'
"""
"""The opposite orders that were at Anchor at any time from when an order was given until it was told, `ago`, how many
can still be there, and how many had no answer; the last order that had an effect. Nothing if another process has it."""
_AT_ANCHOR = f"UPDATE orders SET state = '{State.SENT}' WHERE id = :id AND owner = :owner AND state = '{State.WAITING}'"
_SETTLE = f"""
    UPDATE orders SET state = '{State.SETTLED}', doubt = :doubt,
      settled_at = coalesce(settled_at, CAST(:at AS DOUBLE PRECISION)),
      outcome = CASE state WHEN '{State.SETTLED}' THEN outcome ELSE :outcome END,
      outcome_fields = CASE state WHEN '{State.SETTLED}' THEN outcome_fields ELSE :fields END,
      effect = CASE WHEN state = '{State.SETTLED}' THEN effect WHEN :has_effect = 1 AND NOT EXISTS (
          SELECT 1 FROM orders AS other WHERE other.team_id = orders.team_id AND other.session_id = orders.session_id
            AND :yields = 1 AND other.effect IS NOT NULL AND other.settled_at > {_THEN})
        THEN (SELECT coalesce(max(other.effect), 0) + 1 FROM orders AS other
          WHERE other.team_id = orders.team_id AND other.session_id = orders.session_id) END
    WHERE id = :id AND owner = :owner RETURNING outcome, outcome_fields
"""
"""It keeps what an earlier commit has stored whose answer was lost. What was told `ago` has no effect, and `yields`, if
another order has had one since."""
_TOLD = """
    UPDATE orders SET told = 1, told_at = unix_now(), delivered_by = :route, reply = NULL
    WHERE id = :id AND owner = :owner
"""
_OWNER = "SELECT owner FROM orders WHERE id = :id"
_HAS_TRIGGER = "SELECT id, owner FROM orders WHERE id = :id OR trigger_id = :trigger_id"
_IS_UNFINISHED = f"(state <> '{State.SETTLED}' OR told = 0)"
_IS_LEFT = f"""
    {_IS_UNFINISHED} AND id NOT IN (SELECT value FROM json_each(:known)) AND (
      owner <> :owner AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.name = orders.owner AND {IS_LIVE})
      OR owner = :owner AND given_at < unix_now() - CAST(:lease AS DOUBLE PRECISION)
      OR given_at < unix_now() - CASE state WHEN '{State.SETTLED}' THEN {LONGEST_UNTOLD} ELSE {LONGEST_SENT} END)
"""
"""The orders of processes that have ended, those that this one has by a transaction whose answer was lost, and those
that take too long."""
_LEFT = f"""
    SELECT * FROM orders WHERE {_IS_LEFT} AND {LEADS}
    ORDER BY seq LIMIT {MOST_TAKEN} FOR UPDATE SKIP LOCKED
"""
_TAKE = "UPDATE orders SET owner = :owner WHERE id IN (SELECT value FROM json_each(:ids))"
_GIVE_UP = f"""
    UPDATE orders SET state = '{State.SETTLED}', told = 1, settled_at = coalesce(settled_at, :now), told_at = :now,
      reply = NULL,
      outcome = coalesce(outcome, :outcome), outcome_fields = coalesce(outcome_fields, :fields), owner = :owner
    WHERE id IN (SELECT value FROM json_each(:ids))
"""
_OVERTAKEN = f"""
    SELECT own.id FROM orders AS own WHERE own.id IN (SELECT value FROM json_each(:ids)) AND EXISTS (
      SELECT 1 FROM orders AS other WHERE other.team_id = own.team_id AND other.session_id = own.session_id
        AND other.verb <> own.verb AND (other.effect > own.effect OR own.effect IS NULL AND own.outcome IN
          ('{Paused.__name__}', '{Resumed.__name__}') AND other.outcome = '{Ended.__name__}'))
"""


Against = Row | None
"""The order that speaks against one that is to be sent, a row of _WHY_NOT; None if it came too late."""


@dataclass(eq=False)
class OrderRows:
    """Repository of orders. Its `lease` names this process, which changes only its own rows.

    `is_pinned`: there is one workspace, that of the settings, which is never uninstalled.
    """

    database: Database
    cipher: FieldCipher
    writer: Writer
    _: KW_ONLY
    is_pinned: bool = False

    def __post_init__(self) -> None:
        assert self.writer.lease is not None  # noqa: S101 - it is the writer of orders
        self.lease, self._owner = self.writer.lease, self.writer.lease.owner
        self._audit = AuditTrail(self.database, self.cipher)

    def _do(self, running: RunningOrder, work: Work[_T], *, is_lazy: bool = False) -> asyncio.Future[_T]:
        locks, order = [session_lock(*running.session)], running.order
        locks += [session_lock(order.actor.team_id, order.batch_id)] if order.batch_id else []  # of its card
        return self.writer.do(work, person=running.order.actor.person, locks=locks, is_lazy=is_lazy)

    def _own(self, running: RunningOrder) -> dict[str, Any]:
        return {"id": running.id, "owner": self._owner}

    def record(
        self, running: RunningOrder, *, is_repeated: bool = False, installed_by: float | None = _EVER
    ) -> asyncio.Future[str | None]:
        """Record an order. Return the id of the one that has its trigger; None if its workspace was uninstalled.

        A pause that Slack sent twice is recorded beside the one that has its trigger, which is told. One whose row is
        gone is recorded only if its workspace was not installed since: `installed_by` is None.
        """
        trigger_id = None if is_repeated else running.order.trigger_id

        def work(connection: Connection) -> Callable[[], str | None]:
            given_at = connection.when(running.given_at)
            values = row_values(running, self._owner, self.cipher, trigger_id=trigger_id) | {
                "state": running.state.value,
                "told": int(is_repeated),
                "given_at": given_at,
                "is_pinned": int(self.is_pinned),
                "installed_by": given_at if installed_by is None else installed_by,
            }
            stored = connection.queue(_INSERT, values)
            return lambda: next((row.id for row in stored.fetch_all()), None)

        return self._do(running, work)

    def clear(self, running: RunningOrder) -> asyncio.Future[tuple[bool, Against]]:
        """Record that a resume or an end is sent, if nothing speaks against it. Return whether, or what does."""
        return self._do(running, partial(self._clear, running))

    def _clear(self, running: RunningOrder, connection: Connection) -> Callable[[], tuple[bool, Against]]:
        is_resume, version = running.order.verb is Verb.RESUME, running.order.expected_version
        known = {"version": version, "made_at": 0.0 if version is None else made_at(version)}
        longest = STILL_WANTED if is_resume else LATE
        values = self._own(running) | known | {"is_resume": int(is_resume), "longest": longest}
        cleared = connection.queue(_CLEAR, values)
        against = connection.queue(_WHY_NOT, *([{"id": running.id, **known}] if is_resume else ()))
        return lambda: (bool(cleared.fetch_all()), next(iter(against.fetch_all()), None))

    def take_turn(self, running: RunningOrder) -> asyncio.Future[Refusal | bool | None]:
        """Record that a pause is sent which has waited. Return who has resumed its session since, if anybody has.

        Else return whether it is still this process's; None if it has no row.
        """
        return self._do(running, partial(self._take_turn, running))

    def _take_turn(self, running: RunningOrder, connection: Connection) -> Callable[[], Refusal | bool | None]:
        taken = connection.queue(_TAKE_TURN, self._own(running))
        resumed, owner = connection.queue(_RESUMED, {"id": running.id}), connection.queue(_OWNER, {"id": running.id})

        def read() -> Refusal | bool | None:
            resumes = [Refusal(Why.RESUMED_SINCE, row.user_id, row.given_at) for row in resumed.fetch_all()]
            return next(iter(resumes), bool(taken.fetch_all()) if owner.fetch_all() else None)

        return read

    def judge(self, running: RunningOrder, judge: Callable[[Connection, str], _T]) -> asyncio.Future[_T]:
        """Decide about the pause of an alert in a transaction of its workspace and session; `judge` gets the owner."""
        team_id, session_id = running.session

        def work(connection: Connection) -> Callable[[], _T]:
            return partial(_same, judge(connection, self._owner))

        locks = [session_lock(team_id, session_id), workspace_lock(team_id)]
        return self.writer.do(work, person=running.order.actor.person, locks=locks)

    def settle(
        self, running: RunningOrder, outcome: Outcome, *, doubt: bool = False, looks: bool = False
    ) -> asyncio.Future[Settled | Crossed | None]:
        """Record an outcome, unless the order is to `look` whether it has crossed a resume, and has.

        None: it has no row, or another process has it. What was told before this is written has no effect if
        another order was settled since, and its own time.
        """
        settled = self._do(running, partial(self._settle, running, (outcome, doubt, looks)))
        settled.add_done_callback(partial(self._wake, running))
        return settled

    def _settle(
        self, running: RunningOrder, end: tuple[Outcome, bool, bool], connection: Connection
    ) -> Callable[[], Settled | Crossed | None]:
        outcome, doubt, looks = end
        ago = 0.0 if running.settled_at is None else time.monotonic() - running.settled_at
        has_effect, yields, own = isinstance(outcome, _HAS_EFFECT), bool(ago), self._own(running)
        marks = marks_of(running, outcome)
        asked = ask_for_cards(connection, marks)
        look, is_overtaken = connection.fetch_one(_LOOK, **own, ago=ago), False
        if has_effect or isinstance(outcome, RateLimited):
            if look is None:  # it is settled by an earlier commit whose answer was lost, or another process has it
                is_overtaken = bool(connection.fetch_all(_OVERTAKEN, ids=listed([running.id])))
            elif look.outcome == Ended.__name__ and running.order.verb is not Verb.END:
                has_effect, is_overtaken = False, True
            elif looks and not ago and has_effect and look.crossed is not None:
                connection.queue(_AT_ANCHOR, own)  # one sent without its turn: no resume is cleared beside the next
                return partial(_same, Crossed(look.crossed, bool(look.running)))
            elif ago and has_effect and running.order.verb.opposite and (look.crossed is not None or look.doubts):
                outcome, doubt, yields = Unconfirmed(Doubt.OVERTAKEN), True, False
            else:
                outcome = in_sequence(outcome, running, look, connection.when(running.given_at))
        name, fields = write_outcome(outcome)
        at = connection.now() if running.settled_at is None else connection.when(running.settled_at)
        values = {"outcome": name, "fields": fields, "doubt": int(doubt), "has_effect": int(has_effect), "ago": ago}
        values |= {"at": at, "yields": int(yields and not isinstance(outcome, Ended))}
        settled = connection.queue(_SETTLE, own | values)
        if look is not None:
            self._audit.add(connection, audit_row(running, look.given_at, at, name), self._owner)
        replaced = [running.address.message_ts or ""] if running.replaces_click(outcome) else []
        cards = self._mark(connection, marks, replaced, asked).get(running.session, NO_CARDS)

        def read() -> Settled | None:
            rows = settled.fetch_all()
            return Settled(read_outcome(*rows[0]), cards, is_overtaken) if rows else None

        return read

    def show(self, running: RunningOrder) -> None:
        """Let the cards of its session show an order as it is now, also the one that was clicked."""
        marks = marks_of(running, running.outcome)

        def work(connection: Connection) -> Callable[[], None]:
            self._mark(connection, marks)
            return lambda: None

        self._do(running, work).add_done_callback(lambda _: self.database.news.cards.set())

    def _mark(
        self, connection: Connection, marks: Marks, replaced: Collection[str] = (), asked: Statement | None = None
    ) -> dict[SessionName, MarkedCards]:
        found = mark(connection, marks, replaced, asked)
        if any(one.names for one in found.values()):
            self.database.news.tell(connection, CARDS)
        return found

    def _wake(self, running: RunningOrder, change: asyncio.Future[Settled | Crossed | None]) -> None:
        """Let cards be sent that were marked, perhaps that of a batch, or of what is held back."""
        settled = None if change.cancelled() or change.exception() else change.result()
        if not isinstance(settled, Settled):
            return
        if settled.cards.names or len(marks_of(running, settled.outcome)) > 1:
            self.database.news.cards.set()

    def told(self, running: RunningOrder, route: str | None, *, is_lazy: bool = True) -> asyncio.Future[None]:
        """Record that an outcome was delivered by a route, or that Slack refused it finally (None)."""
        values = self._own(running) | {"route": route}

        def work(connection: Connection) -> Callable[[], None]:
            connection.queue(_TOLD, values)
            return lambda: None

        return self._do(running, work, is_lazy=is_lazy)

    async def is_ours(self, running: RunningOrder) -> bool:
        """Return whether no other process is known to have an order. Without the database that stays open.

        A lease that ended meanwhile, and was renewed, says nothing: this process was frozen, perhaps before it knew
        that the order came to another process too.
        """
        if self.lease.has_lasted(running.age):
            return True
        own = {"id": running.id, "trigger_id": storable(running.order.trigger_id)}
        rows: list[Row] = await or_default(self.database.fetch_all(_HAS_TRIGGER, **own), [], within=_OURS_WITHIN)
        return not rows or any(row.id == running.id and row.owner == self._owner for row in rows)

    async def owner_of(self, running: RunningOrder) -> str | None:
        """Return the process that has an order; None if it has no row. Raises StoreUnreachableError, also soon."""
        owners = await or_default(self.database.fetch_all(_OWNER, id=running.id), None, within=_OURS_WITHIN)
        if owners is None:
            raise StoreUnreachableError("the database does not answer in time")
        return next((row.owner for row in owners), None)

    async def outcome_of(self, trigger_id: str) -> Outcome | None:
        """Return the outcome of the order with this trigger, if it is known."""
        sql = "SELECT outcome, outcome_fields FROM orders WHERE trigger_id = :trigger_id AND outcome IS NOT NULL"
        row = await self.database.fetch_one(sql, trigger_id=storable(trigger_id))
        return None if row is None else read_outcome(*row)

    async def has_left(self, known: Collection[str]) -> bool:
        """Return whether processes have left orders, or there are some of this one beside those that it knows."""
        values = self._left_values(known)
        return await self.database.fetch_one(f"SELECT 1 FROM orders WHERE {_IS_LEFT} LIMIT 1", **values) is not None

    async def has_unfinished(self) -> bool:
        """Return whether there are unfinished orders of other processes."""
        sql = f"SELECT 1 FROM orders WHERE {_IS_UNFINISHED} AND owner <> :owner LIMIT 1"
        return await self.database.fetch_one(sql, owner=self._owner) is not None

    async def adopt(self, known: Collection[str]) -> list[tuple[RunningOrder, bool]]:
        """Take over orders that processes have left, if this one leads: at most MOST_TAKEN, in their sequence.

        Return them, and whether a later order has changed the session. One that can't be read is told to nobody, and
        speaks against nothing any more.
        """
        taken = await self.database.change(partial(self._adopt, known))
        for running, _ in taken:
            running.recorded = asyncio.get_running_loop().create_future()
            running.recorded.set_result(running.id)
        return taken

    def _left_values(self, known: Collection[str]) -> dict[str, Any]:
        return {"owner": self._owner, "known": listed(known), "lease": self.lease.seconds}

    def _adopt(self, known: Collection[str], connection: Connection) -> list[tuple[RunningOrder, bool]]:
        taken, odd = list[RunningOrder](), list[Row]()
        values = self._left_values(known) | self.lease.leading
        for row in () if self.lease.term is None else connection.fetch_all(_LEFT, **values):
            try:
                taken.append(read_row(row, self.cipher, connection.now()))
            except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, OSError):
                odd.append(row)
                _log.error("an order can't be read; it is given up", extra={"order": row.id})
        (name, fields), now, ids = write_outcome(Broken("")), connection.now(), listed(row.id for row in odd)
        connection.execute(_GIVE_UP, ids=ids, outcome=name, fields=fields, owner=self._owner, now=now)
        for row in odd:
            ended = row._replace(settled_at=row.settled_at or now, outcome=row.outcome or name)
            columns = tuple(getattr(ended, column) for column in ORDER_COLUMNS)
            self._audit.add(connection, row_of_order(columns), self._owner)
        ids = listed(one.id for one in taken)
        connection.execute(_TAKE, ids=ids, owner=self._owner)
        overtaken = {row.id for row in connection.fetch_all(_OVERTAKEN, ids=ids)}
        return [(one, one.id in overtaken) for one in taken]


def _same(result: _T) -> _T:
    return result
