"""A click on a Block Kit button, and the payload that Slack makes of it.

https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from dataclasses import dataclass

from bot.sim.slack.ack import Reading, ignore_ack
from bot.sim.slack.buttons import Button
from bot.sim.slack.click import Action, Click
from bot.sim.slack.content import Part
from bot.sim.slack.delivery import Invocation
from bot.sim.slack.history import ButtonRef
from bot.sim.slack.party_json import enterprise_json, team_json, user_json


@dataclass(frozen=True, slots=True)
class BlockAction(Action):
    """Its ack says only that the click arrived."""

    button: Button

    @property
    def ref(self) -> ButtonRef:
        """The button, by the ids that all of its kind have."""
        return ButtonRef(self.click.message.ts, self.button.block_id, str(self.button.element["action_id"]))

    def payload(self, invocation: Invocation, action_ts: str) -> Part:
        """Return a payload of the type block_actions."""
        click, user, app = self.click, self.click.user, self.click.workspace.installation
        return {
            "type": "block_actions",
            "user": user_json(user),
            "api_app_id": app.app_id,
            "token": app.verification_token,
            "container": _container(click, self.button),
            "trigger_id": invocation.trigger_id,
            "team": team_json(click.workspace),
            "enterprise": enterprise_json(click.enterprise),
            "is_enterprise_install": False,
            "channel": click.channel_json,
            "message": click.public_json,
            "state": {"values": {}},
            "response_url": invocation.response_url,
            "actions": [_action(self.button, action_ts)],
        }

    def read(self, content_type: str, body: bytes) -> Reading:
        """Show nothing, whatever the ack says."""
        return ignore_ack(content_type, body)

    def warning(self, reason: str) -> str:
        """Return the tooltip of the warning triangle by the button."""
        return reason


def _container(click: Click, button: Button) -> Part:
    message = click.message
    container: Part = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    if button.attachment_id is not None:
        container |= {"type": "message_attachment", "attachment_id": button.attachment_id, "is_app_unfurl": False}
    if "thread_ts" in click.message_json:
        container["thread_ts"] = click.message_json["thread_ts"]
    return container


def _action(button: Button, action_ts: str) -> Part:
    element = button.element
    chosen = {name: element[name] for name in ("value", "style") if name in element}
    return (
        {"action_id": element["action_id"], "block_id": button.block_id, "text": element["text"]}
        | chosen
        | {"type": "button", "action_ts": action_ts}
    )
