"""Decide about orders that a process left unfinished, because it was killed, frozen or cut off from the database."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.outcomes import Doubt, Late, Outcome, Superseded, Unconfirmed
from bot.core.requests import Order, ReplyAddress, Verb

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


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A recorded order that nobody works on.

    `age` is in seconds since it was given, `settled_age` since its outcome was known. `is_opposed` says whether
    somebody gave the opposite order for the session later, and `has_company` whether another resume of the session can
    have been sent for this one as well.
    """

    id: str
    order: Order
    address: ReplyAddress
    state: State
    outcome: Outcome | None
    age: float
    is_opposed: bool = False
    has_company: bool = False
    settled_age: float | None = None


def settled_outcome(unfinished: Unfinished) -> Outcome | None:
    """Return the outcome to report, or None if the order is to be executed.

    A pause is sent again, which does no harm. A resume that can have been sent never is: it could undo a newer pause.
    """
    if unfinished.outcome is not None:
        return unfinished.outcome
    is_old = unfinished.age > STILL_WANTED
    if unfinished.order.verb is Verb.PAUSE:
        return Unconfirmed(Doubt.STOPPED) if is_old or unfinished.is_opposed else None
    if unfinished.state is State.SENT or unfinished.has_company:
        return Unconfirmed(Doubt.STOPPED)
    if unfinished.is_opposed:
        return Superseded()
    return Late(unfinished.age) if is_old else None
