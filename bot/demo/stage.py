"""The stage of every demonstration: a simulated Slack, a simulated Anchor, and the real bot between them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.core.alert import alerts_url
from bot.core.secret import Secret
from bot.demo.bot_process import BotProcess
from bot.demo.monitor import AlertsRoad
from bot.demo.newco import NEWCO_KEY, Newco, newco
from bot.demo.set_up import equip, install
from bot.outbound.store.field_cipher import new_key
from bot.outbound.store.store import Store, open_store
from bot.sim.anchor import DEFAULT_KEY, SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import SimSlack

_NO_ROAD = AlertsRoad("", "")


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that takes part. Commands typed in `slack` reach the bot, whose pauses reach `anchor`.

    The bot serves Acme, which has its key and its road for alerts, and Newco, which has neither. `kept` are the
    variables of where it keeps them; `changes` are variables that are other than what suits the simulators.
    """

    slack: SimSlack
    anchor: SimAnchor
    newco: Newco
    bot: BotProcess
    port: int
    kept: Mapping[str, str]
    changes: Mapping[str, str]
    alerts: AlertsRoad = _NO_ROAD

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of both workspaces' accounts at Anchor."""
        return (DEFAULT_KEY, NEWCO_KEY)

    @property
    def variables(self) -> dict[str, str]:
        """Those of the bot, for the way in that Slack is set to."""
        return environment_of_many(self.slack, self.anchor, port=self.port, **{**self.kept, **self.changes})

    async def start_bot(self) -> None:
        """Start the bot for the way in that Slack is set to. Raises BotFailedError."""
        await self.bot.start(self.variables)
        self.slack.request_url = None if self.slack.socket_mode else f"{self.bot.url}/slack/events"

    async def install_in_both(self) -> "Stage":
        """Let the app into both workspaces, and return the stage with Acme's road for alerts."""
        slack, new = self.slack, self.newco
        await asyncio.gather(
            install(self.bot.url, slack.home, slack.alice), install(self.bot.url, new.workspace, new.dora)
        )
        team_id = slack.home.team_id
        async with self.store() as store:
            token = await equip(store, team_id, DEFAULT_KEY, slack.alerts.id)
        return replace(self, alerts=AlertsRoad(alerts_url(self.bot.url, team_id), token))

    def store(self) -> AbstractAsyncContextManager[Store]:
        """Open the bot's database, as another process does."""
        return open_store(Secret(self.kept["DATABASE_URL"]), [Secret(self.kept["ENCRYPTION_KEYS"])])


@asynccontextmanager
async def stage(changes: Mapping[str, str], *, socket_mode: bool = False) -> AsyncIterator[Stage]:
    """Set everything up on free local ports, and take it down at the end. Raises BotFailedError."""
    with tempfile.TemporaryDirectory() as directory:
        async with SimSlack(socket_mode=socket_mode) as slack, SimAnchor(keys=[DEFAULT_KEY, NEWCO_KEY]) as anchor:
            new = newco()
            slack.add_workspace(new.workspace)
            kept = {"DATABASE_URL": f"sqlite:///{directory}/anchor-bot.db", "ENCRYPTION_KEYS": new_key().reveal()}
            on = Stage(slack, anchor, new, BotProcess(Path(directory, "bot.log")), free_port(), kept, changes)
            try:
                await on.start_bot()
                yield await on.install_in_both()
            finally:
                await on.bot.stop()


def environment(slack: SimSlack, anchor: SimAnchor, **changes: str) -> dict[str, str]:
    """Return the variables of a bot for one workspace on a free port; `changes` replace some of them."""
    own = {"SLACK_BOT_TOKEN": slack.bot_token, "ANCHOR_API_KEY": DEFAULT_KEY}
    return _between(slack, anchor) | own | changes


def environment_of_many(slack: SimSlack, anchor: SimAnchor, *, port: int, **changes: str) -> dict[str, str]:
    """Return the variables of a bot for many workspaces on `port`, which OAuth returns to; `changes` as above.

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
