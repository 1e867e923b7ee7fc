"""Decide about orders that a process left unfinished, because it was killed, frozen or cut off from the database."""

from enum import StrEnum

from bot.core.outcomes import Doubt, Late, Outcome, Superseded, Unconfirmed
from bot.core.requests import Verb

STILL_WANTED = 120.0
"""Seconds for which an unfinished order is still executed. Later its person has acted in another way."""


class State(StrEnum):
    """The progress of an order."""

    WAITING = "waiting"
    """Nothing was sent. Only a resume waits: a pause is recorded while it is sent."""
    SENT = "sent"
    """It can have reached Anchor."""
    ACTED = "acted"
    """Its outcome is known."""
    TOLD = "told"
    """Its outcome was delivered, or Slack refused it finally."""


def settled_outcome(verb: Verb, state: State, age: float, *, is_opposed: bool, has_company: bool) -> Outcome | None:
    """Return the outcome to report of an order without one, or None if it is to be executed.

    A pause is sent again, which does no harm. A resume that can have been sent never is: it could undo a newer pause.
    `age` is in seconds since it was given; see `Entry` for the others.
    """
    is_old = age > STILL_WANTED
    if verb is Verb.PAUSE:
        return Unconfirmed(Doubt.STOPPED) if is_old or is_opposed else None
    if state is State.SENT or has_company:
        return Unconfirmed(Doubt.STOPPED)
    if is_opposed:
        return Superseded()
    return Late(age) if is_old else None
