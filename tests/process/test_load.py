"""A thousand people pause something in the same instant."""

import asyncio
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.sim.anchor import Slow
from bot.sim.slack import Delivery
from harness import paused
from harness.process import MODULE, ProcessHarness, single_workspace_process

pytestmark = pytest.mark.anyio

PEOPLE = 1000
ANCHOR_TAKES = 1.0  # seconds
SLACK_WAITS = 3.0
USUAL_LIMIT = 1024  # open files that Linux grants a process, unless it asks for more


@pytest.fixture
def many_sockets() -> Iterator[None]:
    """Make room for both simulators in this process: four sockets for each person, and some to spare."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(5 * PEOPLE, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def type_all(at: ProcessHarness, sessions: list[str]) -> list[Delivery]:
    """Type a command for each session at once, and wait until the channel has as many more messages."""
    before = len(at.messages())
    deliveries = await asyncio.gather(*map(at.command, sessions))
    await at.slack.until(lambda: len(at.messages()) >= before + len(sessions), within=10)
    return deliveries


@pytest.mark.long
@pytest.mark.no_cover
@pytest.mark.usefixtures("many_sockets")
async def test_a_thousand_commands_at_once_are_all_acknowledged_and_answered(
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    async with single_workspace_process(covered=False) as at:
        await type_all(at, [at.anchor.add_session() for _ in range(100)])  # the warm-up
        at.anchor.fault = Slow(ANCHOR_TAKES)
        sessions = [at.anchor.add_session() for _ in range(PEOPLE)]
        deliveries = await type_all(at, sessions)
        await asyncio.sleep(0.5)  # for messages beyond those
        messages = at.messages()[100:]
        assert await at.bot.stop() == 0
    elapsed = sorted(delivery.elapsed for delivery in deliveries)
    spread = {percent: round(elapsed[(PEOPLE - 1) * percent // 100], 3) for percent in (0, 50, 90, 99, 100)}
    record_testsuite_property("percentiles of seconds until the ack", spread)
    assert Counter(delivery.error for delivery in deliveries) == {None: PEOPLE}
    assert [seconds for seconds in elapsed if seconds >= SLACK_WAITS] == [], spread
    assert Counter(message.text for message in messages) == {paused(session=session): 1 for session in sessions}
    assert all(len(at.anchor.posts(session)) == 1 for session in sessions)
    assert [entry for entry in at.bot.log if entry["level"] != "INFO" or "traceback" in entry] == []
    assert at.bot.sentences == []
    assert at.slack.violations == []
    assert at.anchor.violations == []


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="only Linux shows the limits of another process")
async def test_the_bot_takes_as_many_sockets_as_it_may() -> None:
    """Each command needs two. With the usual limit, 480 at once would exhaust it, and the brake would fail for all."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    command = ("sh", "-c", f'ulimit -Sn {USUAL_LIMIT}; exec "$@"', "sh", *MODULE)
    async with single_workspace_process(command=command) as at:
        limits = Path(f"/proc/{at.bot.process.pid}/limits").read_text()  # noqa: ASYNC240 - no disk behind it
        assert await at.bot.stop() == 0
    (line,) = [line for line in limits.splitlines() if line.startswith("Max open files")]
    assert line.split()[3:5] == [str(min(hard, 65_536)), str(hard)]
