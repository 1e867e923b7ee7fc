"""What can come of an order to pause or resume a session: one type each."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.policy import Denial


@dataclass(frozen=True, slots=True)
class Paused:
    """Anchor says it paused the agent; `status` is its own word for the new state, where it gave one."""

    status: str | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """Anchor says it resumed the agent; `status` as in `Paused`."""

    status: str | None = None


Done = Paused | Resumed
"""Anchor says that it did what was asked."""


@dataclass(frozen=True, slots=True)
class NotRunning:
    """Anchor knows the session, and it is not running."""

    said: str | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """Anchor knows no such session under this key."""

    said: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """Anchor answered that it did not do it."""

    status_code: int
    said: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRejected:
    """Anchor refused the API key (401 or 403): nothing was done.

    `by_admins` says who can replace it: the workspace's admins, or whoever runs the bot. It is the workspace's key of
    `key_version`.
    """

    status_code: int
    said: str | None = None
    by_admins: bool = False
    key_version: int = 0


@dataclass(frozen=True, slots=True)
class RateLimited:
    """Anchor takes no more requests for now (429): nothing was done. `retry_after` is in seconds, where it said so."""

    retry_after: float | None = None
    said: str | None = None


class Unreachable(StrEnum):
    """Why nothing reached Anchor."""

    NO_CONNECTION = "no connection"
    OUT_OF_SERVICE = "out of service"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Anchor took no request (no connection, or 503): nothing was done. `retry_after` as in `RateLimited`."""

    why: Unreachable
    retry_after: float | None = None


class Doubt(StrEnum):
    """Why nobody can say whether a request that was sent had its effect, or has it still."""

    TIMED_OUT = "timed out"
    CONNECTION_LOST = "connection lost"
    GATEWAY = "gateway"
    UNREADABLE = "unreadable"
    STOPPED = "stopped"
    CROSSED = "crossed"


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The request was sent and may have been carried out. `status_code` is that of the last answer, if any came."""

    why: Doubt
    status_code: int | None = None


KeyTaken = Done | NotRunning | NotFound
"""What Anchor says to a key that it accepts, and to no other."""

AnchorOutcome = Done | NotRunning | NotFound | Failed | KeyRejected | RateLimited | Unavailable | Unconfirmed
"""What came of asking Anchor. Whatever it is, the channel is told."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A resume that was not sent, because somebody ordered a pause after it."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The very same request came a second time: it was carried out once."""


@dataclass(frozen=True, slots=True)
class WrongWorkspace:
    """The request came from a workspace that this bot does not serve."""


@dataclass(frozen=True, slots=True)
class NoKey:
    """The bot is installed in the workspace, and nobody has given it an Anchor API key for it.

    `may_set` says whether the person who asked can do that; with `unreadable` nobody can, since the app may not ask
    Slack who is an admin.
    """

    may_set: bool = False
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class StoreFailed:
    """The bot can't read what it knows of the workspace: nothing was done."""


@dataclass(frozen=True, slots=True)
class Overloaded:
    """The bot has as much in hand as it can answer for: nothing was done."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """The bot is going down and takes no new work: nothing was done."""


Answered = AnchorOutcome | Overtaken
"""What becomes of an order that the bot carried on, or would have."""

Refusal = Denial | Repeated | WrongWorkspace | NoKey | StoreFailed | Overloaded | Stopping
"""What the bot itself did not carry on to Anchor. Only the person who asked is told."""

Outcome = Answered | Refusal
