"""The messages in all channels, and who sees which."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.sim.bell import Bell
    from bot.sim.slack.clock import Clock, Moment
    from bot.sim.slack.content import Content, Part


class Source(StrEnum):
    """The road by which a message came."""

    ACK = "ack"
    RESPONSE_URL = "response_url"
    POST_MESSAGE = "chat.postMessage"
    TYPED = "typed"  # a command, echoed to the channel
    CLIENT = "client"  # by the Slack client itself, to one person


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `user` is the author's id, `trigger_id` that of the command it belongs to."""

    channel: str
    ts: str
    user: str
    text: str
    source: Source
    at: Moment
    bot_id: str | None = None
    blocks: tuple[Part, ...] = ()
    attachments: tuple[Part, ...] = ()
    thread_ts: str | None = None
    ephemeral_to: str | None = None
    trigger_id: str | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Who posts: a person, or a bot with its `bot_id`."""

    user: str
    bot_id: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message goes, and on which occasion; `ephemeral_to` is the only one who will see it."""

    channel: str
    ephemeral_to: str | None = None
    thread_ts: str | None = None
    trigger_id: str | None = None


class History:
    """All messages by channel, oldest first."""

    def __init__(self, clock: Clock, bell: Bell) -> None:
        self._clock = clock
        self._bell = bell
        self._messages: defaultdict[str, list[Message]] = defaultdict(list)
        self._numbers = itertools.count(1)

    def post(self, content: Content, author: Author, place: Place, source: Source) -> Message:
        """Add a message."""
        at = self._clock.moment()
        message = Message(
            channel=place.channel,
            ts=f"{int(at.time)}.{next(self._numbers):06d}",
            user=author.user,
            text=content.text,
            source=source,
            at=at,
            bot_id=author.bot_id,
            blocks=content.blocks,
            attachments=content.attachments,
            thread_ts=place.thread_ts,
            ephemeral_to=place.ephemeral_to,
            trigger_id=place.trigger_id,
        )
        self._messages[place.channel].append(message)
        self._bell.ring()
        return message

    def public(self, channel: str) -> list[Message]:
        """Return what everyone in the channel sees."""
        return [message for message in self._messages[channel] if message.ephemeral_to is None]

    def seen_by(self, user: str, channel: str) -> list[Message]:
        """Return what one person sees in the channel."""
        return [message for message in self._messages[channel] if message.ephemeral_to in {None, user}]
