"""Engine for PostgreSQL. Only a bot that uses it loads the driver."""

from functools import partial
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.outbound.workspaces import StoreNotUsableError

_POOL_RECYCLE = 1800  # seconds; firewalls and proxies drop older connections
_BAD_URL = "DATABASE_URL is invalid: use postgresql://user:password@host:5432/name or sqlite:///anchor-bot.db."


def postgresql_engine(text: str, **options: Any) -> AsyncEngine:  # noqa: ANN401 - those of SQLAlchemy
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
