"""Slack and Anchor of the simulation: how long they take, and what they would refuse."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.scale.clock import Clock
from bench.scale.database import EPOCH
from bot.core.fields import Secret
from bot.core.session_ids import SessionId
from bot.core.sessions import RUNNING, NotRead, Session, SessionPage, Unread
from bot.outbound.store.card_values import ClaimedCard, SentCard
from bot.sim.slack.platform import RateLimiter
from bot.usecases.cards import Attempt

_SLACK = (0.1, 0.4)  # seconds that a call of Slack takes
_ANCHOR = (0.1, 0.5)  # and one of Anchor,
_SLOW_ANCHOR = (5.0, 10.0)  # also while it is slow:
_SLOW = (1_200.0, 1_800.0)  # seconds since the beginning


@dataclass(frozen=True, slots=True)
class Expected:
    """A version of a row of a card that Slack is to have, and since when."""

    version: int
    since: float


@dataclass(eq=False)
class Slack:
    """A Slack that takes messages at its pace. It is the sender of all outboxes."""

    clock: Clock
    chance: random.Random
    posts: int = 0
    updates: int = 0
    too_fast: int = 0
    expected: dict[str, Expected] = field(default_factory=dict)
    """What people wait for, by the id of the row."""
    waits: dict[str, list[float]] = field(default_factory=dict)
    """The seconds that it took, by the kind of the wait."""

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        # https://docs.slack.dev/apis/web-api/rate-limits
        self._post_limiter = RateLimiter(burst=5, per_second=1.0)
        self._update_limiter = RateLimiter(burst=50, per_second=50 / 60)
        self._kinds: dict[str, str] = {}
        self.has_all = asyncio.Event()
        """Set while nobody waits."""

    def expect(self, kind: str, row_id: str, version: int, since: float) -> None:
        """Measure how long it takes until Slack has this version of a row."""
        if row_id not in self.expected or kind == "paused":
            self.expected[row_id], self._kinds[row_id] = Expected(version, since), kind
            self.has_all.clear()

    def forget(self, row_id: str) -> str | None:
        """Measure it no longer. Return the kind of the wait."""
        self.expected.pop(row_id, None)
        if not self.expected:
            self.has_all.set()
        return self._kinds.pop(row_id, None)

    async def send(self, card: ClaimedCard) -> Attempt:
        """Take a message, or refuse it because it comes too fast."""
        is_post = card.ts is None
        limiter, key = (self._post_limiter, card.channel_id) if is_post else (self._update_limiter, card.team_id)
        wait = limiter.wait(key, self.clock.now)
        await asyncio.sleep(self.chance.uniform(*_SLACK))
        if wait is not None:
            self.too_fast += 1
            return Attempt(SentCard(card, retry_after=wait, held_for=wait))
        self.posts += is_post
        self.updates += not is_post
        for part in card.parts:
            waited = self.expected.get(part.id)
            if waited is not None and part.version >= waited.version:
                kind = self.forget(part.id)
                self.waits.setdefault(kind or "", []).append(self.clock.now - waited.since)
        ts = card.ts or f"{int(EPOCH + self.clock.now)}.{next(self._numbers) % 1_000_000:06}"
        return Attempt(SentCard(card, ts, ts + str([part.version for part in card.parts])))


@dataclass(eq=False)
class Anchor:
    """An Anchor that pauses everything, and lists the sessions of a workspace, whose key is its id."""

    clock: Clock
    chance: random.Random
    sessions: dict[str, list[SessionId]] = field(default_factory=dict)
    calls: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    read_at: dict[str, list[float]] = field(default_factory=dict)

    async def pause(self) -> None:
        """Take an order."""
        self.calls.append(self.clock.now)
        is_slow = _SLOW[0] <= self.clock.now < _SLOW[1]
        await asyncio.sleep(self.chance.uniform(*(_SLOW_ANCHOR if is_slow else _ANCHOR)))

    async def statuses(self, key: Secret, *, since: float | None = None) -> SessionPage | NotRead:
        """Return the sessions of a workspace, as `AnchorSessions` does."""
        del since
        self.read_at.setdefault(key.reveal(), []).append(self.clock.now)
        return await self._page(self.sessions.get(key.reveal(), ()))

    async def running_page(self, key: Secret, number: int, *, within: float) -> SessionPage | NotRead:
        """Return the team's sessions, which are the same."""
        del number, within
        return await self._page(self.sessions.get(key.reveal(), ()))

    async def details(self, key: Secret, session_id: SessionId, *, within: float) -> Session | NotRead:
        """Return nothing: all sessions are in the lists."""
        del key, session_id, within
        return NotRead(Unread.UNREACHABLE)

    async def _page(self, ids: Sequence[SessionId]) -> SessionPage:
        self.reads.append(self.clock.now)
        await asyncio.sleep(self.chance.uniform(*_ANCHOR))
        return SessionPage(tuple(Session(id=one, status=RUNNING) for one in ids), is_last=True)
