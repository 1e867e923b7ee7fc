"""Orders for one session, in every interleaving: the last one takes effect, or its outcome is in doubt."""

import asyncio
import random
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.usecases.sequence import SessionSequencer
from harness import ALICE, SESSION
from harness.product import SessionId, Tasks, outcomes, requests
from harness.values import access_of, turns

pytestmark = pytest.mark.anyio

TICK = 0.001
PAUSE, RESUME = requests.Verb.PAUSE, requests.Verb.RESUME
PAUSED, RESUMED, SUPERSEDED = outcomes.Paused("paused"), outcomes.Resumed("running"), outcomes.Superseded()
TIMED_OUT, RACED = outcomes.Unconfirmed(outcomes.Doubt.TIMED_OUT), outcomes.Unconfirmed(outcomes.Doubt.RACED)
DONE: dict[requests.Verb, outcomes.AnchorOutcome] = {PAUSE: PAUSED, RESUME: RESUMED}
OF_ALICE, OF_BOB = access_of(ALICE), access_of("U0BOB000001")


class Record:
    """The record of an order beside which other processes do what a test says."""

    def __init__(self, *, why_not: Any = None, has_crossed: bool = False, is_opposed_in_doubt: bool = False) -> None:
        self.is_opposed_in_doubt = is_opposed_in_doubt
        self.why_not = why_not
        self.crossed = has_crossed
        self.entry = SimpleNamespace(given_at=0.0)

    async def clear_resume(self, _: asyncio.Event, **__: bool) -> Any:
        await asyncio.sleep(0)
        return self.why_not

    async def may_repeat(self) -> bool:
        return True

    async def has_crossed(self) -> bool:
        await asyncio.sleep(0)
        return self.crossed


# --- at random ---


class RandomAnchor:
    """An Anchor whose orders take their time on the way, take effect at some moment, and may lose their answer.

    A lost order may take effect long after its sender has given up.
    """

    def __init__(self, seed: int) -> None:
        self.state = RESUME
        self.late: set[asyncio.Task[None]] = set()
        self.chance = random.Random(seed)  # noqa: S311 - no secret

    async def send(self, verb: requests.Verb, *_: object, cancelled: asyncio.Event, **__: object) -> Any:
        """One attempt, or two if the first fails and the order is not cancelled."""
        attempts = [await self.attempt(verb)]
        if isinstance(attempts[0], outcomes.Failed) and not cancelled.is_set():
            attempts.append(await self.attempt(verb))
        return attempts

    async def attempt(self, verb: requests.Verb) -> outcomes.AnchorOutcome:
        await self.pass_time()
        fate = self.chance.choice(["done", "done", "done", "failed", "lost"])
        if fate == "failed":
            return outcomes.Failed(500)
        if fate == "lost":
            self.late.add(asyncio.ensure_future(self.take_effect(verb)))
            return TIMED_OUT
        self.state = verb
        await self.pass_time()
        return DONE[verb]

    async def take_effect(self, verb: requests.Verb) -> None:
        for _ in range(2):
            await self.pass_time()
        self.state = verb

    async def pass_time(self) -> None:
        await asyncio.sleep(self.chance.choice([0, 0, 1, 2, 5]) * TICK)


commands = st.lists(st.tuples(st.sampled_from([PAUSE, RESUME]), st.integers(0, 6)), min_size=1, max_size=8)


@settings(max_examples=150)
@given(commands, st.integers(0, 2**32))
def test_the_last_order_is_what_anchor_ends_with_or_it_is_not_called_done(
    orders: list[tuple[requests.Verb, int]], seed: int
) -> None:
    anyio.run(_give_orders, orders, seed)


