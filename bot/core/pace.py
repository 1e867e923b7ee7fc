"""The pace of a workspace's messages and updates, within Slack's rate limits.

https://docs.slack.dev/apis/web-api/rate-limits
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PAUSE = 1.0
"""Seconds from the end of a post to the next one in its channel, and the same between two updates."""

LONGEST_CALL = 20.0
"""Seconds after which a call counts as ended whose process has not said so."""

MOST_UPDATES = 40
"""The most updates of a workspace within WINDOW: Slack allows 50 per minute."""

WINDOW = 61.0  # seconds


LONGEST_WAIT = 900.0
"""The most seconds for which a Retry-After of Slack's counts."""

UNTRUE = LONGEST_WAIT + 60.0
"""No wait ends later than in so many seconds: an earlier version stored it, or the clock was changed."""


class Kind(StrEnum):
    """The kinds of calls that are limited apart."""

    POST = "post"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Lane:
    """The calls of one kind for a channel."""

    kind: Kind
    channel_id: str

    @property
    def held_by_slack(self) -> str:
        """Return the name of what a Retry-After is about: posts are limited per channel, updates per workspace."""
        return self.kind if self.kind is Kind.UPDATE else self.name

    @property
    def name(self) -> str:
        """Return the name of the lane."""
        return f"{self.kind}:{self.channel_id}"


@dataclass(frozen=True, slots=True)
class Pace:
    """Recent messages and updates of a workspace; all times are Unix seconds.

    `updates` are the times of the last updates, `free_at` says from when a lane, or all of a kind, is free again.
    `busy_until` says when the running call of a lane counts as ended.
    """

    updates: tuple[float, ...] = ()
    free_at: Mapping[str, float] = field(default_factory=dict)
    busy_until: Mapping[str, float] = field(default_factory=dict)

    def next_slot(self, lane: Lane, now: float) -> float:
        """Return when the next call of a lane is allowed, or is looked at again; `now` if it is now."""
        free_at = (self.free_at.get(name, 0.0) for name in {lane.name, lane.held_by_slack})
        slot = max(now, *(at for at in free_at if at <= now + UNTRUE), 0.0)
        if self.busy_until.get(lane.name, 0.0) > now:
            slot = max(slot, now + PAUSE)
        if lane.kind is Kind.UPDATE and len(self.updates) >= MOST_UPDATES:
            slot = max(slot, self.updates[-MOST_UPDATES] + WINDOW)
        return slot

    def begun(self, lane: Lane, now: float) -> "Pace":
        """Return the pace while a call is being made."""
        updates = (*self.updates, now)[-MOST_UPDATES:] if lane.kind is Kind.UPDATE else self.updates
        busy = _after(self.busy_until, now) | {lane.name: now + LONGEST_CALL}
        return Pace(updates, _after(self.free_at, now), busy)

    def ended(self, lane: Lane, now: float) -> "Pace":
        """Return the pace after a call."""
        busy = {name: until for name, until in _after(self.busy_until, now).items() if name != lane.name}
        return Pace(self.updates, _after(self.free_at, now) | {lane.name: now + PAUSE}, busy)

    def held(self, lane: Lane, now: float, seconds: float) -> "Pace":
        """Return the pace after Slack's Retry-After of so many seconds."""
        free_at = _after(self.free_at, now) | {lane.held_by_slack: now + seconds}
        return Pace(self.updates, free_at, self.busy_until)

    def as_text(self) -> str:
        """Return the pace as JSON."""
        return json.dumps({"updates": self.updates, "free_at": dict(self.free_at), "busy_until": dict(self.busy_until)})


def read_pace(text: str) -> Pace:
    """Decode the JSON of a pace."""
    read = json.loads(text)
    return Pace(tuple(read["updates"]), read["free_at"], read["busy_until"])


def _after(times: Mapping[str, float], now: float) -> dict[str, float]:
    return {name: time for name, time in times.items() if time > now}
