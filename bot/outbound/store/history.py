"""Read past orders and the states of sessions, and delete what is old. Reads can raise StoreUnreachableError.

The addresses of answers (`reply`) are never read here: they are secrets.
"""

import asyncio
import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from functools import partial

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, bindparam, delete, or_, select, text

from bot.concurrency import with_grace
from bot.core.history import OUTCOMES, HistoryFilter, PastOrder, Result
from bot.core.outcomes import Paused, Resumed, Unconfirmed
from bot.core.recovery import State
from bot.core.requests import Verb
from bot.core.sessions import PHASES, Phase, SessionState
from bot.health import repeat
from bot.outbound.store.database import Database
from bot.outbound.store.database_clock import DatabaseClock
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.parameter_lists import padded
from bot.outbound.store.schema import cards, orders

_c = orders.c
_COLUMNS = [_c[field.name] for field in fields(PastOrder)]


class OrderHistory:
    """Repository of past orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, chosen: HistoryFilter, *, most: int) -> list[PastOrder]:
        """Return the newest orders, the last one first."""
        return await self._fetch(_query(chosen).order_by(_c.given_at.desc(), _c.id.desc()).limit(most))

    async def next_page(self, chosen: HistoryFilter, after: PastOrder | None, *, most: int) -> list[PastOrder]:
        """Return the orders that follow `after`, or the first ones, in the sequence in which they were given."""
        query = _query(chosen)
        if after is not None:
            is_later = or_(_c.given_at > after.given_at, and_(_c.given_at == after.given_at, _c.id > after.id))
            query = query.where(_c.given_at >= after.given_at, is_later)
        return await self._fetch(query.order_by(_c.given_at, _c.id).limit(most))

    async def now(self, chosen: HistoryFilter, ids: Collection[str]) -> list[PastOrder]:
        """Return the orders with these ids as they are now."""
        return await self._fetch(_query(chosen).where(_c.id.in_(ids)).order_by(_c.given_at, _c.id))

    async def last_team(self) -> str | None:
        """Return the workspace of the last order that was given in Slack, if there is any."""
        row = await self._database.fetch_one(
            select(_c.team_id).where(_c.team_id != "").order_by(_c.given_at.desc()).limit(1)
        )
        return None if row is None else row.team_id

    async def _fetch(self, query: Select[tuple[object, ...]]) -> list[PastOrder]:
        return [PastOrder(**row._asdict()) for row in await self._database.fetch_all(query)]


def _query(chosen: HistoryFilter) -> Select[tuple[object, ...]]:
    return select(*_COLUMNS).where(*_conditions(chosen))


def _conditions(chosen: HistoryFilter) -> Iterator[ColumnElement[bool]]:
    if chosen.team_id is not None:
        yield _c.team_id == chosen.team_id
    if chosen.session_id is not None:
        yield _c.session_id == chosen.session_id
    if chosen.user_ids:
        yield _c.user_id.in_(chosen.user_ids)
    if chosen.outcome is not None:
        yield _c.outcome == chosen.outcome
    if chosen.results:
        names = frozenset[str]().union(*(OUTCOMES[result] for result in chosen.results))
        is_open = [_c.outcome.is_(None)] if Result.UNFINISHED in chosen.results else []
        yield or_(_c.outcome.in_(names), *is_open)
    if chosen.since is not None:
        yield _c.given_at >= chosen.since


_EFFECTIVE = "', '".join(PHASES)
_LAST = text(
    f"""
    SELECT session_id, id, verb, outcome, user_id, channel_id, reason, given_at, settled_at FROM (
      SELECT orders.*, row_number() OVER (PARTITION BY session_id ORDER BY given_at DESC, id DESC) AS place
      FROM orders
      WHERE team_id = :team_id AND session_id IN :session_ids
        AND (outcome IN ('{_EFFECTIVE}') OR (outcome IS NULL AND verb = 'pause' AND state = 'sent'))
    ) AS effective WHERE place = 1
    """  # noqa: S608 - names of types
).bindparams(bindparam("session_ids", expanding=True))
"""The last order of each session that changed it, or that is a pause without an outcome."""

_SAYING_PAUSED = text(
    f"""
    SELECT DISTINCT pauses.channel_id
    FROM orders AS pauses
    WHERE pauses.team_id = :team_id AND pauses.session_id = :session_id AND pauses.verb = 'pause'
      AND pauses.outcome IN ('{Paused.__name__}', '{Unconfirmed.__name__}')
      AND pauses.delivered_by IN ('ack', 'response_url', 'response_url without thread') AND pauses.id < :order_id
      AND pauses.given_at > coalesce((SELECT max(given_at) FROM orders
        WHERE team_id = :team_id AND session_id = :session_id AND outcome = '{Resumed.__name__}' AND id < :order_id), 0)
    """  # noqa: S608 - names of types
)
"""The channels in which a result that cannot be edited says, since the resume before this one, that it is paused."""


class SessionStates:
    """Repository of the states of sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, team_id: str, session_ids: Collection[str]) -> dict[str, SessionState]:
        """Return the states of sessions by their ids, without those that nobody has changed."""
        rows = await self._database.fetch_all(_LAST, team_id=team_id, session_ids=padded(session_ids))
        return {row.session_id: _read(row) for row in rows}

    async def channels_saying_paused(self, team_id: str, session_id: str, order_id: str) -> frozenset[str]:
        """Return the channels with a result that a resume, `order_id`, has made wrong, and that cannot be edited."""
        values = {"team_id": team_id, "session_id": session_id, "order_id": order_id}
        return frozenset(row.channel_id for row in await self._database.fetch_all(_SAYING_PAUSED, **values))


