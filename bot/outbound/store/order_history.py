"""Read past orders from the journal. Every method can raise StoreUnreachableError.

The addresses of answers (`reply`) are never read here: they are secrets.
"""

from collections.abc import Collection, Iterator
from dataclasses import fields

from sqlalchemy import ColumnElement, Select, and_, or_, select

from bot.core.history import OUTCOMES, HistoryFilter, PastOrder, Result
from bot.outbound.store.database import Database
from bot.outbound.store.schema import orders

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
