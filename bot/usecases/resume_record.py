"""Record a resume before it is sent: one that came a second time after a restart would undo a newer pause."""

import asyncio

from bot.core.outcomes import Doubt, Outcome, StoreUnavailable, Unconfirmed
from bot.outbound.store.journal import Journal
from bot.outbound.store.journal_entry import JournalEntry

_TIMEOUT = 2.0  # seconds


async def record_resume(journal: Journal, entry: JournalEntry) -> Outcome | None:
    """Wait until a resume is stored. Return the outcome if it cannot be, or was by another process."""
    if not await _is_written(entry):
        return StoreUnavailable()
    trigger_id = entry.order.trigger_id
    if entry.written.result() or trigger_id is None:
        return None
    return await journal.outcome_of(trigger_id) or Unconfirmed(Doubt.STOPPED)


async def record_sending(journal: Journal, entry: JournalEntry) -> bool:
    """Record that a resume is about to be sent. Return whether that is stored, and no other process has it."""
    journal.sending(entry)
    return await _is_written(entry) and entry.written.result()


async def _is_written(entry: JournalEntry) -> bool:
    written = entry.written
    await asyncio.wait({written}, timeout=_TIMEOUT)
    return written.done()
