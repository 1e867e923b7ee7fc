"""The programs that some tests need. If one is missing, a single skipped test says so; in CI it is an error at once."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.sim.local_server import free_port
from harness.conversation import until
from harness.databases import ACCOUNT, has_postgresql, server_directory


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is not among the pinned requirements, and how it is installed on Debian."""

    names: tuple[str, ...]
    install: str

    def find(self, environ: Mapping[str, str] = os.environ) -> str | None:
        found = (shutil.which(name, path=environ.get("PATH", "")) for name in self.names)
        return next(filter(None, found), None)


PROGRAMS = {
    "alertmanager": Program(("prometheus-alertmanager", "alertmanager"), "apt install prometheus-alertmanager"),
    "caddy": Program(("caddy",), "apt install caddy"),
    "chromium": Program(("chromium", "chromium-browser", "google-chrome"), "apt install chromium"),
    "curl": Program(("curl",), "apt install curl"),
    "git": Program(("git",), "apt install git"),
    "pgbouncer": Program(("pgbouncer", "/usr/sbin/pgbouncer"), "apt install pgbouncer"),
    "promtool": Program(("promtool",), "apt install prometheus"),
    "systemd": Program(("systemd-analyze",), "apt install systemd"),
}
POSTGRESQL = "postgresql"
"""The mark of tests on PostgreSQL, which a package brings."""


def program(name: str) -> str:
    path = PROGRAMS[name].find()
    assert path is not None, f"needs {name}: {PROGRAMS[name].install}"
    return path


def needs(*names: str) -> pytest.MarkDecorator:
    assert PROGRAMS.keys() >= set(names)
    return pytest.mark.needs(*names)


def missing(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    absent = {name: one.install for name, one in PROGRAMS.items() if one.find(environ) is None}
    return absent | ({} if has_postgresql() else {POSTGRESQL: "rm -rf .venv && scripts/setup"})


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


def refuse_to_run_without(absent: Mapping[str, str]) -> None:
    """End a run in CI, where nothing is left out."""
    if in_ci() and absent:
        lines = (f"  {name}: {install}" for name, install in absent.items())
        raise pytest.UsageError("\n".join(["in CI no test is skipped, and these programs are missing:", *lines]))


def leave_out(items: list[pytest.Item], absent: Mapping[str, str]) -> list[pytest.Item]:
    """Remove and return the tests that need what is missing, but for one each, which is skipped and says how many."""
    if not absent:
        return []
    needing: dict[str, list[pytest.Item]] = {}
    for item in items:
        for name in [name for name in needed_by(item) if name in absent][:1]:
            needing.setdefault(name, []).append(item)
    for name, (first, *others) in needing.items():
        reason = f"{name} is missing, which {len(others) + 1} tests need ({absent[name]})"
        first.add_marker(pytest.mark.skip(reason=reason))
    removed = [item for _, *others in needing.values() for item in others]
    items[:] = [item for item in items if item not in removed]
    return removed


def needed_by(item: pytest.Item) -> list[str]:
    names = [name for mark in item.iter_markers("needs") for name in mark.args]
    if "browser" in getattr(item, "fixturenames", ()):
        names.append("chromium")
    return [*names, POSTGRESQL] if item.get_closest_marker(POSTGRESQL) else names


@dataclass(slots=True)
class Server:
    """A program that serves a port of this machine. It is not there between `stop` and `start`."""

    command: Sequence[str | Path]
    port: int
    directory: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        nowhere = asyncio.subprocess.DEVNULL
        self.process = await asyncio.create_subprocess_exec(
            *self.command, cwd=self.directory, stdout=nowhere, stderr=nowhere
        )
        await until(self._answers)

    async def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
            self.process = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            await self.start()
            yield
        finally:
            await self.stop()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True


_POOLER = """
[databases]
* = host={host} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
server_login_retry = 1
default_pool_size = {connections}
"""
"""The settings of docs/workspaces.md."""


@asynccontextmanager
async def pooler(url: str, *, connections: int) -> AsyncIterator[tuple[str, Server]]:
    """Run PgBouncer with so many connections to the PostgreSQL at `url`, and yield its own URL."""
    parts, port, directory = urlsplit(url), free_port(), server_directory()
    host = parse_qs(parts.query)["host"][0]
    settings = _POOLER.format(host=host, user=parts.username, port=port, connections=connections)
    (directory / "pgbouncer.ini").write_text(settings)
    account = ("-u", ACCOUNT) if os.geteuid() == 0 else ()  # it refuses to run as root
    server = Server((program("pgbouncer"), *account, directory / "pgbouncer.ini"), port, directory)
    try:
        async with server.running():
            yield parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}", query="").geturl(), server
    finally:
        shutil.rmtree(directory)
