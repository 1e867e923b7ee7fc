"""Garbage collection while few orders run. In the middle of many it would hold them all up.

A collection looks at every new object, so at those of each order in flight: with a thousand of them, collections take
a sixth of the time. An order leaves no cycles, so there is hardly anything to find.
"""

import asyncio
import gc
from collections.abc import Sized

_INTERVAL = 1.0  # seconds between two collections of new objects,
_FEW = 10  # if no more tasks than this run; they have at most some thousand objects
_FULL_INTERVAL = 600.0  # seconds between two collections of all objects, if no task runs
_MOST_NEW = 500_000  # objects until Python collects by itself: some 50 MB, or a flood that goes on for minutes


async def collect_when_quiet(
    tasks: Sized, *, interval: float = _INTERVAL, full_interval: float = _FULL_INTERVAL
) -> None:
    """Collect garbage while few `tasks` run, until cancelled. The objects that exist by now are never looked at."""
    gc.freeze()  # the 100,000 objects of the modules
    gc.set_threshold(_MOST_NEW)
    gc.enable()
    loop = asyncio.get_running_loop()
    full_at = loop.time() + full_interval
    while True:
        await asyncio.sleep(interval)
        if not tasks and loop.time() >= full_at:
            gc.collect()
            full_at = loop.time() + full_interval
        elif len(tasks) <= _FEW:
            gc.collect(1)