async def _give_orders(orders: list[tuple[requests.Verb, int]], seed: int) -> None:
    anchor, tasks = RandomAnchor(seed), Tasks()
    sequencer = new_sequencer(anchor, tasks=tasks)
    results = []
    for verb, ticks in orders:
        results.append(submit(sequencer, verb))
        await asyncio.sleep(ticks * TICK)
    given = [result.outcome for result in await asyncio.gather(*results)]
    await asyncio.gather(*anchor.late)
    for _ in range(20):  # for the book-keeping of what has just ended
        await asyncio.sleep(0)
    assert anchor.state is orders[-1][0] or not isinstance(given[-1], outcomes.Done)
    assert not isinstance(given[-1], outcomes.Superseded)
    assert not sequencer.is_busy
    assert len(tasks) == 0


# --- step by step ---


class ManualAnchor:
    """An Anchor that answers when a test says so."""

    def __init__(self) -> None:
        self.sent: list[tuple[requests.Verb, asyncio.Future[Any]]] = []
        self.checks: list[Any] = []

    async def send(self, verb: requests.Verb, key: object, session_id: object, *, may_repeat: Any, **_: object) -> Any:
        assert (key, session_id) == (OF_ALICE.key, SESSION)
        self.checks.append(may_repeat)
        self.sent.append((verb, asyncio.get_running_loop().create_future()))
        return await self.sent[-1][1]

    def answer(self, number: int, outcome: outcomes.AnchorOutcome | None = None) -> None:
        verb, answer = self.sent[number]
        answer.set_result([outcome or DONE[verb]])

    @property
    def letters(self) -> str:
        return "".join("P" if verb is PAUSE else "R" for verb, _ in self.sent)


def new_sequencer(anchor: Any, queue: Any = None, tasks: Tasks | None = None) -> Any:
    no_reads: Any = None
    queue = queue or turns(most=10, most_each=10)
    return SessionSequencer(anchor, no_reads, SessionId(SESSION), queue, tasks or Tasks())


def submit(sequencer: Any, verb: requests.Verb, access: Any = OF_ALICE, record: Record | None = None) -> Any:
    """Submit an order; a resume is recorded a moment before it is sent."""
    return (sequencer.pause if verb is PAUSE else sequencer.resume)(access, record or Record())


async def settle() -> None:
    await asyncio.sleep(0.5)


async def outcomes_of(*results: Any) -> list[object]:
    return [(await result).outcome for result in results]


@pytest.fixture
def anchor() -> ManualAnchor:
    return ManualAnchor()


@pytest.fixture
def sequencer(anchor: ManualAnchor) -> Any:
    return new_sequencer(anchor)


SCRIPTS: dict[str, tuple[str, str, str]] = {
    "a pause is sent at once, and again after a resume that was on its way": ("R P 1 - 0 2", "resumed paused", "RPP"),
    "a resume waits for a pause": ("P R - 0 1", "paused resumed", "PR"),
    "a resume that waits is dropped for the next pause": ("P R R P R 0 1", "paused = = paused resumed", "PR"),
    "a resume that has not left yet is never sent": ("r P 0", "= paused", "P"),
    "two pauses at once are one": ("P P 0", "paused paused", "P"),
    "two resumes at once are one": ("R R 0", "resumed resumed", "R"),
    "an order after the first has ended is sent again": ("P 0 P 1", "paused paused", "PP"),
}
"""The orders and, by number, Anchor's answers, in this sequence; then the outcomes, and what was sent.

`r` is submitted without a moment for it to leave; at `-` no order is done that is not answered; `=` is superseded.
"""


@pytest.mark.parametrize(("script", "expected", "sent"), SCRIPTS.values(), ids=SCRIPTS)
async def test_orders_for_one_session_keep_their_sequence(
    sequencer: Any, anchor: ManualAnchor, script: str, expected: str, sent: str
) -> None:
    orders: list[Any] = []
    for step in script.split():
        if step.isdecimal():
            anchor.answer(int(step))
        elif step == "-":
            assert not orders[-1].done()
        else:
            orders.append(submit(sequencer, PAUSE if step == "P" else RESUME))
        if step != "r":
            await settle()
    words = {"paused": PAUSED, "resumed": RESUMED, "=": SUPERSEDED}
    assert await outcomes_of(*orders) == [words[word] for word in expected.split()]
    assert anchor.letters == sent


