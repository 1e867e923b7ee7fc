"""The outbox: the leader sends the messages that are due, at the pace that Slack allows.

All that it remembers is in memory, and bounded. A new leader begins with nothing, takes all that is due, and learns
from Slack's 429. https://docs.slack.dev/apis/web-api/rate-limits
"""

import asyncio
import heapq
import logging
import math
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cachetools import LRUCache

from bot.core import retries
from bot.core.alerts import AlertContent
from bot.core.cards import BatchContent, Card, HeldContent, Urgency
from bot.metrics import OFF, Metrics
from bot.outbound.slack.client import Doubtful, Posted, PostResult, Refused, TryAgain
from bot.outbound.slack.web_api import TOKEN_REFUSED
from bot.outbound.store.errors import StoreError
from bot.outbound.store.leases import LEADER, Lease
from bot.outbound.store.outbox import MOST_TAKEN, MessageRows
from bot.runtime import Tasks, happens, until_tick
from bot.usecases.card_sender import CardSender, instead_of

_log = logging.getLogger(__name__)

MOST_SENDING, MOST_SENDING_EACH = 50, 17  # calls of all workspaces and of one: Slack can hang for one of them
MOST_KNOWN = 100_000  # messages in memory, some 25 MB; with more, only those that are posts of alerts are taken
MOST_AWAITED = 100  # alerts whose programs wait for the post; others are told that it is queued
CALL_INTERVAL = 1.0  # seconds from the end of a post to the next one in its channel, and the same between two updates
MOST_UPDATES, UPDATES_WINDOW = 40, 61.0  # the most of a workspace within so many seconds: Slack allows 50 per minute
BATCH_INTERVAL = 10.0  # seconds between two updates of the result of a batch that is still being sent
TOKEN_INTERVAL = 60.0  # seconds between two calls for a workspace whose token Slack refuses
LONGEST_SILENCE = 30.0  # seconds without an answer of Slack after which another process leads
LOOK_INTERVAL = 2.0  # seconds between two looks for messages that other processes or commands have changed
TELL_INTERVAL = 0.5  # seconds between two hints to the leader that there are some
MESSAGES = "messages"  # the hint
_MOST_WORKSPACES = 10_000  # whose limits are remembered
_RETRY_DELAY = 1.0  # seconds after a failure of the database
_CLOSE_TIMEOUT = 0.5  # seconds for what is being sent: half of what the end leaves, since it is recorded then
_MOST_NAMED = 5  # sessions of a summary in the log


_Failure = TryAgain | Doubtful | Refused


@dataclass(slots=True, eq=False, repr=False)
class _Workspace:
    """The calls of a workspace, its last updates, and when Slack takes messages, and updates, again (monotonic)."""

    calls: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_SENDING_EACH))
    updates: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_UPDATES))
    free_at: float = -math.inf
    updates_from: float = -math.inf


class LaneName(NamedTuple):
    """The name of a lane: the posts or the updates of a channel."""

    team_id: str
    channel_id: str
    is_post: bool


@dataclass(slots=True, eq=False, repr=False)
class _Lane:
    """The messages of a lane that wait, the most urgent first, and whether one is being sent, or posted.

    One that changes again and again is updated in turn with the others: it waits behind those that waited before it.
    """

    name: LaneName
    workspace: _Workspace
    waiting: list[tuple[int, int, str]] = field(default_factory=list)  # urgency, number of updates before it, and id
    updated: int = 0
    free_at: float = -math.inf
    is_sending: bool = False
    is_posting: bool = False
    task: asyncio.Task[None] | None = None

    def free_in(self) -> float:
        """Return the seconds until it may have a call, by Slack's limits and what Slack has refused."""
        times = [self.free_at, self.workspace.free_at]
        if not self.name.is_post:
            times.append(self.workspace.updates_from)
            if len(updates := self.workspace.updates) == MOST_UPDATES:
                times.append(updates[0] + UPDATES_WINDOW)
        return max(times) - time.monotonic()


class _Entry(NamedTuple):
    name: LaneName
    urgency: int
    until: float  # after a failure (monotonic)


