"""The harness of a bot that serves a single workspace."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from bot.app import Bot, Limits, running
from bot.config.settings import Settings
from bot.demo.sandbox import environment
from bot.sim.anchor import SimAnchor
from bot.sim.slack import Enterprise, SimSlack
from harness.conversation import Conversation
from harness.texts import SESSION
from harness.transport import current_transport

PATIENT = 30.0
"""Seconds that Slack waits for an ack, unless a test is about that: a slow machine can need more than the real 3."""

PATIENT_ACK = 15.0
"""Seconds that an ack of the bot waits for an outcome, unless a test is about that. The bot's own are 2."""


async def forget_key_check(anchor: SimAnchor) -> None:
    """Wait until the bot has tried its key after startup, so that a test finds only its own requests."""
    await anchor.until(lambda: anchor.requests and anchor.requests[0].status)
    del anchor.requests[0]


@contextmanager
def obeying(slack: SimSlack, anchor: SimAnchor) -> Iterator[None]:
    """Fail at the end on each violated rule of Slack's or Anchor's; if a test fails before, note them there."""
    try:
        yield
    except Exception as error:
        for violation in (*slack.violations, *anchor.violations):
            error.add_note(f"violated: {violation}")
        raise
    assert (slack.violations, anchor.violations) == ([], [])


@dataclass(frozen=True, slots=True)
class SingleHarness(Conversation):
    """Alice in #alerts, and the agent of SESSION; `bot` is the running bot."""

    bot: Bot


@asynccontextmanager
async def single_workspace(
    *, ack_deadline: float = PATIENT, enterprise: Enterprise | None = None, **options: Any
) -> AsyncIterator[SingleHarness]:
    """Run a bot for one workspace. At the end nobody may have violated a rule of Slack's or Anchor's.

    The options are settings (METRICS_PORT="1") and limits (capacity=1). Without REMIND_BEFORE there are no reminders,
    whose reads of Anchor come beside those of a test.
    """
    settings = {"REMIND_BEFORE": "0"} | {name: value for name, value in options.items() if name.isupper()}
    limits: dict[str, Any] = {"ack_wait": PATIENT_ACK, "redelivery_window": 0.0}
    limits |= {name: value for name, value in options.items() if not name.isupper()}
    async with (
        SimSlack(socket_mode=current_transport.is_socket, ack_deadline=ack_deadline) as slack,
        SimAnchor() as anchor,
    ):
        slack.home.enterprise, slack.timing.trigger_lifetime = enterprise, PATIENT
        anchor.add_session(session_id=SESSION)
        environ = environment(slack, anchor, **settings)
        with obeying(slack, anchor):
            async with running(Settings.from_env(environ), Limits(**limits)) as bot:
                slack.request_url = None if current_transport.is_socket else f"{bot.url}/slack/events"
                await bot.startup
                await forget_key_check(anchor)
                yield SingleHarness(slack, anchor, slack.home, slack.alice, slack.alerts, SESSION, bot)
