"""Print the journal of orders from the database, with and without a running bot."""

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from typing import TextIO

from bot.cli.journal_formats import CsvWriter, JsonWriter, TableWriter, Writer
from bot.cli.operators import NotDoneError, check_file
from bot.config.store_settings import JournalSettings
from bot.core.history import HistoryFilter, PastOrder, Result
from bot.core.secret import Secret
from bot.outbound.store.errors import StoreError, StoreUnreachableError
from bot.outbound.store.fields import new_key
from bot.outbound.store.order_history import OrderHistory
from bot.outbound.store.sqlite import IN_MEMORY
from bot.outbound.store.store import open_store

_PAGE = 1_000  # orders that are read at a time
_INTERVAL = 1.0  # seconds between two looks for changes
_LOOK_BACK = 120.0  # seconds within which an order is stored; longer while the database fails


def show_journal(options: argparse.Namespace, environ: Mapping[str, str], out: TextIO) -> None:
    """Print the orders that `options` choose. Raises SettingsError, StoreNotUsableError or NotDoneError."""
    url = JournalSettings.from_env(environ).database_url
    if url == IN_MEMORY:
        raise NotDoneError("DATABASE_URL is sqlite://, so the bot keeps no journal.")
    check_file(url)
    try:
        asyncio.run(_show(options, url, out))
    except StoreError as error:
        raise NotDoneError(f"Database error, the journal is incomplete: {error}.") from None


async def _show(options: argparse.Namespace, url: Secret, out: TextIO) -> None:
    async with open_store(url, [new_key()], keys_must_fit=False) as store:  # nothing is decrypted
        history, chosen, writer = OrderHistory(store.database), _chosen(options), _writer(options.format, out)
        if options.follow:
            await Follower(history, chosen, writer, out).run()
        async for page in _pages(history, chosen):
            writer.write(page)


def _chosen(options: argparse.Namespace) -> HistoryFilter:
    is_result = options.outcome in set(Result)
    return HistoryFilter(
        team_id=options.workspace,
        session_id=options.session,
        user_ids=frozenset([options.user] if options.user else []),
        results=frozenset([Result(options.outcome)] if is_result else []),
        outcome=None if is_result else options.outcome,
        since=options.since,
    )


def _writer(name: str, out: TextIO) -> Writer:
    if name == "json":
        return JsonWriter(out)
    if name == "csv":
        return CsvWriter(out)
    has_width = out.isatty() or "COLUMNS" in os.environ
    return TableWriter(out, shutil.get_terminal_size().columns if has_width else None)


async def _pages(history: OrderHistory, chosen: HistoryFilter) -> AsyncIterator[list[PastOrder]]:
    last: PastOrder | None = None
    while page := await history.next_page(chosen, last, most=_PAGE):
        yield page
        last = page[-1]


class Follower:
    """Printer of orders as they come and change, until it is cancelled."""

    def __init__(self, history: OrderHistory, chosen: HistoryFilter, writer: Writer, out: TextIO) -> None:
        self._history = history
        self._chosen = chosen
        self._writer = writer
        self._out = out
        self._shown: dict[str, PastOrder] = {}
        self._failed_at = 0.0

    async def run(self) -> None:
        """Print the chosen orders, and look for changes from then on."""
        is_failing = False
        while True:
            try:
                await self._look()
                is_failing = False
            except StoreUnreachableError as error:
                if not is_failing:
                    print(f"anchor-bot: The database gives no answer ({error}); trying again.", file=sys.stderr)  # noqa: T201 - output of a command
                is_failing, self._failed_at = True, time.time()
            await asyncio.sleep(_INTERVAL)

    async def _look(self) -> None:
        began = time.time()
        async for page in _pages(self._history, self._chosen):
            self._write(page)
        since = self._chosen.since or 0.0
        if older := [one.id for one in self._shown.values() if one.given_at < since]:
            self._write(await self._history.now(replace(self._chosen, since=None), older))
        if began - self._failed_at > _LOOK_BACK:
            self._move_on(began - _LOOK_BACK)

    def _write(self, found: Iterable[PastOrder]) -> None:
        changed = [one for one in found if _progress(one) != _progress(self._shown.get(one.id))]
        self._shown |= {one.id: one for one in changed}
        self._writer.write(changed)
        self._out.flush()

    def _move_on(self, since: float) -> None:
        """Look only for later orders from now on, and for those that are not finished yet."""
        self._chosen = replace(self._chosen, since=max(since, self._chosen.since or 0.0))
        self._shown = {one.id: one for one in self._shown.values() if one.given_at >= since or one.told_at is None}


def _progress(order: PastOrder | None) -> tuple[object, ...] | None:
    return None if order is None else (order.outcome, order.told_at)
