"""Orders for one session, in every interleaving: the last one takes effect, or its outcome is in doubt."""

import asyncio
import random
import time

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.outcomes import (
    AnchorOutcome,
    Answered,
    Done,
    Doubt,
    Failed,
    Overtaken,
    Paused,
    Resumed,
    Unconfirmed,
)
from bot.core.requests import Verb
from bot.lane import DOUBT_LASTS, Lane
from bot.tasks import Tasks

pytestmark = pytest.mark.anyio

TICK = 0.001
DONE: dict[Verb, AnchorOutcome] = {Verb.PAUSE: Paused("paused"), Verb.RESUME: Resumed("running")}


class RandomAnchor:
    """An Anchor whose orders take their time on the way, take effect at some moment, and may lose their answer.

    A lost order may take effect long after its sender has given up.
    """

    def __init__(self, seed: int) -> None:
        self.state = Verb.RESUME
        self.orders: list[Verb] = []
        self.late: set[asyncio.Task[None]] = set()
        self._chance = random.Random(seed)  # noqa: S311 - no secret

    async def order(self, verb: Verb, *, withdrawn: asyncio.Event) -> list[AnchorOutcome]:
        """One attempt, or two if the first fails and the order is not withdrawn."""
        outcomes = [await self._attempt(verb)]
        if isinstance(outcomes[0], Failed) and not withdrawn.is_set():
            outcomes.append(await self._attempt(verb))
        return outcomes

    async def _attempt(self, verb: Verb) -> AnchorOutcome:
        self.orders.append(verb)
        await self._pass_time()
        fate = self._chance.choice(["done", "done", "done", "failed", "lost"])
        if fate == "failed":
            return Failed(500)
        if fate == "lost":
            late = asyncio.ensure_future(self._take_effect(verb))
            self.late.add(late)
            return Unconfirmed(Doubt.TIMED_OUT)
        self.state = verb
        await self._pass_time()
        return DONE[verb]

    async def _take_effect(self, verb: Verb) -> None:
        await self._pass_time()
        await self._pass_time()
        self.state = verb

    async def _pass_time(self) -> None:
        await asyncio.sleep(self._chance.choice([0, 0, 1, 2, 5]) * TICK)


