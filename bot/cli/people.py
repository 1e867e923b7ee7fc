"""`anchor-bot people`: print what is stored of a person, or forget them."""

import argparse
import json
import secrets
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from bot.cli.operators import check_file
from bot.cli.parser import UNUSABLE_SETTINGS, NotDoneError
from bot.config.environment import EnvReader
from bot.config.settings import read_database_url
from bot.core.fields import USER_ID, Secret
from bot.core.requests import FORGOTTEN
from bot.outbound.store.errors import StoreError, UnfinishedError
from bot.outbound.store.people import Person, export, forget, permissions_of
from bot.outbound.store.secrets import new_key
from bot.outbound.store.sqlite import IN_MEMORY
from bot.outbound.store.store import Store, open_store

WITHIN = 60.0  # seconds to wait for orders that are not finished
_LISTS = ("PAUSE_USERS", "PAUSE_MANY_USERS", "RESUME_USERS", "END_USERS")


def operate(
    options: argparse.Namespace,
    environ: Mapping[str, str],
    run: Callable[[Coroutine[Any, Any, str]], str],
    confirm: Callable[..., bool],
) -> str:
    """Execute a command, and return its output. Raises SettingsError, StoreNotUsableError or NotDoneError."""
    url, read = read_database_url(environ), EnvReader(environ)
    named = [name for name in _LISTS if options.user in read.ids(name, USER_ID, "U0123456789")]
    read.finish()
    if url == IN_MEMORY:
        raise NotDoneError("DATABASE_URL is sqlite://, so the bot stores nothing.")
    check_file(url)
    if options.action == "forget" and not options.force:
        question = f"Replace {options.user} by a pseudonym in everything that is stored? This can't be undone."
        if not confirm(question, option="--force"):
            raise NotDoneError("Nothing was changed.")
    try:
        return run(_with_store(options, url, named))
    except UnfinishedError as error:
        raise NotDoneError(f"Not completed: {error}. Try again in a minute.") from None
    except StoreError as error:
        raise NotDoneError(f"Database error, command not completed: {error}.") from None


async def _with_store(options: argparse.Namespace, url: Secret, named: list[str]) -> str:
    person = Person(options.user, options.workspace)
    async with open_store(url, [new_key()], keys_must_fit=False) as store:  # nothing is decrypted
        if options.action == "export":
            return "\n".join(map(json.dumps, await export(store.database, person))) or "{}"
        return await _forget(store, person, named)


async def _forget(store: Store, person: Person, named: list[str]) -> str:
    """Forget a person, unless permissions name them: an empty list would mean everybody."""
    if lists := [*named, *await permissions_of(store.database, person)]:
        text = f"{person.user_id} is named in permissions: {'; '.join(lists)}."
        raise NotDoneError(f"{text} Remove them there first. Nothing was changed.", code=UNUSABLE_SETTINGS)
    pseudonym = f"{FORGOTTEN}{secrets.token_hex(6)}"
    count = await forget(store.database, person, pseudonym, within=WITHIN)
    await store.database.checkpoint()
    if not count:
        return f"Nothing is stored of {person.user_id}."
    return (
        f"Forgot {person.user_id}: {count} rows were changed or deleted. What is left has the pseudonym {pseudonym}, "
        "which is random. Messages in Slack, logs and backups stay as they are."
    )
