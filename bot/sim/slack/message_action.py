"""The use of a message shortcut, and the payload that Slack makes of it.

https://docs.slack.dev/interactivity/implementing-shortcuts
"""

from dataclasses import dataclass

from bot.sim.slack.click import Click
from bot.sim.slack.content import Part
from bot.sim.slack.delivery import Invocation
from bot.sim.slack.party_json import enterprise_json, team_json, user_json
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.workspace import MessageShortcut


@dataclass(frozen=True, slots=True)
class MessageAction:
    """A choice in the menu of a message."""

    click: Click
    shortcut: MessageShortcut

    def check(self) -> None:
        """Raise NotPossibleError if the client does not offer the shortcut there."""
        if self.click.user.team_id != self.click.workspace.team_id:
            raise NotPossibleError("only people of the installing workspace have its shortcuts")
        if self.click.message.ephemeral_to is not None:
            raise NotPossibleError("a message for one person has no shortcuts")

    def payload(self, invocation: Invocation, action_ts: str) -> Part:
        """Return a payload of the type message_action."""
        click = self.click
        return {
            "type": "message_action",
            "token": click.workspace.installation.verification_token,
            "action_ts": action_ts,
            "team": team_json(click.workspace),
            "user": user_json(click.user),
            "channel": click.channel_json,
            "is_enterprise_install": False,
            "enterprise": enterprise_json(click.enterprise),
            "callback_id": self.shortcut.callback_id,
            "trigger_id": invocation.trigger_id,
            "response_url": invocation.response_url,
            "message_ts": click.message.ts,
            "message": click.message_json,
        }


def find_shortcut(click: Click, callback_id: str) -> MessageAction:
    """Return the shortcut of the app with this id in the menu of a message; NotPossibleError if it is not offered."""
    offered = click.workspace.installation.shortcuts
    shortcut = next((one for one in offered if one.callback_id == callback_id), None)
    if shortcut is None:
        raise NotPossibleError(f"the app has no shortcut {callback_id}")
    action = MessageAction(click, shortcut)
    action.check()
    return action
