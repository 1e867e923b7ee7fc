"""Orders for one session, in every interleaving: the last one takes effect, or its outcome is in doubt."""

import asyncio
import random
import time
from dataclasses import replace

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.concurrency import Tasks
from bot.core.opposition import UNCONFIRMED_TTL
from bot.core.outcomes import (
    AnchorOutcome,
    Answered,
    Done,
    Doubt,
    Failed,
    Late,
    Paused,
    Resumed,
    Stopping,
    StoreUnavailable,
    Superseded,
    Unconfirmed,
)
from bot.core.requests import Verb
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.core.workspace import AnchorKey, Workspace
from bot.usecases.access_check import Access
from bot.usecases.fair_queue import FairQueue, NoTurn
from bot.usecases.session_sequencer import Result, SessionSequencer
from harness import ALICE, SESSION

pytestmark = pytest.mark.anyio

TICK = 0.001
SESSION_ID = SessionId(SESSION)
ACCESS = Access(
    Workspace("T0HOME00001", Secret("xoxb-1"), AnchorKey(Secret("sk-1"))), Secret("sk-1"), ("T0HOME00001", ALICE)
)
OF_BOB = replace(ACCESS, person=("T0HOME00001", "U0BOB000001"))
DONE: dict[Verb, AnchorOutcome] = {Verb.PAUSE: Paused("paused"), Verb.RESUME: Resumed("running")}


class FakeRecord:
    """The record of an order beside which other processes do what a test says."""

    def __init__(self, *, is_opposed_in_doubt: bool = False, has_crossed: bool = False) -> None:
        self.is_opposed_in_doubt = is_opposed_in_doubt
        self.why_not: Superseded | StoreUnavailable | Late | None = None
        self.cleared = asyncio.Event()
        self.cleared.set()
        self.taken_over = asyncio.Event()
        self._has_crossed = has_crossed

    async def clear_resume(self, cancelled: asyncio.Event) -> Superseded | StoreUnavailable | Late | None:
        del cancelled
        await asyncio.sleep(0)
        await self.cleared.wait()
        return self.why_not

    def until_taken_over(self, cancelled: asyncio.Event) -> asyncio.Event:
        del cancelled
        return self.taken_over

    async def has_crossed(self) -> bool:
        await asyncio.sleep(0)
        return self._has_crossed


def submit(
    sequencer: SessionSequencer, verb: Verb, access: Access = ACCESS, record: FakeRecord | None = None
) -> asyncio.Future[Result]:
    """Submit an order; a resume is recorded a moment before it is sent."""
    return (sequencer.pause if verb is Verb.PAUSE else sequencer.resume)(access, record or FakeRecord())


def new_queue(*, most: int = 10) -> FairQueue:
    return FairQueue(most=most, most_each=most, longest_wait=20.0)


class RandomAnchor:
    """An Anchor whose orders take their time on the way, take effect at some moment, and may lose their answer.

    A lost order may take effect long after its sender has given up.
    """

    def __init__(self, seed: int) -> None:
        self.state = Verb.RESUME
        self.orders: list[Verb] = []
        self.late: set[asyncio.Task[None]] = set()
        self._chance = random.Random(seed)  # noqa: S311 - no secret

    async def send(
        self, verb: Verb, key: Secret, session_id: SessionId, *, cancelled: asyncio.Event, on_sent: object
    ) -> list[AnchorOutcome]:
        """One attempt, or two if the first fails and the order is not cancelled."""
        assert (key, session_id, on_sent) == (ACCESS.key, SESSION_ID, None)
        outcomes = [await self._attempt(verb)]
        if isinstance(outcomes[0], Failed) and not cancelled.is_set():
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


async def steps() -> None:
    """Let the loop take more steps than anything here needs."""
    for _ in range(20):
        await asyncio.sleep(0)


