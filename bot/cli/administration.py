"""`anchor-bot keys`, `workspaces` and `people`: encryption keys, installed workspaces, what is stored of people."""

import argparse
import getpass
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from bot.cli.terminal import UNUSABLE_SETTINGS, NotDoneError, Run, confirm, environ, print_line, user_id
from bot.cli.workspace import open_anchor, open_client_session, require_kept
from bot.config.environment import OF_OPERATORS, Settings
from bot.core.fields import Secret
from bot.core.orders import FORGOTTEN
from bot.core.workspace import AnchorKey, KeyCheck, is_key
from bot.messages.markup import printable
from bot.messages.settings import NOT_A_KEY, key_not_accepted
from bot.outbound.store.encryption import new_key, rotate
from bot.outbound.store.people import Person, forget, permissions_of
from bot.outbound.store.store import Store, open_store

_MAX_LENGTH = 100
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
    if options.action == "new":
        print_line(new_key().reveal())
        return 0
    return run(_operate(options, _prepare(options)))


def _prepare(options: argparse.Namespace) -> Settings:
    """Check the settings, ask the person, and read the key. Raises SettingsError or NotDoneError."""
    settings = Settings.from_env(environ(), OF_OPERATORS)
    if options.command != "people" and not settings.encryption_keys:
        raise NotDoneError(_NO_KEYS, code=UNUSABLE_SETTINGS)
    require_kept(settings.database_url)
    if options.action in _QUESTIONS and not options.yes:
        question, why_not = _QUESTIONS[options.action]
        confirm(question.format(**vars(options)), why_not=why_not)
    if options.action == "set-key":
        options.key = _read_key(options.team_id)
    return settings


async def _operate(options: argparse.Namespace, settings: Settings) -> int:
    must_fit = options.command != "people"  # what is stored of people is no secret
    async with open_store(settings.database_url, settings.store_keys, keys_must_fit=must_fit) as store:
        print_line(await _OPERATIONS[options.action](options, store, settings))
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
