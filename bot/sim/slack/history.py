"""Time, the messages of channels, and their JSON."""

import itertools
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.sim.change_event import ChangeEvent
from bot.sim.slack.content import Content, Part, normalize, typed_rich_text
from bot.sim.slack.workspace import Installation, Workspace


@dataclass(frozen=True, slots=True)
class Moment:
    """`monotonic` measures durations (seconds); `time` is Slack's own clock (Unix seconds)."""

    monotonic: float
    time: float


class Clock:
    """Runs with `now` and is ahead of it by what was advanced."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._ahead = 0.0
        self.dates_ahead = 0.0
        """Seconds by which the header Date of answers is ahead of it: a proxy can write a wrong one."""

    def now(self) -> float:
        """Return Unix seconds; pass this method to whatever shall share Slack's time."""
        return self._now() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass for everything that follows this clock: signatures, response URLs, rate limits."""
        self._ahead += seconds

    def moment(self) -> Moment:
        """Return the present moment on both clocks."""
        return Moment(time.monotonic(), self.now())


class Source(StrEnum):
    """The origin of a message."""

    ACK = "ack"
    RESPONSE_URL = "response_url"
    POST_MESSAGE = "chat.postMessage"
    POSTED = "posted"  # by the test: as the app's incoming webhook does, or as a person writes
    TYPED = "typed"  # a command, echoed to the channel
    CLIENT = "client"  # by the Slack client itself, to one person


@dataclass(frozen=True, slots=True)
class ButtonRef:
    """Which button of all: `ts` is that of its message, `block` its block_id, `action` its action_id.

    For a legacy button `block` is the id of its attachment, and `action` its own.
    """

    ts: str
    block: str
    action: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it is now; `user` is the author's id, `trigger_id` that of the command or click it belongs to.

    `warns` is the button by which the client shows this, instead of among the messages.
    Blocks are as Slack stores them: with a block_id each, and with `emoji` and `verbatim` in their texts.
    """

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
    warns: ButtonRef | None = None
    is_broadcast: bool = False  # a reply that the channel shows, too
    revision: int = 0  # how often it was replaced
    edited_at: Moment | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """The author of a message: a person, or a bot with its `bot_id`."""

    user: str
    bot_id: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a message and its invocation; `ephemeral_to` is the only person who sees it.

    `warns` is the button by which it stands, if it is a warning. The channel, too, shows a reply that `is_broadcast`.
    """

    channel: str
    ephemeral_to: str | None = None
    thread_ts: str | None = None
    trigger_id: str | None = None
    warns: ButtonRef | None = None
    is_broadcast: bool = False


class History:
    """All messages by channel, oldest first; a replaced one keeps its place."""

    def __init__(self, clock: Clock, change_event: ChangeEvent) -> None:
        self._clock = clock
        self._change_event = change_event
        self._messages: defaultdict[str, dict[str, Message]] = defaultdict(dict)
        self._numbers = itertools.count(1)
        self._block_ids = (f"{number:04X}=" for number in itertools.count(1))

    def post(self, content: Content, author: Author, place: Place, source: Source) -> Message:
        """Add a message."""
        at, normalized = self._clock.moment(), normalize(content, self._block_ids)
        message = Message(
            channel=place.channel,
            ts=f"{int(at.time)}.{next(self._numbers):06d}",
            user=author.user,
            text=normalized.text,
            source=source,
            at=at,
            bot_id=author.bot_id,
            blocks=normalized.blocks,
            attachments=normalized.attachments,
            thread_ts=place.thread_ts,
            ephemeral_to=place.ephemeral_to,
            trigger_id=place.trigger_id,
            warns=place.warns,
            is_broadcast=place.is_broadcast,
        )
        self._put(message)
        return message

    def replace(self, message: Message, content: Content, *, trigger_id: str | None = None) -> Message:
        """Let a message show this and nothing else; `trigger_id` is that of the click that changed it."""
        normalized = normalize(content, self._block_ids)
        changed = replace(
            message,
            text=normalized.text,
            blocks=normalized.blocks,
            attachments=normalized.attachments,
            trigger_id=trigger_id or message.trigger_id,
            revision=message.revision + 1,
            edited_at=self._clock.moment(),
        )
        self._put(changed)
        return changed

    def delete(self, message: Message) -> None:
        """Take a message away."""
        del self._messages[message.channel][message.ts]
        self._change_event.notify()

    def find(self, channel: str, ts: str) -> Message | None:
        """Return a message as it is now; None if there is none, or none any more."""
        return self._messages[channel].get(ts)

    def thread(self, message: Message) -> str | None:
        """Return the ts of the thread a message is in; one that was answered is the first of its own."""
        if message.thread_ts is not None:
            return message.thread_ts
        answered = any(other.thread_ts == message.ts for other in self.public(message.channel))
        return message.ts if answered else None

    def public(self, channel: str) -> list[Message]:
        """Return what everyone in the channel sees."""
        return [message for message in self._messages[channel].values() if message.ephemeral_to is None]

    def seen_by(self, user: str, channel: str) -> list[Message]:
        """Return what one person sees in the channel."""
        return [message for message in self._messages[channel].values() if message.ephemeral_to in {None, user}]

    def newest(self, count: int) -> list[Message]:
        """Return the newest messages of all channels, with those for one person, oldest first."""
        everything = [message for channel in self._messages.values() for message in channel.values()]
        return sorted(everything, key=lambda message: message.ts)[-count:]

    def _put(self, message: Message) -> None:
        self._messages[message.channel][message.ts] = message
        self._change_event.notify()


# A message as the JSON in which Slack gives it to apps.
# https://docs.slack.dev/reference/events/message


def message_json(message: Message, workspace: Workspace, history: History) -> Part:
    """Return the whole message, with its place in a thread."""
    shown = _author(message, workspace) | {"type": "message", "ts": message.ts}
    if message.bot_id is None:
        shown["client_msg_id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, message.channel + message.ts))
    shown |= {"text": message.text, "team": workspace.team_id}
    if message.blocks:
        shown["blocks"] = list(message.blocks)
    elif message.bot_id is None:
        shown["blocks"] = [typed_rich_text(message.text)]
    if message.attachments:
        shown["attachments"] = list(message.attachments)
    if message.edited_at:
        shown["edited"] = {"user": message.user, "ts": f"{int(message.edited_at.time)}.000000"}
    return shown | _thread(message, workspace, history)


def _author(message: Message, workspace: Workspace) -> Part:
    app = workspace.installation
    if message.bot_id is None:
        return {"user": message.user}
    if message.bot_id != app.bot_id:
        return {"user": message.user, "bot_id": message.bot_id, "app_id": f"A{message.bot_id[1:]}"}
    made_by: Part = {"bot_id": message.bot_id, "app_id": app.app_id}
    if message.source is Source.POSTED:  # as incoming webhooks do: a bot, but not the app's user
        return made_by | {"subtype": "bot_message", "username": app.bot_name}
    return made_by | {"user": message.user}


def _thread(message: Message, workspace: Workspace, history: History) -> Part:
    thread_ts = history.thread(message)
    if thread_ts is None:
        return {}
    first = history.find(message.channel, thread_ts)
    if first is None or thread_ts == message.ts:
        return {"thread_ts": thread_ts}
    if message.is_broadcast:
        root = message_json(first, workspace, history)
        return {"subtype": "thread_broadcast", "thread_ts": thread_ts, "root": root}
    return {"thread_ts": thread_ts, "parent_user_id": first.user}


# The effect of an app's answer to a command or a click: what it shows, and what it does to the clicked message.
# https://docs.slack.dev/interactivity/handling-user-interaction#message_responses


@dataclass(frozen=True, slots=True)
class MessageResponse:
    """A new message in `place`, unless there is an `original`: that one shows the content from now on.

    Empty content is no new message.
    """

    content: Content
    place: Place
    source: Source
    original: Message | None = None


def respond(history: History, app: Installation, response: MessageResponse) -> bool:
    """Show it; False if the original is gone, then nothing is shown."""
    if response.original is not None:
        present = history.find(response.original.channel, response.original.ts)
        if present is None:
            return False
        history.replace(present, response.content, trigger_id=response.place.trigger_id)
    elif not response.content.is_empty:
        author = Author(app.bot_user_id, app.bot_id)
        history.post(response.content, author, response.place, response.source)
    return True
