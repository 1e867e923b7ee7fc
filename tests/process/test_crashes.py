"""A bot that is killed while it works, or stands still: no acknowledged order is lost, no resume repeated."""

import asyncio

import pytest

from bot.sim.anchor import SessionState
from harness import paused
from harness.crashes import crashes, find_faults
from harness.process import frozen, single_workspace_process

pytestmark = pytest.mark.anyio


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("socket_mode", "seed", "waves"),
    [
        pytest.param(False, 4, 2, id="once"),
        *(
            pytest.param(mode, seed, 6, id=f"{'socket' if mode else 'http'}-{seed}", marks=pytest.mark.long)
            for mode in (False, True)
            for seed in (1, 2, 3)
        ),
    ],
)
async def test_nothing_is_lost_when_the_bot_is_killed(
    database_url: str, seed: int, waves: int, *, socket_mode: bool
) -> None:
    """On a file the next process takes over at once; beside other processes it waits for the leases."""
    async with crashes(database_url, socket_mode=socket_mode, seed=seed, waves=waves) as at:
        await at.run()
        assert await find_faults(at) == {}
    assert at.taken_over > 0


@pytest.mark.parametrize("socket_mode", [False, True], ids=["http", "socket"])
async def test_after_a_long_standstill_no_resume_is_sent_and_every_pause_is_reported(*, socket_mode: bool) -> None:
    async with single_workspace_process(socket_mode=socket_mode) as at:
        at.slack.timing.ack_deadline = 3.0
        await at.command()
        running = [at.anchor.add_session() for _ in range(5)]
        asleep = [at.anchor.add_session(state=SessionState.PAUSED) for _ in range(5)]
        async with frozen(at.bot, 7.0):
            pauses = [asyncio.create_task(at.command(session)) for session in running]
            resumes = [asyncio.create_task(at.command(session, verb="resume")) for session in asleep]
            await asyncio.sleep(0.5)
        deliveries = await asyncio.gather(*pauses, *resumes)
        await at.slack.until(lambda: len(at.messages()) == 1 + len(running))
        await at.slack.until(lambda: len(at.ephemerals()) >= len(deliveries) + len(asleep))  # with Slack's errors
        at.slack.violations.clear()  # the late acks
    assert {delivery.error for delivery in deliveries} == {"operation_timeout"}
    assert {message.text for message in at.messages()[1:]} == {paused(session=session) for session in running}
    assert [order for order in at.anchor.requests if order.path.endswith("resume")] == []
    texts = [message.text for message in at.ephemerals()]
    assert all(any(session in text for text in texts) for session in asleep)
