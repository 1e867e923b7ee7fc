"""Connections to PostgreSQL. Only a bot that uses it loads the driver."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Connection, Executable, Row
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.outbound.store.errors import StoreNotUsableError
from bot.outbound.store.reading import READING

_T = TypeVar("_T")

_POOL_RECYCLE = 1800  # seconds; firewalls and proxies drop older connections
_BAD_URL = "DATABASE_URL is invalid: use postgresql://user:password@host:5432/name or sqlite:///anchor-bot.db."


class PostgresqlConnections:
    """Connections to a server, in the event loop. A transaction runs in a greenlet of it."""

    def __init__(self, text: str) -> None:
        """Prepare connections to the server at `text` (DATABASE_URL). Raises StoreNotUsableError."""
        self._engine, self._reading = _engine(text), _engine(text, **READING)

    async def change(self, work: Callable[[Connection], _T]) -> _T:
        """Return the result of `work` in a transaction."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def read(self, query: Executable, values: Mapping[str, object]) -> list[Row[Any]]:
        """Return all rows, in one round trip."""
        connection = await self._reading.connect()
        try:
            return list((await connection.execute(query, values)).all())
        finally:
            await connection.close()  # `async with` would start a task for it

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
        await self._reading.dispose()


def _engine(text: str, **options: Any) -> AsyncEngine:  # noqa: ANN401 - those of SQLAlchemy
    """Open an engine on https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING.

    Raises StoreNotUsableError.
    """
    try:
        given = conninfo_to_dict(text)
    except psycopg.Error:
        raise StoreNotUsableError(_BAD_URL) from None
    defaults = {"connect_timeout": "5", "application_name": "anchor-bot"}
    conninfo = make_conninfo(text, **{name: value for name, value in defaults.items() if name not in given})
    open_one = partial(psycopg.AsyncConnection.connect, conninfo, prepare_threshold=None)  # for poolers
    return create_async_engine(
        "postgresql+psycopg://",
        async_creator=open_one,
        hide_parameters=True,
        pool_recycle=_POOL_RECYCLE,
        use_native_hstore=False,
        **options,
    )
