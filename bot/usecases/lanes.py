"""The memory of the leader: what is due in each channel, when that may have a call, and what has failed.

It is bounded. A new leader begins with nothing, takes all that is due, and learns from Slack's 429.
"""

import heapq
import itertools
import math
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.core import retries
from bot.core.cards import MOST_IN_SUMMARY, MOST_SINGLE, Urgency

MOST_KNOWN = 100_000  # messages in memory, some 25 MB; with more, only those that are posts of alerts are taken
_MOST_LANES = 20_000  # channels whose pace is remembered, unless more have messages that wait
_TOGETHER = {Urgency.NEW_ALERT, Urgency.WORSE}  # messages of which many become one


class LaneName(NamedTuple):
    """The name of a lane: the posts or the updates of a channel."""

    team_id: str
    channel_id: str
    is_post: bool


@dataclass(slots=True, eq=False)
class Lane:
    """The messages of a lane that wait, the most urgent first, and its pace (monotonic)."""

    name: LaneName
    waiting: list[tuple[int, str]] = field(default_factory=list)
    free_at: float = -math.inf
    is_queued: bool = False
    """It is among those that are ready, or held, or has a call."""


class _Entry(NamedTuple):
    lane: Lane
    urgency: int
    until: float  # after a failure (monotonic)


class Memory:
    """All that a leader remembers. A new one begins with nothing."""

    def __init__(self) -> None:
        self.lanes: dict[LaneName, Lane] = {}
        self.most_lanes, self.turns = _MOST_LANES, itertools.count()
        self.entries: dict[str, _Entry] = {}  # the messages that wait
        self.ready: list[tuple[float, int, Lane]] = []  # heap, those of the same time in turn
        self.later: list[tuple[float, str]] = []  # heap of those that wait after a failure
        self.failures: Counter[str] = Counter()  # how often each has failed
        self.updates: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=retries.MOST_UPDATES))
        self.held_until: dict[str, float] = {}  # of a workspace whose token is refused, or of its updates
        self.held: defaultdict[str, deque[Lane]] = defaultdict(deque)  # that wait for a call of their workspace

    @property
    def is_full(self) -> bool:
        """Return whether it has so much that only alerts are taken."""
        return len(self.entries) >= MOST_KNOWN

    def lane(self, name: LaneName) -> Lane:
        """Return a lane, and forget idle ones if there are too many."""
        if name not in self.lanes and len(self.lanes) >= self.most_lanes:
            now = time.monotonic()
            busy = {name: one for name, one in self.lanes.items() if one.is_queued or one.waiting or one.free_at > now}
            self.lanes, self.most_lanes = busy, max(_MOST_LANES, 2 * len(busy))
            self.held_until = {name: until for name, until in self.held_until.items() if until > now}
            for team_id in [
                one for one, times in self.updates.items() if not times or times[-1] < now - retries.WINDOW
            ]:
                del self.updates[team_id]
        if name not in self.lanes:
            self.lanes[name] = Lane(name)
        return self.lanes[name]

    def push(self, message_id: str, lane: Lane, urgency: int, until: float = -math.inf) -> None:
        """Let a message wait in its lane. One that waits after a failure goes on to, unless it was clicked."""
        before = self.entries.get(message_id)
        if before is not None and urgency != Urgency.CLICKED:
            until = max(until, before.until)
        entry = _Entry(lane, urgency, until)
        if entry != before:
            self.entries[message_id] = entry
            if until > time.monotonic():
                heapq.heappush(self.later, (until, message_id))
            else:
                self._enter(message_id, entry)

    def resume(self, now: float) -> None:
        """Let those go on whose time has come."""
        while self.later and self.later[0][0] <= now:
            until, message_id = heapq.heappop(self.later)
            entry = self.entries.get(message_id)
            if entry is not None and entry.until == until:
                self._enter(message_id, entry)

    def _enter(self, message_id: str, entry: _Entry) -> None:
        heapq.heappush(entry.lane.waiting, (entry.urgency, message_id))
        self.queue(entry.lane)

    def queue(self, lane: Lane) -> None:
        """Let a lane have a call when it may, if something waits."""
        if lane.waiting and not lane.is_queued:
            lane.is_queued = True
            heapq.heappush(self.ready, (lane.free_at, next(self.turns), lane))

    def release(self, team_id: str) -> None:
        """Let the next lane of a workspace have the call that another one has not made, or has ended."""
        if held := self.held.get(team_id):
            lane = held.popleft()
            lane.is_queued = False
            self.queue(lane)

    def free_at(self, lane: Lane, now: float) -> float:
        """Return when a lane may have a call, by Slack's limits and what it has refused."""
        name = lane.name
        times = [lane.free_at, *(self.held_until.get(one, now) for one in (name.team_id, updates_of(name)))]
        if not name.is_post and len(updates := self.updates[name.team_id]) == retries.MOST_UPDATES:
            times.append(updates[0] + retries.WINDOW)
        return max(times)

    def choose(self, lane: Lane) -> list[tuple[int, str]]:
        """Take out what is sent now: one message, or many posts about alerts, which become one."""
        some, most = list[tuple[int, str]](), MOST_IN_SUMMARY if lane.name.is_post else 1
        while lane.waiting and len(some) < most and lane.waiting[0][0] == (some or lane.waiting)[0][0]:
            urgency, message_id = one = heapq.heappop(lane.waiting)
            entry = self.entries.get(message_id)
            if entry is not None and entry[:2] == (lane, urgency):  # else it was sent, or has another urgency by now
                some.append(one)
                del self.entries[message_id]
        together = len(some) if len(some) > MOST_SINGLE and some[0][0] in _TOGETHER else 1
        for urgency, message_id in some[together:]:
            self.push(message_id, lane, urgency)
        return some[:together]


def updates_of(name: LaneName) -> str:
    """Return the name for the updates of a workspace, "" for a post."""
    return "" if name.is_post else f"updates {name.team_id}"
