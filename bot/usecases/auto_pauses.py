"""Alerts that ask for a pause: the order of each, which is sent before the card is placed, and further attempts."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.alerts import Alert, Asked, Automatic
from bot.core.orders import Actor, Attempt, ReplyAddress, program_id
from bot.core.outcomes import CALL_SOMEBODY, NOT_ASKED, NOT_AUTOMATIC, PENDING, Outcome, Paused, Refusal, Why, name_of
from bot.core.sessions import Phase
from bot.core.workspace import AutoPause, Workspace
from bot.messages.markup import without_signs
from bot.outbound.slack.client import Doubtful
from bot.outbound.store.auto_pause_rules import AutoPauseRows, attempt_of, pause_of
from bot.outbound.store.errors import StoreError, or_default
from bot.outbound.store.running_orders import RunningOrder
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks, ended
from bot.usecases.alert_cards import AlertCards, AlertResult
from bot.usecases.orders import Orders

AGAIN_INTERVAL = 60.0
"""Seconds between two looks for pauses that are to be tried again."""

MOST_WAITING = 6_000
"""The most alerts that wait until their order is recorded, as many as come at once; no pause comes of others."""

POST_WAIT = 8.0  # seconds for which a sender waits for its post
_BEFORE_CARD = 1.0  # seconds that a card waits for the outcome of its pause: then people read that at once
_LONGEST_REASON = 200
_TO_ANSWER = 0.2  # seconds in which a post that waits for Slack says so, before the wait for the pause ends
_SAFE_WITHIN = 5.0  # seconds for orders to be recorded, before a webhook is taken

_HAS_PAUSED = {Paused.__name__, Why.PAUSED_BEFORE}


@dataclass(slots=True, eq=False, repr=False)
class _Pause:
    """The pause that an alert asks for. Its task returns the outcome, None if another process knows it."""

    task: asyncio.Task[Outcome | None] = field(init=False)
    running: RunningOrder | None = None
    is_repeated: bool = False
    came_at: float = field(default_factory=time.monotonic)

    @property
    def outcome(self) -> Outcome | None:
        """Return the outcome, if it is known by now."""
        return self.task.result() if self.task.done() and not self.task.cancelled() else None

    @property
    def has_paused(self) -> bool:
        """Return whether Anchor has paused the session, as far as it is known, also for another token."""
        return self.outcome is not None and name_of(self.outcome) in _HAS_PAUSED

    async def seen_by(self, alert: Alert) -> tuple[Alert, Asked]:
        """Return the alert, and what its card has to know; wait a moment for the outcome."""
        await asyncio.wait({self.task}, timeout=_BEFORE_CARD)
        failed = self.outcome is not None and name_of(self.outcome) in CALL_SOMEBODY
        is_called = failed and not self.is_repeated  # else by the message in the channel for which it came first
        return replace(alert, is_called=is_called), self.asked()

    async def is_recorded(self) -> bool:
        """Wait until its order survives the end of the process. Return whether it has come so far."""
        return self.running is not None and await self.running.is_safe(None, within=_SAFE_WITHIN)

    def asked(self) -> Asked:
        """Return what the card of the alert has to know."""
        outcome, running = self.outcome, self.running
        is_ruled_out = outcome is not None and name_of(outcome) in {*NOT_AUTOMATIC, Why.STORE_UNAVAILABLE}
        if is_ruled_out or running is None or not running.is_recorded:
            is_open = outcome is None and not self.is_repeated
            return Asked(Automatic.SENT if is_open else None, outcome or Refusal(Why.STORE_UNAVAILABLE), self.came_at)
        is_known = self.is_repeated or running.is_repeated
        if is_known or (outcome is not None and name_of(outcome) == Why.PAUSED_BEFORE):
            return Asked(Automatic.REPEATED if self.has_paused else None, None, self.came_at)
        was_paused = isinstance(outcome, Paused) and outcome.earlier_by
        return Asked(Automatic.CONFIRMED if was_paused else Automatic.SENT, None, self.came_at)


@dataclass(eq=False, repr=False)
class AutoPauses:
    """Pauses by alerts. One that is repeated has the order that it had before, at whichever process."""

    orders: Orders
    alert_cards: AlertCards
    workspaces: Workspaces
    rows: AutoPauseRows
    tasks: Tasks

    def __post_init__(self) -> None:
        self._waiting = 0

    async def post(self, workspace: Workspace, alert: Alert) -> tuple[AlertResult, str | None]:
        """Send the pause that an alert asks for, and post the alert. Return what became of both."""
        ends = time.monotonic() + POST_WAIT
        pause, word = self._begin(workspace, alert)
        alert, asked = (alert, None) if pause is None else await pause.seen_by(alert)
        within = max(0.0, ends - time.monotonic())
        if pause is None:
            return await self.alert_cards.post(workspace, alert, asked, within=within), word
        post = self.alert_cards.post(workspace, alert, asked, within=max(0.0, within - _TO_ANSWER))
        posting = self.tasks.start(post)
        parts: set[asyncio.Future[Any]] = {posting, pause.task}
        await asyncio.wait(parts, timeout=within)
        result = posting.result() if posting.done() else Doubtful("it takes too long")
        return result, await self._word_of(pause)

    async def _word_of(self, pause: _Pause) -> str:
        """Return the word for the pause of an alert; that of a repeated one, only if nobody has resumed since."""
        if pause.is_repeated and pause.has_paused and pause.running is not None:
            team_id, session_id = pause.running.session
            reading = self.orders.session_cards.states.of(team_id, [session_id])
            states = await or_default(reading, None, within=_TO_ANSWER)
            if states is None:
                return PENDING
            if session_id in states and states[session_id].phase in {Phase.RESUMED, Phase.ENDED}:
                return Why.RESUMED_BEFORE
        word = PENDING if pause.outcome is None else name_of(pause.outcome)
        return PENDING if word == Why.STORE_UNAVAILABLE else word

    async def record(self, workspace: Workspace, alerts: list[Alert]) -> list[AlertResult | None]:
        """Do the same for many, without waiting for a post. One is None if the database lacks it, or its order."""
        begun = [self._begin(workspace, alert)[0] for alert in alerts]
        seen = [one.seen_by(alert) if one else _as_it_is(alert) for one, alert in zip(begun, alerts, strict=True)]
        results = await self.alert_cards.place(workspace, await asyncio.gather(*seen))
        safe = await asyncio.gather(*(one.is_recorded() for one in begun if one))
        is_safe = dict(zip(filter(None, begun), safe, strict=True))
        return [result if one is None or is_safe[one] else None for one, result in zip(begun, results, strict=True)]

    def _begin(self, workspace: Workspace, alert: Alert) -> tuple[_Pause | None, str | None]:
        if alert.asks is None or alert.is_resolved:
            return None, None
        if not alert.asks:
            return None, NOT_ASKED
        if workspace.auto_pause is AutoPause.OFF:
            return None, Why.AUTO_PAUSE_OFF
        pause = _Pause()
        pause.task = self.tasks.start(self._pause(pause, workspace, alert))
        return pause, None

    async def _pause(self, pause: _Pause, workspace: Workspace, alert: Alert) -> Outcome | None:
        if self._waiting >= MOST_WAITING:
            return Refusal(Why.STORE_UNAVAILABLE)
        self._waiting += 1
        try:
            attempt, running = self._start(pause, workspace, alert)
            parts: set[asyncio.Future[Any]] = {running.recorded, running.result}
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting -= 1
        await ended(running.result)
        settled = None if running.result.cancelled() else running.result.result()
        outcome = Refusal(Why.STOPPING) if running.result.cancelled() else None if settled is None else settled.outcome
        pause.is_repeated |= running.is_repeated
        if pause.is_repeated and not isinstance(outcome, Paused):
            with suppress(StoreError):
                return await self.rows.last_outcome(attempt) or outcome
        return outcome

    def _start(self, pause: _Pause, workspace: Workspace, alert: Alert) -> tuple[Attempt, RunningOrder]:
        since = time.time() if alert.starts_at is None else alert.starts_at
        attempt = attempt_of(workspace.team_id, alert.session_id, alert.firing, since)
        address = ReplyAddress(Actor(workspace.team_id, alert.channel, program_id(alert.sender)))
        order = pause_of(attempt, alert.session_id, address.actor, _reason(alert))
        known = Refusal(Why.OBSERVED) if workspace.auto_pause is AutoPause.OBSERVE else None
        pause.running, pause.is_repeated = self.orders.start(order, address, known)
        if not pause.is_repeated:
            self.tasks.start(self.orders.deliver(pause.running, address))
        return attempt, pause.running

    async def look(self) -> float:
        """Try the pauses again that did not succeed, of what still fires, and tell of many. Raises StoreError."""
        await self.rows.tell_failed()
        for one in await self.rows.unpaused() if await self.workspaces.pausing_teams() else ():
            address = ReplyAddress(one.actor)
            running, is_known = self.orders.start(one, address)
            if not is_known:
                self.tasks.start(self.orders.deliver(running, address))
        return AGAIN_INTERVAL


async def _as_it_is(alert: Alert) -> tuple[Alert, Asked | None]:
    return alert, None


def _reason(alert: Alert) -> str:
    """Return what is said of a pause besides the name of the token: which alert it was, as no words of the bot."""
    source = dict(alert.fields).get("source", "")
    return without_signs((source or alert.title or alert.text)[:_LONGEST_REASON])
