"""The measures: each puts one load on one application, checks all answers, and returns numbers by name."""

import asyncio
import gc
import itertools
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from statistics import median, quantiles

from bench.applications import Application
from bench.databases import Databases
from bench.hour_later import HOUR
from bench.machine import Meter, pinned
from bench.orders import Order
from bench.people import Card, Person
from bench.running import Launcher, Running
from bench.services import Delays, Services

IN_FLIGHT = 32
BURST = 1_000
WORKSPACES = 500
CLICKS = 20
TOGETHER = 500  # commands
PEOPLE = 10
LONG_RUN, LONG_SLICE = 100_000, 10_000
FEW_INSTALLED, MANY_INSTALLED, ACTIVE = 10, 10_000, 10
USUAL = Delays(anchor=0.05, response_url=0.04, web_api=0.04)
LOADED = 2_000  # commands, before the memory is read again
ACK_DEADLINE = 3.0  # seconds that Slack waits

NO_DELAYS = Delays()
KNOWN = [Person(0, number) for number in range(50)]
_WARM_UP = 4.0  # seconds: Node compiles for long
_IDLE = 0.5  # seconds before a burst
_SETTLED = 0.1  # seconds
_LONGEST = 900.0  # seconds for one measure


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that a measure of one application needs; `cores` are that of the load and that of the application.

    `problems` collects what was wrong.
    """

    application: Application
    services: Services
    launcher: Launcher
    databases: Databases
    cores: tuple[int, int]
    seconds: float
    problems: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def start(
        self,
        *,
        installed: int = WORKSPACES,
        cards: int = 0,
        with_jumps: bool = False,
        under: Sequence[str] = (),
        on_all_cores: bool = False,
    ) -> AsyncIterator[Running]:
        """Run the application, `under` another program if one is given, with so many cards.

        If it serves many workspaces, so many are installed.
        """
        is_pinned = bool(self.launcher.prefix)
        prefix = pinned(*self.cores) if on_all_cores and is_pinned else self.launcher.prefix
        launcher = replace(self.launcher, prefix=(*prefix, *under))
        with self.databases.copy(self.application, installed, cards) as url:
            async with launcher.run(self.application, url, with_jumps=with_jumps) as running:
                yield running

    def checked(self, delays: Delays) -> AbstractAsyncContextManager[None]:
        """Set the delays inside the block, and check all its orders at the end."""
        return self._checked(delays)

    @asynccontextmanager
    async def _checked(self, delays: Delays) -> AsyncIterator[None]:
        gc.collect()  # it is off otherwise: a collection would count as the application's time
        self.services.delays = delays
        async with asyncio.timeout(_LONGEST):
            yield
        await asyncio.sleep(0.1)  # for a message too many
        self.problems.extend(self.services.book.check())


async def together(stage: Stage, running: Running) -> dict[str, float]:
    """Return the milliseconds from a command to its ack and to the call of Anchor, with 32 in flight."""
    async with stage.checked(USUAL):
        orders = await running.load.run(itertools.islice(itertools.cycle(KNOWN), TOGETHER), IN_FLIGHT)
    return {
        "together_ack": _ms(order.acked_at - order.sent_at for order in orders),
        "together_anchor": _ms(order.anchor_at - order.sent_at for order in orders),
    }


async def throughput(stage: Stage, running: Running) -> dict[str, float]:
    """Return how many commands an application that is warm answers, with 32 in flight."""
    return await _flood(stage, running, KNOWN)


async def burst(stage: Stage, running: Running) -> dict[str, float]:
    """Return the slowest of 1,000 commands that an idle application gets at once, each over a connection of its own."""
    async with stage.checked(USUAL):
        await running.load.run(KNOWN, 1)
        running.load.close()
        await asyncio.sleep(_IDLE)
        people = itertools.islice(itertools.cycle(KNOWN), BURST)
        orders = await running.load.run(people, BURST)
    acks = [order.acked_at - order.sent_at for order in orders]
    return {
        "slowest_ack": max(acks) * 1000,
        "slowest_message": max(order.message_at - order.sent_at for order in orders) * 1000,
        "late": float(sum(seconds > ACK_DEADLINE for seconds in acks)),
    }


async def click(stage: Stage) -> dict[str, float]:
    """Return the milliseconds from a click to its ack, to the call of Anchor, and to what is seen of it.

    One click at a time, each on a card of its own. Peers have no cards.
    """
    has_cards = stage.application.revision is not None
    async with stage.start(cards=CLICKS + 1) as running, stage.checked(USUAL):
        await running.load.run(KNOWN, IN_FLIGHT)
        orders = [
            await running.load.click(KNOWN[0], Card(number), ends_with_card=has_cards) for number in range(CLICKS + 1)
        ]
    del orders[0]
    numbers = {
        "click_ack": _ms(order.acked_at - order.sent_at for order in orders),
        "click_anchor": _ms(order.anchor_at - order.sent_at for order in orders),
        "click_message": _ms(order.message_at - order.sent_at for order in orders),
    }
    return numbers | ({"click_card": _ms(order.card_at - order.sent_at for order in orders)} if has_cards else {})


async def workspaces(stage: Stage, running: Running) -> dict[str, float]:
    """Return the throughput with 500 people of one workspace, and with one person in each of 500."""
    one = await _flood(stage, running, [Person(0, number) for number in range(WORKSPACES)])
    many = await _flood(stage, running, [Person(number, 0) for number in range(WORKSPACES)])
    return {
        "one_workspace": one["throughput"],
        "many_workspaces": many["throughput"],
        "many_to_one": many["throughput"] / one["throughput"],
        "one_cpu": one["cpu"],
        "many_cpu": many["cpu"],
    }


async def memory(stage: Stage, running: Running) -> dict[str, float]:
    """Return the startup time, and the memory before and after a load. It has to be the first measure of a start."""
    idle = running.resident_mb()
    async with stage.checked(NO_DELAYS):
        await running.load.run(itertools.islice(itertools.cycle(KNOWN), LOADED), IN_FLIGHT)
    return {"startup": running.startup, "idle": idle, "loaded": running.resident_mb()}


async def person(stage: Stage) -> dict[str, float]:
    """Return the milliseconds to the message of a person's first and second command, and of one an hour later."""
    services = stage.services
    first, second, later = list[Order](), list[Order](), list[Order]()
    async with stage.start(with_jumps=True) as running, stage.checked(USUAL):
        await running.load.run(KNOWN[:1], 1)
        for number in range(PEOPLE):
            somebody = Person(0, 1_000 + number)
            first.append(await running.load.command(somebody))
            second.append(await running.load.command(somebody))
        for order in first:
            await asyncio.sleep(_SETTLED)  # else a call whose answer is on its way would be repeated
            running.jump(services, HOUR)
            await asyncio.sleep(_SETTLED)  # until the signal has arrived
            later.append(await running.load.command(order.person))
    services.time_offset = 0.0
    names = ("first", "second", "later")
    kinds = zip(names, (first, second, later), strict=True)
    return {name: _ms(order.message_at - order.sent_at for order in orders) for name, orders in kinds}


