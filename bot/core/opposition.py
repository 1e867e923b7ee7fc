"""The other orders for the session of an order: pauses for a resume, resumes and an earlier pause for a pause."""

from dataclasses import dataclass

UNCONFIRMED_TTL = 60.0
"""Seconds for which an unanswered order can still take effect at Anchor."""


@dataclass(frozen=True, slots=True)
class EarlierPause:
    """A confirmed pause: who ordered it, and when, in Unix seconds."""

    user_id: str
    given_at: float


@dataclass(frozen=True, slots=True)
class Opposition:
    """The record of the opposite orders, by whichever process.

    `is_running`: one can be at Anchor now. `is_later`: one that was given later has ended. `has_crossed`: one of
    another process has ended since this order was given. `is_in_doubt`: one without an answer can still take effect.
    `earlier_pause`: the last one before this pause, if it is recent and no resume followed it.
    """

    is_running: bool = False
    is_later: bool = False
    has_crossed: bool = False
    is_in_doubt: bool = False
    earlier_pause: EarlierPause | None = None

    @property
    def holds_back(self) -> bool:
        """Return whether a resume is not to be sent now."""
        return self.is_running or self.is_later


NO_OPPOSITION = Opposition()
