"""The memory of the bot does not grow with the number of requests."""

import asyncio
import itertools
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.load import LoadHarness, under_load

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.no_cover, pytest.mark.timeout(1200)]

ORDERS = 100_000
FIRST = 10_000
PEOPLE = 200
AT_A_TIME = 50


async def order(at: LoadHarness, numbers: range) -> None:
    """Order a pause of a new session for each number, half of them by a click on a new message."""
    waiting = iter(numbers)

    async def work() -> None:
        for number in waiting:
            send = at.click if number % 2 else at.command
            await send(f"U0PERSON{number % PEOPLE:03}", str(uuid.UUID(int=number)))

    await asyncio.gather(*(work() for _ in range(AT_A_TIME)))


async def memory(at: LoadHarness, orders: int) -> int:
    """Wait until Anchor has had all orders and their results are delivered, and return the bot's memory in KiB."""
    async with asyncio.timeout(120):
        while (await at.counts()).get("anchor", 0) < orders:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.2)
    await asyncio.sleep(2)
    status = Path(f"/proc/{at.bot.process.pid}/status").read_text()  # noqa: ASYNC240 - no disk behind it
    return int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux shows the memory of another process")
async def test_the_memory_does_not_grow_with_the_number_of_orders(
    record_testsuite_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    async with under_load(anchor_takes=0.0) as at:
        kibibytes = {0: await memory(at, 0)}
        for begin, end in itertools.pairwise([0, FIRST, ORDERS // 2, ORDERS]):
            await order(at, range(begin, end))
            kibibytes[end] = await memory(at, end)
    record_testsuite_property("KiB of memory by number of orders", kibibytes)
    with capsys.disabled():
        print(f"\nKiB of memory by number of orders: {kibibytes}")  # noqa: T201 - a result to look at
    assert kibibytes[ORDERS] <= 1.1 * kibibytes[FIRST], kibibytes