def _read(row: Row[tuple[object, ...]]) -> SessionState:
    return SessionState(
        phase=Phase.PAUSING if row.outcome is None else PHASES[row.outcome],
        verb=Verb(row.verb),
        order_id=row.id,
        user_id=row.user_id,
        channel_id=row.channel_id,
        reason=row.reason,
        at=row.given_at if row.settled_at is None else row.settled_at,
    )


_log = logging.getLogger(__name__)

FIRST_DELAY = 10.0  # seconds after the start, when unfinished orders come first
INTERVAL = 3_600.0  # seconds between two looks for old orders
_DAY = 86_400.0
CARD_DAYS = 7  # after its last change; a session ends much earlier
BATCH = 200  # rows in a transaction: on SQLite those of other orders wait for it
_PAUSE = 0.2  # seconds between two transactions
_GRACE = 1.0


async def keep_pruned(database: Database, days: int) -> None:
    """Delete old rows soon after the database can be used, and then every hour, until cancelled."""
    await database.migrated.wait()
    await asyncio.sleep(FIRST_DELAY)
    await repeat(partial(prune, database, days), every=INTERVAL)


async def prune(database: Database, days: int) -> None:
    """Delete the orders that are older than so many days, and cards unchanged for a week, in small transactions.

    An unfinished order stays. Several processes can do this at the same time: each skips the rows that another one is
    deleting.
    """
    await _prune(database, orders, "given_at", days, orders.c.state == State.TOLD)
    await _prune(database, cards, "changed_at", min(days, CARD_DAYS))


async def _prune(
    database: Database, table: Table, time_column: str, days: int, *conditions: ColumnElement[bool]
) -> None:
    count = 0
    try:
        # SQLAlchemy does not take a connection back whose query was cancelled
        while deleted := await with_grace(_prune_batch(database, table, time_column, days, conditions), grace=_GRACE):
            count += deleted
            await asyncio.sleep(_PAUSE)
    except StoreUnreachableError as error:
        _log.warning(f"old {table.name} not deleted", extra={"why": str(error)})
    if count:
        _log.info(f"old {table.name} deleted", extra={table.name: count, "days": days})


async def _prune_batch(
    database: Database, table: Table, time_column: str, days: int, conditions: Sequence[ColumnElement[bool]]
) -> int:
    clock, time = DatabaseClock(), table.c[time_column]

    def delete_some(connection: Connection) -> int:
        limit = clock.now(connection) - days * _DAY
        old = select(table.c.id).where(time < limit, *conditions).order_by(time)
        ids = connection.execute(old.limit(BATCH).with_for_update(skip_locked=True)).scalars().all()
        if ids:
            connection.execute(delete(table).where(table.c.id.in_(ids)))
        return len(ids)

    return await database.change(delete_some)
