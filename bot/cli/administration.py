"""The commands for operators: a new `.env`, the journal, encryption keys, workspaces, what is stored of people."""

import argparse
import getpass
import json
import secrets
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime

from bot.cli import ENV_FILE, UNUSABLE_SETTINGS, NotDoneError, Run, as_called, confirm, environ, user_id
from bot.cli.context import check_file, open_anchor, open_client_session
from bot.cli.manifest import creation_link, manifest
from bot.config.catalog import OF_MANY, OF_ONE, SETTINGS
from bot.config.settings import OF_OPERATORS, Settings
from bot.core.audit import Verdict
from bot.core.fields import Secret, parse_object
from bot.core.history import PastOrder
from bot.core.orders import FORGOTTEN
from bot.core.workspace import AnchorKey, KeyCheck, is_key
from bot.messages.markup import printable
from bot.messages.settings import NOT_A_KEY, key_not_accepted
from bot.outbound.store.errors import StoreError, StoreNotUsableError
from bot.outbound.store.history import OrderHistory
from bot.outbound.store.people import Person, forget, permissions_of
from bot.outbound.store.secrets import new_key, rotate
from bot.outbound.store.sqlite import IN_MEMORY
from bot.outbound.store.store import Store, open_store

_MAX_LENGTH = 100
_LONGEST = 1_000  # characters of a line about the audit trail
_PAGE = 1_000  # orders that are read at a time
_EXIT_CODES = {Verdict.WHOLE: 0, Verdict.CHANGED: 1, Verdict.UNVERIFIABLE: 2}
_NOTHING_KEPT = "DATABASE_URL is sqlite://, so the bot keeps nothing."
_WIDTH = 100
_EXISTS = f"{ENV_FILE} exists. Edit it, or move it away, and keep its ENCRYPTION_KEYS: only they decrypt the database."
_NO_KEYS = (
    "There are no ENCRYPTION_KEYS in the settings here. This command is for a bot of many workspaces, or for one with "
    "ENCRYPTION_KEYS: run it in the directory of that bot."
)

_QUESTIONS = {
    "delete": ("Delete {team_id}, its secrets, and its orders and cards?", "Nothing was deleted"),
    "forget": (
        "Replace {user} by a pseudonym in everything that is stored? This can't be undone.",
        "Nothing was changed",
    ),
}


def execute(options: argparse.Namespace, run: Run) -> int:
    """Execute a command, and return its exit code. Raises SettingsError, NotDoneError, or a store's error."""
    if options.command == "init":
        return _write_settings(options.http, is_many=options.many)
    if options.command == "journal":
        return (_verify_journal if options.verify or options.acknowledge else _show_journal)(options, run)
    if options.action == "new":
        _print(new_key().reveal())
        return 0
    return run(_operate(options, _prepare(options)))


def _write_settings(base_url: str | None, *, is_many: bool) -> int:
    """Write a new `.env` for its owner alone, which has what a bot needs. Raises NotDoneError."""
    link = creation_link(manifest(base_url, many=is_many))
    needed = [name for name in (OF_MANY if is_many else OF_ONE) if SETTINGS[name].is_required]
    needed.append("SLACK_SIGNING_SECRET" if base_url else "SLACK_APP_TOKEN")
    known = {"BASE_URL": base_url, "ENCRYPTION_KEYS": new_key().reveal()} if is_many else {}
    about = [textwrap.indent(textwrap.fill(SETTINGS[name].text, _WIDTH), "# ") for name in needed]
    lines = [f"{text}\n{name}={known.get(name, '')}\n" for name, text in zip(needed, about, strict=True)]
    try:
        ENV_FILE.touch(0o600, exist_ok=False)
        ENV_FILE.write_text("\n".join(lines))
    except FileExistsError:
        raise NotDoneError(_EXISTS) from None
    except OSError as error:
        raise NotDoneError(f"{ENV_FILE} can't be written ({error.strerror}).") from None
    empty = ", ".join(name for name in needed if name not in known)
    _print(f"If there is no Slack app yet, create it: {link}")
    _print(as_called(f"Wrote {ENV_FILE}. Fill in {empty}. Then check them: `anchor-bot doctor`"))
    return 0


def _prepare(options: argparse.Namespace) -> Settings:
    """Check the settings, ask the person, and read the key. Raises SettingsError or NotDoneError."""
    settings = Settings.from_env(environ(), OF_OPERATORS)
    if options.command != "people" and not settings.encryption_keys:
        raise NotDoneError(_NO_KEYS, code=UNUSABLE_SETTINGS)
    _require_kept(settings.database_url)
    if options.action in _QUESTIONS and not options.yes:
        question, why_not = _QUESTIONS[options.action]
        confirm(question.format(**vars(options)), why_not=why_not)
    if options.action == "set-key":
        options.key = _read_key(options.team_id)
    return settings


async def _operate(options: argparse.Namespace, settings: Settings) -> int:
    must_fit = options.command != "people"  # what is stored of people is no secret
    async with open_store(settings.database_url, settings.store_keys, keys_must_fit=must_fit) as store:
        _print(await _OPERATIONS[options.action](options, store, settings))
    return 0


