"""A bad hour: which alerts come when and for whom, and which sessions people pause."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.session_ids import SessionId

_STORMY, _PART_OF_STORMS = 0.01, 0.45  # of the workspaces, and of the alerts
_STORM = (1 / 6, 1 / 2)  # its begin and its end, as parts of the time
_PART_OF_FLOOD = 0.04  # of the alerts: all in one channel,
_FLOOD = (1 / 4, 1 / 3)  # in this part of the time
_REPEATED = 0.3  # of the alerts are about a session that had one
_PEOPLE = 5  # of a workspace pause
_THINKING = 60.0  # seconds from an alert to its pause, on average


@dataclass(frozen=True, slots=True)
class Arrival:
    """An alert about a session of a workspace, or a pause of it by a person, at a time in seconds."""

    at: float
    workspace: int
    session_id: SessionId
    person: int = 0

    @property
    def team_id(self) -> str:
        """Return the id of the workspace."""
        return f"T{self.workspace:07}"

    @property
    def channel_id(self) -> str:
        """Return the id of its channel."""
        return f"C{self.workspace:07}"


@dataclass(frozen=True, slots=True)
class Hour:
    """The size of a bad hour. It can be a part of one: `seconds` long.

    One workspace in a hundred has storms: nearly half of all alerts. One channel is flooded in five minutes of the
    hour. The other alerts are spread over all workspaces.
    """

    workspaces: int = 10_000
    alerts: int = 50_000
    pauses: int = 5_000
    seconds: float = 3_600.0
    seed: int = 1

    @property
    def stormy(self) -> int:
        """Return how many workspaces have storms: the first ones. That with the flood is the very first."""
        return max(2, round(self.workspaces * _STORMY))

    def arrivals(self) -> tuple[Sequence[Arrival], Sequence[Arrival]]:
        """Return the alerts and the pauses, each in their sequence."""
        chance = random.Random(self.seed)  # noqa: S311 - repeatable, not secret
        sessions: dict[int, list[SessionId]] = {}
        alerts = [self._alert(chance, at, workspace, sessions) for at, workspace in sorted(self._places(chance))]
        paused = [chance.choice(alerts) for _ in range(self.pauses)]
        pauses = [
            Arrival(
                one.at + chance.expovariate(1 / _THINKING), one.workspace, one.session_id, chance.randrange(_PEOPLE)
            )
            for one in paused
        ]
        return alerts, sorted(pauses, key=lambda one: one.at)

    def _places(self, chance: random.Random) -> list[tuple[float, int]]:
        """Return a time and a workspace for each alert."""
        flood, storms = round(self.alerts * _PART_OF_FLOOD), round(self.alerts * _PART_OF_STORMS)
        places = [(chance.uniform(*_FLOOD), 0) for _ in range(flood)]
        places += [(chance.uniform(*_STORM), chance.randrange(1, self.stormy)) for _ in range(storms)]
        quiet = self.alerts - flood - storms
        places += [(chance.random(), chance.randrange(self.stormy, self.workspaces)) for _ in range(quiet)]
        return [(part * self.seconds, workspace) for part, workspace in places]

    @staticmethod
    def _alert(chance: random.Random, at: float, workspace: int, sessions: dict[int, list[SessionId]]) -> Arrival:
        known = sessions.setdefault(workspace, [])
        if not known or chance.random() >= _REPEATED:
            known.append(SessionId(str(uuid.UUID(int=chance.getrandbits(128)))))
            return Arrival(at, workspace, known[-1])
        return Arrival(at, workspace, chance.choice(known))
