"""The legacy buttons of a message, which stand in its attachments.

https://api.slack.com/legacy/message-buttons
"""

from dataclasses import dataclass

from bot.sim.slack.content import Part, parts
from bot.sim.slack.history import Message
from bot.sim.slack.possible import NotPossibleError


@dataclass(frozen=True, slots=True)
class LegacyButton:
    """An action of an attachment, both as Slack stores them: with their ids."""

    attachment: Part
    action: Part

    def check(self) -> None:
        """Raise NotPossibleError if pressing it would tell no app."""
        if self.action.get("url"):
            raise NotPossibleError("a link button only opens its link")
        if not self.attachment.get("callback_id"):
            raise NotPossibleError("buttons do nothing in an attachment without callback_id")


def find_legacy_button(message: Message, attachment_id: int, action_id: str) -> LegacyButton:
    """Return the button with these ids; NotPossibleError if there is none, or none that works."""
    for attachment in message.attachments:
        for action in parts(attachment.get("actions")):
            if (attachment["id"], action["id"], action.get("type")) == (attachment_id, action_id, "button"):
                button = LegacyButton(attachment, action)
                button.check()
                return button
    raise NotPossibleError(f"the message has no button {action_id} in an attachment {attachment_id}")
