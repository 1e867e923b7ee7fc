"""The outcomes of a change that an admin makes in Slack: one type each."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.core.fields import Secret
from bot.core.outcomes import StoreUnavailable
from bot.core.policy import Role
from bot.core.workspace import KeyCheck, Workspace


@dataclass(frozen=True, slots=True)
class NotAdmin:
    """Only admins and owners are allowed, and this person is `role`."""

    role: Role


@dataclass(frozen=True, slots=True)
class NotServed:
    """The app is no longer installed in the workspace."""


@dataclass(frozen=True, slots=True)
class Outdated:
    """The setting was changed since this person saw it."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The bot was shut down meanwhile: the change may be saved or not."""


Problem = NotAdmin | NotServed | Outdated | StoreUnavailable | Interrupted
"""The change was not made, as far as known."""


@dataclass(frozen=True, slots=True)
class KeySaved:
    """The key is saved."""

    ending: str
    check: KeyCheck


@dataclass(frozen=True, slots=True)
class NotAKey:
    """The text is empty, or has blanks or characters that no key has."""


@dataclass(frozen=True, slots=True)
class NewKeyRejected:
    """Anchor rejected the key: it was not saved."""

    status_code: int


@dataclass(frozen=True, slots=True)
class NewKeyUnverified:
    """Anchor did not say whether the key is valid: it was not saved. `status_code` is None without an answer.

    `is_foreign`: the answer cannot be Anchor's. `was_sent` is False if there was no connection.
    """

    status_code: int | None
    is_foreign: bool = False
    was_sent: bool = True


@dataclass(frozen=True, slots=True)
class KeyRemoved:
    """The key is removed."""

    ending: str


@dataclass(frozen=True, slots=True)
class PolicySaved:
    """The policy is saved."""


@dataclass(frozen=True, slots=True)
class AlertPosted:
    """A test alert was posted; alerts go to this channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class AlertRefused:
    """Slack refused the test alert with an error `code`: nothing was changed."""

    channel: str
    code: str


@dataclass(frozen=True, slots=True)
class AlertUnanswered:
    """Slack did not confirm the test alert: nothing was changed."""

    channel: str


@dataclass(frozen=True, slots=True)
class NoChannel:
    """No channel for alerts is chosen."""


@dataclass(frozen=True, slots=True)
class TokenMade:
    """A new alerts token; the previous one no longer works."""

    token: Secret


KeyOutcome = KeySaved | NotAKey | NewKeyRejected | NewKeyUnverified | Problem
RemovalOutcome = KeyRemoved | Problem
PolicyOutcome = PolicySaved | Problem
AlertOutcome = AlertPosted | AlertRefused | AlertUnanswered | NoChannel | Problem
TokenOutcome = TokenMade | Problem


def explain_conflict(now: Workspace | None, holds: Callable[[Workspace], bool]) -> NotServed | Outdated | None:
    """Return why a change was not made in the workspace, which is `now`; None if it `holds` (a duplicate request)."""
    if now is None:
        return NotServed()
    return None if holds(now) else Outdated()
