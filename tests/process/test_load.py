"""Many commands at once, and one person who orders far too much."""

import asyncio
import re
import resource
import uuid
from pathlib import Path

import pytest

from harness.load import LoadHarness, under_load
from harness.process import MODULE, single_workspace_process

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

LIMITS = ("open files", "core file size")
USUAL_LIMIT = 1024  # open files that Linux grants a process, unless it asks for more


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="only Linux shows the limits of another process")
async def test_the_bot_takes_as_many_sockets_as_it_may_and_dumps_no_core() -> None:
    """Each command needs two. With the usual limit, 480 at once would exhaust it, and the brake would fail for all."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = ("sh", "-c", f'ulimit -Sn {USUAL_LIMIT}; exec "$@"', "sh", *MODULE)
    async with single_workspace_process(command=command) as at:
        limits = Path(f"/proc/{at.bot.process.pid}/limits").read_text()  # noqa: ASYNC240 - no disk behind it
        assert await at.bot.stop() == 0
    (files,), (core,) = (
        re.findall(rf"^Max {name} +(\d+) +(\d+)", limits, re.MULTILINE) for name in ("open files", "core file size")
    )
    assert files == (str(min(hard, 65_536)), str(hard))
    assert core == ("0", "0")


SLACK_WAITS = 3.0


# --- one person orders 500 pauses per second while Anchor is slow: everybody else is answered as on a quiet day ---

RATE = 500  # orders per second of one person
SECONDS = 6


async def order(at: LoadHarness, user: str, *, per_second: float, seconds: float) -> list[float]:
    """Order a pause of a new session again and again. Return how long the acks took, the shortest first."""
    loop = asyncio.get_running_loop()
    began, acks = loop.time(), []
    for number in range(round(per_second * seconds)):
        await asyncio.sleep(began + number / per_second - loop.time())
        acks.append(asyncio.create_task(at.command(user.format(number % 50), str(uuid.uuid4()))))
    return sorted(await asyncio.gather(*acks))


async def rate_of_this_machine() -> float:
    """500 orders per second, or fewer that are as much too much for a slow machine."""
    loop = asyncio.get_running_loop()
    async with under_load(anchor_takes=0.0) as at:
        await order(at, "U0WARM{:03}", per_second=RATE, seconds=0.2)
        began = loop.time()
        await order(at, "U0BURST001", per_second=10 * RATE, seconds=0.2)
        return min(RATE, 750 / (loop.time() - began))


@pytest.mark.long
@pytest.mark.realtime
async def test_a_flood_of_one_person_delays_nobody_else() -> None:
    rate = await rate_of_this_machine()
    async with under_load(anchor_takes=5.0) as at:
        flood = asyncio.create_task(order(at, "U0FLOOD001", per_second=rate, seconds=SECONDS))
        others = await order(at, "U0OTHER{:03}", per_second=10, seconds=SECONDS)
        flooding = await flood
        counts = await at.wait_for_results("U0FLOOD001", len(flooding))
    assert sum(counts.get(f"U0OTHER{number:03}", 0) for number in range(50)) == len(others)
    assert others[-1] < SLACK_WAITS  # while Anchor is slow, an ack comes after 1 to 2 seconds


# --- the memory of the bot does not grow with the number of requests ---

ORDERS = 60_000
HALF = 30_000
"""The caches, of up to 10,000 entries each, are full by then."""


async def memory(at: LoadHarness, orders: int) -> int:
    """Wait until Anchor has had all orders and their results are delivered, and return the bot's memory in KiB."""
    async with asyncio.timeout(120):
        while (await at.counts()).get("anchor", 0) < orders:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.2)
    await asyncio.sleep(2)
    status = Path(f"/proc/{at.bot.process.pid}/status").read_text()  # noqa: ASYNC240 - no disk behind it
    return int(status.partition("VmRSS:")[2].split()[0])
