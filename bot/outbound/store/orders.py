"""The orders in the database, which keeps those of a session in sequence, for one process or several.

Two transactions decide: `clear` whether an order that waits is sent, and `settle` whether a pause has crossed a
resume, and what has become of an order. They hold the lock of the session, so each is one look and one change. An order
that is not in the sequence of its session is not sent, or sent again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from bot.core.audit import row_of_order
from bot.core.orders import LATE, STILL_WANTED, UNCONFIRMED_TTL, Source, State, Verb, made_at
from bot.core.outcomes import Broken, Doubt, Ended, Outcome, Unconfirmed
from bot.core.permissions import Policy
from bot.outbound.store.audit import AuditTrail
from bot.outbound.store.connections import Connection, Row, listed
from bot.outbound.store.database import Database, session_lock, workspace_lock
from bot.outbound.store.encryption import FieldCipher
from bot.outbound.store.errors import or_default
from bot.outbound.store.leases import IS_LIVE, LEADS
from bot.outbound.store.outbox import ask_for_cards, mark
from bot.outbound.store.running_orders import (
    HAS_EFFECT,
    IS_UNFINISHED,
    NO_CARDS,
    RunningOrder,
    Settled,
    is_overtaken,
    read_outcome,
    read_row,
    write_outcome,
    write_row,
)
from bot.outbound.store.writer import Read, Steps, Work, Writer

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

MOST_TAKEN = 100
"""The most orders that are taken over at a time."""

LONGEST_SENT, LONGEST_UNTOLD = 420.0, 2_400.0
"""Seconds after which an order without an outcome, or that nobody was told of, is taken over from any process."""

_OURS_WITHIN = 0.2  # seconds
_WITH_OUTCOME = 0.1  # seconds for which the record of a command's pause waits for its outcome: then both are one
_TOLD_WITHIN = 2.0  # seconds for which the record that an outcome is told waits for others
_EVER = 1e15  # seconds
_INSERT = f"""
    INSERT INTO orders (id, trigger_id, team_id, session_id, verb, reason, source, user_id, home_team_id, channel_id,
      thread_ts, expected_version, state, told, given_at, owner, remind_at, batch_id)
    SELECT :id, CASE WHEN first.id IS NULL OR :is_at_once = 0 THEN :trigger_id ELSE :id END, :team_id, :session_id,
      :verb, :reason, :source, :user_id, :home_team_id, :channel_id, :thread_ts,
      :expected_version, :state, CASE WHEN first.id IS NULL THEN 0 ELSE 1 END,
      CAST(:given_at AS DOUBLE PRECISION), :owner,
      CAST(:given_at AS DOUBLE PRECISION) + CAST(:remind_after AS DOUBLE PRECISION), :batch_id
    FROM (SELECT 1) AS one LEFT JOIN orders AS first
      ON first.trigger_id = CAST(:trigger_id AS TEXT) AND first.id <> CAST(:id AS VARCHAR)
    WHERE EXISTS (SELECT 1 FROM workspaces WHERE team_id = CAST(:team_id AS VARCHAR) FOR KEY SHARE)
    ON CONFLICT (trigger_id) DO UPDATE SET owner = orders.owner, state = CASE
      WHEN orders.id = excluded.id AND orders.state = '{State.WAITING}' THEN excluded.state ELSE orders.state END
    RETURNING id, trigger_id
"""
"""It returns the order that has the trigger. A pause that is sent at once, and comes twice, is stored beside the first
one, which is told. A repeated commit changes nothing."""
_OTHER = "FROM orders AS other WHERE other.team_id = own.team_id AND other.session_id = own.session_id AND other.verb ="
_AT_ANCHOR = f"other.settled_at IS NULL AND other.state = '{State.SENT}'"
_RESUMED = f"SELECT other.id {_OTHER} 'resume' AND (other.seq > own.seq OR other.given_at > own.given_at) AND"
_PAUSED = f"SELECT other.id {_OTHER} 'pause' AND other.effect IS NOT NULL AND other.user_id <> own.user_id AND"
_LAST = """
    SELECT all_of.id FROM orders AS all_of WHERE all_of.team_id = own.team_id AND all_of.session_id = own.session_id
      AND all_of.effect IS NOT NULL ORDER BY all_of.effect DESC LIMIT 1
