"""One person orders 500 pauses per second while Anchor is slow. Everybody else is answered as on a quiet day."""

import asyncio
import uuid
from collections.abc import Callable

import pytest

from harness.load import LoadHarness, under_load

pytestmark = [pytest.mark.anyio, pytest.mark.long, pytest.mark.no_cover]

RATE = 500  # orders per second of one person
SECONDS = 12
ANCHOR_TAKES = 5.0


async def order(at: LoadHarness, user: str, *, per_second: float, seconds: float) -> list[float]:
    """Order a pause of a new session again and again. Return how long the acks took, the shortest first."""
    loop = asyncio.get_running_loop()
    began, acks = loop.time(), []
    for number in range(round(per_second * seconds)):
        await asyncio.sleep(began + number / per_second - loop.time())
        acks.append(asyncio.create_task(at.command(user.format(number % 50), str(uuid.uuid4()))))
    return sorted(await asyncio.gather(*acks))


async def rate_of_this_machine() -> float:
    """500 orders per second, or as much too much for a slow machine."""
    loop = asyncio.get_running_loop()
    async with under_load(anchor_takes=0.0) as at:
        await order(at, "U0WARM{:03}", per_second=RATE, seconds=0.2)
        began = loop.time()
        await order(at, "U0BURST001", per_second=10 * RATE, seconds=0.2)
        return min(RATE, 750 / (loop.time() - began))


async def test_a_flood_of_one_person_delays_nobody_else(
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    rate = await rate_of_this_machine()
    async with under_load(anchor_takes=ANCHOR_TAKES) as at:
        flood = asyncio.create_task(order(at, "U0FLOOD001", per_second=rate, seconds=SECONDS))
        others = await order(at, "U0OTHER{:03}", per_second=10, seconds=SECONDS)
        flooding = await flood
        counts = await at.wait_for_results("U0FLOOD001", len(flooding))
    shown = {
        name: [round(acks[(len(acks) - 1) * part // 100], 3) for part in (50, 90, 100)]
        for name, acks in (("others", others), ("flood", flooding))
    } | {"per second": round(rate)}
    record_testsuite_property("seconds until the ack: median, 90th percentile, longest", shown)
    assert sum(counts.get(f"U0OTHER{number:03}", 0) for number in range(50)) == len(others)
    assert others[-1] < RATE / rate, shown  # one second, on a machine that is fast enough
