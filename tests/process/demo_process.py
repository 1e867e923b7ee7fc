"""The demo as a process of its own: what it says, and how it ends."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from harness.process import MODULE

UP_WITHIN = 20.0
GONE_WITHIN = 10.0


class Demo:
    """A demo that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def says(self, beginning: str) -> str:
        """Wait for a line that begins so, and return the rest of it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(UP_WITHIN):
            async for line in self.process.stdout:
                if line.decode().startswith(beginning):
                    return line.decode().removeprefix(beginning).strip()
        raise AssertionError(f"it ended without saying {beginning!r}")

    async def ends(self, number: signal.Signals) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        async with asyncio.timeout(GONE_WITHIN):
            return await self.process.wait()


@asynccontextmanager
async def demo(
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    command: Sequence[str] = MODULE,
    directory: Path | None = None,
    covered: bool = True,
) -> AsyncIterator[Demo]:
    """Start the demo with nothing but these variables, in an empty directory if none is given. It is gone at the end.

    `covered` lets coverage count what runs in it, where the tests themselves are counted.
    """
    coverage = {name: value for name, value in os.environ.items() if covered and name.startswith("COVERAGE_")}
    with tempfile.TemporaryDirectory() as empty:
        process = await asyncio.create_subprocess_exec(
            *(*command, "demo", *arguments),
            env={"PATH": os.environ["PATH"], **coverage, **(environ or {})},
            cwd=directory or empty,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield Demo(process)
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def get(url: str) -> str:
    """Fetch what must be there."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        return await answer.text()
