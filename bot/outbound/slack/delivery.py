"""Results of one attempt to deliver a message. `why` contains no secrets."""

from dataclasses import dataclass

from bot.outbound.http_client import never_sent


@dataclass(frozen=True, slots=True)
class Delivered:
    """Slack accepted the message."""


@dataclass(frozen=True, slots=True)
class Posted(Delivered):
    """Slack posted the message: the conversation's id and the message's timestamp."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Slack did not accept the message yet; `after` is in seconds. If `limited`, it was certainly not posted."""

    why: str
    after: float | None = None
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Doubtful:
    """The message was sent without a response: it may be visible."""

    why: str


@dataclass(frozen=True, slots=True)
class NotSlack(Doubtful):
    """Something else answered in Slack's place, or Slack in a form that it never has: the message may be visible."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack refused the message finally."""

    why: str


@dataclass(frozen=True, slots=True)
class BlocksRefused(Refused):
    """Slack refused the message because of its blocks."""


_UNREADABLE = (ValueError, AttributeError)  # of slack_sdk 3.48, if the body is no object

PostResult = Posted | TryAgain | Doubtful | Refused
Delivery = Delivered | TryAgain | Doubtful | Refused


def read_failure(error: Exception) -> TryAgain | Doubtful:
    """Translate an exception of the HTTP stack."""
    why = type(error).__name__
    if never_sent(error):
        return TryAgain(why)
    return NotSlack(why) if isinstance(error, _UNREADABLE) else Doubtful(why)
