"""`anchor-bot journal`: print past orders."""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TextIO

from bot.cli import user_id
from bot.cli.context import check_file
from bot.cli.parser import NotDoneError
from bot.config.settings import Settings, read_database_url
from bot.core.audit import Verdict
from bot.core.fields import Secret, parse_object
from bot.core.history import HistoryFilter, PastOrder, Result
from bot.messages.markup import printable
from bot.outbound.store.history import OrderHistory
from bot.outbound.store.secrets import new_key
from bot.outbound.store.sqlite import IN_MEMORY
from bot.outbound.store.store import open_store

_LONGEST = 1_000  # characters of a value
_EXIT_CODES = {Verdict.WHOLE: 0, Verdict.CHANGED: 1, Verdict.UNVERIFIABLE: 2}

_PAGE = 1_000  # orders that are read at a time


def json_line(order: PastOrder) -> str:
    """Return an order for programs."""
    values = asdict(order) | {"outcome_fields": parse_object(order.outcome_fields or "")}
    times = {name: _time(value) for name, value in values.items() if name.endswith("_at")}
    seconds = None if order.seconds is None else round(order.seconds, 3)
    return json.dumps({**values, **times, "seconds": seconds})


def table_line(order: PastOrder) -> str:
    """Return an order for people, without control characters."""
    return _line(value(order) or "-" for _, value in _TABLE.values())


def _line(values: Iterable[str]) -> str:
    sizes = (size for size, _ in _TABLE.values())
    cells = (printable(value, limit=size).ljust(size) for value, size in zip(values, sizes, strict=True))
    return "  ".join(cells).rstrip()


def _time(unix_seconds: float | None, precision: str = "milliseconds") -> str | None:
    if unix_seconds is None:
        return None
    try:
        return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")
    except (ValueError, OverflowError):  # a database can keep any number
        return str(unix_seconds)


_TABLE: Mapping[str, tuple[int, Callable[[PastOrder], str | None]]] = {
    "time": (20, lambda order: _time(order.given_at, "seconds")),
    "workspace": (11, lambda order: order.team_id),
    "user": (11, lambda order: order.user_id),
    "verb": (6, lambda order: order.verb),
    "session": (8, lambda order: order.session_id[:8]),
    "outcome": (16, lambda order: order.outcome or f"({order.state})"),
    "reason": (16, lambda order: order.reason),
}
"""The columns for people, 100 in all: the width, at which a longer value is cut off, and the value of an order."""


async def show_journal(options: argparse.Namespace, environ: Mapping[str, str], out: TextIO) -> int:
    """Print the orders that `options` choose, and return 0. Raises SettingsError, StoreError or NotDoneError."""
    url, last = _require_kept(read_database_url(environ)), None
    line = table_line if options.format == "table" else json_line
    async with open_store(url, [new_key()], keys_must_fit=False) as store:  # nothing is decrypted
        history, chosen = OrderHistory(store.database), _chosen(options)
        if line is table_line:
            print(_line(name.upper() for name in _TABLE), file=out)
        while page := await history.next_page(chosen, last, most=_PAGE):
            for last in page:
                print(line(last), file=out)
    return 0


async def verify_journal(options: argparse.Namespace, settings: Settings, out: TextIO) -> int:
    """Print what was found out about the audit trail, and return the exit code. Raises StoreError or NotDoneError."""
    async with open_store(_require_kept(settings.database_url), settings.store_keys, keys_must_fit=False) as store:
        if options.acknowledge:
            await store.audit.acknowledge(user_id())
        found = await store.audit.verify(settings.journal_days, options.link or "")
    ends = found.ends.items()
    links = (f"Last link of {name or 'the workspace'}: {row.link} (row {row.place})" for name, row in ends)
    for line in (*found.gaps, *found.problems, *links):
        print(printable(line, limit=_LONGEST), file=out)
    print(f"The audit trail is {found.verdict}: {found.rows} rows of {len(ends)} workspaces.", file=out)
    return _EXIT_CODES[found.verdict]


def _require_kept(url: Secret) -> Secret:
    if url == IN_MEMORY:
        raise NotDoneError("DATABASE_URL is sqlite://, so the bot keeps no journal.")
    check_file(url)
    return url


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
