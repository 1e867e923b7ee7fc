"""What came of one attempt to put a message before somebody."""

from dataclasses import dataclass

from bot.outbound.http_client import never_sent


@dataclass(frozen=True, slots=True)
class Delivered:
    """Slack took the message."""


@dataclass(frozen=True, slots=True)
class Posted(Delivered):
    """Slack took the message, and says where it is: the id of the conversation, and the message's timestamp in it."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Slack did not take it this time; `after` is in seconds, where Slack named a time. `why` is fit for a log.

    `limited` says that it was one message too many, so that Slack certainly did nothing.
    """

    why: str
    after: float | None = None
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Doubtful:
    """The message was sent, and no answer came: people may see it or not. `why` is fit for a log."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack will not take it this way. `why` is fit for a log."""

    why: str


Delivery = Delivered | TryAgain | Doubtful | Refused


def read_failure(error: Exception) -> TryAgain | Doubtful:
    """What an exception of the HTTP stack says about a message."""
    why = type(error).__name__
    return TryAgain(why) if never_sent(error) else Doubtful(why)
