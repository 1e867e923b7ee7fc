"""Decide about orders that a process left unfinished, because it was killed, frozen or cut off from the database."""

from enum import StrEnum

from bot.core.outcomes import Doubt, Late, Outcome, Stopping, Superseded, Unconfirmed
from bot.core.requests import Verb

STILL_WANTED = 120.0
"""Seconds for which an unfinished order is still executed. Later its person has acted in another way."""


class State(StrEnum):
    """The progress of an order."""

    WAITING = "waiting"
    """Nothing was sent. Resumes, ends and orders of a batch wait; another pause is recorded while it is sent."""
    SENT = "sent"
    """It can have reached Anchor."""
    ACTED = "acted"
    """Its outcome is known."""
    TOLD = "told"
    """Its outcome was delivered, or Slack refused it finally."""


def settled_outcome(verb: Verb, state: State, age: float, *, is_opposed: bool, has_company: bool) -> Outcome | None:
    """Return the outcome to report of an order without one, or None if it is to be executed.

    A pause is sent again, which does no harm. A resume that can have been sent never is: it could undo a newer pause.
    An end is never sent later. `age` is in seconds since it was given; see `Entry` for the others.
    """
    is_old = age > STILL_WANTED
    if verb is Verb.PAUSE:
        return Unconfirmed(Doubt.STOPPED) if is_old or is_opposed else None
    if state is State.SENT or has_company:
        return Unconfirmed(Doubt.STOPPED)
    if verb is Verb.END:
        return Stopping()
    if is_opposed:
        return Superseded()
    return Late(age) if is_old else None


class RowFate(StrEnum):
    """The fate of the stored row of an order in work."""

    OURS = "ours"
    TAKEN_OVER = "taken over"
    """Another process has it, and tells its outcome."""
    DELETED = "deleted"
    """Its workspace was uninstalled. The order is finished without a row."""
    FORGOTTEN = "forgotten"
    """The database came back without its last commits. The row is written again."""


def row_fate(owner: str | None, own: str, installed_at: float | None, given_at: float) -> RowFate:
    """Decide by a row's `owner`, None without a row, and by when its workspace was installed, None if it is not.

    An uninstallation deletes both: a workspace that is installed since before the order was not uninstalled after it.
    Times are in seconds of one clock.
    """
    if owner is not None:
        return RowFate.OURS if owner == own else RowFate.TAKEN_OVER
    is_as_then = installed_at is not None and installed_at <= given_at
    return RowFate.FORGOTTEN if is_as_then else RowFate.DELETED