commands = st.lists(st.tuples(st.sampled_from(Verb), st.integers(0, 6)), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(commands, st.integers(0, 2**32))
def test_the_last_order_is_what_anchor_ends_with_or_it_is_not_called_done(
    orders: list[tuple[Verb, int]], seed: int
) -> None:
    anyio.run(_give_orders, orders, seed)


async def _give_orders(orders: list[tuple[Verb, int]], seed: int) -> None:
    anchor, tasks = RandomAnchor(seed), Tasks()
    lane = Lane(tasks, time.monotonic)
    given: list[asyncio.Future[Answered]] = []
    for verb, ticks in orders:
        given.append(lane.order(verb, anchor.order))
        await asyncio.sleep(ticks * TICK)
    outcomes = await asyncio.gather(*given)
    await asyncio.gather(*anchor.late)
    await asyncio.sleep(TICK)  # for the book-keeping of what has just ended
    last = orders[-1][0]
    assert anchor.state is last or not isinstance(outcomes[-1], Done)
    assert not isinstance(outcomes[-1], Overtaken)
    assert not lane.is_busy
    assert len(tasks) == 0


@pytest.fixture
def lane() -> Lane:
    return Lane(Tasks(), time.monotonic)


class ManualAnchor:
    """An Anchor that answers when a test says so."""

    def __init__(self) -> None:
        self.sent: list[tuple[Verb, asyncio.Future[list[AnchorOutcome]]]] = []

    async def order(self, verb: Verb, *, withdrawn: asyncio.Event) -> list[AnchorOutcome]:
        del withdrawn
        answer: asyncio.Future[list[AnchorOutcome]] = asyncio.get_running_loop().create_future()
        self.sent.append((verb, answer))
        return await answer

    async def receives(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.sent) < count:  # noqa: ASYNC110 - the loop has nothing else to do
                await asyncio.sleep(0)

    async def gets(self, lane: Lane, verb: Verb) -> asyncio.Future[Answered]:
        """Order something, and wait until it arrives."""
        ordered, count = lane.order(verb, self.order), len(self.sent)
        await self.receives(count + 1)
        return ordered

    def answer(self, number: int, *outcomes: AnchorOutcome) -> None:
        verb, answer = self.sent[number]
        answer.set_result(list(outcomes) or [DONE[verb]])


@pytest.fixture
def anchor() -> ManualAnchor:
    return ManualAnchor()


async def test_a_pause_goes_out_at_once_and_again_after_a_resume_that_was_on_its_way(
    lane: Lane, anchor: ManualAnchor
) -> None:
    resume = await anchor.gets(lane, Verb.RESUME)
    pause = await anchor.gets(lane, Verb.PAUSE)
    anchor.answer(1)
    await asyncio.sleep(TICK)
    assert not pause.done()
    anchor.answer(0)
    await anchor.receives(3)
    anchor.answer(2)
    assert (await resume, await pause) == (Resumed("running"), Paused("paused"))
    assert [verb for verb, _ in anchor.sent] == [Verb.RESUME, Verb.PAUSE, Verb.PAUSE]


async def test_a_resume_waits_for_a_pause_and_is_dropped_for_the_next(lane: Lane, anchor: ManualAnchor) -> None:
    pause = await anchor.gets(lane, Verb.PAUSE)
    dropped, dropped_too = lane.order(Verb.RESUME, anchor.order), lane.order(Verb.RESUME, anchor.order)
    again = lane.order(Verb.PAUSE, anchor.order)
    resume = lane.order(Verb.RESUME, anchor.order)
    assert (await dropped, await dropped_too) == (Overtaken(), Overtaken())
    anchor.answer(0)
    assert (await pause, await again) == (Paused("paused"), Paused("paused"))
    await anchor.receives(2)
    anchor.answer(1)
    assert await resume == Resumed("running")


async def test_a_resume_that_had_not_left_yet_is_never_sent(lane: Lane, anchor: ManualAnchor) -> None:
    resume = lane.order(Verb.RESUME, anchor.order)
    pause = await anchor.gets(lane, Verb.PAUSE)
    anchor.answer(0)
    async with asyncio.timeout(5):
        assert (await resume, await pause) == (Overtaken(), Paused("paused"))
    assert [verb for verb, _ in anchor.sent] == [Verb.PAUSE]


async def test_doubt_about_an_order_passes() -> None:
    now = 0.0
    lane, anchor = Lane(Tasks(), lambda: now), ManualAnchor()
    for expected in (Unconfirmed(Doubt.TIMED_OUT), Unconfirmed(Doubt.CROSSED), Paused("paused")):
        order = await anchor.gets(lane, Verb.PAUSE if anchor.sent else Verb.RESUME)
        anchor.answer(-1, *([expected] if expected == Unconfirmed(Doubt.TIMED_OUT) else []))
        assert await order == expected
        assert lane.is_in_doubt is (now < DOUBT_LASTS)
        now += DOUBT_LASTS / 2


async def test_an_interruption_cancels_every_order(lane: Lane, anchor: ManualAnchor) -> None:
    resume = await anchor.gets(lane, Verb.RESUME)
    pause, waiting = lane.order(Verb.PAUSE, anchor.order), lane.order(Verb.RESUME, anchor.order)
    await anchor.receives(2)
    lane.interrupt()
    await asyncio.wait({resume, pause, waiting})
    await asyncio.sleep(TICK)
    assert [order.cancelled() for order in (resume, pause, waiting)] == [True] * 3
    assert not lane.is_busy


async def test_an_interruption_of_a_resume_that_has_just_left_cancels_it(lane: Lane, anchor: ManualAnchor) -> None:
    pause = await anchor.gets(lane, Verb.PAUSE)
    resume = lane.order(Verb.RESUME, anchor.order)
    anchor.answer(0)
    await pause
    await anchor.receives(2)
    lane.interrupt()
    await asyncio.wait({resume})
    assert resume.cancelled()


async def test_an_exception_in_a_waiting_resume_reaches_its_sender(lane: Lane, anchor: ManualAnchor) -> None:
    async def broken(verb: Verb, *, withdrawn: asyncio.Event) -> list[AnchorOutcome]:
        raise ZeroDivisionError(verb, withdrawn)

    pause = await anchor.gets(lane, Verb.PAUSE)
    resume = lane.order(Verb.RESUME, broken)
    anchor.answer(0)
    assert await pause == Paused("paused")
    with pytest.raises(ZeroDivisionError):
        await resume
