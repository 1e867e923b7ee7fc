"""Measure on a real PostgreSQL how long the transaction takes that claims due cards and records what was sent."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import psycopg

from bench.databases import Databases
from bot.core.cards import Alert, first
from bot.core.fields import Secret
from bot.core.session_ids import SessionId
from bot.outbound.store.card_values import CardChanges, ClaimedCard, SentCard, write_content
from bot.outbound.store.cards import CardRows
from bot.outbound.store.connections import Connection, Pool
from bot.outbound.store.secrets import new_key
from bot.outbound.store.store import open_store
from bot.usecases.cards import MOST_SENDING

_T = TypeVar("_T")

SIZES = ((1_000, 1_000), (10_000, 1_000), (100_000, 1_000), (100_000, 20_000), (1_000_000, 20_000))
"""How many cards are open, and how many of these are due to be posted."""

_ROUNDS = 20
_IN_CHANNEL = 20  # cards of a workspace: each has one channel
_SESSION = SessionId("00000000-0000-4000-8000-000000000000")
_FILL = """
    INSERT INTO cards (id, team_id, channel_id, ts, session_id, kind, content, version, due, not_before, attempts,
      created_at, changed_at)
    SELECT lpad(n::text, 12, '0'), 'T' || n %% %(teams)s, 'C' || n %% %(teams)s, CASE WHEN n > %(due)s THEN n::text END,
      n::text, 'alert', %(content)s, 0, CASE WHEN n <= %(due)s THEN %(now)s + n * 1e-3 END, 0, 0, %(now)s, %(now)s
    FROM generate_series(1, %(count)s) AS n
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A transaction with so many open cards: the fastest of several that claim as many messages as this one."""

    cards: int
    due: int
    claimed: int
    statements: int
    seconds: float
    bytes_each: float


async def measure() -> list[Claim]:
    """Return a claim for each size."""
    with _databases() as databases:
        return [await _measure(databases, cards, due) for cards, due in SIZES]


@contextmanager
def _databases() -> Iterator[Databases]:
    with tempfile.TemporaryDirectory() as directory:
        databases = Databases(Path(directory))
        try:
            yield databases
        finally:
            databases.close()


async def _measure(databases: Databases, cards: int, due: int) -> Claim:
    url = databases.create(f"open{cards}-due{due}")
    async with open_store(Secret(url), [new_key()]) as store:
        _fill(url, cards, due)
        counting = _Counting(store.database.changes)
        store.database.changes = cast("Pool", counting)
        rows, found, sent = CardRows(store.database, "bench"), list[tuple[int, float, int]](), list[SentCard]()
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            result = await rows.exchange(CardChanges(sent=sent), most=MOST_SENDING)
            found.append((-len(result.claimed), time.perf_counter() - began, counting.statements))
            sent = [_sent(card) for card in result.claimed]
        (size,) = await store.database.fetch_all("SELECT pg_total_relation_size('cards') AS bytes")
    claimed, seconds, statements = min(found)
    return Claim(cards, due, -claimed, statements, seconds, size.bytes / cards)


class _Counting:
    """Connections that count the statements of the last transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.statements = 0

    async def use(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work`, which is a transaction."""
        return await self._pool.use(lambda connection: self._count(work, connection))

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.close()

    def _count(self, work: Callable[[Connection], _T], connection: Connection) -> _T:
        counted = _Counted(connection)
        try:
            return work(cast("Connection", counted))
        finally:
            self.statements = counted.statements


class _Counted:
    """A connection that counts its statements."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.statements = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the connection has
        self.statements += name in {"fetch_all", "fetch_one", "execute", "execute_many"}
        return getattr(self._connection, name)


def _sent(card: ClaimedCard) -> SentCard:
    return SentCard(card, card.parts[0].id, "digest")


def _fill(url: str, cards: int, due: int) -> None:
    content = write_content(first(Alert(_SESSION, "The agent has spent twice its budget."), 0.0))
    values = {"teams": cards // _IN_CHANNEL, "count": cards, "due": due, "now": time.time() - 60.0, "content": content}
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(_FILL, values)
        server.execute("ANALYZE cards")
