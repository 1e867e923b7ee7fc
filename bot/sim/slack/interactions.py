"""The payloads of commands and interactions."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bot.sim.slack.content import Part, enterprise_json, parts, team_json, user_json
from bot.sim.slack.delivery import Delivery, Dispatch, Invocation, Reader, Reading, ignore_ack, read_replacement
from bot.sim.slack.history import ButtonRef, Message
from bot.sim.slack.http_transport import Answered
from bot.sim.slack.platform import Platform
from bot.sim.slack.workspace import Channel, Enterprise, NotPossibleError, User, Workspace, check_presence

ABSENT: Final = object()
"""In a payload, leaves its field out."""


@dataclass(frozen=True, slots=True)
class Click:
    """A click in a message; `message_json` is the message as apps get it, `enterprise` that of the person."""

    workspace: Workspace
    user: User
    channel: Channel
    message: Message
    message_json: Part
    enterprise: Enterprise | None

    def check(self) -> None:
        """Raise NotPossibleError for somebody who does not see the message."""
        check_presence(self.user, self.channel)
        if self.message.ephemeral_to not in {None, self.user.id}:
            raise NotPossibleError("this person does not see the message")

    @property
    def channel_json(self) -> Part:
        """The channel as apps get it."""
        return {"id": self.channel.id, "name": self.channel.name_in_payloads}

    @property
    def public_json(self) -> object:
        """The message as apps get it; ABSENT if only one person sees it."""
        return ABSENT if self.message.ephemeral_to else self.message_json


@dataclass(frozen=True, slots=True)
class Action(ABC):
    """The button that was clicked; each kind tells the app in its own way, and takes the ack in its own way."""

    click: Click

    @property
    @abstractmethod
    def ref(self) -> ButtonRef:
        """Which button it is."""

    @abstractmethod
    def payload(self, invocation: Invocation, action_ts: str) -> Part:
        """Return what the app gets, with its fields in Slack's order."""

    @abstractmethod
    def read(self, content_type: str, body: bytes) -> Reading:
        """Read the ack, which was a 200."""

    @abstractmethod
    def warning(self, reason: str) -> str:
        """Return what the person reads if there was no such ack."""


NOT_CONFIGURED = "This app is not configured to handle interactive responses"
TIMED_OUT = "Operation timed out. Apps need to respond within three seconds"


class Interactions:
    """Sends interactive payloads."""

    def __init__(self, platform: Platform, dispatch: Dispatch) -> None:
        self._platform = platform
        self._dispatch = dispatch

    async def send(
        self, payload: Part, overrides: Mapping[str, object], invocation: Invocation, reader: Reader
    ) -> Delivery:
        """Send a payload; an override of None is null, ABSENT leaves a field out."""
        fields = {name: value for name, value in {**payload, **overrides}.items() if value is not ABSENT}
        request = self._dispatch.pack("interactive", fields)
        answer = await self._dispatch.send(request)
        delivery = Delivery(invocation.response_url, invocation.trigger_id, request, answer, reader)
        self._platform.record(delivery.mistakes)
        return delivery

    def reason(self, answer: Answered) -> str:
        """Return what people read by an element whose action was not acknowledged."""
        if not self._dispatch.has_transport:
            return NOT_CONFIGURED
        return TIMED_OUT if answer.status is None else f"This app responded with Status Code {answer.status}."


# A click on a Block Kit button, wherever that can stand, and the payload that Slack makes of it.
# https://docs.slack.dev/reference/interaction-payloads/block_actions-payload


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


# A press of a legacy button, which stands in an attachment, and the payload that Slack makes of it.
# https://api.slack.com/legacy/message-buttons
# https://api.slack.com/legacy/interactive-message-field-guide


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


# A slash command as a person types it, and the fields that Slack makes of it.
# https://docs.slack.dev/interactivity/implementing-slash-commands


@dataclass(frozen=True, slots=True)
class Typed:
    """A typed command; `text` is already escaped, as Slack sends it."""

    workspace: Workspace
    user: User
    channel: Channel
    command: str
    text: str

    @property
    def line(self) -> str:
        """Return the text of the composer."""
        return f"{self.command} {self.text}".rstrip()

    @property
    def is_offered(self) -> bool:
        """Whether the client has this command for this person."""
        return not self._is_foreign and self.command in {known.name for known in self.workspace.installation.commands}

    @property
    def _is_foreign(self) -> bool:
        return self.user.team_id != self.workspace.team_id

    def check(self) -> None:
        """Raise NotPossibleError for somebody who can't send a command here."""
        if self._is_foreign:
            raise NotPossibleError("only people of the installing workspace have its commands")
        check_presence(self.user, self.channel)


def fields(typed: Typed, invocation: Invocation, overrides: Mapping[str, str | None]) -> dict[str, str]:
    """Return the fields in Slack's order; an override of None leaves its field out."""
    workspace, channel = typed.workspace, typed.channel
    made: dict[str, str | None] = {
        "token": workspace.installation.verification_token,
        "team_id": workspace.team_id,
        "team_domain": workspace.domain,
        "enterprise_id": workspace.enterprise.id if workspace.enterprise else None,
        "enterprise_name": workspace.enterprise.name if workspace.enterprise else None,
        "channel_id": channel.id,
        "channel_name": channel.name_in_payloads,
        "user_id": typed.user.id,
        "user_name": typed.user.name,
        "command": typed.command,
        "text": typed.text,
        "api_app_id": workspace.installation.app_id,
        "is_enterprise_install": "false",
        "response_url": invocation.response_url,
        "trigger_id": invocation.trigger_id,
    }
    made.update(overrides)
    return {name: value for name, value in made.items() if value is not None}
