"""The state of a session as the journal of orders knows it: one for all cards of the session."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.order_version import time_id
from bot.core.outcomes import Broken, NotFound, NotRunning, Paused, Resumed, Unconfirmed
from bot.core.requests import Verb


class Phase(StrEnum):
    """The phases of a session after an order."""

    PAUSING = "pausing"
    """A pause is being sent; its outcome is not known yet."""
    PAUSED = "paused"
    RESUMED = "resumed"
    UNCONFIRMED = "unconfirmed"
    """The last order may have been done or not."""
    ENDED = "ended"
    """Anchor lists the session as ended."""
    NOT_RUNNING = "not running"
    NOT_FOUND = "not found"


PHASES = {
    Paused.__name__: Phase.PAUSED,
    Resumed.__name__: Phase.RESUMED,
    Unconfirmed.__name__: Phase.UNCONFIRMED,
    Broken.__name__: Phase.UNCONFIRMED,
    NotRunning.__name__: Phase.NOT_RUNNING,
    NotFound.__name__: Phase.NOT_FOUND,
}
"""The phase that an outcome leaves. All other outcomes leave the session as it was."""


@dataclass(frozen=True, slots=True)
class SessionState:
    """The state that the last effective order left: who gave it, where, and when (Unix seconds)."""

    phase: Phase
    verb: Verb
    order_id: str
    user_id: str
    channel_id: str
    reason: str
    at: float


def ended_state(status: str, at: float) -> SessionState:
    """Return the state of a session that Anchor lists with a `status` that means its end, at a time (Unix seconds)."""
    return SessionState(Phase.ENDED, Verb.PAUSE, time_id(at), "", "", status, at)
