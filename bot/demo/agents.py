"""Agents at work in simulated Anchor's sessions: they act and spend while their session lets them."""

import asyncio
import itertools
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.demo.jobs import Job
from bot.sim.anchor import SessionState, SimAnchor

_TICK = 0.25  # seconds
_TICKS_A_STEP = 4
_REMEMBERED = 30  # lines of a log
_NOTICES = {
    SessionState.RUNNING: "Resumed: going on",
    SessionState.PAUSED: "Paused: waiting",
    SessionState.ENDED: "The session has ended",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an agent's log, `number` counting from 1. `is_notice`: of its session's state, not of its doing."""

    number: int
    at: float  # Unix seconds
    text: str
    is_notice: bool = False


@dataclass(slots=True)
class Agent:
    """Does one job in one session. It knows nothing of Slack: all that stops it is its session's state."""

    session_id: str
    job: Job
    state: SessionState = SessionState.RUNNING
    spent: float = 0.0
    steps_taken: int = 0
    log: deque[Line] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _steps: Iterator[str] = field(init=False)
    _ticks: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self._steps = itertools.cycle(self.job.steps)

    def tick(self, state: SessionState) -> None:
        """Let a moment pass in which the session is in `state`."""
        if state is not self.state:
            self.state = state
            self._say(_NOTICES[state], is_notice=True)
        if state is SessionState.RUNNING:
            self.spent += self.job.rate * _TICK
            if next(self._ticks) % _TICKS_A_STEP == 0:
                self.steps_taken += 1
                self._say(next(self._steps))

    def _say(self, text: str, *, is_notice: bool = False) -> None:
        self.log.append(Line(next(self._numbers), time.time(), text, is_notice))


class Agents:
    """All agents of a workspace, under its `key`; Anchor's `change_event` reports their progress."""

    def __init__(self, anchor: SimAnchor, jobs: Mapping[str, Job], key: str) -> None:
        self._anchor = anchor
        self._key = key
        self._agents: list[Agent] = []
        self.begin(jobs)

    def __iter__(self) -> Iterator[Agent]:
        return iter(self._agents)

    def __getitem__(self, session_id: str) -> Agent:
        return self._agents[self._place(session_id)]

    async def work(self) -> None:
        """Move on until cancelled."""
        while True:
            for agent in self:
                session = self._anchor.session(agent.session_id)
                agent.tick(session.state)
                session.steps = agent.steps_taken
            self._anchor.change_event.notify()
            await asyncio.sleep(_TICK)

    def begin(self, jobs: Mapping[str, Job]) -> None:
        """Let agents begin these jobs, by the ids of their sessions."""
        self._agents += [self._begin(session_id, job, job.spent) for session_id, job in jobs.items()]

    def end_all(self) -> None:
        """End the sessions of all, and forget them."""
        for agent in self._agents:
            self._anchor.session(agent.session_id).state = SessionState.ENDED
        self._agents.clear()

    def end(self, session_id: str) -> None:
        """End an agent's session, as its owner can in Anchor's dashboard. KeyError where there is no such agent."""
        self._anchor.session(self[session_id].session_id).state = SessionState.ENDED

    def restart(self, session_id: str) -> None:
        """Let a new agent do the job of this one, in a new session. KeyError where there is no such agent."""
        self._agents[self._place(session_id)] = self._begin(str(uuid.uuid4()), self[session_id].job, 0.0)

    def _place(self, session_id: str) -> int:
        for place, agent in enumerate(self):
            if agent.session_id == session_id:
                return place
        raise KeyError(session_id)

    def _begin(self, session_id: str, job: Job, spent: float) -> Agent:
        self._anchor.add_session(
            key=self._key,
            session_id=session_id,
            tags=[job.name, job.tag],
            tag_value="",
            domains=[job.host],
            key_name="agents",
            max_duration=job.minutes,
            created_at=datetime.fromtimestamp(time.time(), UTC),
            is_task=True,
        )
        return Agent(session_id, job, spent=spent)
