"""What was last read of each workspace: used while the database is away, and never while it answers."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.workspace import Workspace

USABLE = 600.0
"""Seconds for which it may be used: a brake must not wait for a database."""

AWAY = 5.0
"""Seconds after a failed read for which nobody waits for the next ones, which go on meanwhile."""

_MOST = 10_000


@dataclass(slots=True)
class _Known:
    workspace: Workspace
    read_at: float
    away_until: float


class Memory:
    """Of the `most` workspaces that were read last. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float], *, most: int = _MOST) -> None:
        self._clock = clock
        self._most = most
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def keep(self, team_id: str, workspace: Workspace | None) -> None:
        """The database has answered. That there is no such workspace is not remembered."""
        self.drop(team_id)
        if workspace is None:
            return
        now = self._clock()
        self._known[team_id] = _Known(workspace, read_at=now, away_until=now)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def drop(self, team_id: str) -> None:
        """What was known may not hold any more."""
        self._known.pop(team_id, None)

    def while_away(self, team_id: str) -> Workspace | None:
        """What is known of a workspace that could not be read a moment ago."""
        known = self._known.get(team_id)
        return known.workspace if known is not None and self._clock() < known.away_until else None

    def fall_back(self, team_id: str) -> Workspace | None:
        """What is known of a workspace that could not be read just now."""
        known, now = self._known.get(team_id), self._clock()
        if known is None or now > known.read_at + USABLE:
            return None
        known.away_until = min(now + AWAY, known.read_at + USABLE)
        return known.workspace
