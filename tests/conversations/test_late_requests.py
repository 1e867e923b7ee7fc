"""Requests that reach the bot late, acks that Slack does not get, and results that nobody may miss."""

import asyncio
import re

import pytest

from bot.sim.anchor import Fault, SessionState, Slow
from bot.sim.slack import Delivery, Source
from harness import (
    BOTH_TRANSPORTS,
    BY_BOTH,
    HTTP_ONLY,
    SOCKET_ONLY,
    SingleHarness,
    paused,
    resumed,
    single_workspace,
)
from harness.product import Limits, outcomes
from harness.texts import is_not_sent

pytestmark = pytest.mark.anyio

ACK_WAIT = Limits().ack_wait
DELAY = 7.0  # seconds on the way to the bot, of which 5 are allowed


def delayed(at: SingleHarness, verb: str, *, by: str = "a command") -> asyncio.Task[Delivery]:
    """Order something that takes DELAY seconds to arrive; what is ordered after it does not."""
    at.slack.timing.delay_to_app = DELAY
    task = asyncio.ensure_future(at.order(by, verb=verb))
    asyncio.get_running_loop().call_later(0.3, setattr, at.slack.timing, "delay_to_app", 0.0)
    return task


def is_late(text: str) -> bool:
    """Whether it is the answer to a late resume, with the seconds that were measured."""
    (seconds,) = re.findall(r"\((\d+) s\)", text)
    return DELAY - 1 <= int(seconds) <= DELAY + 10 and is_not_sent(text, outcomes.Why.LATE)


@HTTP_ONLY
@pytest.mark.parametrize("by", BY_BOTH)
async def test_a_late_resume_is_not_sent_and_its_person_is_asked(by: str) -> None:
    async with single_workspace(ack_wait=ACK_WAIT) as at:
        at.anchor.session(at.session).state = SessionState.PAUSED
        await delayed(at, "resume", by=by)
        await at.slack.until(lambda: Source.RESPONSE_URL in [one.source for one in at.ephemerals()])
        question = at.ephemerals()[-1]
        assert at.orders == []
        assert is_late(question.text)
        await at.click(question, verb="resume")
        await at.slack.until(lambda: resumed() in [one.text for one in at.messages()])


@HTTP_ONLY
@pytest.mark.parametrize("by", BY_BOTH)
async def test_a_late_pause_is_sent_and_its_result_posted(by: str) -> None:
    async with single_workspace(ack_wait=ACK_WAIT) as at:
        await delayed(at, "pause", by=by)
        await at.slack.until(lambda: paused() in [one.text for one in at.messages()])
        assert at.messages()[-1].source is Source.RESPONSE_URL


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", ["a click", "a shortcut"])
async def test_a_late_pause_is_not_sent_if_somebody_resumed_after_it_was_given(by: str) -> None:
    async with single_workspace() as at:
        at.anchor.session(at.session).state = SessionState.PAUSED
        late = delayed(at, "pause", by=by)
        await asyncio.sleep(0.6)
        await at.answer("a click", at.slack.bob, "resume")
        await late
        question = await at.wait_for_ephemeral()
        assert [order.verb for order in at.orders] == ["resume"]
        assert is_not_sent(question.text, outcomes.Why.RESUMED_SINCE, verb="pause", by=at.slack.bob.id)
        await at.click(question)
        await at.slack.until(lambda: paused() in [one.text for one in at.messages()])


async def hear_a_wrong_time(at: SingleHarness, ahead: float) -> None:
    """Let two answers of Slack have a wrong Date: those about Bob and Carol, who pause."""
    at.slack.clock.dates_ahead = ahead
    for person in (at.slack.bob, at.slack.carol):
        await at.answer("a command", person)
    at.slack.clock.dates_ahead = 0.0


@HTTP_ONLY
@pytest.mark.parametrize("by", BY_BOTH)
async def test_after_a_wrong_time_pauses_are_sent_and_resumes_asked_about_until_slack_says_the_right_one(
    by: str,
) -> None:
    async with single_workspace(ack_wait=ACK_WAIT) as at:
        await hear_a_wrong_time(at, 200)
        question = await at.answer(by, verb="resume")
        assert ([order.verb for order in at.orders], question.ephemeral_to) == (["pause"] * 2, at.person.id)
        await at.open_home()
        assert (await at.answer(by, verb="resume")).text == resumed()


@HTTP_ONLY
@pytest.mark.parametrize(("ack_wait", "fault"), [(15.0, Slow(0.8)), (1.5, Slow(3.0))], ids=["result", "announcement"])
async def test_a_result_is_posted_although_the_ack_with_it_or_with_its_announcement_was_lost(
    ack_wait: float, fault: Fault
) -> None:
    async with single_workspace(ack_deadline=0.3, ack_wait=ack_wait) as at:
        at.anchor.fault = fault
        assert (await at.command()).error == "operation_timeout"
        (message,) = await at.wait_for_messages()
        assert (message.source, message.text) == (Source.RESPONSE_URL, paused())
        assert [one for one in at.ephemerals() if one.source is Source.RESPONSE_URL] == []  # no announcement any more
        at.slack.violations.clear()  # the late ack


@pytest.mark.slow
@SOCKET_ONLY
@pytest.mark.parametrize("redelivery_after", [0.0, 2.0], ids=["at once", "after the ack deadline"])
@pytest.mark.parametrize("by", BY_BOTH)
async def test_an_order_whose_ack_was_lost_is_reported_once(by: str, redelivery_after: float) -> None:
    async with single_workspace(ack_deadline=1.5) as at:
        at.slack.timing.redelivery_after = redelivery_after
        at.slack.sockets.lose_acks()
        await at.order(by)
        await at.slack.until(lambda: any(one.text == paused() for one in at.messages()))
        await asyncio.sleep(3.0)
        assert len(at.orders) == 1
        assert [one.text for one in at.messages()].count(paused()) == 1
        at.slack.violations.clear()  # the late acks
