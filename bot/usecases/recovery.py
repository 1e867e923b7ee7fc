"""Take over the orders that another process left unfinished."""

import asyncio
import itertools
import logging

from bot import request_id
from bot.concurrency import Tasks, happens
from bot.core.recovery import Unfinished
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.journal import Journal
from bot.outbound.store.journal_entry import JournalEntry
from bot.outbound.store.order_rows import MOST_TAKEN
from bot.usecases.orders import Orders, RunningOrder

_log = logging.getLogger(__name__)

INTERVAL = 2.0
"""Seconds between two looks for unfinished orders."""


class Recovery:
    """Recovery of unfinished orders. `is_alone` says that no other process can use the database.

    `interval` is INTERVAL.
    """

    def __init__(
        self, journal: Journal, orders: Orders, tasks: Tasks, *, is_alone: bool, interval: float = INTERVAL
    ) -> None:
        self._journal = journal
        self._orders = orders
        self._tasks = tasks
        self._is_alone = is_alone
        self._interval = interval
        self._stopping = asyncio.Event()
        self._has_looked = asyncio.Event()
        self._follows_crash = True

    async def look(self, *, within: float) -> None:
        """Wait until it is known whether there are orders of other processes."""
        await happens(self._has_looked, within=within)

    def follows_crash(self) -> bool:
        """Return whether another process has left unfinished orders, or works on some; True until that is known."""
        return self._follows_crash

    def stop(self) -> None:
        """Let `run` end."""
        self._stopping.set()

    async def run(self) -> None:
        """Take over the orders of processes that have ended: alone once, beside others until `stop`."""
        while not self._stopping.is_set():
            taken = await self._take_over()
            for _, same_session in itertools.groupby(sorted(taken or (), key=_session), _session):
                self._tasks.start(self._recover(list(same_session)))
            if taken is not None and self._is_alone and len(taken) < MOST_TAKEN:
                return
            if taken is None or len(taken) < MOST_TAKEN:
                await happens(self._stopping, within=self._interval)

    async def _take_over(self) -> list[tuple[Unfinished, JournalEntry]] | None:
        """Return the orders that were taken over; None if the database fails, or the journal is full."""
        if self._journal.is_full:
            return None
        try:
            if not self._has_looked.is_set():
                self._follows_crash = await self._journal.rows.has_orders_of_others()
                self._has_looked.set()
            return await self._journal.take_over(all_leases=self._is_alone)
        except StoreUnreachableError:
            return None  # the journal reports it
        except Exception:  # noqa: BLE001 - the next attempt may work
            _log.exception("unfinished orders not taken over")
            return None

    async def _recover(self, taken: list[tuple[Unfinished, JournalEntry]]) -> None:
        """End the orders of a session in their sequence; those of the same verb share one call of Anchor."""
        for _, same_verb in itertools.groupby(taken, lambda pair: pair[0].order.verb):
            await asyncio.wait([self._start(*pair).outcome for pair in same_verb])

    def _start(self, unfinished: Unfinished, entry: JournalEntry) -> RunningOrder:
        request_id.begin(entry.id)
        about = {"session": unfinished.order.session_id, "state": unfinished.state.value}
        _log.warning("unfinished order taken over", extra=about | {"age_seconds": round(unfinished.age)})
        running = self._orders.recover(unfinished, entry)
        self._tasks.start(self._orders.deliver(running, entry.address))
        return running


def _session(taken: tuple[Unfinished, JournalEntry]) -> tuple[str, str]:
    return taken[0].order.actor.team_id, taken[0].order.session_id
