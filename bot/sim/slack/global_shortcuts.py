"""Delivers the use of a global shortcut to the app: it belongs to no message and no conversation.

https://docs.slack.dev/interactivity/implementing-shortcuts
"""

from collections.abc import Mapping

from bot.sim.slack.ack import ignore_ack
from bot.sim.slack.content import Part
from bot.sim.slack.delivery import Delivery, Invocation
from bot.sim.slack.dispatch import Dispatch
from bot.sim.slack.interactions import Interactions
from bot.sim.slack.party_json import enterprise_json, team_json, user_json
from bot.sim.slack.platform import Platform
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.workspace import User, Workspace


class GlobalShortcuts:
    """Uses global shortcuts on behalf of people."""

    def __init__(self, platform: Platform, dispatch: Dispatch) -> None:
        self._platform = platform
        self._interactions = Interactions(platform, dispatch)

    async def use(
        self, workspace: Workspace, user: User, callback_id: str, overrides: Mapping[str, object]
    ) -> Delivery:
        """Deliver it; NotPossibleError if the client does not offer it to this person."""
        if user.team_id != workspace.team_id or user.deleted:
            raise NotPossibleError("only people of the installing workspace have its shortcuts")
        if callback_id not in {one.callback_id for one in workspace.installation.global_shortcuts}:
            raise NotPossibleError(f"the app has no shortcut {callback_id}")
        trigger_id = self._platform.triggers.issue(workspace, user.id)
        payload = self._payload(workspace, user, callback_id, trigger_id)
        return await self._interactions.send(payload, overrides, Invocation("", trigger_id), ignore_ack)

    def _payload(self, workspace: Workspace, user: User, callback_id: str, trigger_id: str) -> Part:
        return {
            "type": "shortcut",
            "token": workspace.installation.verification_token,
            "action_ts": f"{self._platform.clock.now():.6f}",
            "team": team_json(workspace),
            "user": user_json(user),
            "is_enterprise_install": False,
            "enterprise": enterprise_json(self._platform.enterprise_of(workspace, user)),
            "callback_id": callback_id,
            "trigger_id": trigger_id,
        }
