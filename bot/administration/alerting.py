"""An admin says where alerts go, tries it, and lets programs send them."""

from typing import TYPE_CHECKING

from bot.administration.herald import Herald
from bot.administration.rights import Rights
from bot.administration.turns import Turns
from bot.core.administration import (
    AlertOutcome,
    AlertPosted,
    AlertRefused,
    AlertUnanswered,
    NoChannel,
    TokenMade,
    TokenOutcome,
)
from bot.core.digest import digest
from bot.core.messages.card import sample_alert_message
from bot.core.messages.changes import alerts_channel_message, alerts_token_message
from bot.core.requests import Asker
from bot.core.workspace import Workspace
from bot.outbound.alert_poster import AlertPoster
from bot.outbound.alerts_token import new_alerts_token
from bot.outbound.delivery import Posted, Refused, TryAgain

if TYPE_CHECKING:  # a bot of one workspace needs no database
    from bot.outbound.store.configuration import Configuration


class Alerting:
    """Changes what belongs to alerts. Every method may raise StoreError.

    Channels are tried one after the other in each workspace, so that what was chosen last is what holds.
    """

    def __init__(self, rights: Rights, poster: AlertPoster, configuration: "Configuration", herald: Herald) -> None:
        self._rights = rights
        self._poster = poster
        self._configuration = configuration
        self._herald = herald
        self._turns = Turns()

    async def choose(self, asker: Asker, channel: str) -> AlertOutcome:
        """Let alerts go to `channel`, if a test alert can be posted there."""
        async with self._turns.of(asker.team_id):
            workspace = await self._rights.granted(asker)
            if not isinstance(workspace, Workspace):
                return workspace
            before = workspace.alerts_channel
            tried = await self._try(workspace, channel)
            if isinstance(tried, AlertPosted) and channel != before:
                if not await self._configuration.move_alerts(asker.team_id, channel, before=before):
                    return await self._rights.missed(asker, unless=lambda now: now.alerts_channel == channel) or tried
                self._herald.announce(workspace, alerts_channel_message(asker.user_id, channel), asker.user_id)
            return tried

    async def test(self, asker: Asker) -> AlertOutcome:
        """Post a test alert where alerts go."""
        async with self._turns.of(asker.team_id):
            workspace = await self._rights.granted(asker)
            if not isinstance(workspace, Workspace):
                return workspace
            channel = workspace.alerts_channel
            return NoChannel() if channel is None else await self._try(workspace, channel)

    async def renew_token(self, asker: Asker, *, seen: int) -> TokenOutcome:
        """Let programs post alerts with a new token, where the one before is still that of the version `seen`."""
        workspace = await self._rights.granted(asker)
        if not isinstance(workspace, Workspace):
            return workspace
        made = TokenMade(new_alerts_token())
        its = digest(made.token.reveal())
        if not await self._configuration.set_alerts_token(asker.team_id, its, if_version=seen):
            return await self._rights.missed(asker, unless=lambda now: now.alerts_token_digest == its) or made
        self._herald.announce(workspace, alerts_token_message(asker.user_id), asker.user_id)
        return made

    async def _try(self, workspace: Workspace, channel: str) -> AlertPosted | AlertRefused | AlertUnanswered:
        result = await self._poster.post(workspace.bot_token, channel, sample_alert_message())
        if isinstance(result, Posted):
            return AlertPosted(channel)
        if isinstance(result, TryAgain) and result.limited:
            return AlertRefused(channel, "ratelimited")
        return AlertRefused(channel, result.why) if isinstance(result, Refused) else AlertUnanswered(channel)