@dataclass(eq=False, repr=False)
class Outbox:
    """The outbox. Orders never wait for it. Without a `card_sender` it sends nothing: a bot does, for a command."""

    rows: MessageRows
    lease: Lease
    card_sender: CardSender | None = None
    metrics: Metrics = OFF

    def __post_init__(self) -> None:
        self.wake = self.rows.database.messages_due
        self._term = 0
        self._lanes: dict[LaneName, _Lane] = {}
        self._entries: dict[str, _Entry] = {}  # the messages that wait
        self._failures: Counter[str] = Counter()  # how often each has failed
        self._sending: set[str] = set()
        self._again: dict[str, tuple[LaneName, int]] = {}  # what changed while it is sent
        self._calls = asyncio.Semaphore(MOST_SENDING)
        self._workspaces: LRUCache[str, _Workspace] = LRUCache(_MOST_WORKSPACES)
        self._awaited: dict[str, asyncio.Future[PostResult]] = {}
        self._tasks = Tasks()
        self._silent_since: float | None = None
        self._is_stopping = False

    def add(self, cards: Sequence[Card]) -> None:
        """Keep cards of a workspace up to date from now on; post those that have no `ts`."""
        if cards:
            self.rows.add(cards)

    async def posted(self, part_id: str, within: float) -> PostResult | None:
        """Wait until this process has posted an alert. Return the result, None if it does not lead, or not by then."""
        if self.lease.term is None or len(self._awaited) >= MOST_AWAITED:
            return None
        posting = self._awaited[part_id] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait({posting}, timeout=within)
            return posting.result() if posting.done() else None
        finally:
            del self._awaited[part_id]

    async def run(self) -> None:
        """Send what is due whenever this process leads, until `stop`; then record what was sent."""
        is_woken = False
        while not self._is_stopping:
            self.wake.clear()
            try:
                trusted_for = self.lease.trusted_for()
                async with asyncio.timeout(trusted_for if 0 < trusted_for < math.inf else None):
                    wait = await self._look(is_woken=is_woken)
            except (StoreError, TimeoutError):  # it can have been committed
                self.lease.doubt()
                wait = _RETRY_DELAY
            except Exception:  # noqa: BLE001 - the next look may work
                _log.exception("messages not sent")
                wait = _RETRY_DELAY
            is_woken = await happens(self.wake, within=wait)
        self._give_up()
        await self._tasks.settle(within=_CLOSE_TIMEOUT)

    def hear(self, news: str) -> None:
        """Look now if another process has told something that can be about messages, and this one leads."""
        if news != LEADER and self.lease.term is not None:
            self.wake.set()
        elif news == LEADER:
            self.lease.hasten()

    def stop(self) -> None:
        """Let `run` end. What is due is sent by another process, or after the next start."""
        self._is_stopping = True
        self.wake.set()

    async def _look(self, *, is_woken: bool) -> float:
        """Take what is due, for the tasks of the lanes. Return in how many seconds the next look is.

        A process that does not lead tells the one that does what it was woken for.
        """
        if self.card_sender is None or (term := self.lease.term) is None:
            self._give_up()
            if is_woken:
                await self.rows.database.tell(MESSAGES)
                await asyncio.sleep(TELL_INTERVAL)
            return until_tick(LOOK_INTERVAL)
        leading = self.lease.leading
        if term != self._term:
            self._give_up()
            if self.lease.is_alone:
                await self.rows.begin()
            self._term = term
        if await self._leaves():
            return until_tick(LOOK_INTERVAL)
        urgency = Urgency.NEW_ALERT if len(self._entries) >= MOST_KNOWN else Urgency.UPDATE
        taken = await self.rows.take(leading, urgency=urgency)
        for row in taken:
            name = LaneName(row.team_id, row.channel_id, bool(row.is_post))
            if row.id in self._sending:  # never twice at a time
                self._again[row.id] = name, row.urgency
            else:
                self._push(row.id, name, row.urgency)
        if len(taken) == MOST_TAKEN:
            self.wake.set()
        return max(0.0, min(until_tick(LOOK_INTERVAL), self.lease.trusted_for()))

    def _give_up(self) -> None:
        """Break off what is under way, and forget all: another process can lead. A post is finished and recorded.

        At the end of this process an update is finished, too.
        """
        for lane in self._lanes.values():
            lane.waiting.clear()
            is_finished = lane.is_posting or (lane.is_sending and self._is_stopping)
            if not is_finished and lane.task is not None:
                lane.task.cancel()
        self._term = 0
        self._lanes, self._entries, self._again = {}, {}, {}
        self._failures.clear()

    async def _leaves(self) -> bool:
        """Leave the lead to another process if Slack gives this one no answer. Return whether."""
        if self._silent_since is None or time.monotonic() < self._silent_since + LONGEST_SILENCE:
            return False
        self._silent_since = None
        if self.lease.is_alone or not await self.rows.database.change(self.lease.yield_lead):
            return False
        _log.warning("Slack gives no answer; another process leads")
        self._give_up()
        return True

    def _push(self, message_id: str, name: LaneName, urgency: int, wait: float = 0.0) -> None:
        """Let a message wait in its lane, after so many seconds.

        One that waits after a failure goes on to, unless it was clicked.
        """
        before, now = self._entries.get(message_id), time.monotonic()
        if not self._term or (before is not None and before.until > now and urgency != Urgency.CLICKED):
            return
        entry = _Entry(name, urgency, now + wait if wait else 0.0)
        if entry != before:
            self._entries[message_id] = entry
            if wait:
                asyncio.get_running_loop().call_later(wait, self._enter, message_id, entry)
            else:
                self._enter(message_id, entry)

    def _enter(self, message_id: str, entry: _Entry) -> None:
        if self._entries.get(message_id) is not entry:  # it was clicked, or this process has led on in a new term
            return
        name = entry.name
        if (lane := self._lanes.get(name)) is None:
            workspace = self._workspaces.setdefault(name.team_id, _Workspace())
            lane = self._lanes[name] = _Lane(name, workspace)
            lane.task = self._tasks.start(self._run_lane(lane))
        heapq.heappush(lane.waiting, (entry.urgency, lane.updated, message_id))

    async def _run_lane(self, lane: _Lane) -> None:
        """Send what waits in a lane, one message after the other, whenever it may have a call."""
        while (wait := lane.free_in()) > 0 or lane.waiting:
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            async with lane.workspace.calls, self._calls:
                if lane.waiting and lane.free_in() <= 0:
                    await self._send_next(lane)
        if self._lanes.get(lane.name) is lane:
            del self._lanes[lane.name]

    async def _send_next(self, lane: _Lane) -> None:
        """Send the next message. What could not be sent or recorded is sent later."""
        urgency, _, message_id = heapq.heappop(lane.waiting)
        entry = self._entries.get(message_id)
        if entry is None or entry[:2] != (lane.name, urgency):  # it was sent, or has another urgency by now
            return
        del self._entries[message_id]
        if not lane.name.is_post:
            lane.workspace.updates.append(time.monotonic())
            lane.updated += 1
        self._sending.add(message_id)
        lane.is_sending = True
        wait: float | None = _RETRY_DELAY
        try:
            wait = await self._send(lane, message_id)
        except StoreError:
            pass
        except Exception:  # noqa: BLE001 - what is broken is tried less and less often
            _log.exception("message not sent")
            self._failures[message_id] += 1
            wait = retries.wait_refused(self._failures[message_id], retries.UPDATE, 0.0)
        finally:
            lane.is_sending = lane.is_posting = False
            lane.free_at = max(lane.free_at, time.monotonic() + CALL_INTERVAL)
            self._sending.discard(message_id)
            if wait is None:
                self._failures.pop(message_id, None)
            else:
                self._push(message_id, lane.name, urgency, wait)
            if again := self._again.pop(message_id, None):
                self._push(message_id, *again)
            self.wake.set()

    async def _send(self, lane: _Lane, message_id: str) -> float | None:
        """Send a message as it is by now, and record that. Return the seconds until it is sent again, None if never."""
        term, card = self._term, await self.rows.card(message_id)
        if card is None:
            return None
        if self.lease.term != term:
            return _RETRY_DELAY
        if card.ts is not None and lane.name.is_post:
            self._push(message_id, lane.name._replace(is_post=False), Urgency.UPDATE)
            return None
        lane.is_posting = card.ts is None  # then Slack may have it: that is always recorded
        result, digest = await self._attempt(card)
        if isinstance(result, Posted):
            await self._record(card, result, digest, term)
            if card.is_replaced:
                await self.rows.close(card, "")
            if isinstance(card.content, BatchContent) and digest != card.shown:
                self._push(message_id, lane.name._replace(is_post=False), Urgency.UPDATE, BATCH_INTERVAL)
        elif (wait := self._wait_after(card, result, lane)) is not None:
            self._failures[message_id] += 1
            return wait
        elif to := await self._channel_instead(card, result):
            _log.warning("message moved to the channel for alerts", extra=_about(card, result.why))
            await self.rows.move(card, to)
        else:
            instead = instead_of(card)
            if card.ts is not None or not instead:
                self._report(card, result)
            await self.rows.close(card, result.why, instead)
            self._tell(card, Refused(result.why))
        return None

    async def _channel_instead(self, card: Card, failure: _Failure) -> str:
        """Return where a message is posted instead, "" for nowhere, or if somebody waits who is told."""
        is_awaited = any(part.id in self._awaited for part in card.parts)
        is_refused = isinstance(failure, Refused) and failure.why not in TOKEN_REFUSED and card.ts is None
        if not is_refused or is_awaited or card.meant_for or self.card_sender is None:
            return ""
        return await self.card_sender.channel_instead(card)

    async def _attempt(self, card: Card) -> tuple[PostResult, str]:
        """Make one attempt. Of an update without an answer nobody knows which state Slack has: that is recorded."""
        assert self.card_sender is not None  # noqa: S101 - else nothing is taken
        if card.ts is None and card.is_critical:
            card = replace(card, mentions=await self.rows.mention(card))
        try:
            result, digest = await self.card_sender.send(card)
        except asyncio.CancelledError:  # it can arrive after what another leader sends by now
            if card.ts is not None:
                self.rows.send_again(card)
            raise
        if card.ts is not None and isinstance(result, Doubtful):
            self.rows.send_again(card)
        is_answer = isinstance(result, Posted | Refused) or (isinstance(result, TryAgain) and result.limited)
        self._silent_since = None if is_answer else self._silent_since or time.monotonic()
        return result, digest

    async def _record(self, card: Card, result: Posted, digest: str, term: int) -> None:
        posted = result.channel or card.channel_id, result.ts
        kept = await asyncio.shield(self.rows.sent(card, posted, digest, term))  # also if another process leads by then
        if card.ts is None and kept != result.ts and self.card_sender is not None:
            await self.card_sender.delete(card, *posted)  # another leader's post is kept up to date
        self._tell(card, result)

    def _wait_after(self, card: Card, result: _Failure, lane: _Lane) -> float | None:
        """Return the seconds until a message is sent again; None if never. Hold what Slack has refused for now."""
        is_of_alerts = bool(card.sender) or isinstance(card.content, AlertContent | HeldContent)
        patience = retries.UPDATE if card.ts else retries.ALERT if is_of_alerts else retries.RESULT
        failures, now = self._failures[card.id] + 1, time.monotonic()
        if isinstance(result, Doubtful):
            return retries.wait_unanswered(failures, patience)
        if isinstance(result, TryAgain):
            if result.after and lane.name.is_post:
                lane.free_at = now + result.after
            elif result.after:
                lane.workspace.updates_from = now + result.after
            wait = retries.wait_refused(failures, patience, card.age)
            return wait and max(result.after or 0.0, wait)
        if result.why in TOKEN_REFUSED:
            lane.workspace.free_at = now + TOKEN_INTERVAL
            return TOKEN_INTERVAL if card.age < patience.longest else None
        is_final = card.ts is None or result.why in retries.FINAL_FOR_UPDATE
        return None if is_final else retries.wait_refused(failures, patience, card.age, most=retries.MOST_TRIES)

    def _tell(self, card: Card, result: PostResult) -> None:
        for part in card.parts:
            if (post := self._awaited.get(part.id)) is not None and not post.done():
                post.set_result(result)

    def _report(self, card: Card, failure: _Failure) -> None:
        """Log a failure, and count the alerts that are lost by it, unless somebody still waits for them and does so."""
        what = "message not posted" if card.ts is None else "message not updated any more"
        _log.error(what, extra=_about(card, failure.why))
        for part in card.parts:
            if card.ts is None and isinstance(part.content, AlertContent) and part.id not in self._awaited:
                self.metrics.count("alerts", type(failure).__name__)


def _about(card: Card, why: str) -> dict[str, str]:
    """Return the fields of a line of the log about a card."""
    sessions = ", ".join(part.session_id for part in card.parts[:_MOST_NAMED])
    return {"team": card.team_id, "channel": card.channel_id, "session": sessions, "why": why}
