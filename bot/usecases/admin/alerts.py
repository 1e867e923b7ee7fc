"""Choose the alert channel, test it, and make the token that programs post alerts with."""

import secrets

from bot.core import admin_outcomes as outcomes
from bot.core.fields import Secret, digest
from bot.core.workspace import Workspace
from bot.messages.cards import sample_alert_message
from bot.messages.settings import alerts_channel_message, alerts_token_message
from bot.outbound.slack.client import Delivery, Posted, Refused, SlackClient, TryAgain
from bot.outbound.store.workspace_rows import WorkspaceRows
from bot.usecases.admin_notifier import AdminNotifier
from bot.usecases.post_alert import post_alert

_TOKEN_BYTES = 32


def new_alerts_token() -> Secret:
    """Return a new random token; the store keeps only its digest."""
    return Secret(secrets.token_urlsafe(_TOKEN_BYTES))


class AlertChanges:
    """Changes to alerts, made by the admin `user_id`. Every method can raise StoreError."""

    def __init__(self, slack: SlackClient, rows: WorkspaceRows, notifier: AdminNotifier) -> None:
        self._slack = slack
        self._rows = rows
        self._notifier = notifier

    async def choose_channel(self, workspace: Workspace, user_id: str, channel: str) -> outcomes.AlertOutcome:
        """Send alerts to `channel` from now on, if a test alert can be posted there."""
        team_id, before = workspace.team_id, workspace.alerts_channel
        posted = await self._post_test(workspace, channel)
        if not isinstance(posted, outcomes.AlertPosted) or channel == before:
            return posted
        if not await self._rows.move_alerts(team_id, channel, before=before):
            conflict = outcomes.explain_conflict(
                await self._rows.find(team_id), lambda now: now.alerts_channel == channel
            )
            return conflict or posted
        self._notifier.notify_change(workspace, alerts_channel_message(user_id, channel), user_id)
        return posted

    async def test(self, workspace: Workspace, _user_id: str) -> outcomes.AlertOutcome:
        """Post a test alert to the channel for alerts."""
        channel = workspace.alerts_channel
        return outcomes.NoChannel() if channel is None else await self._post_test(workspace, channel)

    async def renew_token(self, workspace: Workspace, user_id: str, *, expected_version: int) -> outcomes.TokenOutcome:
        """Replace the token if the stored version is the one that the admin has seen."""
        team_id, made = workspace.team_id, outcomes.TokenMade(new_alerts_token())
        stored = digest(made.token.reveal())
        if not await self._rows.set_alerts_token(team_id, stored, if_version=expected_version):
            conflict = outcomes.explain_conflict(
                await self._rows.find(team_id), lambda now: now.alerts_token_digest == stored
            )
            return conflict or made
        self._notifier.notify_change(workspace, alerts_token_message(user_id), user_id)
        return made

    async def _post_test(self, workspace: Workspace, channel: str) -> outcomes.AlertOutcome:
        result = await post_alert(self._slack, workspace.bot_token, channel, sample_alert_message())
        return _test_outcome(channel, result)


def _test_outcome(channel: str, result: Delivery) -> outcomes.AlertOutcome:
    match result:
        case Posted():
            return outcomes.AlertPosted(channel)
        case TryAgain(limited=True):
            return outcomes.AlertRefused(channel, "ratelimited")
        case Refused(why=why):
            return outcomes.AlertRefused(channel, why)
        case _:
            return outcomes.AlertUnanswered(channel)
