"""Read and write the rows of the journal of orders. Every method can raise StoreUnreachableError.

All times in columns are the database's, so that the clocks of its clients do not matter.
"""

import dataclasses
import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bot.core.cards import MarkedCards, SessionName
from bot.core.fields import Secret
from bot.core.outcomes import Outcome, Paused, Resumed, Undone
from bot.core.recovery import RowFate, State
from bot.core.requests import (
    NO_OPPOSITION,
    OF_OPERATORS,
    Actor,
    ClickedMessage,
    Ending,
    MessageContent,
    Opposition,
    Order,
    ReplyAddress,
    Source,
    Verb,
    made_at,
)
from bot.core.session_ids import SessionId
from bot.outbound.store.audit import ADD_ORDER
from bot.outbound.store.cards import NO_MARKS, Marks, mark
from bot.outbound.store.connections import Connection, Row, Statement, listed, storable
from bot.outbound.store.database import Database, DatabaseClock
from bot.outbound.store.entries import OWNERS, Entry, find_fates, read_outcome, write_outcome
from bot.outbound.store.errors import ClockSetError, UnreadableError
from bot.outbound.store.marks import LEASE, PROCESS, Lease
from bot.outbound.store.news import CARDS, ORDERS
from bot.outbound.store.opposition import (
    CHANGE_SINCE,
    CLOCK_ERROR,
    ENDINGS,
    LATER_RESUME,
    NOT_SENT,
    OTHER_ORDERS,
    opposition_values,
    read_opposition,
    session_locks,
    with_changes,
    with_endings,
)
from bot.outbound.store.secrets import FieldCipher, FieldRef

_REPLY = "reply"
NO_IDS: frozenset[str] = frozenset()


def write_reply(order_id: str, address: ReplyAddress, version: str | None, cipher: FieldCipher) -> str | None:
    """Encrypt what an answer needs besides the ids, and the version that its person knew of; None if it is nothing."""
    clicked = None if address.clicked is None else dataclasses.asdict(address.clicked)
    if address.response_url is None and clicked is None and not address.message_url and version is None:
        return None
    url = address.response_url.reveal() if address.response_url else None
    fields = {"url": url, "clicked": clicked, "version": version, "message_url": address.message_url}
    return cipher.encrypt(Secret(json.dumps(fields)), FieldRef(order_id, _REPLY))


def read_reply(
    order_id: str, actor: Actor, thread_ts: str | None, text: str | None, cipher: FieldCipher
) -> tuple[ReplyAddress, str | None]:
    """Decrypt a reply address and a version. Text that no key decrypts counts as none."""
    try:
        reply = {} if text is None else json.loads(cipher.decrypt(text, FieldRef(order_id, _REPLY)).reveal())
    except UnreadableError:
        reply = {}
    url, clicked = reply.get("url"), reply.get("clicked")
    address = ReplyAddress(
        actor,
        Secret(url) if url else None,
        thread_ts,
        _read_clicked(clicked) if clicked else None,
        reply.get("message_url", ""),
    )
    return address, reply.get("version")


def _read_clicked(clicked: dict[str, Any]) -> ClickedMessage:
    content = clicked.pop("content")
    if content is None:
        return ClickedMessage(**clicked, content=None)
    return ClickedMessage(**clicked, content=MessageContent(content["text"], tuple(content["blocks"])))