async def flat(stage: Stage) -> dict[str, float]:
    """Return whether 100,000 commands, or 10,000 installed workspaces, make the application slower."""
    async with stage.start() as running, stage.checked(NO_DELAYS):
        await running.load.run(KNOWN, IN_FLIGHT)
        first = await running.load.run(itertools.islice(itertools.cycle(KNOWN), LONG_SLICE), IN_FLIGHT)
        memory_first = running.resident_mb()
        last = await running.load.run(itertools.islice(itertools.cycle(KNOWN), LONG_RUN - LONG_SLICE), IN_FLIGHT)
        numbers = {"first_mb": memory_first, "last_mb": running.resident_mb()}
    numbers |= {"first_slice": _rate(first), "last_slice": _rate(last[-LONG_SLICE:])}
    numbers["last_to_first"] = numbers["last_slice"] / numbers["first_slice"]
    if stage.application.has_many:
        few, many = [await _with_installed(stage, count) for count in (FEW_INSTALLED, MANY_INSTALLED)]
        numbers |= {"few_installed": few, "many_installed": many, "many_to_few": many / few}
    return numbers


async def _with_installed(stage: Stage, installed: int) -> float:
    people = [Person(number * installed // ACTIVE, 0) for number in range(ACTIVE)]
    async with stage.start(installed=installed) as running:
        return (await _flood(stage, running, people))["throughput"]


async def _flood(stage: Stage, running: Running, people: Sequence[Person]) -> dict[str, float]:
    """Let each person send a command, and then all of them as many as the application answers in the time."""
    load, meter = running.load, Meter(((os.getpid(),), running.pids), stage.cores)
    async with stage.checked(NO_DELAYS):
        await load.run(people, IN_FLIGHT)
        await load.run(_until(_WARM_UP, people), IN_FLIGHT)
        meter.start()
        orders = await load.run(_until(stage.seconds, people), IN_FLIGHT)
        of_load, of_application = meter.stop()
    acks = quantiles((order.acked_at - order.sent_at for order in orders), n=100)
    return {
        "throughput": _rate(orders),
        "ack_p50": acks[49] * 1000,
        "ack_p99": acks[98] * 1000,
        "cpu": of_application.cpu / len(orders) * 1000,
        "load": of_load.own_share * 100,
        "others": of_application.others_share * 100,
        "load_others": of_load.others_share * 100,
    }


def _until(seconds: float, people: Sequence[Person]) -> Iterator[Person]:
    """Yield people until the time is over."""
    ends = time.perf_counter() + seconds
    for somebody in itertools.cycle(people):
        if time.perf_counter() >= ends:
            return
        yield somebody


def _rate(orders: Sequence[Order]) -> float:
    """Return the messages per second."""
    began, ended = min(order.sent_at for order in orders), max(order.message_at for order in orders)
    return len(orders) / (ended - began)


def _ms(seconds: Iterable[float]) -> float:
    return median(seconds) * 1000
