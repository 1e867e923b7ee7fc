"""Read past orders for people who wait for a view: in time, or not at all."""

import asyncio
import logging

from bot.concurrency import Tasks
from bot.core.history import HistoryFilter, PastOrder
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.order_history import OrderHistory

_log = logging.getLogger(__name__)

_TIMEOUT = 1.0  # seconds; a trigger of a modal lasts 3


class PastOrders:
    """Reads of the journal that raise nothing, and take at most a second; no time while an earlier one takes longer."""

    def __init__(self, history: OrderHistory, tasks: Tasks) -> None:
        self._history = history
        self._tasks = tasks
        self._overdue: set[asyncio.Task[list[PastOrder] | None]] = set()

    async def newest(self, chosen: HistoryFilter, *, most: int) -> list[PastOrder] | None:
        """Return the newest orders, or None if the database gives no answer in time."""
        if self._overdue:
            return None
        read = self._tasks.start(self._read(chosen, most))
        await asyncio.wait({read}, timeout=_TIMEOUT)
        if read.done():
            return read.result()
        self._overdue.add(read)
        read.add_done_callback(self._overdue.discard)
        _log.warning("past orders not read", extra={"why": "the database does not answer in time"})
        return None

    async def _read(self, chosen: HistoryFilter, most: int) -> list[PastOrder] | None:
        try:
            return await self._history.newest(chosen, most=most)
        except StoreUnreachableError as error:
            _log.warning("past orders not read", extra={"why": str(error)})
        except Exception:  # noqa: BLE001 - the view is shown without them
            _log.exception("past orders not read")
        return None
