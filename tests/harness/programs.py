"""The programs that some tests need. A test whose program is missing is skipped; in CI it fails."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.sim.local_server import free_port
from harness.conversation import until
from harness.databases import ACCOUNT, server_directory

_NAMES = {
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "pgbouncer": ("pgbouncer", "/usr/sbin/pgbouncer"),
    "systemd": ("systemd-analyze",),
}
"""The names that a program can have, if it is not its own. tests/README.md says how they are installed."""


def find(name: str) -> str | None:
    return next(filter(None, map(shutil.which, _NAMES.get(name, (name,)))), None)


def program(name: str) -> str:
    """Return the path of a program; without it the test is skipped."""
    return find(name) or pytest.skip(f"{name} is missing")


def needs(*names: str) -> pytest.MarkDecorator:
    absent = [name for name in names if find(name) is None]
    return pytest.mark.skipif(bool(absent), reason=f"missing: {', '.join(absent)}")


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

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
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
        async with server:
            yield parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}", query="").geturl(), server
    finally:
        shutil.rmtree(directory)
