"""A real PgBouncer before the PostgreSQL of the tests, with the settings of docs/workspaces.md."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bot.sim.local_server import free_port
from harness.conversation import until
from harness.databases import ACCOUNT, server_directory
from harness.programs import program

_SETTINGS = """
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


@dataclass(slots=True)
class Pooler:
    """A pooler of a few connections. It is not there between `stop` and `start`."""

    url: str
    directory: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        account = ("-u", ACCOUNT) if os.geteuid() == 0 else ()  # it refuses to run as root
        command, null = (program("pgbouncer"), *account, self.directory / "pgbouncer.ini"), asyncio.subprocess.DEVNULL
        self.process = await asyncio.create_subprocess_exec(*command, stdout=null, stderr=null)
        await until(self._answers)

    async def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
            self.process = None

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(self.url).port)
        except OSError:
            return False
        writer.close()
        return True


@asynccontextmanager
async def pooler(url: str, *, connections: int) -> AsyncIterator[Pooler]:
    """Run PgBouncer with so many connections to the database at `url`."""
    parts, port, directory = urlsplit(url), free_port(), server_directory()
    host = parse_qs(parts.query)["host"][0]
    settings = _SETTINGS.format(host=host, user=parts.username, port=port, connections=connections)
    (directory / "pgbouncer.ini").write_text(settings)
    own = Pooler(parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}", query="").geturl(), directory)
    try:
        await own.start()
        yield own
    finally:
        await own.stop()
        shutil.rmtree(directory)
