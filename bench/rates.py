"""Commands that arrive one by one at a set rate: how long people wait, and what a command costs the operator."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from bench.machine import Disk, Meter
from bench.measures import IN_FLIGHT, KNOWN, LOADED, USUAL, Stage
from bench.running import Running

_SETTLED = 1.0  # seconds, for what follows the last message
_PARTS = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of commands at `rate` commands a second. The first rate of a start has to warm the application up."""

    rate: int
    count: int
    warm_up: int = 0

    async def run(self, stage: Stage, running: Running) -> dict[str, float]:
        """Return the milliseconds from a command to the call of Anchor and to the message, and of the processor."""
        meter = Meter((running.pids,), stage.cores[1:])
        async with stage.checked(USUAL):
            await running.load.run(itertools.islice(itertools.cycle(KNOWN), self.warm_up), IN_FLIGHT)
            await asyncio.sleep(_SETTLED)
            meter.start()
            with Disk(stage.launcher.directory) as disk:
                orders = await running.load.run_at(self.rate, itertools.islice(itertools.cycle(KNOWN), self.count))
            await asyncio.sleep(_SETTLED)
            (usage,) = meter.stop()
        numbers = {
            "anchor": percentiles([order.anchor_at - order.sent_at for order in orders]),
            "message": percentiles([order.message_at - order.sent_at for order in orders]),
        }
        named = {f"{name}_{part}": value for name, parts in numbers.items() for part, value in parts.items()}
        named |= {"cpu": usage.cpu / len(orders) * 1000, "others": usage.others_share * 100}
        named["disk"] = disk.slowest * 1000
        return {f"{name}_at_{self.rate}": value for name, value in named.items()}


RATES = (Rate(1, 10, warm_up=LOADED), Rate(25, 250), Rate(100, 1_000))


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return the percentiles in milliseconds; if there are too few values, the highest one."""
    ordered = sorted(seconds)
    return {name: ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000 for name, part in _PARTS.items()}
