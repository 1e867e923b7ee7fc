"""An order in the journal of this process."""

import asyncio
import time
from dataclasses import dataclass, field, fields

from bot.core.outcomes import Outcome
from bot.core.recovery import State
from bot.core.requests import Opposition, Order, ReplyAddress
from bot.outbound.store.order_row import OrderRow
from bot.request_id import order_id


def new_future() -> asyncio.Future[bool]:
    """Return a future for `JournalEntry.written`."""
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True, eq=False)
class JournalEntry:
    """An order in the journal. Times are monotonic, in seconds."""

    order: Order
    address: ReplyAddress
    given_at: float
    written: asyncio.Future[bool] = field(default_factory=new_future)
    """Ends when the last change is stored; False if the order is lost."""
    id: str = field(default_factory=order_id)
    state: State = State.WAITING
    outcome: Outcome | None = None
    delivered_by: str | None = None
    settled_at: float | None = None
    told_at: float | None = None
    is_allowed: bool = False
    """Its person was found to be allowed to give it, and it is being sent."""
    is_stored: bool = False
    is_lost: bool = False
    """Another process has the order, and tells its outcome.

    Slack sent it twice, or this process was frozen or cut off until another one took it over.
    """
    leased_until: float = 0.0
    opposition: Opposition | None = None
    """That of a pause when it was stored, and of a resume when it was last to be sent; None until then."""
    asked_at: float | None = None
    """When it was first asked whether another process has the order: then the answer waits for the database."""
    inserted: asyncio.Future[bool] = field(init=False)
    """The first `written`."""

    def __post_init__(self) -> None:
        self.inserted = self.written

    @property
    def is_leased(self) -> bool:
        """Return whether no other process can have taken the order over."""
        return time.monotonic() < self.leased_until

    def record_lease(self, until: float, *, is_lost: bool) -> None:
        """Record that the lease of the row was renewed, or that another process has it."""
        self.leased_until = until
        self.is_lost |= is_lost

    def row(self) -> OrderRow:
        """Return the entry as it is now."""
        values = {name: getattr(self, name) for name in _ROW_FIELDS}
        return OrderRow(**values)


_ROW_FIELDS = [one.name for one in fields(OrderRow)]
