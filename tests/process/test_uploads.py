"""Unsigned uploads: those that break off leave no memory, and slow ones delay no command."""

import asyncio
import time
import uuid
from contextlib import closing, suppress
from pathlib import Path
from statistics import median

import pytest

from harness.load import LoadHarness, under_load

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

SIZE = 1024 * 1024


def megabytes(at: LoadHarness) -> float:
    status = Path(f"/proc/{at.bot.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def upload(at: LoadHarness, *, is_forged: bool, pieces: int = 1, pause: float = 0.05) -> None:
    """Send all of a body but its end, and go. A forged signature has the form of Slack's."""
    host, _, port = at.bot.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    names = f"X-Slack-Request-Timestamp: {time.time():.0f}\r\nX-Slack-Signature: v0={'a' * 64}\r\n" * is_forged
    head = f"POST /slack/events HTTP/1.1\r\nHost: a\r\n{names}Content-Length: {SIZE}\r\n\r\n"
    with closing(writer), suppress(OSError, RuntimeError):  # uvloop's error of a connection that the bot has closed
        writer.write(head.encode())
        for _ in range(pieces):
            if reader.at_eof():
                break
            writer.write(b"a" * (SIZE // pieces - 1))
            await writer.drain()
            await asyncio.sleep(pause)


async def keep_uploading(at: LoadHarness, seconds: float) -> None:
    """Send bodies slowly, and another after each that is dropped."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        await upload(at, is_forged=True, pieces=300, pause=0.1)


async def growth(count: int, *, is_forged: bool) -> float:
    """Break uploads off, 20 at a time, and return by how many megabytes the bot has grown."""
    async with under_load(anchor_takes=0.0) as at:
        await at.command("U0PERSON001", str(uuid.uuid4()))
        await asyncio.sleep(2.0)
        before = megabytes(at)
        for _ in range(count // 20):
            await asyncio.gather(*(upload(at, is_forged=is_forged) for _ in range(20)))
        await asyncio.sleep(3.0)
        return megabytes(at) - before


@pytest.mark.parametrize("is_forged", [False, True], ids=["without headers", "with forged headers"])
@pytest.mark.parametrize(
    ("count", "processes"), [(200, 1), pytest.param(1_000, 3, marks=pytest.mark.long)], ids=["200", "1,000"]
)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux shows the memory of another process")
async def test_broken_uploads_leave_no_memory(count: int, processes: int, *, is_forged: bool) -> None:
    assert median([await growth(count, is_forged=is_forged) for _ in range(processes)]) <= 20.0


@pytest.mark.long
@pytest.mark.realtime
async def test_slow_uploads_delay_no_command() -> None:
    async with under_load(anchor_takes=0.0) as at:
        slow = [asyncio.create_task(keep_uploading(at, 60.0)) for _ in range(500)]
        acks = []
        for _ in range(20):
            await asyncio.sleep(1.4)
            acks.append(await at.command("U0PERSON001", str(uuid.uuid4())))
        for each in slow:
            each.cancel()
        await asyncio.wait(slow)
        await asyncio.sleep(1.0)
    assert max(acks) < 1.0
