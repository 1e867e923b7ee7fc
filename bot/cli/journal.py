"""`anchor-bot journal`: print past orders."""

import argparse
import asyncio
import json
import sys
import time
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TextIO

from bot.cli.operators import check_file
from bot.cli.parser import UNUSABLE_SETTINGS, NotDoneError
from bot.config.settings import Settings, read_database_url
from bot.core.audit import Inspection, Verdict
from bot.core.fields import Secret, parse_object
from bot.core.history import HistoryFilter, PastOrder, Result
from bot.messages.markup import printable
from bot.outbound.store.errors import StoreError, StoreUnreachableError
from bot.outbound.store.history import OrderHistory
from bot.outbound.store.secrets import keys_of_one, new_key
from bot.outbound.store.sqlite import IN_MEMORY
from bot.outbound.store.store import open_store

_LONGEST = 1_000  # characters of a value
_GAP = "  "
_EXIT_CODES = {Verdict.WHOLE: 0, Verdict.CHANGED: 1, Verdict.UNVERIFIABLE: 2}

_PAGE = 1_000  # orders that are read at a time
_INTERVAL = 1.0  # seconds between two looks for changes
_LOOK_BACK = 120.0  # seconds within which an order is stored; longer while the database fails


def json_line(order: PastOrder) -> str:
    """Return an order for programs."""
    return json.dumps({name: value(order) for name, value in _RECORD.items()})


def table_line(order: PastOrder) -> str:
    """Return an order for people, without control characters."""
    return _line(value(order) or "-" for _, value in _TABLE.values())


def _line(values: Iterable[str]) -> str:
    sizes = (size for size, _ in _TABLE.values())
    cells = [_fill(printable(value, limit=_LONGEST), size) for value, size in zip(values, sizes, strict=True)]
    return _GAP.join(cells).rstrip()


def _time(unix_seconds: float | None, precision: str = "milliseconds") -> str | None:
    if unix_seconds is None:
        return None
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")


_RECORD: Mapping[str, Callable[[PastOrder], object]] = {
    "given_at": lambda order: _time(order.given_at),
    "workspace": lambda order: order.team_id,
    "channel": lambda order: order.channel_id,
    "thread": lambda order: order.thread_ts,
    "user": lambda order: order.user_id,
    "home_workspace": lambda order: order.home_team_id,
    "source": lambda order: order.source,
    "verb": lambda order: order.verb,
    "session": lambda order: order.session_id,
    "reason": lambda order: order.reason,
    "outcome": lambda order: order.outcome,
    "details": lambda order: parse_object(order.outcome_fields or ""),
    "seconds": lambda order: None if order.seconds is None else round(order.seconds, 3),
    "settled_at": lambda order: _time(order.settled_at),
    "delivered_by": lambda order: order.delivered_by,
    "told_at": lambda order: _time(order.told_at),
    "batch": lambda order: order.batch_id,
    "state": lambda order: order.state,
    "id": lambda order: order.id,
}
"""The fields for programs."""

_TABLE: Mapping[str, tuple[int, Callable[[PastOrder], str | None]]] = {
    "time": (20, lambda order: _time(order.given_at, "seconds")),
    "workspace": (11, lambda order: order.team_id),
    "channel": (11, lambda order: order.channel_id),
    "user": (11, lambda order: order.user_id),
    "source": (12, lambda order: order.source),
    "verb": (6, lambda order: order.verb),
    "session": (36, lambda order: order.session_id),
    "outcome": (16, lambda order: order.outcome or f"({order.state})"),
    "seconds": (7, lambda order: None if order.seconds is None else f"{order.seconds:.2f}"),
    "told by": (14, lambda order: order.delivered_by),
    "reason": (20, lambda order: order.reason),
    "batch": (28, lambda order: order.batch_id),
}
"""The columns for people: the width, which a longer value exceeds, and the value of an order."""


def _fill(text: str, size: int) -> str:
    """Return the text with spaces up to so many columns of a terminal."""
    width = sum(2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1 for char in text)
    return text + " " * (size - width)


