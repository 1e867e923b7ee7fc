"""The stage of every demonstration: a simulated Slack, a simulated Anchor, and the real bot between them."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.demo.bot_process import BotProcess
from bot.sim.anchor import DEFAULT_KEY, SimAnchor
from bot.sim.slack import SimSlack

ALERTS_TOKEN = "of-the-demo-only"  # noqa: S105 - of the simulation only


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that takes part. Commands typed in `slack` reach the bot, whose pauses reach `anchor`.

    `changes` are variables of the bot's that are other than what suits the simulators.
    """

    slack: SimSlack
    anchor: SimAnchor
    bot: BotProcess
    changes: Mapping[str, str]

    async def start_bot(self) -> None:
        """Start the bot for the way in that Slack is set to. Raises BotFailedError."""
        alerts = {"ALERTS_TOKEN": ALERTS_TOKEN, "ALERTS_CHANNEL": self.slack.alerts.id}
        await self.bot.start(environment(self.slack, self.anchor, **alerts, **self.changes))
        self.slack.request_url = None if self.slack.socket_mode else f"{self.bot.url}/slack/events"


@asynccontextmanager
async def stage(changes: Mapping[str, str], *, socket_mode: bool = False) -> AsyncIterator[Stage]:
    """Set everything up on free local ports, and take it down at the end. Raises BotFailedError."""
    with tempfile.TemporaryDirectory() as directory:
        async with SimSlack(socket_mode=socket_mode) as slack, SimAnchor() as anchor:
            on = Stage(slack, anchor, BotProcess(Path(directory, "bot.log")), changes)
            try:
                await on.start_bot()
                yield on
            finally:
                await on.bot.stop()


def environment(slack: SimSlack, anchor: SimAnchor, **changes: str) -> dict[str, str]:
    """The variables of a bot of one workspace between these two, on any free port; `changes` are other than that."""
    own = {"SLACK_BOT_TOKEN": slack.bot_token, "ANCHOR_API_KEY": DEFAULT_KEY}
    return _between(slack, anchor) | own | changes


def environment_of_many(slack: SimSlack, anchor: SimAnchor, *, port: int, **changes: str) -> dict[str, str]:
    """The same for a bot of many workspaces, on `port`, where Slack may send people back to; `changes` as above.

    ENCRYPTION_KEYS must be among them.
    """
    base_url = f"http://127.0.0.1:{port}"
    slack.registration.redirect_urls = [base_url]
    own = {
        "SLACK_CLIENT_ID": slack.registration.client_id,
        "SLACK_CLIENT_SECRET": slack.registration.client_secret,
        "BASE_URL": base_url,
        "PORT": str(port),
    }
    return _between(slack, anchor) | own | changes


def _between(slack: SimSlack, anchor: SimAnchor) -> dict[str, str]:
    way_in = (
        ("SLACK_APP_TOKEN", slack.app_token) if slack.socket_mode else ("SLACK_SIGNING_SECRET", slack.signing_secret)
    )
    return {way_in[0]: way_in[1], "SLACK_API_URL": slack.url, "ANCHOR_API_URL": anchor.url, "PORT": "0"}
