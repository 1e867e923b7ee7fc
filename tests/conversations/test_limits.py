"""What one person orders has limits, and does not delay other people."""

import asyncio
import time

import pytest

from bot.sim.anchor import Slow
from harness import HTTP_ONLY, outcome_text, paused, single_workspace
from harness.many_workspaces import many_workspaces
from harness.product import outcomes

pytestmark = pytest.mark.anyio


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
        session: outcome_text(outcomes.Refusal(outcomes.Why.NO_TURN, seconds=1.0), session=session)
        for session in sessions
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


async def test_a_person_resumes_thirty_sessions_per_minute_and_can_still_pause() -> None:
    async with single_workspace() as at:
        sessions = [at.anchor.add_session() for _ in range(31)]
        for session in sessions:
            await at.command(session, verb="resume")
        last = sessions[-1]
        (seen,) = at.ephemerals()
        assert (len(at.anchor.orders), at.anchor.posts(last)) == (30, [])
        await at.command(last)
        assert [order.verb for order in at.anchor.posts(last)] == ["pause"]
    refusals = [outcomes.Refusal(outcomes.Why.TOO_MANY_RESUMES, seconds=float(wait)) for wait in range(1, 61)]
    assert seen.text in [outcome_text(refusal, verb="resume", session=last) for refusal in refusals]