@dataclass(frozen=True, slots=True)
class OrderColumns:
    """The columns of rows of `owner`."""

    cipher: FieldCipher
    owner: str

    def values(self, row: Entry, offset: float) -> dict[str, Any]:
        """Return all columns of a row; `offset` is the database's time minus the monotonic one."""
        order, actor = row.order, row.order.actor
        return {
            "id": row.id,
            "trigger_id": storable(order.trigger_id),
            "team_id": actor.team_id,
            "session_id": order.session_id,
            "verb": order.verb.value,
            "reason": storable(order.reason),
            "source": order.source.value,
            "batch_id": order.batch_id or None,
            "user_id": actor.user_id,
            "home_team_id": actor.home_team_id,
            "channel_id": actor.channel_id,
            "thread_ts": storable(row.address.result_thread),
            "reply": None
            if row.state is State.TOLD
            else write_reply(row.id, row.address, order.expected_version, self.cipher),
            "given_at": row.given_at + offset,
            "owner": self.owner,
            "remind_at": 0.0 if order.verb is Verb.PAUSE and order.source is not Source.DRILL else None,
            **self._progress(row, offset),
        }

    def changes(self, row: Entry, offset: float) -> dict[str, Any]:
        """Return the parameters of an update. A resume can be undone after it was told."""
        is_over = int(row.state is State.TOLD and not isinstance(row.outcome, Resumed))
        return {"id": row.id, "owner": self.owner, "is_over": is_over, **self._progress(row, offset)}

    def _progress(self, row: Entry, offset: float) -> dict[str, Any]:
        outcome, fields = (None, None) if row.outcome is None else write_outcome(row.outcome)
        return {
            "state": row.state.value,
            "outcome": outcome,
            "outcome_fields": fields,
            "delivered_by": row.delivered_by,
            "settled_at": None if row.settled_at is None else row.settled_at + offset,
            "told_at": None if row.told_at is None else row.told_at + offset,
        }

    def entry(self, row: Row, now: float) -> Entry:
        """Return what a row of _UNFINISHED says; `now` is the database's time."""
        actor = Actor(row.team_id, row.channel_id, row.user_id, row.home_team_id)
        address, version = read_reply(row.id, actor, row.thread_ts, row.reply, self.cipher)
        if address.clicked and address.clicked.ts == address.thread_ts:
            address = replace(address, thread_ts=None)  # a failure goes to the channel
        order = Order(
            verb=Verb(row.verb),
            session_id=SessionId(row.session_id),
            actor=actor,
            reason=row.reason,
            trigger_id=row.trigger_id,
            source=Source(row.source),
            expected_version=version,
            batch_id=row.batch_id or "",
        )
        age = now - row.given_at
        age = max(0.0, age) if order.verb is Verb.PAUSE else abs(age)  # the clock may have been set back since
        entry = Entry(order, address, time.monotonic() - age, id=row.id, state=State(row.state))
        entry.stored = entry.state
        entry.is_opposed, entry.has_company = bool(row.is_opposed), bool(row.has_company)
        if row.outcome is not None:
            try:
                entry.outcome = read_outcome(row.outcome, row.outcome_fields)
                entry.settled_at = time.monotonic() - (now - row.settled_at)
            except UnreadableError:
                entry.state = State.SENT
        entry.written.set_result(True)
        return entry


_INSERT = """
    INSERT INTO orders (id, trigger_id, team_id, session_id, verb, reason, source, user_id, home_team_id, channel_id,
      thread_ts, reply, state, outcome, outcome_fields, delivered_by, given_at, settled_at, told_at, owner, remind_at,
      batch_id)
    VALUES (:id, :trigger_id, :team_id, :session_id, :verb, :reason, :source, :user_id, :home_team_id, :channel_id,
      :thread_ts, :reply, :state, :outcome, :outcome_fields, :delivered_by, :given_at, :settled_at, :told_at, :owner,
      :remind_at, :batch_id)
    ON CONFLICT DO NOTHING
"""
_UPDATE = """
    UPDATE orders SET state = :state, outcome = :outcome, outcome_fields = :outcome_fields,
      delivered_by = :delivered_by, settled_at = :settled_at, told_at = :told_at,
      reply = CASE WHEN :is_over = 1 THEN NULL ELSE reply END
    WHERE id = :id AND owner = :owner
"""
_UNDO = f"""
    UPDATE orders SET state = '{State.ACTED}', owner = '', outcome = '{Undone.__name__}', outcome_fields = :fields
    WHERE team_id = :team_id AND session_id = :session_id AND outcome = '{Resumed.__name__}' AND settled_at > :since
      AND settled_at < :until AND owner <> :owner
"""
"""No process has a lease for these rows, so that the next one that looks takes them over, and tells them."""
_STORED = "SELECT id FROM orders WHERE id IN (SELECT value FROM json_each(:ids))"
_IS_UNFINISHED = f"state <> '{State.TOLD}'"
"""It repeats the condition of the partial index."""
_NOT_KNOWN = f"""
    SELECT id FROM orders WHERE {_IS_UNFINISHED}
      AND (owner <> :owner OR id NOT IN (SELECT value FROM json_each(:known))) LIMIT 1
"""
_KINDS = {"verb": Verb, "source": Source, "state": State}
_IS_READABLE = " AND ".join(f"{name} IN ({', '.join(map(repr, map(str, kind)))})" for name, kind in _KINDS.items())
"""A row with a value of a newer version is left to a process of that."""
_LEFT = f"""
    SELECT id FROM orders WHERE {_IS_UNFINISHED} AND {_IS_READABLE} AND (
      owner <> :owner AND (owner IN (SELECT value FROM json_each(:ended))
        OR NOT EXISTS (SELECT 1 FROM marks WHERE scope = '{PROCESS}' AND name = orders.owner)
        OR :all_leases = 1 AND source NOT IN ('{"', '".join(sorted(OF_OPERATORS))}'))
      OR owner = :owner AND given_at < :before AND id NOT IN (SELECT value FROM json_each(:known)))
    ORDER BY given_at, id LIMIT :most FOR UPDATE SKIP LOCKED
"""
_TAKE = "UPDATE orders SET owner = :owner WHERE id IN (SELECT value FROM json_each(:ids))"
_IS_SENT = f"""
    other.team_id = own.team_id AND other.session_id = own.session_id AND other.id <> own.id
    AND other.state <> '{State.WAITING}' AND (other.outcome IS NULL OR other.outcome NOT IN ('{"', '".join(NOT_SENT)}'))
"""
_UNFINISHED = f"""
    SELECT own.*,
      EXISTS (SELECT 1 FROM orders AS other WHERE {_IS_SENT}
        AND other.verb NOT IN (own.verb, '{Verb.END}') AND other.given_at > own.given_at) AS is_opposed,
      EXISTS (SELECT 1 FROM orders AS other WHERE {_IS_SENT} AND other.verb = own.verb
        AND (other.settled_at IS NULL OR other.settled_at >= own.given_at)) AS has_company
    FROM orders AS own WHERE own.id IN (SELECT value FROM json_each(:ids)) ORDER BY own.given_at, own.id
"""
"""Rows, and what else was ordered for their sessions."""