"""
_AGAINST = {
    Verb.PAUSE: (
        f"{_RESUMED} {_AT_ANCHOR} LIMIT 1",
        f"""{_RESUMED} other.effect IS NOT NULL AND other.settled_at >= own.given_at
          ORDER BY other.settled_at DESC LIMIT 1""",
    ),
    Verb.RESUME: (
        f"SELECT other.id {_OTHER} 'end' AND {_AT_ANCHOR} LIMIT 1",
        f"SELECT id FROM orders WHERE id = ({_LAST}) AND outcome = '{Ended.__name__}'",
        f"""SELECT other.id {_OTHER} 'pause' AND other.seq > own.seq
          AND (other.state = '{State.SENT}' OR other.effect IS NOT NULL) ORDER BY other.seq DESC LIMIT 1""",
        f"{_PAUSED} other.seq > known.seq ORDER BY other.seq DESC LIMIT 1",
        f"""{_PAUSED} known.id IS NULL AND other.settled_at > :made_at AND other.given_at > :made_at
          ORDER BY other.settled_at DESC LIMIT 1""",
        f"SELECT other.id {_OTHER} 'pause' AND {_AT_ANCHOR} LIMIT 1",
    ),
    Verb.END: ("NULL", "NULL"),
}
"""The orders that speak against another one: against a pause that has waited a later resume; against a resume an end of
its session that is at Anchor or confirmed, a pause that was recorded later, one by somebody else that the person of a
button does not know of, and one that is at Anchor. Each look finds its order by an index."""
_BEFORE = {
    verb: f"""
    SELECT other.id, other.verb, other.state, other.outcome, other.user_id, other.given_at,
      CASE WHEN other.seq > own.seq THEN 1 ELSE 0 END AS is_later
    FROM orders AS own LEFT JOIN orders AS known ON known.id = own.expected_version
      LEFT JOIN orders AS other ON other.id = coalesce({", ".join(f"({one})" for one in against)})
    WHERE own.id = :id
"""
    for verb, against in _AGAINST.items()
}
_LONGEST = {Verb.PAUSE: _EVER, Verb.RESUME: STILL_WANTED, Verb.END: LATE}
"""Seconds for which an order is sent."""
_SEND = f"""
    UPDATE orders SET state = '{State.SENT}' WHERE id = :id AND owner = :owner AND state <> '{State.SETTLED}'
      AND given_at > unix_now() - CAST(:longest AS DOUBLE PRECISION) RETURNING id
"""
_THEN = "unix_now() - CAST(:ago AS DOUBLE PRECISION)"
_OPPOSITE = f"SELECT other.user_id {_OTHER} :opposite AND"
_LOOK = f"""
    SELECT
      ({_OPPOSITE} {_AT_ANCHOR} AND {_THEN} - other.given_at >= 0 LIMIT 1) AS running,
      ({_OPPOSITE} other.effect IS NOT NULL AND other.settled_at >= own.given_at AND {_THEN} - other.given_at >= 0
        ORDER BY other.settled_at DESC LIMIT 1) AS crossed,
      ({_OPPOSITE} other.doubt = 1 AND other.settled_at > {_THEN} - {UNCONFIRMED_TTL} LIMIT 1) AS doubts,
      own.owner, own.state, own.outcome AS own_outcome, own.outcome_fields, own.effect AS own_effect, own.given_at,
      last.verb, last.outcome, last.effect, last.user_id, last.given_at AS last_given_at, last.settled_at
    FROM orders AS own LEFT JOIN orders AS last ON last.id = ({_LAST}) WHERE own.id = :id
