"""A press of a legacy button, which stands in an attachment, and the payload that Slack makes of it.

https://api.slack.com/legacy/message-buttons
https://api.slack.com/legacy/interactive-message-field-guide
"""

from dataclasses import dataclass

from bot.sim.slack.ack import Reading, read_replacement
from bot.sim.slack.click import Action, Click
from bot.sim.slack.content import Part, parts
from bot.sim.slack.delivery import Invocation
from bot.sim.slack.history import ButtonRef
from bot.sim.slack.party_json import enterprise_json, team_json
from bot.sim.slack.possible import NotPossibleError


@dataclass(frozen=True, slots=True)
class AttachmentAction(Action):
    """Its ack can change the message. Attachment and button are as Slack stores them: with their ids."""

    attachment: Part
    button: Part

    @property
    def ref(self) -> ButtonRef:
        """The button, by the numbers that all of its kind have."""
        return ButtonRef(self.click.message.ts, str(self.attachment["id"]), str(self.button["id"]))

    def payload(self, invocation: Invocation, action_ts: str) -> Part:
        """Return a payload of the type interactive_message."""
        click, user, attachment = self.click, self.click.user, self.attachment
        return {
            "type": "interactive_message",
            "actions": [{name: self.button[name] for name in ("name", "type", "value") if self.button.get(name)}],
            "callback_id": attachment["callback_id"],
            "team": team_json(click.workspace),
            "channel": click.channel_json,
            "user": {"id": user.id, "name": user.name, "team_id": user.team_id},
            "action_ts": action_ts,
            "message_ts": click.message.ts,
            "attachment_id": str(attachment["id"]),
            "token": click.workspace.installation.verification_token,
            "is_app_unfurl": False,
            "enterprise": enterprise_json(click.enterprise),
            "is_enterprise_install": False,
            "original_message": click.public_json,
            "response_url": invocation.response_url,
            "trigger_id": invocation.trigger_id,
        }

    def read(self, content_type: str, body: bytes) -> Reading:
        """Read a message that may replace the one with the button."""
        return read_replacement(content_type, body)

    def warning(self, reason: str) -> str:
        """Return what Slackbot says."""
        return f"Darn – that didn't work. {reason}"  # noqa: RUF001 - the dash is Slack's


def find_legacy_button(click: Click, attachment_id: int, action_id: str) -> AttachmentAction:
    """Return the button with these ids; NotPossibleError if there is none, or none that tells an app."""
    for attachment in click.message.attachments:
        for button in parts(attachment.get("actions")):
            if (attachment["id"], button["id"], button.get("type")) == (attachment_id, action_id, "button"):
                if button.get("url"):
                    raise NotPossibleError("a link button only opens its link")
                if not attachment.get("callback_id"):
                    raise NotPossibleError("buttons do nothing in an attachment without callback_id")
                return AttachmentAction(click, attachment, button)
    raise NotPossibleError(f"the message has no button {action_id} in an attachment {attachment_id}")
