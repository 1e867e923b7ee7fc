"""The steps of the demo, and what each step must show."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.core.workspace import AutoPause
from bot.demo.auto_pause import AutoPauseMenu
from bot.demo.monitor import report
from bot.demo.sandbox import Sandbox
from bot.sim.anchor import SessionState, Slow
from bot.sim.slack import Message, User

RUNNING = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"
ENDED = "9c0d7e11-2222-4333-8444-555566667777"
SLOW = "5a1c0f3e-61b2-4c88-8d0e-2f4b6a8c0e1d"
WATCHED = "b7e19f40-8a2c-4d55-9c31-6f0e2d4b8a17"

Act = Callable[[Sandbox], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody does something in #alerts. Each expectation begins one message that comes or changes, in order.

    `in_channel` is for everybody, `in_private` for the one who acts; `posts` requests reach Anchor.
    """

    title: str
    does: str
    act: Act
    in_channel: tuple[str, ...] = ()
    in_private: tuple[str, ...] = ()
    posts: int = 0
    by_outsider: bool = False

    def actor(self, sandbox: Sandbox) -> User:
        """Alice, or somebody of another company."""
        return sandbox.slack.outsider if self.by_outsider else sandbox.slack.alice


def add_sessions(sandbox: Sandbox) -> None:
    """Add the sessions of the steps."""
    sandbox.anchor.add_session(session_id=RUNNING)
    sandbox.anchor.add_session(session_id=ENDED, state=SessionState.ENDED)
    sandbox.anchor.add_session(session_id=SLOW)
    sandbox.anchor.add_session(session_id=WATCHED)


def types(text: str, command: str = "/anchor-pause", *, prepare: Act | None = None) -> tuple[str, Act]:
    """Alice types a command."""

    async def act(sandbox: Sandbox) -> None:
        if prepare is not None:
            await prepare(sandbox)
        await sandbox.slack.command(sandbox.slack.alice, sandbox.slack.alerts, text, command=command)

    return f"types {command} {text}", act


_SECOND_UPDATE = 1.5  # seconds in which a second update of the card would come: a channel has one a second
_ACTIONS = {"Pause": "anchor_pause", "Resume": "anchor_resume_confirmed"}


def clicks(label: str, *, by_outsider: bool = False) -> tuple[str, Act]:
    """Somebody presses a button of the alert."""

    async def act(sandbox: Sandbox) -> None:
        person = sandbox.slack.outsider if by_outsider else sandbox.slack.alice
        await sandbox.slack.click(person, _card(sandbox), _ACTIONS[label])

    return f"clicks [{label}]", act


def clicks_twice(label: str) -> tuple[str, Act]:
    """Alice presses a button of the alert twice, while Anchor takes its time."""

    async def act(sandbox: Sandbox) -> None:
        sandbox.anchor.fault = Slow(0.5, times=1)
        card, action_id = _card(sandbox), _ACTIONS[label]
        await asyncio.gather(*[sandbox.slack.click(sandbox.slack.alice, card, action_id) for _ in range(2)])
        await asyncio.sleep(_SECOND_UPDATE)

    return f"clicks [{label}] twice", act


def _card(sandbox: Sandbox) -> Message:
    return next(message for message in sandbox.slack.channel_messages(sandbox.slack.alerts) if message.blocks)


async def _raise_alert(sandbox: Sandbox, session_id: str = RUNNING) -> None:
    alert = {"title": "High spend", "text": "It spent $40 in a minute.", "severity": "critical"}
    await report(sandbox.alerts, alert | {"session_id": session_id})


async def _let_alerts_pause(sandbox: Sandbox) -> None:
    await AutoPauseMenu(sandbox.slack).choose(AutoPause.ON)
    await _raise_alert(sandbox, WATCHED)


async def _slow_down(sandbox: Sandbox) -> None:
    sandbox.anchor.fault = Slow(3.0, times=1)


async def _take_down(sandbox: Sandbox) -> None:
    await sandbox.anchor.stop()


STEPS = (
    Step("A monitor raises an alert", "looks on", _raise_alert, in_channel=("🚨 *Critical*",)),
    Step(
        "Somebody of another company is in the channel, and presses its button",
        *clicks("Pause", by_outsider=True),
        in_private=("⛔ *Not paused*",),
        by_outsider=True,
    ),
    Step(
        "Alice presses it: the alert changes",
        *clicks("Pause"),
        in_channel=("⏸️ *Paused*",),
        posts=1,
    ),
    Step(
        "The trouble is over, and the agent goes on. The channel says so",
        *clicks("Resume"),
        in_channel=("▶️ *Resumed*", "▶️ *Resumed*"),
        posts=1,
    ),
    Step(
        "It goes wrong again. Two clicks at once are two requests, and do no harm",
        *clicks_twice("Pause"),
        in_channel=("⏸️ *Paused*",),
        posts=2,
    ),
    Step(
        "The same by command, with a reason: all messages about the session say so",
        *types(f"{RUNNING} spending too fast"),
        in_channel=("⏸️ *Paused*", "⏸️ *Paused*"),
        posts=1,
    ),
    Step(
        "An id that lost a digit on the way",
        *types(RUNNING[:-1]),
        in_private=("❔ *Nothing was done yet.*",),
    ),
    Step(
        "A session that is not running",
        *types(ENDED),
        in_channel=("🔹 *Not running*",),
        posts=1,
    ),
    Step(
        "Anchor takes three seconds: Slack gets a first answer in time, the channel the result",
        *types(SLOW, prepare=_slow_down),
        in_private=("⏳ Pausing…",),
        in_channel=("⏸️ *Paused*",),
        posts=1,
    ),
    Step(
        "The next alert of the monitor pauses its agent before anybody reads it",
        "chooses On for pauses by alerts in Home",
        _let_alerts_pause,
        in_channel=("⏸️ *Paused automatically*",),
        posts=1,
    ),
    Step(
        "Anchor is down",
        *types(RUNNING, "/anchor-resume", prepare=_take_down),
        in_channel=("⛔ *Not resumed*",),
    ),
)
