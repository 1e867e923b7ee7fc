"""A sandbox: a simulated Slack, a simulated Anchor, and the real bot between them."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.core.alerts import alerts_url
from bot.core.fields import Secret
from bot.core.permissions import Policy, Rule
from bot.demo.bot_process import BotProcess
from bot.demo.jobs import REMIND_BEFORE
from bot.demo.monitor import MONITOR, AlertsEndpoint
from bot.demo.newco import NEWCO_KEY, Newco, newco
from bot.demo.set_up import configure, install
from bot.outbound.store.encryption import new_key
from bot.outbound.store.store import Store, open_store
from bot.sim.anchor import DEFAULT_KEY, SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import SimSlack

_NO_ENDPOINT = AlertsEndpoint("", "")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Everything that takes part. Commands typed in `slack` reach the bot, whose pauses reach `anchor`.

    The bot serves Acme, which has its key and its endpoint for alerts, and Newco, which has neither.
    `store_variables` are those of its database; `changes` replace variables that suit the simulators.
    """

    slack: SimSlack
    anchor: SimAnchor
    newco: Newco
    bot: BotProcess
    port: int
    store_variables: Mapping[str, str]
    changes: Mapping[str, str]
    alerts: AlertsEndpoint = _NO_ENDPOINT

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of both workspaces' accounts at Anchor."""
        return (DEFAULT_KEY, NEWCO_KEY)

    @property
    def variables(self) -> dict[str, str]:
        """The bot's variables, for the transport that is set in Slack."""
        own = {"REMIND_BEFORE": str(REMIND_BEFORE), **self.store_variables, **self.changes}
        return environment_of_many(self.slack, self.anchor, port=self.port, **own)

    async def start_bot(self) -> None:
        """Start the bot for the transport that is set in Slack. Raises BotFailedError."""
        await self.bot.start(self.variables)
        self.slack.request_url = None if self.slack.socket_mode else f"{self.bot.url}/slack/events"

    async def install_in_both(self) -> "Sandbox":
        """Install the app in both workspaces, and return the sandbox with Acme's endpoint for alerts.

        Acme's admins can end sessions.
        """
        slack, new = self.slack, self.newco
        await asyncio.gather(
            install(self.bot.url, slack.home, slack.alice), install(self.bot.url, new.workspace, new.dora)
        )
        team_id = slack.home.team_id
        async with self.store() as store:
            token = await configure(store, team_id, DEFAULT_KEY, slack.alerts.id, sender=MONITOR)
            if workspace := await store.rows.find(team_id):
                await store.rows.set_policy(team_id, Policy(end=Rule()), if_version=workspace.policy_version)
        return replace(self, alerts=AlertsEndpoint(alerts_url(self.bot.url, team_id), token))

    def store(self) -> AbstractAsyncContextManager[Store]:
        """Open the bot's database, as another process does."""
        return open_store(
            Secret(self.store_variables["DATABASE_URL"]), [Secret(self.store_variables["ENCRYPTION_KEYS"])]
        )


@asynccontextmanager
async def open_sandbox(changes: Mapping[str, str], *, socket_mode: bool = False) -> AsyncIterator[Sandbox]:
    """Set everything up on free local ports, and take it down at the end. Raises BotFailedError."""
    with tempfile.TemporaryDirectory() as directory:
        async with SimSlack(socket_mode=socket_mode) as slack, SimAnchor(keys=[DEFAULT_KEY, NEWCO_KEY]) as anchor:
            new = newco()
            slack.add_workspace(new.workspace)
            store_variables = {
                "DATABASE_URL": f"sqlite:///{directory}/anchor-bot.db",
                "ENCRYPTION_KEYS": new_key().reveal(),
            }
            sandbox = Sandbox(
                slack, anchor, new, BotProcess(Path(directory, "bot.log")), free_port(), store_variables, changes
            )
            try:
                await sandbox.start_bot()
                yield await sandbox.install_in_both()
            finally:
                await sandbox.bot.stop()


def environment(slack: SimSlack, anchor: SimAnchor, **changes: str) -> dict[str, str]:
    """Return the variables of a bot for one workspace on a free port; `changes` replace some. It keeps no file."""
    own = {"SLACK_BOT_TOKEN": slack.bot_token, "ANCHOR_API_KEY": DEFAULT_KEY, "DATABASE_URL": "sqlite://"}
    return _common_variables(slack, anchor) | own | changes


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
    return _common_variables(slack, anchor) | own | changes


def _common_variables(slack: SimSlack, anchor: SimAnchor) -> dict[str, str]:
    transport = (
        ("SLACK_APP_TOKEN", slack.app_token) if slack.socket_mode else ("SLACK_SIGNING_SECRET", slack.signing_secret)
    )
    return {
        transport[0]: transport[1],
        "SLACK_API_URL": slack.url,
        "ANCHOR_API_URL": anchor.url,
        "PORT": "0",
    }
