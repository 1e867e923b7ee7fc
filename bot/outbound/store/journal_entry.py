"""An order in the journal of this process."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field, fields

from bot.core.outcomes import Outcome
from bot.core.recovery import State
from bot.core.requests import Order, ReplyAddress
from bot.outbound.store.order_rows import OrderRow


def _new_id() -> str:
    """Return an id that ascends with time, so that new rows are neighbors in the index."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(8)}"


@dataclass(slots=True, eq=False)
class JournalEntry:
    """An order in the journal. Times are monotonic, in seconds."""

    order: Order
    address: ReplyAddress
    given_at: float
    written: asyncio.Future[bool]
    """Ends when the last change is stored; False if another process has the order.

    Slack sent it twice, or this process was frozen or cut off until another one took it over.
    """
    id: str = field(default_factory=_new_id)
    state: State = State.WAITING
    outcome: Outcome | None = None
    delivered_by: str | None = None
    settled_at: float | None = None
    told_at: float | None = None
    is_stored: bool = False

    @property
    def is_lost(self) -> bool:
        """Return whether another process has the order, and tells its outcome."""
        return self.written.done() and not self.written.result()

    def row(self) -> OrderRow:
        """Return the entry as it is now."""
        values = {name: getattr(self, name) for name in _ROW_FIELDS}
        return OrderRow(**values)


_ROW_FIELDS = [one.name for one in fields(OrderRow)]


def new_future() -> asyncio.Future[bool]:
    """Return a future for `JournalEntry.written`."""
    return asyncio.get_running_loop().create_future()
