"""Requests that come late, twice, too often, or hit a bug."""

import asyncio
import logging
import re
import time

import pytest

from bot.sim.anchor import Fault, SessionState, Slow
from bot.sim.slack import Delivery, Source
from harness import BOTH_TRANSPORTS, BY_BOTH, HTTP_ONLY, SOCKET_ONLY, SingleHarness, single_workspace
from harness.bots import many_workspaces
from harness.product import Limits, outcomes
from harness.texts import incident_text, is_about, is_not_sent, outcome_text, paused, resumed

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


@HTTP_ONLY
@pytest.mark.parametrize(("ack_wait", "fault"), [(15.0, Slow(0.8)), (1.5, Slow(3.0))], ids=["result", "announcement"])
async def test_a_result_is_posted_although_its_ack_was_lost(ack_wait: float, fault: Fault) -> None:
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


@BOTH_TRANSPORTS
async def test_a_pause_after_somebody_elses_is_sent_and_says_who_paused_before() -> None:
    async with single_workspace() as at:
        await at.answer("a command", at.slack.bob)
        await asyncio.sleep(0.5)  # until its outcome is in the journal
        at.anchor.fault = Slow(0.5)  # until the journal has been searched
        verdict, before, session = (await at.answer("a click")).text.splitlines()
        assert len(at.orders) == 2
    assert f"{verdict}\n{session}" == paused()
    assert f"<@{at.slack.bob.id}>" in before


@BOTH_TRANSPORTS
async def test_a_repeated_command_is_answered_with_the_outcome_of_the_first_for_fifteen_minutes() -> None:
    async with single_workspace() as at:
        await at.command(trigger_id="1.2.3")
        for wait in (0.0, 880.0):
            await asyncio.sleep(wait)
            again = await at.command(trigger_id="1.2.3")
            assert len(at.orders) == 1
            assert again.ack is not None
            assert (again.ack.response_type, is_about(again.ack.text, paused())) == ("ephemeral", True)


async def test_an_order_behind_too_many_others_of_its_person_is_reported_as_not_sent() -> None:
    async with single_workspace(ack_wait=0.0, at_anchor_each=1, ANCHOR_DEADLINE="1.0") as at:
        at.anchor.fault = Slow(20.0)
        sessions = [at.anchor.add_session() for _ in range(3)]
        await asyncio.gather(*map(at.command, sessions))
        await at.slack.until(lambda: len(at.seen()) == 2 * len(sessions))  # an announcement and an outcome of each
        texts = [one.text for one in at.ephemerals()]
        unsent = [session for session in sessions if not at.anchor.posts(session)]
    assert 1 <= len(unsent) < len(sessions)  # the second one may be sent at the very last moment
    refusals = {
        session: outcome_text(outcomes.Refusal(outcomes.Why.LATE, seconds=1.0), session=session) for session in sessions
    }
    assert [session for session, refusal in refusals.items() if refusal in texts] == unsent


async def test_another_person_does_not_wait_behind_a_backlog_even_for_the_same_session() -> None:
    async with single_workspace(at_anchor_each=1) as at:
        at.anchor.fault = Slow(2.0, times=1)
        sessions = [at.anchor.add_session() for _ in range(3)]
        backlog = [asyncio.create_task(at.command(sessions[0]))]
        await at.anchor.until(lambda: at.anchor.posts(sessions[0]))
        backlog += [asyncio.create_task(at.command(session)) for session in sessions[1:]]
        await asyncio.sleep(0.2)
        await at.command(sessions[2], user=at.slack.bob)
        assert [len(at.anchor.posts(session)) for session in sessions] == [1, 0, 1]
        assert paused(session=sessions[2], user=at.slack.bob.id) in [one.text for one in at.messages()]
        await asyncio.gather(*backlog)


async def test_another_workspace_does_not_wait_behind_the_backlogs_of_many_people(sqlite_url: str) -> None:
    """Of each place at Anchor, one of twenty is kept for people with few orders."""
    async with many_workspaces(sqlite_url, ack_wait=0.0, at_anchor=60, at_anchor_each=15) as at:
        busy, other = await at.set_up_two()
        at.anchor.fault = Slow(30.0)
        people = [busy.workspace.add_user(f"U0BUSY{number:05}", f"busy-{number}") for number in range(4)]
        busy.channel.members |= {person.id for person in people}
        for person in people:
            sessions = [at.anchor.add_session(key=busy.key) for _ in range(20)]
            await asyncio.gather(*[busy.command(session, user=person) for session in sessions])
        await at.anchor.until(lambda: len(at.anchor.orders) >= 57)
        began = time.monotonic()
        await other.command()
        await at.anchor.until(lambda: other.orders)
        assert time.monotonic() - began < 1.0
        at.anchor.fault = None


@HTTP_ONLY
async def test_a_request_for_which_there_is_no_room_fails_in_slack() -> None:
    async with single_workspace(tasks=0) as at:
        assert (await at.command()).error is not None
        assert at.orders == []
        at.slack.violations.clear()  # the status


async def broken(*_: object, **__: object) -> None:
    """Break after a while, as a part of the bot with a mistake in it does."""
    await asyncio.sleep(0.2)
    raise ZeroDivisionError("a mistake of ours")


def incident_in(caplog: pytest.LogCaptureFixture, kind: type[Exception] = ZeroDivisionError) -> str:
    """Return the incident's id in the log, where the traceback of such an exception is."""
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], kind)
    incident = str(vars(record)["incident"])
    assert re.fullmatch(r"[0-9a-f]{28}", incident)
    return incident


@BOTH_TRANSPORTS
@pytest.mark.parametrize("ack_wait", [2.0, 0.0], ids=["before the ack", "after the ack"])
async def test_an_exception_is_reported_and_logged_under_one_id(
    ack_wait: float, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.anchor_orders.AnchorClient.send", broken)
    async with single_workspace(ack_wait=ack_wait) as at:
        delivery = await at.command()
        (seen,) = await at.wait_for_messages()
    assert delivery.status == 200
    assert seen.text == outcome_text(outcomes.Broken(incident_in(caplog)))


@BOTH_TRANSPORTS
async def test_an_exception_before_the_order_is_given_is_reported_and_lets_an_event_come_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.inbound.slack.listeners.OrderListeners.run", broken)
    monkeypatch.setattr("bot.inbound.slack.listeners.ViewListeners.uninstalled", broken)
    async with single_workspace() as at:
        typed = await at.command()
        (seen,) = at.ephemerals()
        assert (typed.status, seen.text) == (200, incident_text(incident_in(caplog)))
        at.slack.timing.ack_deadline = 3.0  # Socket Mode has no other answer than no ack
        event = await at.slack.events.send(at.workspace, {"type": "app_uninstalled"})
        assert event.answer.error == ("operation_timeout" if at.slack.socket_mode else "http_service_error")
        at.slack.violations.clear()  # the status