MOST_TAKEN = 100
"""The most orders that are taken over at a time."""


@dataclass(frozen=True, slots=True)
class Written:
    """The result of a transaction, by ids.

    `lost` are the rows that another process has: it has stored a new one with the same trigger, or has taken over a
    changed one. `fates` are those of rows that are not, or no longer, this process's. `held_back` are the resumes that
    are not recorded as sent, because of their `opposition`. `cards` are the names of the open cards that were marked,
    by session; None if they could not be marked. `crossed` are the pauses whose resumes are undone.
    """

    lost: frozenset[str] = NO_IDS
    fates: Mapping[str, RowFate] = field(default_factory=dict)
    held_back: frozenset[str] = NO_IDS
    opposition: Mapping[str, Opposition] = field(default_factory=dict)
    cards: Mapping[SessionName, MarkedCards] | None = field(default_factory=dict)
    crossed: frozenset[str] = NO_IDS


class OrderRows:
    """Repository of the journal's rows. `owner` names this process; it changes only its own rows.

    Beside other processes it has a lease, of so many seconds, which `write` renews when it is time.
    """

    def __init__(self, database: Database, cipher: FieldCipher, owner: str, *, lease: float = LEASE) -> None:
        self.lease = Lease(owner, lease)
        self._database = database
        self._owner = owner
        self._columns = OrderColumns(cipher, owner)
        self._clock = DatabaseClock()

    @property
    def is_shared(self) -> bool:
        """Return whether the database can be used, also by other processes."""
        return not self._database.is_exclusive and self._database.prepared.is_set()

    @property
    def is_leased(self) -> bool:
        """Return whether no other process can have taken over rows of this one, by the monotonic clock."""
        return not self.is_shared or self.lease.is_held

    @property
    def is_renewal_due(self) -> bool:
        """Return whether the lease is to be renewed."""
        return self.is_shared and self.lease.is_renewal_due

    async def write(
        self,
        new: Sequence[Entry],
        changed: Sequence[Entry],
        marks: Marks = NO_MARKS,
        held: Collection[Entry] | None = (),
    ) -> Written:
        """Insert and update rows in one transaction, in which no other process writes orders for the same sessions.

        A resume is recorded as sent only if no pause is running or was given later, and nobody ends the session. The
        cards of sessions are marked, as `marks` says. If the lease is renewed, it is found out what became of the rows
        that are `held`. It is not renewed without them.
        """
        began, kept = time.monotonic(), held if self.is_renewal_due else None
        work = partial(self._write, new, changed, marks, kept)
        try:
            written = await self._database.change(work, is_urgent=True)
        except ClockSetError:  # now it is known
            written = await self._database.change(work, is_urgent=True)
        if kept is not None:
            self.lease.renewed_at = began
        if written.crossed:
            self._database.news.orders.set()
        if any(row.state is State.TOLD for row in (*new, *changed)):
            self._database.news.audit.set()
        return written

    def _write(
        self,
        new: Sequence[Entry],
        changed: Sequence[Entry],
        marks: Marks,
        held: Collection[Entry] | None,
        connection: Connection,
    ) -> Written:
        sending = [row for row in changed if row.is_being_sent]
        resumes = [row for row in sending if row.order.verb is Verb.RESUME]
        asked = self._clock.ask(connection, session_locks(row.order for row in (*new, *sending)))
        offset = self._clock.expect(connection)
        if held is not None:
            self.lease.renew(connection, time.monotonic() + offset)
        owners = connection.queue(OWNERS, *([{"ids": listed(row.id for row in held)}] if held else ()))
        inserted = connection.queue(_INSERT, *(self._columns.values(row, offset) for row in new))
        pauses = [row for row in (*new, *sending) if row.order.verb is Verb.PAUSE]
        given_at = {row.id: row.given_at for row in (*pauses, *resumes)}
        values = [opposition_values(self._owner, given_at, self._clock)] if given_at else ()
        others = connection.queue(OTHER_ORDERS, *values)
        changes = {row.id: connection.queue(CHANGE_SINCE, one) for row in resumes if (one := self._since(row.order))}
        updated = connection.queue(_UPDATE, *(self._columns.changes(row, offset) for row in changed))
        ends = connection.queue(ENDINGS, *([{"ids": listed(row.id for row in resumes)}] if resumes else ()))
        undone = self._undo(connection, changed, offset)
        self._add_to_trail(connection, (*new, *changed))
        cards = mark(connection, marks, time.monotonic() + offset)
        self._clock.confirm(asked, offset)
        opposition = read_opposition(others.fetch_all(), given_at, self._clock)
        opposition = with_changes(with_endings(opposition, ends.fetch_all()), changes)
        held_back = frozenset(row.id for row in resumes if opposition.get(row.id, NO_OPPOSITION).holds_back)
        repeated, again = (NO_IDS, []) if inserted.count() == len(new) else _find_stored(connection, new)
        repaired = connection.queue(_UPDATE, *(self._columns.changes(row, offset) for row in again))
        self._add_to_trail(connection, again)
        fates = find_fates(owners, held or (), self._owner, offset)
        if updated.count() + repaired.count() < len(changed) + len(again):
            theirs = connection.queue(OWNERS, {"ids": listed(row.id for row in (*again, *changed))})
            fates |= find_fates(theirs, (*again, *changed), self._owner, offset)
        lost = repeated | {name for name, fate in fates.items() if fate is RowFate.TAKEN_OVER}
        if any(one.count() for one in undone.values()):
            self._database.news.tell(connection, ORDERS)
        if cards and any(one.names for one in cards.values()):
            self._database.news.tell(connection, CARDS)
        waiting = [replace(row, state=State.WAITING) for row in resumes if row.id in held_back]
        connection.queue(_UPDATE, *(self._columns.changes(row, offset) for row in waiting))
        return Written(lost, fates, held_back, opposition, cards, frozenset(undone))

    def _add_to_trail(self, connection: Connection, rows: Sequence[Entry]) -> None:
        ended = [{"id": row.id, "owner": self._owner} for row in rows if row.state is State.TOLD]
        connection.queue(ADD_ORDER, *ended)

    async def find_opposition(self, order_id: str) -> Opposition:
        """Return the opposition of a stored row."""
        given = {order_id: time.monotonic()}  # its row has the earlier time
        rows = await self._database.fetch_all(OTHER_ORDERS, **opposition_values(self._owner, given, self._clock))
        return read_opposition(rows, given, self._clock).get(order_id, NO_OPPOSITION)

    async def resumed_after(self, order_id: str) -> str | None:
        """Return who resumed the session of a stored pause after it was given, if anybody did."""
        latest = self._clock.latest(time.monotonic())
        row = await self._database.fetch_one(LATER_RESUME, id=order_id, latest=latest)
        return None if row is None else str(row.user_id)

    async def ending(self, order_id: str) -> Ending | None:
        """Return the end of the session of a stored order that speaks against a resume, if there is one."""
        rows = await self._database.fetch_all(ENDINGS, ids=listed([order_id]))
        return with_endings({}, rows).get(order_id, NO_OPPOSITION).ending

    async def change_since(self, order: Order) -> Row | None:
        """Return the last pause or resume of a resume's session after its `expected_version`, if there is any."""
        values = self._since(order)
        return None if values is None else await self._database.fetch_one(CHANGE_SINCE, **values)

    def _since(self, order: Order) -> dict[str, object] | None:
        """Return the parameters of CHANGE_SINCE; None for an order without a version."""
        version = order.expected_version
        if version is None:
            return None
        names = {"team_id": order.actor.team_id, "session_id": order.session_id}
        times = {"made_at": made_at(version), "latest": self._clock.latest(time.monotonic())}
        return {"version": version, "is_drill": int(order.source is Source.DRILL), **names, **times}

    def _undo(self, connection: Connection, changed: Sequence[Entry], offset: float) -> dict[str, Statement]:
        """Let the resumes be told as undone that confirmed pauses have crossed. Return this by the pauses' ids."""
        undone = {}
        for row in changed:
            if row.has_crossed and isinstance(row.outcome, Paused):
                order, given_at = row.order, row.given_at + offset
                _, fields = write_outcome(Undone(row.id, order.actor.user_id, given_at))
                until = (row.settled_at or row.given_at) + offset + CLOCK_ERROR  # the transaction can be a repeated one
                values = {"fields": fields, "since": given_at - CLOCK_ERROR, "until": until, "owner": self._owner}
                values |= {"team_id": order.actor.team_id, "session_id": order.session_id}
                undone[row.id] = connection.queue(_UNDO, *([values] if self.is_shared else ()))
        return undone

    async def has_unfinished(self, known: Collection[str] = NO_IDS) -> bool:
        """Return whether there are unfinished orders of other processes, or of this one beside those that it knows."""
        return await self._database.fetch_one(_NOT_KNOWN, owner=self._owner, known=listed(known)) is not None

    async def take_over(self, *, all_leases: bool, known: Collection[str] = NO_IDS) -> list[Entry]:
        """Take over unfinished orders of processes that have ended, and return at most MOST_TAKEN, the oldest first.

        Old ones of this process count as left, too, if it knows nothing of them: an earlier call that seemed to fail
        can have taken them over. `all_leases` also takes those of processes whose lease still runs, since no other bot
        can use the database; orders of the command line run beside the bot.
        """
        work = partial(self._take_over, all_leases, listed(known))
        taken, now = await self._database.change(work, is_urgent=True)
        return [self._columns.entry(row, now) for row in taken]

    def _take_over(self, all_leases: bool, known: str, connection: Connection) -> tuple[list[Row], float]:  # noqa: FBT001 - see partial
        offset = self._clock.offset(connection)
        now = time.monotonic() + offset
        if not all_leases and time.monotonic() < self._clock.stepped_at + self.lease.seconds:
            return [], now  # living processes renew their leases first
        # first: two processes must not wait for each other. What is lost by now is found out by the next `write`
        self.lease.renew(connection, now)
        ended = listed(self.lease.find_ended(connection, now))
        values = {"owner": self._owner, "ended": ended, "known": known, "all_leases": int(all_leases)}
        left = connection.fetch_all(_LEFT, **values, before=now - self.lease.seconds, most=MOST_TAKEN)
        ids = listed(row.id for row in left)
        connection.execute(_TAKE, ids=ids, owner=self._owner)
        return connection.fetch_all(_UNFINISHED, ids=ids), now

    async def outcome_of(self, trigger_id: str) -> Outcome | None:
        """Return the outcome of the order with this trigger, if it is known."""
        sql = "SELECT outcome, outcome_fields FROM orders WHERE trigger_id = :trigger_id AND outcome IS NOT NULL"
        row = await self._database.fetch_one(sql, trigger_id=storable(trigger_id))
        return None if row is None else read_outcome(*row)


def _find_stored(connection: Connection, new: Sequence[Entry]) -> tuple[frozenset[str], list[Entry]]:
    """Return the ids of new rows whose trigger is stored, and the rows that an earlier call may have stored.

    That call seemed to fail.
    """
    ids = frozenset(row.id for row in new)
    stored = frozenset(row.id for row in connection.fetch_all(_STORED, ids=listed(ids)))
    return ids - stored, [row for row in new if row.id in stored]
