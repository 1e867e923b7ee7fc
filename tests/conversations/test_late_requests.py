"""Requests that reach the bot late, acks that Slack does not get, and results that nobody may miss."""

import asyncio
import random
from functools import partial

import pytest

from bot.core.outcomes import Late
from bot.core.requests import Verb
from bot.inbound.slack.listener import ACK_WAIT
from bot.sim.anchor import SessionState, Slow, unauthorized
from bot.sim.slack import Delivery, Source, server_error
from harness import (
    BOTH_TRANSPORTS,
    BY_BOTH,
    HTTP_ONLY,
    SESSION,
    SOCKET_ONLY,
    SingleHarness,
    outcome_text,
    paused,
    resumed,
    single_workspace,
)

pytestmark = pytest.mark.anyio

BOB = "U0BOB000001"
DELAY = 2.5  # seconds on the way to the bot


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call a request late after a second, so that the tests do not take so long."""
    monkeypatch.setattr("bot.core.request_age.LATE", 1.0)


def delayed(at: SingleHarness, verb: str, *, by: str = "a command") -> asyncio.Task[Delivery]:
    """Order something that takes DELAY seconds to arrive; what is ordered after it does not."""
    message = at.post_alert(verb=verb)
    at.slack.timing.delay_to_app = DELAY
    ordering = at.command(verb=verb) if by == "a command" else at.click(message, verb=verb)
    task = asyncio.ensure_future(ordering)
    asyncio.get_running_loop().call_later(0.3, setattr, at.slack.timing, "delay_to_app", 0.0)
    return task


def late_text(verb: Verb, seen: str, resumed_by: str | None = None) -> str:
    """The answer to a late order, with the seconds that were measured."""
    (seconds,) = {int(word) for word in seen.split() if word.isdecimal()}
    assert 1 <= seconds <= DELAY + 10
    return outcome_text(Late(seconds, resumed_by), verb=verb)


@HTTP_ONLY
@pytest.mark.usefixtures("impatient")
async def test_a_late_command_to_resume_is_not_sent_and_its_person_is_asked() -> None:
    async with single_workspace(ack_wait=ACK_WAIT) as at:
        at.anchor.session(SESSION).state = SessionState.PAUSED
        await delayed(at, "resume")
        await at.slack.until(lambda: len(at.ephemerals()) == 2)  # the ack, and the question by response_url
        question = at.ephemerals()[-1]
        assert at.orders == []
        assert (question.source, question.text) == (Source.RESPONSE_URL, late_text(Verb.RESUME, question.text))
        await at.click(question, verb="resume")
        await at.slack.until(lambda: at.messages()[-1].text == resumed())


@BOTH_TRANSPORTS
@pytest.mark.usefixtures("impatient")
async def test_a_late_click_to_resume_is_not_sent_and_its_person_is_asked() -> None:
    async with single_workspace() as at:
        await delayed(at, "resume", by="a click")
        question = await at.wait_for_ephemeral()
        assert at.orders == []
    assert question.text == late_text(Verb.RESUME, question.text)


@HTTP_ONLY
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("by", BY_BOTH)
async def test_a_late_pause_is_sent_and_its_result_posted(by: str) -> None:
    async with single_workspace(ack_wait=ACK_WAIT) as at:
        await delayed(at, "pause", by=by)
        await at.slack.until(lambda: at.messages()[-1].text == paused())
        assert at.messages()[-1].source is Source.RESPONSE_URL


@BOTH_TRANSPORTS
@pytest.mark.usefixtures("impatient")
async def test_a_late_pause_is_not_sent_if_somebody_resumed_after_it_was_given() -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.PAUSED
        late = delayed(at, "pause", by="a click")
        await asyncio.sleep(0.6)
        await at.answer("a click", at.slack.bob, "resume")
        await late
        question = await at.wait_for_ephemeral()
        assert [order.verb for order in at.orders] == ["resume"]
        assert question.text == late_text(Verb.PAUSE, question.text, BOB)
        await at.click(question)
        await at.slack.until(lambda: at.messages()[-1].text == paused())


@HTTP_ONLY
async def test_a_difference_between_the_clocks_makes_no_request_late() -> None:
    async with single_workspace() as at:
        at.slack.clock.advance(-120)  # requests look two minutes old
        await at.answer("a command")  # the look-up of the person brings Slack's time
        assert (await at.answer("a command", verb="resume")).text == resumed()


@pytest.mark.slow
@HTTP_ONLY
async def test_acks_are_in_time_however_long_requests_and_acks_are_under_way() -> None:
    async with single_workspace(ack_wait=ACK_WAIT, ack_deadline=3.9) as at:
        at.slack.timing.delay_to_app = at.slack.timing.delay_from_app = 1.0
        await everybody_is_notified(at, [1.7, 1.8, 1.9, 2.0, 2.1])


@pytest.mark.long
@BOTH_TRANSPORTS
async def test_with_sixty_orders_on_a_slow_network_everybody_is_notified() -> None:
    async with single_workspace(ack_wait=ACK_WAIT, ack_deadline=3.0) as at:
        at.slack.timing.delay_to_app = at.slack.timing.delay_from_app = 0.6
        chance = random.Random(1)  # noqa: S311 - no secret
        for _ in range(6):
            await everybody_is_notified(at, [chance.uniform(0.0, 2.5) for _ in range(10)])


async def everybody_is_notified(at: SingleHarness, durations: list[float]) -> None:
    """Pause as many sessions, which take Anchor that long; everybody sees the result once."""
    before, typing = len(at.messages()), []
    for seconds in durations:
        session = at.anchor.add_session()
        at.anchor.fault = Slow(seconds, times=1)
        typing.append(asyncio.ensure_future(at.command(session)))
        await at.anchor.until(partial(at.anchor.posts, session))
    await at.slack.until(lambda: len(at.messages()) == before + len(durations))
    await asyncio.gather(*typing)
    assert len(at.messages()) == before + len(durations)


@HTTP_ONLY
async def test_a_result_that_misses_the_ack_is_posted() -> None:
    async with single_workspace(ack_deadline=0.3) as at:
        at.anchor.fault = Slow(0.8)
        assert (await at.command()).error == "operation_timeout"
        (message,) = await at.wait_for_messages()
        at.slack.violations.clear()  # the late ack
    assert (message.source, message.text) == (Source.RESPONSE_URL, paused())


@pytest.mark.slow
@SOCKET_ONLY
@pytest.mark.parametrize("redelivery_after", [0.0, 2.0], ids=["at once", "after the ack deadline"])
@pytest.mark.parametrize("by", BY_BOTH)
async def test_an_order_whose_ack_was_lost_is_reported_once(by: str, redelivery_after: float) -> None:
    async with single_workspace(ack_deadline=1.5) as at:
        message = at.post_alert()
        at.slack.timing.redelivery_after = redelivery_after
        at.slack.sockets.lose_acks()
        await (at.command() if by == "a command" else at.click(message))
        await at.slack.until(lambda: any(one.text == paused() for one in at.messages()))
        await asyncio.sleep(3.0)
        assert len(at.orders) == 1
        assert [one.text for one in at.messages()].count(paused()) == 1
        at.slack.violations.clear()  # the late acks


@HTTP_ONLY
async def test_a_result_is_posted_although_the_ack_that_announced_it_was_lost() -> None:
    async with single_workspace(ack_deadline=0.3, ack_wait=1.5) as at:
        at.anchor.fault = Slow(3.0)
        assert (await at.command()).error == "operation_timeout"
        (message,) = await at.wait_for_messages()
        at.slack.violations.clear()  # the late ack
    assert (message.source, message.text) == (Source.RESPONSE_URL, paused())


@SOCKET_ONLY
async def test_an_envelope_that_comes_again_while_it_is_being_answered_is_not_answered_twice() -> None:
    async with single_workspace() as at:
        at.slack.timing.redelivery_after = 0.0
        at.anchor.fault = Slow(1.2)
        typing = asyncio.ensure_future(at.command())
        await at.anchor.until(lambda: at.anchor.requests)
        at.slack.sockets.drop()
        assert (await typing).error is None
        await asyncio.sleep(0.5)
        assert [one.text for one in at.seen()] == [paused()]


@pytest.mark.usefixtures("impatient")
async def test_a_late_pause_is_sent_if_the_resume_after_it_resumed_nothing() -> None:
    async with single_workspace() as at:
        late = delayed(at, "pause", by="a click")
        await asyncio.sleep(0.6)
        at.anchor.fault = unauthorized()
        await at.answer("a click", at.slack.bob, "resume")
        at.anchor.fault = None
        await late
        await at.slack.until(lambda: at.messages()[-1].text == paused())


@HTTP_ONLY
async def test_a_command_that_comes_again_during_an_outage_is_reported_once() -> None:
    async with single_workspace(ack_wait=0.0) as at:
        at.slack.faults["response_url"] = at.slack.faults["chat.postMessage"] = server_error()
        first = await at.command()
        await at.slack.until(lambda: at.calls("chat.postMessage") == 2)
        await at.slack.resend(first)
        at.slack.faults["response_url"] = at.slack.faults["chat.postMessage"] = None
        await at.slack.until(lambda: [*at.messages(), *at.direct_messages()])
        await asyncio.sleep(1.5)
        assert len([*at.messages(), *at.direct_messages()]) == 1


@HTTP_ONLY
async def test_a_lost_announcement_is_not_delivered() -> None:
    async with single_workspace(ack_deadline=0.3, ack_wait=0.8) as at:
        at.anchor.fault = Slow(2.5)
        await at.command()
        await at.wait_for_messages()
        assert [one.source for one in at.ephemerals() if one.source is Source.RESPONSE_URL] == []
        at.slack.violations.clear()  # the late ack
