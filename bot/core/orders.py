"""An order, independent of the surface: who asks for what, how old it can be, and where the answer goes.

Also what people submit in windows, and what they change in Home.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.core.commands import MOST_TOGETHER
from bot.core.fields import SLACK_ID, Secret, text_field
from bot.core.session_ids import Found, SessionId, find_session_id

NOBODY = "nobody"  # the route of an outcome that nobody waits for, or that a card tells
_OPERATOR, _PROGRAM = "os:", "alert:"
FORGOTTEN = "forgotten-"  # the beginning of the pseudonym that replaces the user id of a person who was forgotten
_LONGEST_ID = 40

LATE = 5.0  # seconds from which a request is late: Slack has reported it as failed to the person 2 s before

_ASSUMED_TRANSIT = 0.5  # seconds of a request without a timestamp, so that its ack is in time on a slow network

UNCONFIRMED_TTL = 60.0  # seconds for which an unanswered order can still take effect at Anchor
STILL_WANTED = 120.0  # seconds for which an order that waits is still sent. Later its person has acted in another way.

REPEATED = 10.0  # seconds in which a person's own orders of the same verb count as one

_LONGEST_VERSION = 10  # digits

_VERSION = re.compile(r"after=([0-9a-f]{28})", re.ASCII)
_TIME_DIGITS = 12
_ATTEMPT_PARTS = 3


@dataclass(frozen=True, slots=True)
class MessageContent:
    """The content of a message without attachments: everything that is needed to send it again."""

    text: str
    blocks: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ClickedMessage:
    """A message with a button, as it was when somebody clicked it.

    `ts` identifies it in its channel, `thread_ts` is the thread for an answer ("" without one). `content` is None for
    an ephemeral message, which Slack omits, and for one with attachments, which stays as it is.
    """

    ts: str
    thread_ts: str
    content: MessageContent | None


Person = tuple[str, str]  # a person of a workspace: Slack's ids of the installing workspace and of the person


def operator_id(name: str) -> str:
    """Return the user id of a user of the operating system, who gives orders on the command line."""
    return f"{_OPERATOR}{name}"[:_LONGEST_ID]


def operator_name(user_id: str) -> str | None:
    """Return the name of a user of the operating system; None for a person in Slack."""
    return user_id.removeprefix(_OPERATOR) if user_id.startswith(_OPERATOR) else None


def program_id(sender: str) -> str:
    """Return the user id of the program whose alert token has the name `sender`."""
    return f"{_PROGRAM}{sender}"


def program_name(user_id: str) -> str | None:
    """Return the name of the alert token of a program; None for a person."""
    return user_id.removeprefix(_PROGRAM) if user_id.startswith(_PROGRAM) else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to pause the session of an alert that fires since `since` (Unix seconds), the first one is 0.

    `firing` is a digest of what fires. The attempt is the trigger of its order, so that no other order has it.
    """

    firing: str
    since: float
    number: int = 0

    def next(self) -> "Attempt":
        """Return the attempt after this one."""
        return Attempt(self.firing, self.since, self.number + 1)

    @property
    def all_of_firing(self) -> str:
        """Return what the triggers of all attempts for the firing begin with."""
        return f"{_PROGRAM}{self.firing}:{self.since:.3f}:"

    @property
    def trigger_id(self) -> str:
        """Return the trigger of the order."""
        return f"{self.all_of_firing}{self.number}"


def read_attempt(trigger_id: str | None) -> Attempt | None:
    """Return the attempt that is a trigger; None if Slack sent it."""
    parts = (trigger_id or "").removeprefix(_PROGRAM).split(":")
    if trigger_id is None or not trigger_id.startswith(_PROGRAM) or len(parts) != _ATTEMPT_PARTS:
        return None
    return Attempt(parts[0], float(parts[1]), int(parts[2]))


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who asks, and where: Slack's ids of the installing workspace, the conversation and the person.

    `home_team_id` is the person's own workspace. An id that Slack does not send is ""; a view has no conversation.
    On the command line `user_id` is an `operator_id`, and for an alert a `program_id`.
    """

    team_id: str
    channel_id: str
    user_id: str
    home_team_id: str = ""

    @property
    def person(self) -> Person:
        """Return who asks, without where."""
        return (self.team_id, self.user_id)


class Verb(StrEnum):
    """The actions on a session and its agent, by Anchor's names."""

    PAUSE = "pause"
    RESUME = "resume"
    END = "end"
    """End the session itself: its browser, its pages and the agent's run are lost. Nothing undoes it."""

    @property
    def opposite(self) -> "Verb | None":
        """Return the verb that undoes this one."""
        return {Verb.PAUSE: Verb.RESUME, Verb.RESUME: Verb.PAUSE}.get(self)

    @property
    def past(self) -> str:
        """Return the past participle."""
        return f"{self.value.removesuffix('e')}ed"


class State(StrEnum):
    """The progress of an order in the database."""

    WAITING = "waiting"
    """Nothing was sent."""
    SENT = "sent"
    """It can have reached Anchor."""
    SETTLED = "settled"
    """Its outcome is known."""


