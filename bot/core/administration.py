"""What can come of a change that somebody makes to a workspace in Slack: one type each."""

from dataclasses import dataclass

from bot.core.anchor_key import KeyCheck
from bot.core.policy import Role
from bot.core.secret import Secret


@dataclass(frozen=True, slots=True)
class NotAdmin:
    """Only admins and owners may, and this person is `role`; UNKNOWN where Slack does not say, UNREADABLE as there."""

    role: Role


@dataclass(frozen=True, slots=True)
class NotServed:
    """The bot is not installed in the workspace any more."""


@dataclass(frozen=True, slots=True)
class Outdated:
    """What was to be changed is no longer as this person saw it."""


@dataclass(frozen=True, slots=True)
class NotSaved:
    """The database gives no answer, so nobody knows whether the change was made."""


@dataclass(frozen=True, slots=True)
class CutShort:
    """The bot was stopped meanwhile, so nobody knows whether the change was made."""


Problem = NotAdmin | NotServed | Outdated | NotSaved | CutShort
"""Nothing was changed, as far as can be known."""


@dataclass(frozen=True, slots=True)
class KeySaved:
    """The workspace has the key from now on."""

    ending: str
    check: KeyCheck


@dataclass(frozen=True, slots=True)
class NotAKey:
    """What was typed has blanks or characters that no key has, or nothing."""


@dataclass(frozen=True, slots=True)
class KeyNotTaken:
    """Anchor refused the key, so it was not saved."""

    status_code: int


@dataclass(frozen=True, slots=True)
class KeyNotTried:
    """Anchor gave no answer that says whether the key is good, so it was not saved.

    `status_code` is None where there was no answer at all.
    """

    status_code: int | None


@dataclass(frozen=True, slots=True)
class KeyRemoved:
    """The workspace has no key any more."""

    ending: str


@dataclass(frozen=True, slots=True)
class PolicySaved:
    """The new rules hold from now on."""


@dataclass(frozen=True, slots=True)
class AlertPosted:
    """A test alert stands in the channel, which alerts go to from now on."""

    channel: str


@dataclass(frozen=True, slots=True)
class AlertRefused:
    """Slack refused the test alert, by its own `code`: alerts go where they went before."""

    channel: str
    code: str


@dataclass(frozen=True, slots=True)
class AlertUnanswered:
    """Slack did not say whether it took the test alert: alerts go where they went before."""

    channel: str


@dataclass(frozen=True, slots=True)
class NoChannel:
    """There is no channel to send a test alert to."""


@dataclass(frozen=True, slots=True)
class TokenMade:
    """Programs that send this token may post alerts from now on, and no others."""

    token: Secret


KeyOutcome = KeySaved | NotAKey | KeyNotTaken | KeyNotTried | Problem
RemovalOutcome = KeyRemoved | Problem
PolicyOutcome = PolicySaved | Problem
AlertOutcome = AlertPosted | AlertRefused | AlertUnanswered | NoChannel | Problem
TokenOutcome = TokenMade | Problem
