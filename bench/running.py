"""Start an application on its own core, wait until it answers, and stop it."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bench.applications import Application
from bench.http_client import get_status, is_listening
from bench.load import Load
from bench.machine import resident_mb
from bench.people import Person
from bench.services import Services

_READY_WITHIN = 300.0  # seconds; with valgrind it takes 30, or much longer on a busy machine
_GONE_WITHIN = 15.0
_POLL_INTERVAL = 0.005
_OK = 200
_LOG_LINES = 15


class NotStartedError(Exception):
    """An application ended or did not answer; the text has the end of its log."""


@dataclass(frozen=True, slots=True)
class Running:
    """A started application, and the load for it; `startup` is the seconds until its first answer."""

    application: Application
    load: Load
    processes: Sequence[subprocess.Popen[bytes]]
    startup: float

    @property
    def pids(self) -> list[int]:
        """Return the ids of the processes."""
        return [process.pid for process in self.processes]

    def resident_mb(self) -> float:
        """Return the resident memory of all processes together."""
        return sum(map(resident_mb, self.pids))

    def jump(self, services: Services, seconds: float) -> None:
        """Let time pass for the bot and the services: they close the connections. The clock of a peer does not jump."""
        self.load.close()
        services.close_connections()
        if self.application.revision is not None:
            for process in self.processes:
                process.send_signal(signal.SIGUSR2)
            services.time_offset += seconds


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starter of applications: `prefix` is the command that pins them to their core."""

    services: Services
    prefix: Sequence[str]
    directory: Path

    @asynccontextmanager
    async def run(
        self, application: Application, database_url: str, *, with_jumps: bool = False
    ) -> AsyncIterator[Running]:
        """Run an application. Raises NotStartedError."""
        ports, began = [_free_port() for _ in range(application.replicas)], time.monotonic()
        log = self.directory / f"{application.full_name.replace('/', '-')}.log"
        with log.open("wb") as output:
            processes = [self._start(application, port, database_url, output, with_jumps=with_jumps) for port in ports]
        load = Load(self.services, [] if application.is_socket else ports)
        try:
            for process, port in zip(processes, ports, strict=True):
                await _wait_until_ready(application, process, port, log)
            await _answer_first(load, self.services)
            yield Running(application, load, processes, time.monotonic() - began)
        finally:
            load.close()
            for process in processes:
                _stop(process)

    def _start(
        self, application: Application, port: int, database_url: str, output: BinaryIO, *, with_jumps: bool
    ) -> subprocess.Popen[bytes]:
        urls = {
            "SLACK_API_URL": f"{self.services.slack_url}/api/",
            "ANCHOR_API_URL": self.services.anchor_url,
        }
        return subprocess.Popen(  # noqa: S603 - ours
            [*self.prefix, *application.command_line(with_jumps=with_jumps)],
            env=application.variables(urls, port, database_url),
            cwd=tempfile.mkdtemp(dir=self.directory),  # a bot of one workspace makes its database there
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


async def _wait_until_ready(application: Application, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + _READY_WITHIN
    while not await _is_ready(application, port):
        if process.poll() is not None or time.monotonic() > ends:
            raise NotStartedError(f"{application.full_name} did not start:\n{_tail(log)}")
        await asyncio.sleep(_POLL_INTERVAL)


async def _is_ready(application: Application, port: int) -> bool:
    """Return whether the bot says that it is ready, or whether a peer accepts connections."""
    if application.revision is None:
        return await is_listening(port)
    return await get_status(port, "/readyz") == _OK


async def _answer_first(load: Load, services: Services) -> None:
    """Send the first command. Raises NotStartedError if its answer is wrong."""
    async with asyncio.timeout(_READY_WITHIN):
        await load.command(Person())
    if problems := services.book.check():
        raise NotStartedError(f"the first answer is wrong: {'; '.join(problems)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text().splitlines()[-_LOG_LINES:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GONE_WITHIN)
        return
    process.kill()
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
