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
from bot.core.cards import (
    BURST_WINDOW,
    MOST_IN_SUMMARY,
    MOST_REPLIES,
    MOST_SINGLE,
    Urgency,
    plan_post,
    plan_replies,
)

MOST_KNOWN = 100_000  # messages in memory, some 25 MB; with more, only those that are posts of alerts are taken
_MOST_LANES = 20_000  # channels whose pace is remembered, unless more have messages that wait


class LaneName(NamedTuple):
    """The name of a lane: the posts or the updates of a channel."""

    team_id: str
    channel_id: str
    is_post: bool


@dataclass(slots=True)
class _Lane:
    """The messages of a lane that wait, the most urgent first, and its pace; times are monotonic."""

    waiting: list[tuple[int, str]] = field(default_factory=list)
    free_at: float = -math.inf
    is_queued: bool = False
    """It is among those that are ready, or held, or has a call."""
    alerts: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_SINGLE + 1))
    """When its last alerts came."""
    replies: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_REPLIES))
    last_id: str = ""
    last_at: float = -math.inf
    room: int = 0
    """The sessions that the last message of alerts has room for."""


class Memory:
    """All that a leader remembers. A new one begins with nothing."""

    def __init__(self) -> None:
        self.lanes: dict[LaneName, _Lane] = {}
        self.most_lanes, self.turns = _MOST_LANES, itertools.count()
        self.ready: list[tuple[float, int, LaneName]] = []  # heap, those of the same time in turn
        self.known: dict[str, tuple[LaneName, int]] = {}  # the lane and the urgency of each message that waits
        self.delayed: dict[str, tuple[float, LaneName, int]] = {}  # until when one waits after a failure
        self.later: list[tuple[float, str]] = []  # the heap of these times
        self.failures: Counter[str] = Counter()  # how often each has failed
        self.updates: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=retries.MOST_UPDATES))
        self.held_until: dict[str, float] = {}  # of a workspace whose token is refused, or of its updates
        self.held: defaultdict[str, deque[LaneName]] = defaultdict(
            deque
        )  # lanes that wait for a call of their workspace

    @property
    def is_full(self) -> bool:
        """Return whether it has so much that only alerts are taken."""
        return len(self.known) + len(self.delayed) >= MOST_KNOWN

    def lane(self, name: LaneName) -> _Lane:
        """Return a lane, and forget idle ones if there are too many."""
        if name not in self.lanes and len(self.lanes) >= self.most_lanes:
            now = time.monotonic()
            busy = {name: one for name, one in self.lanes.items() if one.is_queued or one.waiting or one.free_at > now}
            self.lanes, self.most_lanes = busy, max(_MOST_LANES, 2 * len(busy))
            self.held_until = {name: until for name, until in self.held_until.items() if until > now}
            old = now - retries.WINDOW
            for team_id in [one for one, times in self.updates.items() if not times or times[-1] < old]:
                del self.updates[team_id]
        return self.lanes.setdefault(name, _Lane())

    def push(self, message_id: str, name: LaneName, urgency: int) -> None:
        """Let a message wait in its lane. One that waits after a failure goes on to, unless it was clicked."""
        if message_id in self.delayed:
            if urgency != Urgency.CLICKED:
                self.delayed[message_id] = self.delayed[message_id][0], name, urgency
                return
            del self.delayed[message_id]
        if self.known.get(message_id) != (name, urgency):
            self.known[message_id] = name, urgency
            heapq.heappush(self.lane(name).waiting, (urgency, message_id))
            self.queue(name)

    def queue(self, name: LaneName) -> None:
        """Let a lane have a call when it may, if something waits."""
        lane = self.lane(name)
        if lane.waiting and not lane.is_queued:
            lane.is_queued = True
            heapq.heappush(self.ready, (lane.free_at, next(self.turns), name))

    def release(self, team_id: str) -> None:
        """Let the next lane of a workspace have the call that another one has not made, or has ended."""
        if held := self.held.get(team_id):
            name = held.popleft()
            self.lane(name).is_queued = False
            self.queue(name)

    def delay(self, message_id: str, name: LaneName, urgency: int, seconds: float) -> None:
        """Let a message wait for so many seconds."""
        until = time.monotonic() + seconds
        self.delayed[message_id] = until, name, urgency
        heapq.heappush(self.later, (until, message_id))

    def resume(self, now: float) -> None:
        """Let those go on whose time has come."""
        while self.later and self.later[0][0] <= now:
            until, message_id = heapq.heappop(self.later)
            if message_id in self.delayed and self.delayed[message_id][0] == until:
                _, name, urgency = self.delayed.pop(message_id)
                self.push(message_id, name, urgency)

    def free_at(self, name: LaneName, now: float) -> float:
        """Return when a lane may have a call, by Slack's limits and what it has refused."""
        times = [self.lane(name).free_at, *(self.held_until.get(one, now) for one in (name.team_id, updates_of(name)))]
        if not name.is_post and len(updates := self.updates[name.team_id]) == retries.MOST_UPDATES:
            times.append(updates[0] + retries.WINDOW)
        return max(times)

    def choose(self, name: LaneName, now: float) -> tuple[str, list[tuple[int, str]]]:
        """Return what is sent now: one message, or some posts that become one. They can join another one, by its id."""
        lane = self.lane(name)
        some = self._first(name, lane, MOST_IN_SUMMARY if name.is_post else 1)
        urgency, target, most = some[0][0] if some else Urgency.UPDATE, "", 1
        if name.is_post and urgency == Urgency.NEW_ALERT:
            recent = sum(at > now - BURST_WINDOW for at in lane.alerts)
            joins, most = plan_post(len(some), recent, lane.room if lane.last_at > now - BURST_WINDOW else 0)
            is_again = any(one[1] == lane.last_id for one in some[:most])  # the last message is sent again itself
            if joins and not is_again:
                target = lane.last_id
            else:
                some.sort(key=lambda one: one[1] != lane.last_id)
                lane.last_id, lane.room = some[0][1], MOST_IN_SUMMARY
            lane.room, lane.last_at = lane.room - most, now
        elif name.is_post and urgency == Urgency.WORSE:
            recent = sum(at > now - retries.WINDOW for at in lane.replies)
            if recent >= MOST_REPLIES:  # these wait, and not what is more urgent
                for _, message_id in some:
                    self.delay(message_id, name, urgency, lane.replies[0] + retries.WINDOW - now)
                return "", []
            most = plan_replies(len(some), recent)
            lane.replies.append(now)
        for one in some[most:]:
            self.known[one[1]] = name, urgency
            heapq.heappush(lane.waiting, one)
        return target, some[:most]

    def _first(self, name: LaneName, lane: _Lane, most: int) -> list[tuple[int, str]]:
        """Take the most urgent messages out of a lane, which are equally urgent."""
        some = list[tuple[int, str]]()
        while lane.waiting and len(some) < most and lane.waiting[0][0] == (some or lane.waiting)[0][0]:
            one = heapq.heappop(lane.waiting)
            if self.known.get(one[1]) == (name, one[0]):  # else it has another urgency by now, or was sent
                some.append(one)
                del self.known[one[1]]
        return some


def updates_of(name: LaneName) -> str:
    """Return the name for the updates of a workspace, "" for a post."""
    return "" if name.is_post else f"updates {name.team_id}"
