"""Orders of an operator on the command line."""

import asyncio
from collections.abc import Callable

from bot.core.outcomes import Outcome
from bot.core.requests import Order, ReplyAddress
from bot.core.workspace import Workspace
from bot.outbound.store.journal import Journal
from bot.usecases.session_cards import SessionCards
from bot.usecases.session_control import SessionControl


class NoMonitor:
    """Monitor for orders whose operator is told what Anchor says about the key."""

    def record_result(self, workspace: Workspace, outcome: Outcome) -> None:
        """Do nothing: the next order in Slack notifies the admins."""


async def execute(  # noqa: PLR0913 - collaborators
    control: SessionControl,
    journal: Journal,
    session_cards: SessionCards,
    order: Order,
    tell: Callable[[Outcome], None],
    *,
    within: float,
) -> tuple[Outcome, bool]:
    """Execute an order, tell its outcome, and mark the cards of its session, which a running bot updates.

    Return the outcome, and whether the journal has it `within` seconds after that.
    """
    entry = journal.begin(order, ReplyAddress(order.actor))
    outcome = await control.execute(entry)
    journal.settle(entry, outcome)
    tell(outcome)
    journal.told(entry, "terminal")
    await asyncio.wait({entry.written}, timeout=within)
    if entry.written.done():
        await session_cards.update(entry, outcome)
        await session_cards.report(entry, outcome, in_thread=False)
    return outcome, entry.written.done()
