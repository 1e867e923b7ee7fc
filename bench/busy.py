"""A busy machine: commands arrive while other programs keep every core busy."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from bench.measures import ACK_DEADLINE, IN_FLIGHT, KNOWN, LOADED, USUAL, Stage

RATE, SECONDS = 100, 30
_PROGRAM = (sys.executable, "-c", "while True: pass")


async def busy(stage: Stage) -> dict[str, float]:
    """Return how long acks take: the application has all cores, and shares each with a program that never waits."""
    async with stage.start(on_all_cores=True) as running, stage.checked(USUAL):
        await running.load.run(itertools.islice(itertools.cycle(KNOWN), LOADED), IN_FLIGHT)
        with _kept_busy(stage.cores):
            orders = await running.load.run_at(RATE, itertools.islice(itertools.cycle(KNOWN), RATE * SECONDS))
    acks = sorted(order.acked_at - order.sent_at for order in orders)
    return {
        "busy_p50": acks[len(acks) // 2] * 1000,
        "busy_p99": acks[len(acks) * 99 // 100] * 1000,
        "busy_slowest": acks[-1] * 1000,
        "busy_late": float(sum(ack > ACK_DEADLINE for ack in acks)),
    }


@contextmanager
def _kept_busy(cores: Sequence[int]) -> Iterator[None]:
    with ExitStack() as stack:
        for core in cores:
            program = stack.enter_context(subprocess.Popen(_PROGRAM))  # noqa: S603 - fixed
            stack.callback(program.kill)
            os.sched_setaffinity(program.pid, {core})
        yield
