"""An hour in which nobody asks for anything: what the application costs."""

import asyncio

from bench.machine import Meter, wakeups
from bench.measures import USUAL, Stage
from bench.people import Card

IDLE_SECONDS = 60.0
"""A whole minute, after which most of the bot's timers begin again."""

CARDS = 1_000
_SETTLED = 10.0
_HOUR = 3600.0


async def idle(stage: Stage) -> dict[str, float]:
    """Return the processor seconds of an hour and the wakeups a second; with open cards, too, if it has any."""
    numbers = await _idle(stage, 0)
    if stage.application.revision is not None:
        numbers |= {f"{name}_with_cards": value for name, value in (await _idle(stage, CARDS)).items()}
    return numbers


async def _idle(stage: Stage, cards: int) -> dict[str, float]:
    stage.services.running = [Card(number).session for number in range(cards)]
    async with stage.start(cards=cards) as running, stage.checked(USUAL):
        await asyncio.sleep(_SETTLED)
        meter, before = Meter((running.pids,), stage.cores[1:]), wakeups(running.pids)
        meter.start()
        await asyncio.sleep(IDLE_SECONDS)
        (usage,) = meter.stop()
        woken = wakeups(running.pids) - before
    return {"idle_cpu": usage.cpu / IDLE_SECONDS * _HOUR, "idle_wakeups": woken / IDLE_SECONDS}
