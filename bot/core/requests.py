"""A person's request, independent of the surface."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.clicked_message import ClickedMessage
from bot.core.secret import Secret
from bot.core.session_id import Search, SessionId, find_session_id

Person = tuple[str, str]
"""A person of a workspace: Slack's ids of the installing workspace and of the person."""


_OPERATOR = "os:"
_LONGEST_ID = 40


def operator_id(name: str) -> str:
    """Return the user id of a user of the operating system, who gives orders on the command line."""
    return f"{_OPERATOR}{name}"[:_LONGEST_ID]


def operator_name(user_id: str) -> str | None:
    """Return the name of a user of the operating system; None for a person in Slack."""
    return user_id.removeprefix(_OPERATOR) if user_id.startswith(_OPERATOR) else None


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who asks, and where: Slack's ids of the installing workspace, the conversation and the person.

    `home_team_id` is the person's own workspace. An id that Slack does not send is ""; a view has no conversation.
    On the command line `user_id` is an `operator_id`.
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
    """The actions on a session's agent, by Anchor's names."""

    PAUSE = "pause"
    RESUME = "resume"

    @property
    def opposite(self) -> "Verb":
        """Return the verb that undoes this one."""
        return Verb.RESUME if self is Verb.PAUSE else Verb.PAUSE

    @property
    def past(self) -> str:
        """Return the past participle."""
        return "paused" if self is Verb.PAUSE else "resumed"


class Source(StrEnum):
    """The surfaces on which orders are given."""

    COMMAND = "command"
    BUTTON = "button"
    SHORTCUT = "shortcut"
    COMMAND_LINE = "command line"
    """`anchor-bot pause` and `anchor-bot resume`, which run beside the bot."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order to pause or resume a session. `trigger_id` is Slack's id of the invocation.

    `age` is how many seconds old it was, at least, when it was read. `expected_version` is that of a Resume button: the
    id of the last order that the person knew of.
    """

    verb: Verb
    session_id: SessionId
    actor: Actor
    reason: str = ""
    trigger_id: str | None = None
    age: float = 0.0
    source: Source = Source.COMMAND
    expected_version: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """The place for an answer; `thread_ts` is used only if everybody can see the answer.

    A `response_url` lets its holder post for 30 minutes, so it is a secret. `clicked` is the message whose button was
    clicked, `message_url` the link to the one that a shortcut was used on. `invocation` is Slack's id of a click in a
    modal: all those clicks share a `response_url`.
    """

    actor: Actor
    response_url: Secret | None = None
    thread_ts: str | None = None
    clicked: ClickedMessage | None = None
    message_url: str = ""
    invocation: str = ""


_HELP_WORDS = {"help", "?", "-h", "--help"}


@dataclass(frozen=True, slots=True)
class Help:
    """The person asked how the command is used."""


def read_command(text: str) -> Search | Help:
    """Read the text after a slash command: a request for help, or a search for a session id."""
    return Help() if asks_for_help(text) else find_session_id(text)


def asks_for_help(text: str) -> bool:
    """Return whether the text after a slash command asks how it is used."""
    return text.strip().casefold() in _HELP_WORDS
