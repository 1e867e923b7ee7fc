"""What happens in the demo, step by step, and what each step must show."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.demo.stage import Stage
from bot.sim.anchor import SessionState, Slow

RUNNING = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"
ENDED = "9c0d7e11-2222-4333-8444-555566667777"
SLOW = "5a1c0f3e-61b2-4c88-8d0e-2f4b6a8c0e1d"


async def _leave_as_it_is(_: Stage) -> None:
    pass


async def _slow_down(stage: Stage) -> None:
    stage.anchor.fault = Slow(3.0, times=1)


async def _take_down(stage: Stage) -> None:
    await stage.anchor.stop()


@dataclass(frozen=True, slots=True)
class Step:
    """Alice types a command in #alerts. Each expectation begins one message, in order; `posts` reach Anchor."""

    title: str
    text: str
    in_channel: tuple[str, ...] = ()
    to_alice: tuple[str, ...] = ()
    posts: int = 0
    command: str = "/anchor-pause"
    prepare: Callable[[Stage], Awaitable[None]] = _leave_as_it_is


def set_scene(stage: Stage) -> None:
    """The sessions that the steps speak of."""
    stage.anchor.add_session(session_id=RUNNING)
    stage.anchor.add_session(session_id=ENDED, state=SessionState.ENDED)
    stage.anchor.add_session(session_id=SLOW)


STEPS = (
    Step(
        "An agent goes wrong, and is paused",
        f"{RUNNING} spending too fast",
        in_channel=("⏸️ *Paused*",),
        posts=1,
    ),
    Step(
        "The trouble is over, and the agent goes on",
        RUNNING,
        in_channel=("▶️ *Resumed*",),
        posts=1,
        command="/anchor-resume",
    ),
    Step(
        "An id that lost a digit on the way",
        RUNNING[:-1],
        to_alice=("*Nothing was paused:* there is no session id",),
    ),
    Step(
        "A session that is not running",
        ENDED,
        in_channel=("🔹 *Not running, nothing to pause*",),
        posts=1,
    ),
    Step(
        "Anchor takes three seconds: Slack gets a first answer in time, the channel the result",
        SLOW,
        to_alice=("Pausing session",),
        in_channel=("⏸️ *Paused*",),
        posts=1,
        prepare=_slow_down,
    ),
    Step(
        "Anchor is down",
        RUNNING,
        in_channel=("⚠️ *Not paused*",),
        prepare=_take_down,
    ),
)
