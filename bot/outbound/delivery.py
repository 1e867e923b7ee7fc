"""What came of one attempt to put a message before somebody."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivered:
    """Slack took the message."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Slack did not take it this time; `after` is in seconds, where Slack named a time. `why` is fit for a log."""

    why: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack will not take it this way. `why` is fit for a log."""

    why: str


Delivery = Delivered | TryAgain | Refused
