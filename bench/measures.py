"""The measures: each puts one load on one application, and returns numbers by their titles.

The docstring of a measure is its explanation in the report.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from bench.applications import Application
from bench.instructions import instructions
from bench.load import PEOPLE
from bench.machine import resident_mb
from bench.orders import Order
from bench.running import USUAL, Launcher, Running

Numbers = dict[str, float]

REST = 20.0
"""Seconds before and after a measured load. All that follows a command ends meanwhile: a look for reminders, a read of
the session, and the audit trail."""

OTHERS = "others on the core, %"
"""The title of what other programs took, which is no result."""

_WARM_UP = 2_000  # commands
_IN_FLIGHT = 32
_FLOODED = 7.0, 3.0  # seconds: before and while it is measured; Node compiles for long
_CLICKS = 20
_IDLE = 60.0  # seconds, after which most of the bot's timers begin again,
_CARDS, _CARDS_CHECKED = 10_000, 256.0  # and from one check of so many cards to the next one


async def rate(launcher: Launcher, application: Application) -> Numbers:
    """Commands that arrive one by one in equal intervals: 10 at one a second, 250 at 25, 1,000 at 100.

    Anchor takes 50 ms, and Slack 40 ms for a call of a `response_url`. *Message* ends when the ack with it has arrived,
    or when Slack has processed the call. *CPU* and *switches* are per command, of all threads, with all that follows:
    from the command until 20 s after the last one.
    """
    numbers: Numbers = {}
    async with launcher.run(application) as running:
        await running.load.run(range(_WARM_UP), _IN_FLIGHT)
        running.services.delays = USUAL
        for per_second, count in ((1, 10), (25, 250), (100, 1_000)):
            await asyncio.sleep(REST)
            meter = running.meter()
            orders = await running.load.run_at(per_second, count)
            await asyncio.sleep(REST)
            usage, to_anchor, to_message = meter.read(), _to_anchor(orders), _to_message(orders)
            numbers |= {
                f"{per_second}/s: Anchor p50, ms": median(to_anchor),
                f"{per_second}/s: message p50, ms": median(to_message),
                f"{per_second}/s: message p99, ms": _percentile(to_message, 99),
                f"{per_second}/s: CPU, ms": usage.cpu / count * 1000,
                f"{per_second}/s: switches": usage.switches / count,
                f"{per_second}/s: {OTHERS}": usage.others * 100,
            }
    return numbers


async def click(launcher: Launcher, application: Application) -> Numbers:
    """One click at a time on the Pause button of an alert. Anchor takes 50 ms, and Slack 40 ms for each call.

    *Message* is when Slack has processed the update of the alert, which shows the result.
    """
    async with launcher.run(application) as running:
        await running.load.run(range(_WARM_UP), _IN_FLIGHT)
        cards = await running.load.make_cards(_CLICKS + 1)
        running.services.delays = USUAL
        orders = [await running.load.order(PEOPLE[0], card) for card in cards][1:]
    return {
        "ack, ms": _ms(order.acked_at - order.sent_at for order in orders),
        "Anchor, ms": median(_to_anchor(orders)),
        "message, ms": median(_to_message(orders)),
    }


async def flood(launcher: Launcher, application: Application) -> Numbers:
    """Startup, memory, and as many commands as the application answers with 32 in flight until their messages exist.

    Anchor and Slack answer at once. *Load* is the share of its core that the load took: near 100 %, it is the limit.
    """
    async with launcher.run(application) as running:
        memory = resident_mb(running.pid)
        warm_up, measured = _FLOODED
        await running.load.run(_until(warm_up), _IN_FLIGHT)
        meter, of_load = running.meter(), time.process_time()
        orders = await running.load.run(_until(measured), _IN_FLIGHT)
        usage, share = meter.read(), (time.process_time() - of_load) / measured
        return {
            "startup, s": running.startup,
            "memory, MB": memory,
            "commands/s": len(orders) / (max(o.message_at for o in orders) - min(o.sent_at for o in orders)),
            "CPU, ms": usage.cpu / len(orders) * 1000,
            "ack p99, ms": _percentile([(o.acked_at - o.sent_at) * 1000 for o in orders], 99),
            "then memory, MB": resident_mb(running.pid),
            "load, %": share * 100,
            OTHERS: usage.others * 100,
        }


async def idle(launcher: Launcher, application: Application) -> Numbers:
    """Measure 60 s without requests: the processor time of an hour, and how often a thread wakes.

    The bot also for 256 s with 10,000 open cards, whose sessions all run.
    """
    async with launcher.run(application) as running:
        numbers = await _idle(running, _IDLE, "")
        if application.is_bot:
            await running.load.make_cards(_CARDS)
            numbers |= await _idle(running, _CARDS_CHECKED, "10,000 cards: ")
        return numbers


async def _idle(running: Running, seconds: float, prefix: str) -> Numbers:
    await asyncio.sleep(REST)
    meter = running.meter()
    await asyncio.sleep(seconds)
    usage = meter.read()
    return {f"{prefix}CPU, s/h": usage.cpu * 3600 / seconds, f"{prefix}wakeups/s": usage.switches / seconds}


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure, and the names of the applications that it is for."""

    run: Callable[[Launcher, Application], Awaitable[Numbers]]
    applications: tuple[str, ...]


_ALL = ("http", "postgresql", "bolt-js", "bolt-python")
_BOTS = ("http", "socket", "postgresql", "socket-postgresql")

MEASURES = {
    "rate": Measure(rate, _ALL),
    "click": Measure(click, _BOTS),
    "flood": Measure(flood, _ALL),
    "idle": Measure(idle, (*_BOTS, "bolt-js")),
    "instructions": Measure(instructions, ("http", "postgresql", "bolt-python")),
}


def _until(seconds: float) -> Iterator[None]:
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        yield None


def _to_anchor(orders: Sequence[Order]) -> list[float]:
    return [(order.anchor_at - order.sent_at) * 1000 for order in orders]


def _to_message(orders: Sequence[Order]) -> list[float]:
    return [(order.message_at - order.sent_at) * 1000 for order in orders]


def _ms(seconds: Iterable[float]) -> float:
    return median(seconds) * 1000


def _percentile(values: Sequence[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]
