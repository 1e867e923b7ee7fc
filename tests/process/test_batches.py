"""Many sessions that are paused at once: by a bot that is killed meanwhile, and how long 250 take."""

import asyncio
import time
from collections.abc import Callable

import pytest

from bot.demo.sandbox import environment
from bot.sim.slack import rate_limited
from harness.conversation import Conversation
from harness.databases import KEY
from harness.process import ProcessHarness, bot_process, single_workspace_process

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

COUNT = 40
MOMENTS: dict[str, Callable[[Conversation], object]] = {
    "acked": lambda _: True,
    "half of them sent": lambda at: len(at.anchor.orders) > COUNT // 2,
    "told of": lambda at: at.messages(),
    "all answered": lambda at: all(one.status for one in at.anchor.orders) and len(at.anchor.orders) >= COUNT,
}


async def pause_all(at: ProcessHarness, count: int) -> list[str]:
    """Let so many sessions run, and submit the window with all of them. Return them when that is acked."""
    sessions = [at.session, *(at.anchor.add_session() for _ in range(count - 1))]
    await at.command("all")
    await at.slack.until(lambda: (now := at.slack.modal_of(at.person)) and now.submit)
    await at.slack.submit(at.person, at.modal(), {})
    return sessions


def results(at: ProcessHarness) -> list[str]:
    return [one.text for one in at.messages() if "…" not in one.text]


@pytest.mark.parametrize(
    "moment", [pytest.param(name, marks=[] if name == "acked" else pytest.mark.long) for name in MOMENTS]
)
async def test_no_session_is_lost_and_the_result_is_told_once_if_the_bot_is_killed(
    sqlite_url: str, moment: str
) -> None:
    own = {"DATABASE_URL": sqlite_url, "ENCRYPTION_KEYS": KEY.reveal(), "REMIND_BEFORE": "0"}
    async with single_workspace_process(own) as at:
        at.anchor.session(at.session).seconds = 0.5
        if moment == "acked":  # Slack could be just taking the message, and it would come twice
            at.slack.faults["chat.postMessage"] = rate_limited(1)
        sessions = await pause_all(at, COUNT)
        while not MOMENTS[moment](at):  # noqa: ASYNC110 - of several kinds
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.3 * bool(at.messages()))  # else Slack is just taking the message, and it comes twice
        at.bot.process.kill()
        await at.bot.process.wait()
        await asyncio.sleep(0.3)  # Slack refuses also what was on its way
        at.slack.faults["chat.postMessage"] = None
        async with bot_process(environment(at.slack, at.anchor, **own)) as bot:
            await bot.says("ready")
            await at.slack.until(lambda: results(at))
            assert await bot.stop() == 0
        assert (len(at.messages()), f" {COUNT} agents" in results(at)[0]) == (1, True)
        assert {one.session_id for one in at.anchor.orders if one.status == 200} == set(sessions)


@pytest.mark.long
@pytest.mark.realtime
async def test_250_sessions_are_sent_within_3_seconds_and_nobody_else_waits() -> None:
    async with single_workspace_process({"REMIND_BEFORE": "0"}) as at:
        acks = list[float]()

        async def others() -> None:
            while True:
                began = time.monotonic()
                await at.slack.command(at.slack.bob, at.channel, "help", command="/anchor-pause")
                acks.append(time.monotonic() - began)
                await asyncio.sleep(0.05)

        for session in (at.session, *(at.anchor.add_session() for _ in range(249))):
            at.anchor.session(session).seconds = 0.05
        await at.command("all")
        await at.slack.until(lambda: (now := at.slack.modal_of(at.person)) and now.submit)
        asking, began = asyncio.create_task(others()), time.monotonic()
        await at.slack.submit(at.person, at.modal(), {})
        closed = time.monotonic() - began
        await at.anchor.until(lambda: len(at.anchor.orders) >= 250)
        last = at.anchor.orders[-1].at - began
        await at.slack.until(lambda: results(at))
        asking.cancel()
        assert (closed < 2.0, last < 3.0, max(acks) < 1.0) == (True, True, True)
