"""The commands for those who run a bot of many workspaces: about its keys, and about the workspaces in its database.

They work beside a bot that runs, which heeds a change at once, and without one.
"""

import argparse
import asyncio
import getpass
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

from bot.core.alert import CHANNEL_ID, alerts_url
from bot.core.anchor_key import AnchorKey, is_key
from bot.core.digest import digest
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.alerts_token import new_alerts_token
from bot.outbound.store.database import file_of
from bot.outbound.store.encryption import rotate
from bot.outbound.store.errors import UnreadableError
from bot.outbound.store.store import Store, open_store
from bot.outbound.store.vault import new_key
from bot.outbound.workspaces import StoreError
from bot.settings import OperatorSettings
from bot.shown_workspace import Shown, line, table

_Operation = Callable[[argparse.Namespace, Store, OperatorSettings], Awaitable[str]]


class NotDoneError(Exception):
    """A command did nothing; `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def operate(chosen: argparse.Namespace, environ: Mapping[str, str]) -> str:
    """Carry a command out, and return what to print.

    Raises SettingsError, StoreNotUsableError or NotDoneError.
    """
    if (chosen.command, chosen.action) == ("keys", "new"):
        return new_key().reveal()
    settings = OperatorSettings.from_env(environ)
    file = file_of(settings.store.database_url)
    if file is not None and not file.exists():
        where = "run this where the bot runs, or put into DATABASE_URL what it has there"
        raise NotDoneError(f"There is no database {file.absolute()}: {where}.")
    try:
        return asyncio.run(_with_store(chosen, settings))
    except StoreError as error:
        raise NotDoneError(f"The database did not do it: {error}.") from None


async def _with_store(chosen: argparse.Namespace, settings: OperatorSettings) -> str:
    async with open_store(settings.store.database_url, settings.store.encryption_keys) as store:
        return await _OPERATIONS[chosen.action](chosen, store, settings)


async def _rotate(_: argparse.Namespace, store: Store, __: OperatorSettings) -> str:
    return f"Encrypted anew: {await rotate(store.database, store.vault)}. The other keys may be taken out now."


async def _list(_: argparse.Namespace, store: Store, __: OperatorSettings) -> str:
    return "\n".join(line(one) for one in await store.installations.summaries()) or "No workspace is installed."


async def _show(chosen: argparse.Namespace, store: Store, settings: OperatorSettings) -> str:
    one, workspace = await store.installations.summary(chosen.team_id), await _readable(chosen.team_id, store)
    if one is None or workspace is None:
        raise _no_such(chosen)
    return table(Shown(one, workspace, await store.admins.of(one.team_id), alerts_url(settings.base_url, one.team_id)))


async def _readable(team_id: str, store: Store) -> Workspace | UnreadableError | None:
    """The workspace, or why it can't be read."""
    try:
        return await store.installations.find(team_id)
    except UnreadableError as error:
        return error


async def _delete(chosen: argparse.Namespace, store: Store, _: OperatorSettings) -> str:
    if not await store.installations.delete(chosen.team_id):
        raise _no_such(chosen)
    return f"Nothing is kept of {chosen.team_id} any more. In Slack the app is still there: remove it there as well."


async def _set_key(chosen: argparse.Namespace, store: Store, _: OperatorSettings) -> str:
    key = _ask(f"Anchor API key of {chosen.team_id}: ").strip()
    if not (key and is_key(key)):
        raise NotDoneError("That is no key: it is empty, or has spaces or characters that no key has.")
    if not await store.installations.set_key(chosen.team_id, AnchorKey(Secret(key), set_at=int(time.time()))):
        raise _no_such(chosen)
    return f"{chosen.team_id} has this key from now on."


async def _token(chosen: argparse.Namespace, store: Store, settings: OperatorSettings) -> str:
    if chosen.channel is not None and not CHANNEL_ID.fullmatch(chosen.channel):
        raise NotDoneError("--channel is not a channel's id: write it like C0123456789.")
    token = new_alerts_token().reveal()
    if chosen.channel is not None:
        await store.installations.set_alerts_channel(chosen.team_id, chosen.channel)
    if not await store.installations.set_alerts_token(chosen.team_id, digest(token)):
        raise _no_such(chosen)
    url = alerts_url(settings.base_url, chosen.team_id)
    return f"Alerts go to {url}\nTheir token, which is shown this once: {token}"


_OPERATIONS: Mapping[str, _Operation] = {
    "rotate": _rotate,
    "list": _list,
    "show": _show,
    "delete": _delete,
    "set-key": _set_key,
    "alert-token": _token,
}


def _ask(prompt: str) -> str:
    """A line that nobody sees: at a terminal it is not echoed, and no argument shows in the list of processes.

    "" for one that is no text.
    """
    try:
        return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline()
    except UnicodeDecodeError:
        return ""


def _no_such(chosen: argparse.Namespace) -> NotDoneError:
    return NotDoneError(f"No workspace {chosen.team_id} is installed.")