class Source(StrEnum):
    """The surfaces on which orders are given."""

    COMMAND = "command"
    BUTTON = "button"
    SHORTCUT = "shortcut"
    COMMAND_LINE = "command line"
    """`anchor-bot pause` and `anchor-bot resume`, which run beside the bot."""
    BATCH = "batch"
    """The window for several sessions."""
    ALERT = "alert"
    """An alert that asks for a pause. Nothing is sent until the database has said that nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order to pause, resume or end a session. `trigger_id` is Slack's id of the invocation.

    `age` is how many seconds old it was, at least, when it was read. `expected_version` is that of a Resume button: the
    id of the last order that the person knew of. Those that were given at once have a `batch_id`.
    """

    verb: Verb
    session_id: SessionId
    actor: Actor
    reason: str = ""
    trigger_id: str | None = None
    age: float = 0.0
    source: Source = Source.COMMAND
    expected_version: str | None = None
    batch_id: str = ""


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """The place for an answer; `thread_ts`, of a message shortcut, is used only if everybody can see the answer.

    A `response_url` lets its holder post for 30 minutes, so it is a secret. `clicked` is the message whose button was
    clicked.
    """

    actor: Actor
    response_url: Secret | None = None
    thread_ts: str | None = None
    clicked: ClickedMessage | None = None

    @property
    def result_thread(self) -> str | None:
        """Return the thread to which a success goes, if to any."""
        return self.clicked.thread_ts or None if self.clicked else self.thread_ts

    @property
    def message_ts(self) -> str | None:
        """Return the message whose button was clicked, or in whose thread the answer goes: it can be a card."""
        return self.clicked.ts if self.clicked else self.thread_ts


def request_age(*, now: float, timestamp: float | None, resolution: float, waited: float) -> tuple[float, float]:
    """Return the least and the most age of a request at `now`; both times are Unix seconds of Slack's clock.

    Slack cuts its `timestamp` to `resolution` seconds. A request without one has the seconds that it can have `waited`
    for this process.
    """
    if timestamp is None:
        return waited, max(waited, _ASSUMED_TRANSIT)
    most = max(0.0, now - timestamp)
    return max(0.0, most - resolution), most


def made_at(order_id: str) -> float:
    """Return when an id was made, in Unix seconds of the clock of its process."""
    return int(order_id[:_TIME_DIGITS], 16) / 1000


def time_id(unix_seconds: float) -> str:
    """Return what the ids begin with that are made at a time: it is between the earlier and the later ones."""
    return f"{int(unix_seconds * 1000):0{_TIME_DIGITS}x}"


def button_value(session_id: SessionId, version: str) -> str:
    """Return the `value` of a Resume button."""
    return f"{session_id} after={version}"


def read_version(rest: str) -> str | None:
    """Return the version in what a button's `value` has beside the session id; None if another program wrote it."""
    match = _VERSION.fullmatch(rest)
    return match and match[1]


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted modal, or a changed control in Home. It went through the client, so it can contain anything.

    `values` are Slack's by the name of the input: block and element have the same. `seen` is the modal's
    `private_metadata`, `trigger_id` Slack's id of the submission, and `age` that of the request in seconds.
    """

    name: str
    values: Mapping[str, Mapping[str, Any]] = field(repr=False)  # can contain a key
    view_id: str = ""
    seen: str = ""
    trigger_id: str = ""
    age: float = 0.0

    @property
    def expected_version(self) -> int:
        """Return the version that the person saw, -1 if it is unreadable."""
        version = self.seen.partition(" ")[0]
        is_number = version.isascii() and version.isdecimal() and len(version) < _LONGEST_VERSION
        return int(version) if is_number else -1

    @property
    def about(self) -> str:
        """Return what the modal is about beside the version, or ""."""
        return self.seen.partition(" ")[2]

    def has_inputs(self, names: Iterable[str]) -> bool:
        """Return whether all these inputs were sent: an earlier version of the bot can have opened the modal."""
        return all(name in self.values for name in names)

    def text(self, name: str) -> Secret:
        """Return the text of an input."""
        return Secret(text_field(self.values.get(name), "value"))

    def selected_ids(self, name: str) -> frozenset[str]:
        """Return the ids of the selected people or conversations: valid ones, since the bot writes them."""
        element = self.values.get(name, {})
        given = [one for kind in ("selected_users", "selected_conversations") for one in _list(element.get(kind))]
        given.append(element.get("selected_conversation"))
        return frozenset(one for one in given if isinstance(one, str) and SLACK_ID.fullmatch(one))

    def selected_value(self, name: str) -> str:
        """Return the value of the selected option, "" without one."""
        return text_field(self.values.get(name, {}).get("selected_option"), "value")

    def is_checked(self, name: str) -> bool:
        """Return whether a checkbox is checked."""
        return bool(self.values.get(name, {}).get("selected_options"))

    def sessions(self, name: str) -> tuple[SessionId, ...]:
        """Return the sessions whose boxes are checked, in the inputs that begin with a name."""
        groups = [element for one, element in self.values.items() if one.startswith(name)]
        values = [text_field(box, "value") for one in groups for box in _list(one.get("selected_options"))]
        found = [find_session_id(value) for value in values[:MOST_TOGETHER]]
        return tuple(dict.fromkeys(one.session_id for one in found if isinstance(one, Found)))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
