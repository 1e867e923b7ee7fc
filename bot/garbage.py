"""Garbage collection while few orders run. In the middle of many it would hold them all up.

A collection looks at every new object, so at those of each order in flight: with a thousand of them, collections take
a sixth of the time. An order leaves no cycles, so there is hardly anything to find.
"""

import asyncio
import ctypes
import gc
import sys
from collections.abc import Sized
from contextlib import suppress

_INTERVAL = 1.0  # seconds between two collections of new objects,
_FEW = 10  # if no more tasks than this run; they have at most some thousand objects
_FULL_INTERVAL = 600.0  # seconds between two collections of all objects, if no task runs
_MOST_NEW = 500_000  # objects until Python collects by itself: some 50 MB, or a flood that goes on for minutes
_NEVER = 1_000_000_000  # such collections until Python collects all objects by itself

GROWTH_INTERVAL = 60.0
"""Seconds between two collections of all objects because of growth, while tasks run."""

_GROWTH = 100_000  # more blocks of memory than after the last collection of all objects: some 10 MB
_MOST_BLOCKS = 500_000  # more blocks than at the start, of which a collection of all objects takes up to 0.1 s

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of <malloc.h>
_LARGE = 64 * 1024  # bytes


def return_large_blocks() -> None:
    """Let the C library give each large block back to the system once it is free. By itself glibc keeps many."""
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)


async def collect_when_quiet(
    tasks: Sized, *, interval: float = _INTERVAL, full_interval: float = _FULL_INTERVAL
) -> None:
    """Collect garbage while few `tasks` run, until cancelled. The objects that exist by now are never looked at."""
    gc.freeze()  # the 100,000 objects of the modules
    gc.set_threshold(_MOST_NEW, 10, _NEVER)
    gc.enable()
    loop = asyncio.get_running_loop()
    at_start = blocks = sys.getallocatedblocks()
    collected_at = loop.time()
    while True:
        await asyncio.sleep(interval)
        passed, now = loop.time() - collected_at, sys.getallocatedblocks()
        has_grown = now - blocks > _GROWTH and now - at_start < _MOST_BLOCKS
        if (not tasks and passed >= full_interval) or (has_grown and passed >= GROWTH_INTERVAL):
            gc.collect()
            collected_at, blocks = loop.time(), sys.getallocatedblocks()
        elif len(tasks) <= _FEW:
            gc.collect(1)
