"""The commands for operators: encryption keys, workspaces, and what is stored of people."""

import argparse
import getpass
import json
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.cli import require_yes, user_id
from bot.cli.context import check_file, open_anchor, open_client_session
from bot.cli.parser import UNUSABLE_SETTINGS, NotDoneError
from bot.config.settings import OF_OPERATORS, Settings
from bot.core.fields import Secret
from bot.core.requests import FORGOTTEN
from bot.core.workspace import AnchorKey, KeyCheck, is_key
from bot.messages.checks import Good, Wrong
from bot.messages.markup import printable
from bot.outbound.store.errors import UnfinishedError
from bot.outbound.store.people import Person, export, forget, permissions_of
from bot.outbound.store.secrets import new_key, rotate
from bot.outbound.store.sqlite import IN_MEMORY
from bot.outbound.store.store import Store, open_store
from bot.usecases.checks import check_key
from bot.usecases.settings import token_record

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


def operate(
    options: argparse.Namespace, environ: Mapping[str, str], run: Callable[[Coroutine[Any, Any, str]], str]
) -> str:
    """Execute a command, and return its output. Raises SettingsError, NotDoneError, or a store's error."""
    if options.action == "new":
        return new_key().reveal()
    settings = Settings.from_env(environ, OF_OPERATORS)
    if settings.database_url == IN_MEMORY:
        raise NotDoneError("DATABASE_URL is sqlite://, so the bot stores nothing.")
    if options.command != "people" and not settings.encryption_keys:
        raise NotDoneError(_NO_KEYS, code=UNUSABLE_SETTINGS)
    check_file(settings.database_url)
    if options.action in _QUESTIONS and not options.yes:
        question, why_not = _QUESTIONS[options.action]
        require_yes(question.format(**vars(options)), why_not=why_not)
    if options.action == "set-key":
        options.key = _read_key(options.team_id)
    return run(_execute(options, settings))


async def _execute(options: argparse.Namespace, settings: Settings) -> str:
    must_fit = options.command != "people"  # what is stored of people is no secret
    async with open_store(settings.database_url, settings.store_keys, keys_must_fit=must_fit) as store:
        return await _OPERATIONS[options.action](options, store, settings)


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
    except UnicodeDecodeError:
        line = ""
    key = Secret(line.strip())
    if not is_key(key.reveal()):
        raise NotDoneError("Invalid key: it is empty, or contains spaces or characters that no key has.")
    return key


async def _set_key(options: argparse.Namespace, store: Store, settings: Settings) -> str:
    check = KeyCheck.UNVERIFIED if options.offline else KeyCheck.VERIFIED
    key = AnchorKey(options.key, check, set_at=int(time.time()))
    if not options.offline:
        async with open_client_session(settings.proxy) as session:
            found = await check_key(open_anchor(session, settings), key)
        if not isinstance(found.kind, Good):
            said = "refuses this key" if found.kind is Wrong.KEY_REFUSED else "did not say whether it accepts this key"
            raise NotDoneError(f"Anchor {said}. Nothing was saved. --offline saves a key without this check.")
    if not await store.rows.set_key(options.team_id, key, by=user_id()):
        raise _not_installed(options.team_id)
    known = "It was not checked." if options.offline else "Anchor accepts it."
    return f"{options.team_id} has this key from now on. {known}"


async def _revoke(options: argparse.Namespace, store: Store, _: Settings) -> str:
    team_id, name = options.team_id, options.revoke
    workspace = await store.rows.find(team_id)
    if workspace is None:
        raise _not_installed(team_id)
    token, left = workspace.named_token(name), [one for one in workspace.alert_tokens if one.name != name]
    if token is None:
        names = ", ".join(printable(one.name, limit=_MAX_LENGTH) for one in workspace.alert_tokens)
        why = f"There is no alert token of this name. There are: {names or 'none'}."
        raise NotDoneError(why, code=UNUSABLE_SETTINGS)
    version, record = workspace.alerts_token_version, token_record(user_id(), "revoked", token)
    if not await store.rows.set_alert_tokens(team_id, left, if_version=version, record=record):
        raise NotDoneError("Somebody else has changed the alert tokens in this moment. Nothing was changed. Try again.")
    return f"Revoked the alert token {name} of {team_id}."


def _not_installed(team_id: str) -> NotDoneError:
    return NotDoneError(f"No workspace {team_id} is installed.")


async def _export(options: argparse.Namespace, store: Store, _: Settings) -> str:
    rows = await export(store.database, Person(options.user, options.workspace))
    return "\n".join(map(json.dumps, rows)) or "{}"


async def _forget(options: argparse.Namespace, store: Store, settings: Settings) -> str:
    """Forget a person, unless permissions name them: an empty list would mean everybody."""
    person = Person(options.user, options.workspace)
    own = settings.workspace.policy.naming(person.user_id) if settings.workspace else []
    if named := [*(f"{verb} in .env" for verb in own), *await permissions_of(store.database, person)]:
        text = f"{person.user_id} is named in permissions: {'; '.join(named)}."
        raise NotDoneError(f"{text} Remove them there first. Nothing was changed.", code=UNUSABLE_SETTINGS)
    pseudonym = f"{FORGOTTEN}{secrets.token_hex(6)}"
    try:
        count = await forget(store.audit, person, pseudonym)
    except UnfinishedError as error:
        raise NotDoneError(f"Not completed: {error}. Try again in a minute.") from None
    await store.database.empty_log()
    if not count:
        return f"Nothing is stored of {person.user_id}."
    return (
        f"Forgot {person.user_id}: {count} rows were changed or deleted. What is left has the pseudonym {pseudonym}, "
        "which is random. Messages in Slack, logs and backups stay as they are."
    )


_OPERATIONS: Mapping[str, Callable[[argparse.Namespace, Store, Settings], Awaitable[str]]] = {
    "rotate": _rotate,
    "list": _list,
    "delete": _delete,
    "set-key": _set_key,
    "alert-tokens": _revoke,
    "export": _export,
    "forget": _forget,
}
