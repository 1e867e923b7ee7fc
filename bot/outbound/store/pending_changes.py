"""The changes of journal entries that wait for a transaction."""

import asyncio
from functools import partial

from bot.core.fairness import fair_batch
from bot.outbound.store.journal_entry import JournalEntry, new_future

_MOST_WRITTEN = 500  # changes in a transaction: the acks of other orders wait for its end
_MOST_WRITTEN_EACH = 100  # of one person

Batch = dict[str, tuple[JournalEntry, asyncio.Future[bool]]]
"""Entries to be written, by id, and the future that ends when they are."""


class PendingChanges:
    """The entries that were changed, and their futures."""

    def __init__(self) -> None:
        self._changes: Batch = {}

    def __len__(self) -> int:
        return len(self._changes)

    def add(self, entry: JournalEntry) -> None:
        """Write an entry, as it will be then, in the next transaction."""
        if entry.id not in self._changes:
            entry.written = new_future()
            self._changes[entry.id] = entry, entry.written

    def take(self) -> Batch:
        """Return the changes for one transaction."""
        waiting = ((name, entry.order.actor.person) for name, (entry, _) in self._changes.items())
        names = fair_batch(waiting, most=_MOST_WRITTEN, most_each=_MOST_WRITTEN_EACH)
        return {name: self._changes.pop(name) for name in names}

    def put_back(self, batch: Batch) -> None:
        """Let the changes of a failed transaction wait again."""
        for name, (entry, written) in batch.items():
            if name in self._changes:
                later = self._changes[name][1]
                later.add_done_callback(partial(_copy_result, written))
            else:
                self._changes[name] = entry, written

    def drop(self, entry: JournalEntry) -> None:
        """Write an entry no more."""
        if entry.id in self._changes:
            self._changes.pop(entry.id)[1].set_result(not entry.is_lost)


def _copy_result(target: asyncio.Future[bool], source: asyncio.Future[bool]) -> None:
    target.set_result(source.result())
