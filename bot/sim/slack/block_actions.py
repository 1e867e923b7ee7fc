"""A click on a Block Kit button or in an overflow menu, wherever it can stand, and the payload that Slack makes of it.

https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.sim.slack.ack import Reading, ignore_ack
from bot.sim.slack.click import Action, Click
from bot.sim.slack.content import Part, parts
from bot.sim.slack.delivery import Invocation
from bot.sim.slack.history import ButtonRef
from bot.sim.slack.party_json import enterprise_json, team_json, user_json
from bot.sim.slack.possible import NotPossibleError


@dataclass(frozen=True, slots=True)
class BlockAction(Action):
    """Its ack says only that the click arrived. `attachment_id` counts from 1 and is None outside attachments.

    In a menu, `option` is what was chosen.
    """

    button: Part
    block_id: str
    attachment_id: int | None = None
    option: Part | None = None

    @property
    def value(self) -> object:
        """Return what the click sends."""
        return (self.option or self.button).get("value")

    @property
    def ref(self) -> ButtonRef:
        """The button, by the ids that all of its kind have."""
        return ButtonRef(self.click.message.ts, self.block_id, str(self.button["action_id"]))

    def payload(self, invocation: Invocation, action_ts: str) -> Part:
        """Return a payload of the type block_actions."""
        click, user, app = self.click, self.click.user, self.click.workspace.installation
        return {
            "type": "block_actions",
            "user": user_json(user),
            "api_app_id": app.app_id,
            "token": app.verification_token,
            "container": self._container(),
            "trigger_id": invocation.trigger_id,
            "team": team_json(click.workspace),
            "enterprise": enterprise_json(click.enterprise),
            "is_enterprise_install": False,
            "channel": click.channel_json,
            "message": click.public_json,
            "state": {"values": {}},
            "response_url": invocation.response_url,
            "actions": [self._action(action_ts)],
        }

    def read(self, content_type: str, body: bytes) -> Reading:
        """Show nothing, whatever the ack says."""
        return ignore_ack(content_type, body)

    def warning(self, reason: str) -> str:
        """Return the tooltip of the warning triangle by the button."""
        return reason

    def _container(self) -> Part:
        message = self.click.message
        container: Part = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": message.ephemeral_to is not None,
        }
        if self.attachment_id is not None:
            container |= {"type": "message_attachment", "attachment_id": self.attachment_id, "is_app_unfurl": False}
        if "thread_ts" in self.click.message_json:
            container["thread_ts"] = self.click.message_json["thread_ts"]
        return container

    def _action(self, action_ts: str) -> Part:
        told = {name: self.button[name] for name in ("action_id", "text", "value", "style") if name in self.button}
        chosen = {"selected_option": self.option} if self.option else {}
        return told | chosen | {"block_id": self.block_id, "type": self.button["type"], "action_ts": action_ts}


def find_button(click: Click, action_id: str, value: str | None, block_id: str | None) -> BlockAction:
    """Return the one button that fits; NotPossibleError if there is none, or more than one."""
    found = [
        action
        for action in _buttons(click)
        if action.button["action_id"] == action_id
        and (value is None or action.value == value)
        and (block_id is None or action.block_id == block_id)
    ]
    if len(found) != 1:
        raise NotPossibleError(f"the message has {len(found) or 'no'} such buttons: {action_id}")
    return found[0]


def _buttons(click: Click) -> Iterator[BlockAction]:
    yield from _in_blocks(click, click.message.blocks, None)
    for number, attachment in enumerate(click.message.attachments, 1):
        yield from _in_blocks(click, parts(attachment.get("blocks")), number)


def _in_blocks(click: Click, blocks: Iterable[Part], attachment_id: int | None) -> Iterator[BlockAction]:
    for block in blocks:
        for element in parts([*parts(block.get("elements")), block.get("accessory")]):
            options = {"button": [None], "overflow": parts(element.get("options"))}.get(str(element.get("type")), ())
            for option in options:
                yield BlockAction(click, element, str(block["block_id"]), attachment_id, option)