async def test_a_pause_drops_a_resume_in_the_queue_and_is_sent_once(anchor: ManualAnchor) -> None:
    queue = turns(most=2, most_each=1)
    sequencer = new_sequencer(anchor, queue)
    async with queue.turn(OF_ALICE.person):
        async with queue.turn(OF_BOB.person):
            resume, pause = submit(sequencer, RESUME, OF_ALICE), submit(sequencer, PAUSE, OF_BOB)
            assert await outcomes_of(resume) == [SUPERSEDED]
            assert anchor.sent == []
        await settle()
        anchor.answer(0)
        assert await outcomes_of(pause) == [PAUSED]
    assert anchor.letters == "P"


@pytest.mark.parametrize("is_interrupted", [True, False])
async def test_a_resume_that_waited_ends_as_what_was_sent_for_it(
    sequencer: Any, anchor: ManualAnchor, *, is_interrupted: bool
) -> None:
    submit(sequencer, PAUSE)
    await settle()
    resume = submit(sequencer, RESUME)
    anchor.answer(0)
    await settle()
    if is_interrupted:
        sequencer.interrupt()
    else:
        anchor.sent[1][1].set_exception(ZeroDivisionError())
    await asyncio.wait({resume})
    assert resume.cancelled() == is_interrupted
    assert is_interrupted or isinstance(resume.exception(), ZeroDivisionError)


async def test_doubt_about_an_order_passes_after_a_minute(anchor: ManualAnchor) -> None:
    sequencer = new_sequencer(anchor)
    for verb, wait, expected in ((RESUME, 0.0, TIMED_OUT), (PAUSE, 59.0, RACED), (PAUSE, 1.0, PAUSED)):
        await asyncio.sleep(wait)
        order = submit(sequencer, verb)
        await settle()
        anchor.answer(-1, expected if verb is RESUME else None)
        assert await outcomes_of(order) == [expected]
        assert sequencer.is_unconfirmed is (expected is not PAUSED)


# --- beside other processes ---


@pytest.mark.parametrize("why_not", [outcomes.StoreUnavailable(), SUPERSEDED, outcomes.Late(20.0)])
async def test_a_resume_whose_record_says_so_is_not_sent(sequencer: Any, anchor: ManualAnchor, why_not: object) -> None:
    assert await outcomes_of(submit(sequencer, RESUME, record=Record(why_not=why_not))) == [why_not]
    assert anchor.sent == []


async def test_a_pause_that_crossed_a_resume_of_another_process_is_sent_again(
    sequencer: Any, anchor: ManualAnchor
) -> None:
    pause = submit(sequencer, PAUSE, record=Record(has_crossed=True))
    for number in range(2):
        await settle()
        anchor.answer(number)
    assert await outcomes_of(pause) == [PAUSED]
    assert anchor.letters == "PP"


@pytest.mark.parametrize("verb", requests.Verb)
@pytest.mark.parametrize(("answer", "outcome"), [(None, RACED), (outcomes.Failed(500), outcomes.Failed(500))])
async def test_an_order_beside_an_unanswered_one_of_another_process_is_in_doubt(
    sequencer: Any, anchor: ManualAnchor, verb: requests.Verb, answer: Any, outcome: object
) -> None:
    order = submit(sequencer, verb, record=Record(is_opposed_in_doubt=True))
    await settle()
    anchor.answer(0, answer)
    assert await outcomes_of(order) == [outcome]


async def test_a_resume_is_attempted_until_another_process_may_have_it(sequencer: Any, anchor: ManualAnchor) -> None:
    record = Record()
    submit(sequencer, RESUME, record=record)
    await settle()
    assert anchor.checks == [record.may_repeat]
    anchor.answer(0)
    await settle()
