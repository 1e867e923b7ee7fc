"""A browser session as Anchor describes it, and whether it has ended."""

import re
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from bot.core.session_id import SessionId

RUNNING = "running"
"""The status that Anchor's documentation gives to a session that runs. All others are free text."""

_ENDED = frozenset(
    {
        *("cancelled", "canceled", "closed", "complete", "completed", "deleted", "done", "ended", "expired", "failed"),
        *("finished", "killed", "stopped", "succeeded", "success", "terminated", "timed out", "timedout", "timeout"),
    }
)
_SECONDS_PER_MINUTE = 60.0
_MOST_TAGS, _LONGEST_TAG = 20, 100  # that are stored with a card
_ABSENT: tuple[object, ...] = (None, "", ())


class Life(StrEnum):
    """Meaning of a status of a session. Anchor documents no statuses, so some have none."""

    RUNNING = "running"
    ENDED = "ended"
    UNKNOWN = "unknown"


def life_of(status: str) -> Life:
    """Return what a status says. Only a status that is known as an end is one: an agent could still run."""
    words = " ".join(re.findall("[a-z]+", status.casefold()))
    if words == RUNNING:
        return Life.RUNNING
    return Life.ENDED if words in _ENDED else Life.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session; a field that Anchor does not send is empty or None.

    `created_at` is in Unix seconds. `domains` are host names. `key_name` is the name of the API key that made it.
    `is_task` says whether a task of Anchor's made it, and not a program. `credits` is what it has cost so far.
    `max_minutes` is its own limit of its duration.
    """

    id: SessionId
    status: str = ""
    created_at: float | None = None
    tags: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    steps: int | None = None
    key_name: str = ""
    is_task: bool | None = None
    credits: float | None = None
    max_minutes: float | None = None

    def lasting(self) -> "Session":
        """Return what does not change soon."""
        return replace(self, status="", steps=None, credits=None)

    def for_card(self) -> "Session":
        """Return what a card shows: what stays true for long, and is for everybody in a channel."""
        tags = tuple(tag[:_LONGEST_TAG] for tag in self.tags[:_MOST_TAGS])
        return replace(self.lasting(), key_name="", domains=self.domains[:1], tags=tags)

    def with_newer(self, newer: "Session") -> "Session":
        """Return `newer`, with the fields that it lacks from this one: each of Anchor's answers lacks some."""
        return replace(self, **newer.stated())

    def stated(self) -> dict[str, Any]:
        """Return the fields that Anchor has stated, by name, without the id."""
        values = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "id"}
        return {name: value for name, value in values.items() if value not in _ABSENT}

    @property
    def life(self) -> Life:
        """Return what its status says."""
        return life_of(self.status)

    @property
    def short_id(self) -> str:
        """Return the first 8 digits of its id."""
        return self.id[:8]

    @property
    def ends_at(self) -> float | None:
        """Return when it ends at the latest (Unix seconds), if Anchor states that."""
        if self.created_at is None or self.max_minutes is None:
            return None
        return self.created_at + self.max_minutes * _SECONDS_PER_MINUTE