"""
"""Whose opposite orders were at Anchor when an order was told, `ago`, or took effect from when it was given until then,
and whose had no answer; the last order that had an effect. A difference of times keeps SQLite from another index."""
_SETTLE = f"""
    UPDATE orders SET state = '{State.SETTLED}', doubt = :doubt, effect = :effect,
      settled_at = CAST(:at AS DOUBLE PRECISION), outcome = :outcome, outcome_fields = :fields
    WHERE id = :id AND owner = :owner AND state <> '{State.SETTLED}' RETURNING id
"""
_TOLD = """
    UPDATE orders SET told = 1, told_at = unix_now(), delivered_by = :route
    WHERE id = :id AND owner = :owner
"""
_OWNER = "SELECT owner FROM orders WHERE id = :id"
_IS_LEFT = f"""{IS_UNFINISHED} AND id NOT IN (SELECT value FROM json_each(:known)) AND (
      owner <> :owner AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.name = orders.owner AND {IS_LIVE})
      OR owner = :owner AND given_at < unix_now() - CAST(:lease AS DOUBLE PRECISION)
      OR given_at < unix_now() - CASE state WHEN '{State.SETTLED}' THEN {LONGEST_UNTOLD} ELSE {LONGEST_SENT} END)
      AND {LEADS}
"""
"""The orders of processes that have ended, those that this one has by a transaction whose answer was lost, and those
that take too long."""
_ANY_LEFT = f"SELECT id FROM orders WHERE {_IS_LEFT} LIMIT 1"
_LEFT = f"SELECT * FROM orders WHERE {_IS_LEFT} ORDER BY seq LIMIT {MOST_TAKEN} FOR UPDATE SKIP LOCKED"
_TAKE = "UPDATE orders SET owner = :owner WHERE id IN (SELECT value FROM json_each(:ids))"
_GIVE_UP = f"""
    UPDATE orders SET owner = :owner, state = '{State.SETTLED}', told = 1,
      settled_at = coalesce(settled_at, unix_now()), outcome = coalesce(outcome, '{Broken.__name__}'),
      outcome_fields = coalesce(outcome_fields, '{{}}')
    WHERE id IN (SELECT value FROM json_each(:ids))