commands = st.lists(st.tuples(st.sampled_from(Verb), st.integers(0, 6)), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(commands, st.integers(0, 2**32))
def test_the_last_order_is_what_anchor_ends_with_or_it_is_not_called_done(
    orders: list[tuple[Verb, int]], seed: int
) -> None:
    anyio.run(_give_orders, orders, seed)


async def _give_orders(orders: list[tuple[Verb, int]], seed: int) -> None:
    anchor, tasks = RandomAnchor(seed), Tasks()
    sequencer = SessionSequencer(anchor, SESSION_ID, new_queue(), tasks, time.monotonic)
    given: list[asyncio.Future[Result]] = []
    for verb, ticks in orders:
        given.append(submit(sequencer, verb))
        await asyncio.sleep(ticks * TICK)
    outcomes = [result.outcome for result in await asyncio.gather(*given)]
    await asyncio.gather(*anchor.late)
    await steps()  # for the book-keeping of what has just ended
    last = orders[-1][0]
    assert anchor.state is last or not isinstance(outcomes[-1], Done)
    assert not isinstance(outcomes[-1], Superseded)
    assert not sequencer.is_busy
    assert len(tasks) == 0


@pytest.fixture
def sequencer(anchor: "ManualAnchor") -> SessionSequencer:
    return SessionSequencer(anchor, SESSION_ID, new_queue(), Tasks(), time.monotonic)


async def outcomes(*results: asyncio.Future[Result]) -> list[Answered | NoTurn | StoreUnavailable | Late]:
    return [(await result).outcome for result in results]


class ManualAnchor:
    """An Anchor that answers when a test says so."""

    def __init__(self) -> None:
        self.sent: list[tuple[Verb, asyncio.Future[list[AnchorOutcome]]]] = []
        self.cancellations: list[asyncio.Event] = []

    async def send(
        self, verb: Verb, key: Secret, session_id: SessionId, *, cancelled: asyncio.Event, on_sent: object
    ) -> list[AnchorOutcome]:
        del key, session_id, on_sent
        self.cancellations.append(cancelled)
        answer: asyncio.Future[list[AnchorOutcome]] = asyncio.get_running_loop().create_future()
        self.sent.append((verb, answer))
        return await answer

    async def receives(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.sent) < count:  # noqa: ASYNC110 - the loop has nothing else to do
                await asyncio.sleep(0)

    async def gets(self, sequencer: SessionSequencer, verb: Verb, access: Access = ACCESS) -> asyncio.Future[Result]:
        """Order something, and wait until it arrives."""
        ordered, count = submit(sequencer, verb, access), len(self.sent)
        await self.receives(count + 1)
        return ordered

    def answer(self, number: int, *outcomes: AnchorOutcome) -> None:
        verb, answer = self.sent[number]
        answer.set_result(list(outcomes) or [DONE[verb]])


@pytest.fixture
def anchor() -> ManualAnchor:
    return ManualAnchor()


async def test_a_pause_goes_out_at_once_and_again_after_a_resume_that_was_on_its_way(
    sequencer: SessionSequencer, anchor: ManualAnchor
) -> None:
    resume = await anchor.gets(sequencer, Verb.RESUME)
    pause = await anchor.gets(sequencer, Verb.PAUSE)
    anchor.answer(1)
    await steps()
    assert not pause.done()
    anchor.answer(0)
    await anchor.receives(3)
    anchor.answer(2)
    assert await outcomes(resume, pause) == [Resumed("running"), Paused("paused")]
    assert [verb for verb, _ in anchor.sent] == [Verb.RESUME, Verb.PAUSE, Verb.PAUSE]


async def test_a_resume_waits_for_a_pause_and_is_dropped_for_the_next(
    sequencer: SessionSequencer, anchor: ManualAnchor
) -> None:
    pause = await anchor.gets(sequencer, Verb.PAUSE)
    dropped, dropped_too = submit(sequencer, Verb.RESUME), submit(sequencer, Verb.RESUME)
    again = submit(sequencer, Verb.PAUSE)
    resume = submit(sequencer, Verb.RESUME)
    assert await outcomes(dropped, dropped_too) == [Superseded(), Superseded()]
    anchor.answer(0)
    assert await outcomes(pause, again) == [Paused("paused"), Paused("paused")]
    await anchor.receives(2)
    anchor.answer(1)
    assert await outcomes(resume) == [Resumed("running")]


async def test_a_resume_that_had_not_left_yet_is_never_sent(sequencer: SessionSequencer, anchor: ManualAnchor) -> None:
    resume = submit(sequencer, Verb.RESUME)
    pause = await anchor.gets(sequencer, Verb.PAUSE)
    anchor.answer(0)
    async with asyncio.timeout(20):
        assert await outcomes(resume, pause) == [Superseded(), Paused("paused")]
    assert [verb for verb, _ in anchor.sent] == [Verb.PAUSE]


async def test_an_order_for_the_same_session_lends_its_place_in_the_queue_to_a_pause(anchor: ManualAnchor) -> None:
    queue = FairQueue(most=2, most_each=1, longest_wait=20.0)
    sequencer = SessionSequencer(anchor, SESSION_ID, queue, Tasks(), time.monotonic)
    async with queue.turn(ACCESS.person):
        pause = submit(sequencer, Verb.PAUSE, ACCESS)
        await steps()
        assert anchor.sent == []
        resume = submit(sequencer, Verb.RESUME, OF_BOB)
        await anchor.receives(1)
        anchor.answer(0)
        assert await outcomes(pause) == [Paused("paused")]
        await anchor.receives(2)
        anchor.answer(1)
        assert await outcomes(resume) == [Resumed("running")]


async def test_a_pause_drops_a_resume_in_the_queue_and_is_sent_once(anchor: ManualAnchor) -> None:
    queue = FairQueue(most=2, most_each=1, longest_wait=20.0)
    sequencer = SessionSequencer(anchor, SESSION_ID, queue, Tasks(), time.monotonic)
    async with queue.turn(ACCESS.person):
        async with queue.turn(OF_BOB.person):
            resume, pause = submit(sequencer, Verb.RESUME, ACCESS), submit(sequencer, Verb.PAUSE, OF_BOB)
            assert await outcomes(resume) == [Superseded()]
            assert anchor.sent == []
        await anchor.receives(1)
        anchor.answer(0)
        assert await outcomes(pause) == [Paused("paused")]
    assert len(anchor.sent) == 1


async def test_an_interruption_leaves_orders_in_the_queue_to_the_queue(anchor: ManualAnchor) -> None:
    queue = FairQueue(most=1, most_each=1, longest_wait=20.0)
    sequencer = SessionSequencer(anchor, SESSION_ID, queue, Tasks(), time.monotonic)
    async with queue.turn(ACCESS.person):
        pause = submit(sequencer, Verb.PAUSE, ACCESS)
        await steps()
        queue.stop()
        sequencer.interrupt()
        assert await outcomes(pause) == [Stopping()]
    assert anchor.sent == []


async def test_doubt_about_an_order_passes() -> None:
    now = 0.0
    anchor = ManualAnchor()
    sequencer = SessionSequencer(anchor, SESSION_ID, new_queue(), Tasks(), lambda: now)
    for expected in (Unconfirmed(Doubt.TIMED_OUT), Unconfirmed(Doubt.RACED), Paused("paused")):
        order = await anchor.gets(sequencer, Verb.PAUSE if anchor.sent else Verb.RESUME)
        anchor.answer(-1, *([expected] if expected == Unconfirmed(Doubt.TIMED_OUT) else []))
        assert await outcomes(order) == [expected]
        assert sequencer.is_unconfirmed is (now < UNCONFIRMED_TTL)
        now += UNCONFIRMED_TTL / 2


async def test_an_interruption_cancels_every_order(sequencer: SessionSequencer, anchor: ManualAnchor) -> None:
    resume = await anchor.gets(sequencer, Verb.RESUME)
    pause, waiting = submit(sequencer, Verb.PAUSE), submit(sequencer, Verb.RESUME)
    await anchor.receives(2)
    sequencer.interrupt()
    await asyncio.wait({resume, pause, waiting})
    await steps()
    assert [order.cancelled() for order in (resume, pause, waiting)] == [True] * 3
    assert not sequencer.is_busy


async def test_an_interruption_of_a_resume_that_has_just_left_cancels_it(
    sequencer: SessionSequencer, anchor: ManualAnchor
) -> None:
    pause = await anchor.gets(sequencer, Verb.PAUSE)
    resume = submit(sequencer, Verb.RESUME)
    anchor.answer(0)
    await pause
    await anchor.receives(2)
    sequencer.interrupt()
    await asyncio.wait({resume})
    assert resume.cancelled()


async def test_an_exception_in_a_waiting_resume_reaches_its_sender(
    sequencer: SessionSequencer, anchor: ManualAnchor
) -> None:
    pause = await anchor.gets(sequencer, Verb.PAUSE)
    resume = submit(sequencer, Verb.RESUME)
    anchor.answer(0)
    assert await outcomes(pause) == [Paused("paused")]
    await anchor.receives(2)
    anchor.sent[1][1].set_exception(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await resume


@pytest.mark.parametrize("why_not", [StoreUnavailable(), Superseded(), Late(20.0)])
async def test_a_resume_whose_record_says_so_is_not_sent(
    sequencer: SessionSequencer, anchor: ManualAnchor, why_not: Superseded | StoreUnavailable | Late
) -> None:
    record = FakeRecord()
    record.why_not = why_not
    assert await outcomes(sequencer.resume(ACCESS, record)) == [why_not]
    assert anchor.sent == []


async def test_a_pause_supersedes_a_resume_that_is_being_recorded(
    sequencer: SessionSequencer, anchor: ManualAnchor
) -> None:
    record = FakeRecord()
    record.cleared.clear()
    resume = sequencer.resume(ACCESS, record)
    pause = await anchor.gets(sequencer, Verb.PAUSE)
    anchor.answer(0)
    record.cleared.set()
    assert await outcomes(resume, pause) == [Superseded(), Paused("paused")]
    assert [verb for verb, _ in anchor.sent] == [Verb.PAUSE]


# --- beside other processes ---


async def test_a_pause_that_crossed_a_resume_of_another_process_is_sent_again(
    sequencer: SessionSequencer, anchor: ManualAnchor
) -> None:
    pause = submit(sequencer, Verb.PAUSE, record=FakeRecord(has_crossed=True))
    for number in range(2):
        await anchor.receives(number + 1)
        anchor.answer(number)
    assert await outcomes(pause) == [Paused("paused")]
    assert [verb for verb, _ in anchor.sent] == [Verb.PAUSE, Verb.PAUSE]


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize(("answer", "outcome"), [(None, Unconfirmed(Doubt.RACED)), (Failed(500), Failed(500))])
async def test_an_order_beside_an_unanswered_one_of_another_process_is_in_doubt(
    sequencer: SessionSequencer, anchor: ManualAnchor, verb: Verb, answer: AnchorOutcome | None, outcome: Answered
) -> None:
    order = submit(sequencer, verb, record=FakeRecord(is_opposed_in_doubt=True))
    await anchor.receives(1)
    anchor.answer(0, *([answer] if answer else []))
    assert await outcomes(order) == [outcome]


async def test_a_resume_is_attempted_until_another_process_may_have_it(
    sequencer: SessionSequencer, anchor: ManualAnchor
) -> None:
    record = FakeRecord()
    resume = submit(sequencer, Verb.RESUME, record=record)
    await anchor.receives(1)
    assert anchor.cancellations == [record.taken_over]
    anchor.answer(0)
    await resume
