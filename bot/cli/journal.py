"""`anchor-bot journal`: print past orders, or verify the audit trail."""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from bot.cli.terminal import UNUSABLE_SETTINGS, NotDoneError, Run, environ, print_line, user_id
from bot.cli.workspace import require_kept
from bot.config.environment import Settings
from bot.core.audit import Verdict
from bot.core.fields import Secret, parse_object
from bot.core.journal import PastOrder
from bot.messages.markup import printable
from bot.outbound.store.encryption import new_key
from bot.outbound.store.errors import StoreError, StoreNotUsableError
from bot.outbound.store.journal import OrderHistory
from bot.outbound.store.store import open_store

_LONGEST = 1_000  # characters of a line about the audit trail
_PAGE = 1_000  # orders that are read at a time
_EXIT_CODES = {Verdict.WHOLE: 0, Verdict.CHANGED: 1, Verdict.UNVERIFIABLE: 2}


def execute(options: argparse.Namespace, run: Run) -> int:
    """Execute the command, and return its exit code. Raises SettingsError, NotDoneError, or a store's error."""
    return (_verify if options.verify or options.acknowledge else _show)(options, run)


def _show(options: argparse.Namespace, run: Run) -> int:
    url = Settings.from_env(environ(), ("DATABASE_URL",)).database_url
    require_kept(url)
    chosen = {
        "team_id": options.workspace,
        "batch_id": options.batch,
        "session_id": options.session,
        "user_id": options.user,
        "since": options.since,
    }
    return run(_print_orders(url, chosen, is_table=options.format == "table"))


async def _print_orders(url: Secret, chosen: Mapping[str, object], *, is_table: bool) -> int:
    last, line = None, table_line if is_table else _json_line
    async with open_store(url, [new_key()], keys_must_fit=False) as store:  # nothing is decrypted
        if is_table:
            print_line(_line(name.upper() for name in _TABLE))
        while page := await OrderHistory(store.database).next_page(last, most=_PAGE, **chosen):
            for last in page:
                print_line(line(last))
    return 0


def _verify(options: argparse.Namespace, run: Run) -> int:
    """Verify the audit trail; an exit code of 1 says that somebody has changed it."""
    settings = Settings.from_env(environ())
    try:
        require_kept(settings.database_url)
        return run(_print_verdict(options, settings))
    except (NotDoneError, StoreNotUsableError, StoreError) as error:
        raise NotDoneError(str(error), code=UNUSABLE_SETTINGS) from None


async def _print_verdict(options: argparse.Namespace, settings: Settings) -> int:
    async with open_store(settings.database_url, settings.store_keys, keys_must_fit=False) as store:
        if options.acknowledge:
            await store.audit.acknowledge(user_id())
        found = await store.audit.verify(settings.journal_days)
    for line in (*found.gaps, *found.problems):
        print_line(printable(line, limit=_LONGEST))
    print_line(f"The audit trail is {found.verdict}: {found.rows} rows of {len(found.ends)} workspaces.")
    return _EXIT_CODES[found.verdict]


def _json_line(order: PastOrder) -> str:
    """Return an order for programs."""
    values = asdict(order) | {"outcome_fields": parse_object(order.outcome_fields or "")}
    times = {name: _time(value) for name, value in values.items() if name.endswith("_at")}
    return json.dumps(values | times)


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