"""


@dataclass(eq=False, repr=False)
class OrderRows:
    """Repository of orders. Its `lease` names this process, which changes only its own rows."""

    database: Database
    cipher: FieldCipher
    writer: Writer

    def __post_init__(self) -> None:
        assert self.writer.lease is not None  # noqa: S101 - it is the writer of orders
        self.lease, self._owner = self.writer.lease, self.writer.lease.owner
        self._audit = AuditTrail(self.database, self.cipher)

    def _do(self, running: RunningOrder, work: Work[_T], *, within: float = 0.0) -> asyncio.Future[_T]:
        locks, order = [session_lock(*running.session)], running.order
        locks += [session_lock(order.actor.team_id, order.batch_id)] if order.batch_id else []  # of its card
        return self.writer.do(work, person=order.actor.person, locks=locks, within=within)

    def record(self, running: RunningOrder) -> asyncio.Future[State | None]:
        """Record an order. Return its state in the database; None if another one has its trigger.

        An uninstalled workspace records none. That of a command's pause, whose ack is its outcome or waits for this,
        is written with its outcome if that comes soon.
        """
        is_acknowledged_later = running.order.source is Source.COMMAND and running.state is State.SENT
        within = _WITH_OUTCOME if is_acknowledged_later else 0.0
        return self._do(running, partial(self._record, running), within=within)

    def _record(self, running: RunningOrder, connection: Connection) -> Read[State | None]:
        values = write_row(running, self._owner) | {"given_at": connection.when(running.given_at)}
        stored, own = connection.queue(_INSERT, values), (values["id"], values["trigger_id"])
        return lambda: State(values["state"]) if own in (rows := stored.fetch_all()) or not rows else None

    def allow(self, running: RunningOrder, policy: Policy) -> None:
        """Let an order be sent from now on. A pause that is sent at once has waited in its row until then."""
        running.policy = policy
        if running.state is State.SENT:
            running.recorded.add_done_callback(partial(self._record_sent, running))

    def _record_sent(self, running: RunningOrder, recorded: asyncio.Future[State | None]) -> None:
        if running.is_recorded and recorded.result() is not running.state:
            self.record(running)

    def clear(self, running: RunningOrder) -> asyncio.Future[tuple[bool | None, Row | None]]:
        """Record that an order is sent that has waited, if no other one speaks against it, and it is not too old.

        Return whether, None if it has no row, and what speaks against it.
        """
        return self._do(running, partial(self._clear, running))

    def _clear(self, running: RunningOrder, connection: Connection) -> Steps[Read[tuple[bool | None, Row | None]]]:
        verb, version = running.order.verb, running.order.expected_version
        known_at = _EVER if version is None else made_at(version)
        asked = connection.queue(_BEFORE[verb], {"id": running.id, "made_at": known_at})
        yield
        before = asked.fetch_one()
        if before is None or before.id is not None:
            return lambda: (None, None) if before is None else (False, before)
        sent = connection.queue(_SEND, {"id": running.id, "owner": self._owner, "longest": _LONGEST[verb]})
        return lambda: (bool(sent.fetch_all()), None)

    def judge(self, running: RunningOrder, judge: Callable[[Connection, str], _T]) -> asyncio.Future[_T]:
        """Decide about the pause of an alert in a transaction of its workspace and session; `judge` gets the owner."""

        def work(connection: Connection) -> Read[_T]:  # those of a workspace have its lock: steps would save nothing
            verdict = judge(connection, self._owner)
            return lambda: verdict

        locks = [session_lock(*running.session), workspace_lock(running.order.actor.team_id)]
        return self.writer.do(work, person=running.order.actor.person, locks=locks)

    def settle(self, running: RunningOrder, outcome: Outcome, *, looks: bool = False) -> asyncio.Future[Settled | None]:
        """Record an outcome, unless the order is to `look` whether it has crossed a resume, and has.

        None: another process has it. One that has an outcome keeps it. What was told before this is written has no
        effect if another order was settled since, and its own time.
        """
        settled = self._do(running, partial(self._settle, running, (outcome, looks)))
        settled.add_done_callback(partial(self._wake, running))
        return settled

    def _settle(
        self, running: RunningOrder, end: tuple[Outcome, bool], connection: Connection
    ) -> Steps[Read[Settled | None]]:
        (outcome, looks), verb = end, running.order.verb
        asked = ask_for_cards(connection, running.marks(outcome))
        ago = 0.0 if running.settled_at is None else time.monotonic() - running.settled_at
        own, opposite = {"id": running.id, "owner": self._owner}, verb.opposite or ""
        looking = connection.queue(_LOOK, {"id": running.id, "ago": ago, "opposite": opposite})
        yield
        look = looking.fetch_one()
        if look is None or look.owner != self._owner:
            return lambda: Settled(outcome, is_recorded=False) if look is None else None
        settled, crossed = None, look.running or look.crossed
        if look.state == State.SETTLED:
            outcome, effect = read_outcome(look.own_outcome, look.outcome_fields), look.own_effect
        elif looks and not ago and crossed and isinstance(outcome, HAS_EFFECT):
            connection.queue(_SEND, own | {"longest": _EVER})  # without its turn: no resume is cleared beside the next
            return lambda: Settled(outcome, crossed_by=crossed, is_running=look.running is not None)
        else:
            told_at = None if running.settled_at is None else connection.when(running.settled_at)
            given_at, at = connection.when(running.given_at), told_at or connection.now()
            outcome, effect = running.in_sequence(outcome, look, given_at, told_at)
            doubt = running.doubt or (told_at is not None and outcome == Unconfirmed(Doubt.OVERTAKEN))
            name, fields = write_outcome(outcome)
            values = {"outcome": name, "fields": fields, "doubt": int(doubt), "effect": effect, "at": at}
            settled = connection.queue(_SETTLE, own | values)
            order, actor = running.order, running.order.actor
            about = (running.id, actor.team_id, verb.value, order.source.value, order.session_id, actor.channel_id)
            row = row_of_order((*about, order.batch_id, actor.user_id, look.given_at, at, name))
            self._audit.add(connection, row, self._owner)
        replaced = [running.address.message_ts or ""] if running.replaces_click(outcome) else []
        cards = mark(connection, running.marks(outcome), asked, replaced).get(running.session, NO_CARDS)
        told = Settled(outcome, cards, is_overtaken(verb, outcome, effect, look))
        return lambda: told if settled is None or settled.fetch_all() else None

    def show(self, running: RunningOrder) -> None:
        """Let the cards of its session show an order as it is now, also the one that was clicked."""
        marks = running.marks(running.outcome)

        def work(connection: Connection) -> Steps[Read[None]]:
            asked = ask_for_cards(connection, marks)
            yield
            mark(connection, marks, asked)
            return lambda: None

        self._do(running, work).add_done_callback(lambda _: self.database.messages_due.set())

    def _wake(self, running: RunningOrder, change: asyncio.Future[Settled | None]) -> None:
        """Let cards be sent that were marked, perhaps that of a batch, or of what is held back."""
        settled = None if change.cancelled() or change.exception() else change.result()
        if settled and (settled.cards.ids or len(running.marks(settled.outcome)) > 1):
            self.database.messages_due.set()

    def told(self, running: RunningOrder, route: str | None, *, within: float = _TOLD_WITHIN) -> asyncio.Future[Any]:
        """Record that an outcome was delivered by a route, or that Slack refused it finally (None)."""
        return self._do(running, _rows_of(_TOLD, id=running.id, owner=self._owner, route=route), within=within)

    async def is_ours(self, running: RunningOrder) -> bool:
        """Return whether no other process has the order, or its trigger. Without the database that stays open."""
        rows = await or_default(self._do(running, _rows_of(_OWNER, id=running.id)), None, within=_OURS_WITHIN)
        if not rows:
            return rows is None or not running.is_repeated
        return bool(rows[0].owner == self._owner and self.lease.is_held)  # it can freeze again meanwhile

    async def adopt(self, known: Collection[str]) -> list[RunningOrder]:
        """Take over orders that processes have left, if this one leads: at most MOST_TAKEN, in their sequence.

        One that can't be read is told to nobody, and speaks against nothing any more.
        """
        values = {"lease": self.lease.seconds, **self.lease.leading}
        if not await self.database.look(_ANY_LEFT, known=listed(known), **values):
            return []
        taken = await self.database.change(lambda connection: self._adopt(connection, known, values))
        for running in taken:
            running.recorded = asyncio.get_running_loop().create_future()
            running.recorded.set_result(running.state)
        return taken

    def _adopt(self, connection: Connection, known: Collection[str], values: dict[str, Any]) -> list[RunningOrder]:
        taken, odd, now = list[RunningOrder](), list[str](), connection.now()
        for row in connection.fetch_all(_LEFT, known=listed(known), **values):  # by now: late ones come meanwhile
            try:
                taken.append(read_row(row, now))
            except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, OSError):
                odd.append(row.id)
                _log.error("an order can't be read; it is given up", extra={"order": row.id})
        connection.execute(_GIVE_UP, ids=listed(odd), owner=self._owner)
        connection.execute(_TAKE, ids=listed(one.id for one in taken), owner=self._owner)
        return taken


def _rows_of(sql: str, **values: object) -> Work[list[Row]]:
    """Return the work that executes a statement, and reads its rows."""
    return lambda connection: connection.queue(sql, values).fetch_all