async def _rotate(_: argparse.Namespace, store: Store, __: Settings) -> str:
    count = await rotate(store.database, store.cipher)
    return f"Encrypted {count} secrets with the first key. You can remove the other keys now."


async def _list(_: argparse.Namespace, store: Store, __: Settings) -> str:
    lines = [
        f"{one.team_id}  {'key set' if one.has_key else 'no key '}  "
        f"{datetime.fromtimestamp(one.installed_at, UTC):%Y-%m-%d %H:%M} UTC  "
        f"{printable(one.team_name, limit=_MAX_LENGTH)}"
        for one in await store.rows.summaries()
    ]
    return "\n".join(lines) or "No workspace is installed."


async def _delete(options: argparse.Namespace, store: Store, _: Settings) -> str:
    if not await store.rows.delete(options.team_id, by=user_id()):
        raise _not_installed(options.team_id)
    deleted = f"Deleted {options.team_id}, its secrets, and its orders and cards."
    return f"{deleted} The app is still installed in Slack: remove it there as well."


def _require_kept(url: Secret) -> None:
    if url == IN_MEMORY:
        raise NotDoneError(_NOTHING_KEPT)
    check_file(url)


def _print(line: str) -> None:
    print(line)  # noqa: T201 - output of a command


def _read_key(team_id: str) -> Secret:
    """Read a key without echo: an argument would show in the list of processes."""
    prompt = f"Anchor API key of {team_id}: "
    try:
        line = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline()
    except (EOFError, UnicodeDecodeError):
        line = ""
    key = Secret(line.strip())
    if not is_key(key.reveal()):
        raise NotDoneError(NOT_A_KEY.text)
    return key


async def _set_key(options: argparse.Namespace, store: Store, settings: Settings) -> str:
    key = AnchorKey(options.key, KeyCheck.VERIFIED, set_at=int(time.time()))
    async with open_client_session(settings.proxy) as session:
        problem = await open_anchor(session, settings).try_key(key.value)
    if problem is not None:
        raise NotDoneError(key_not_accepted(problem).text)
    if not await store.rows.set_key(options.team_id, key, by=user_id()):
        raise _not_installed(options.team_id)
    return f"{options.team_id} has this key from now on. Anchor accepts it."


def _not_installed(team_id: str) -> NotDoneError:
    return NotDoneError(f"No workspace {team_id} is installed.")


async def _forget(options: argparse.Namespace, store: Store, settings: Settings) -> str:
    person = Person(options.user, options.workspace)
    await _require_unnamed(person, store, settings)
    pseudonym = f"{FORGOTTEN}{secrets.token_hex(6)}"
    if (count := await forget(store.audit, person, pseudonym)) is None:
        why = "orders of this person are not finished, nothing was changed"
        raise NotDoneError(f"Not completed: {why}. Try again in a minute.")
    await store.database.empty_log()
    if not count:
        return f"Nothing is stored of {person.user_id}."
    return (
        f"Forgot {person.user_id}: {count} rows were changed or deleted. What is left has the pseudonym {pseudonym}, "
        "which is random. Messages in Slack, logs and backups stay as they are."
    )


async def _require_unnamed(person: Person, store: Store, settings: Settings) -> None:
    """Raise NotDoneError if permissions name a person: without them, the list could be empty and mean everybody."""
    own = settings.workspace.policy.naming(person.user_id) if settings.workspace else []
    if named := [*(f"{verb} in .env" for verb in own), *await permissions_of(store.database, person)]:
        text = f"{person.user_id} is named in permissions: {'; '.join(named)}."
        raise NotDoneError(f"{text} Remove them there first. Nothing was changed.", code=UNUSABLE_SETTINGS)


_OPERATIONS: Mapping[str, Callable[[argparse.Namespace, Store, Settings], Awaitable[str]]] = {
    "rotate": _rotate,
    "list": _list,
    "delete": _delete,
    "set-key": _set_key,
    "forget": _forget,
}


def _show_journal(options: argparse.Namespace, run: Run) -> int:
    url = Settings.from_env(environ(), ("DATABASE_URL",)).database_url
    _require_kept(url)
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
            _print(_line(name.upper() for name in _TABLE))
        while page := await OrderHistory(store.database).next_page(last, most=_PAGE, **chosen):
            for last in page:
                _print(line(last))
    return 0


def _verify_journal(options: argparse.Namespace, run: Run) -> int:
    """Verify the audit trail; an exit code of 1 says that somebody has changed it."""
    settings = Settings.from_env(environ())
    try:
        _require_kept(settings.database_url)
        return run(_print_verdict(options, settings))
    except (NotDoneError, StoreNotUsableError, StoreError) as error:
        raise NotDoneError(str(error), code=UNUSABLE_SETTINGS) from None


async def _print_verdict(options: argparse.Namespace, settings: Settings) -> int:
    async with open_store(settings.database_url, settings.store_keys, keys_must_fit=False) as store:
        if options.acknowledge:
            await store.audit.acknowledge(user_id())
        found = await store.audit.verify(settings.journal_days)
    for line in (*found.gaps, *found.problems):
        _print(printable(line, limit=_LONGEST))
    _print(f"The audit trail is {found.verdict}: {found.rows} rows of {len(found.ends)} workspaces.")
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
