"""A browser session in the simulated Anchor, and how the calls that read describe it."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


class SessionState(Enum):
    """The state of the session's agent; ENDED ends both."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "completed"


@dataclass(slots=True)
class Session:
    """One browser session of the team that `key` belongs to.

    An order for it takes `seconds`, and has its effect half-way. `word` is the status in Anchor's own free text, if it
    is not the usual one. The details have each tag with its `tag_value`, or a list if that is "". `max_duration` and
    `idle_timeout` are in minutes; those that are positive end it. One that `survives` is ended by neither, nor by an
    order that is accepted. Reads lack the facts that are None or empty: their fields are optional.
    """

    session_id: str
    key: str
    state: SessionState
    created_at: datetime | None = None
    seconds: float = 0.0
    word: str = ""
    tags: list[str] = field(default_factory=list)
    tag_value: str = "yes"
    domains: list[str] = field(default_factory=list)
    steps: int | None = None
    key_name: str = ""
    is_task: bool | None = None
    credits: float | None = None
    max_duration: int | None = None
    idle_timeout: int | None = None
    survives: bool = False
    paused_at: datetime | None = None
    added_at: datetime = field(default_factory=_now)

    @property
    def status(self) -> str:
        """Return the status; a paused agent leaves its browser session running."""
        ended = self.state is SessionState.ENDED
        return self.word or (SessionState.ENDED if ended else SessionState.RUNNING).value

    @property
    def _settings(self) -> dict[str, object]:
        limits = {"max_duration": self.max_duration, "idle_timeout": self.idle_timeout}
        timeout = {name: minutes for name, minutes in limits.items() if minutes}
        return {"session": {"timeout": timeout} if timeout else {}}

    def order(self, state: SessionState) -> None:
        """Pause or resume the agent, or end the session."""
        if state is SessionState.PAUSED and self.state is not state:
            self.paused_at = _now()
        if state is not SessionState.ENDED or not self.survives:
            self.state = state

    def expire(self, *, pause_keeps_awake: bool) -> None:
        """End it if its time is over. A running agent is never idle."""
        limits = [(self.began_at, self.max_duration)]
        if self.state is SessionState.PAUSED and self.paused_at and not pause_keeps_awake:
            limits.append((self.paused_at, self.idle_timeout))
        for since, minutes in limits:
            if minutes and not self.survives and 0 < minutes * 60 <= (_now() - since).total_seconds():
                self.state = SessionState.ENDED

    @property
    def began_at(self) -> datetime:
        """Return when it was created, also if the reads do not say so."""
        return self.created_at or self.added_at

    def summary(self) -> dict[str, object]:
        """Return what `GET /v1/sessions/all/status` says, whose time is required."""
        return {
            "session_id": self.session_id,
            "status": self.status,
            "created_at": self.began_at.isoformat(),
            "tags": self.tags,
        }

    def listed(self) -> dict[str, object]:
        """Return what `GET /v1/sessions` says."""
        return _stated(
            {
                "id": self.session_id,
                "status": self.status,
                "created_at": self.created_at and self.created_at.isoformat(),
                "tags": self.tags,
                "domains": self.domains,
                "steps": self.steps,
                "duration": self._duration,
                "api_key_name": self.key_name,
                "task_initiated": self.is_task,
                "used_credits": self.credits if self.state is SessionState.ENDED else "N/A",
                "user_configuration": self._settings,
            }
        )

    def details(self) -> dict[str, object]:
        """Return what `GET /v1/sessions/{id}` says: less, and in other forms."""
        return _stated(
            {
                "session_id": self.session_id,
                "team_id": "team",
                "duration": self._duration,
                "status": self.status,
                "credits_used": self.credits,
                "tags": dict.fromkeys(self.tags, self.tag_value) if self.tag_value else self.tags,
                "created_at": self.created_at and self.created_at.isoformat(),
                "steps": None if self.steps is None else [{} for _ in range(self.steps)],
                "configuration": self._settings,
            }
        )

    @property
    def _duration(self) -> float:
        return (_now() - self.began_at).total_seconds()


def _stated(fields: dict[str, object]) -> dict[str, object]:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