def show_journal(options: argparse.Namespace, environ: Mapping[str, str], out: TextIO) -> None:
    """Print the orders that `options` choose. Raises SettingsError, StoreNotUsableError or NotDoneError."""
    url = read_database_url(environ)
    if url == IN_MEMORY:
        raise NotDoneError("DATABASE_URL is sqlite://, so the bot keeps no journal.")
    check_file(url)
    try:
        asyncio.run(_show(options, url, out))
    except StoreError as error:
        raise NotDoneError(f"Database error, the journal is incomplete: {error}.") from None


def verify_journal(options: argparse.Namespace, settings: Settings, out: TextIO) -> int:
    """Print what was found out about the audit trail, and return the exit code. Raises NotDoneError."""
    of, one = settings.workspaces.store, settings.one
    if of.database_url == IN_MEMORY:
        raise NotDoneError("DATABASE_URL is sqlite://, so the bot keeps no journal.")
    check_file(of.database_url)
    keys = of.encryption_keys if one is None else keys_of_one(of.encryption_keys, one.bot_token)
    try:
        found = asyncio.run(_verify(of.database_url, keys, settings.journal_days, options.link or ""))
    except StoreError as error:
        raise NotDoneError(f"Database error, nothing was verified: {error}.", code=UNUSABLE_SETTINGS) from None
    for line in (*found.gaps, *found.problems):
        print(line, file=out)
    for team_id, row in found.last.items():
        print(f"Last link of {team_id or 'the workspace'}: {row.link} (row {row.place})", file=out)
    print(f"The audit trail is {found.verdict}: {found.rows} rows of {len(found.last)} workspaces.", file=out)
    return _EXIT_CODES[found.verdict]


async def _verify(url: Secret, keys: Sequence[Secret], days: int, link: str) -> Inspection:
    async with open_store(url, keys, keys_must_fit=False) as store:
        return await store.audit.verify(days, link)


async def _show(options: argparse.Namespace, url: Secret, out: TextIO) -> None:
    async with open_store(url, [new_key()], keys_must_fit=False) as store:  # nothing is decrypted
        history, chosen, line = OrderHistory(store.database), _chosen(options), json_line
        if options.format == "table":
            line = table_line
            print(_line(name.upper() for name in _TABLE), file=out)
        if options.follow:
            await Follower(history, chosen, line, out).run()
        async for page in _pages(history, chosen):
            for order in page:
                print(line(order), file=out)


def _chosen(options: argparse.Namespace) -> HistoryFilter:
    is_result = options.outcome in set(Result)
    return HistoryFilter(
        team_id=options.workspace,
        batch_id=options.batch,
        session_id=options.session,
        user_ids=frozenset([options.user] if options.user else []),
        results=frozenset([Result(options.outcome)] if is_result else []),
        outcome=None if is_result else options.outcome,
        since=options.since,
    )


async def _pages(history: OrderHistory, chosen: HistoryFilter) -> AsyncIterator[list[PastOrder]]:
    last: PastOrder | None = None
    while page := await history.next_page(chosen, last, most=_PAGE):
        yield page
        last = page[-1]


@dataclass(eq=False)
class Follower:
    """Printer of orders as they come and change, until it is cancelled."""

    history: OrderHistory
    chosen: HistoryFilter
    line: Callable[[PastOrder], str]
    out: TextIO

    def __post_init__(self) -> None:
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
        async for page in _pages(self.history, self.chosen):
            self._write(page)
        since = self.chosen.since or 0.0
        if older := [one.id for one in self._shown.values() if one.given_at < since]:
            self._write(await self.history.now(replace(self.chosen, since=None), older))
        if began - self._failed_at > _LOOK_BACK:  # from now on only later orders, and those that are not finished yet
            since = max(since, began - _LOOK_BACK)
            self.chosen = replace(self.chosen, since=since)
            self._shown = {one.id: one for one in self._shown.values() if one.given_at >= since or one.told_at is None}

    def _write(self, found: Iterable[PastOrder]) -> None:
        changed = [one for one in found if _progress(one) != _progress(self._shown.get(one.id))]
        self._shown |= {one.id: one for one in changed}
        for order in changed:
            print(self.line(order), file=self.out, flush=True)


def _progress(order: PastOrder | None) -> tuple[object, ...] | None:
    return None if order is None else (order.outcome, order.told_at)
