"""A click on a button of a message: what all kinds of buttons have in common."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

from bot.sim.slack.ack import Reading
from bot.sim.slack.content import Part
from bot.sim.slack.delivery import Invocation
from bot.sim.slack.history import ButtonRef, Message
from bot.sim.slack.possible import NotPossibleError, check_presence
from bot.sim.slack.workspace import Channel, Enterprise, User, Workspace

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
