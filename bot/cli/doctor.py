"""`anchor-bot doctor`: check the settings, the machine, the database, Slack and Anchor."""

import argparse
import asyncio
import os
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from bot.cli.terminal import ENV_FILE, Run, as_called
from bot.cli.workspace import open_anchor, open_client_session
from bot.config.environment import Settings, find_warnings, read_environment, summarize
from bot.core.fields import MOST_SKEW, Secret
from bot.core.workspace import SCOPES, AnchorKey, Workspace
from bot.messages.cards import SAMPLE_ALERT
from bot.messages.markup import printable
from bot.outbound.anchor_orders import AnchorClient
from bot.outbound.http import NETWORK_ERRORS, read_skew
from bot.outbound.slack.client import AppTokenRefusedError, SlackClient, TokenRefusedError
from bot.outbound.slack.web_api import RefusedError, SlackUnreachableError, open_web
from bot.outbound.store.encryption import can_decrypt
from bot.outbound.store.errors import StoreNotUsableError, StoreUnreachableError, UnreadableError
from bot.outbound.store.leases import LEASE, LIVING
from bot.outbound.store.schema import VERSION
from bot.outbound.store.sqlite import IN_MEMORY, file_of
from bot.outbound.store.store import Store, open_store, unusable

GOOD, ODD, WRONG, SKIPPED = "✓", "!", "✗", "–"  # noqa: RUF001 - the dash of a list
"""Signs: nothing to do; works, but is probably not meant; has to be fixed; not checked."""

_SLACK_PATH = "/api.test"  # https://docs.slack.dev/reference/methods/api.test
_ANCHOR_PATH = "/v1/sessions/all/status"
_REACH_TIMEOUT = 5.0  # seconds, as for a call of Slack's Web API
_NOT_FOUND = 404
_LONGEST = 2_000  # characters of a line

_CONNECT = (
    "Check the URL, its port, the DNS, the firewall, and HTTPS_PROXY. If a proxy replaces the host's certificate, "
    "export SSL_CERT_FILE with the proxy's authority (not in .env)."
)
_INSTALL = "Install the app at BASE_URL/slack/install."
_FIXES_OF_ONE = {
    "bot token": "Reinstall the app in Slack (OAuth & Permissions), and copy its bot token to SLACK_BOT_TOKEN.",
    "alert channel": "Set ALERTS_CHANNEL.",
    "Anchor key": "Make a new key in Anchor's dashboard, and set ANCHOR_API_KEY to it.",
}
_FIXES_OF_MANY = {
    "bot token": f"{_INSTALL} If the workspace has left, delete it: `anchor-bot workspaces delete`.",
    "alert channel": "An admin chooses one in the app's Home.",
    "Anchor key": "An admin makes a new key in Anchor's dashboard, and sets it in the app's Home.",
}
_SOCKET_MODE = "Switch Socket Mode on, and make an app-level token with connections:write (Basic Information)."
_INVITE = "Check which channel is chosen, and invite the bot there: /invite @anchor."
_UNREADABLE = "Restore the removed key of ENCRYPTION_KEYS or the newer bot, or delete the workspace and install again."
_KEYS_UNFIT = "Add the key that it was created with. Without it the secrets are lost, and you need a new database."


@dataclass(frozen=True, slots=True)
class Check:
    """A check that was made: its name, one of the signs, what was found, and how to fix it."""

    name: str
    sign: str
    text: str
    fix: str = ""

    @property
    def line(self) -> str:
        """Return the line about it. Values come from other systems: none may steer a terminal."""
        end = "" if self.text.endswith((".", "?")) else "."
        fix = f" Fix: {self.fix}" if self.fix else ""
        return printable(f"{self.sign} {self.name}: {self.text}{end}{fix}", limit=_LONGEST)


def execute(_: argparse.Namespace, run: Run) -> int:
    """Check and print everything. Return 1 if something has to be fixed. Raises SettingsError or NotDoneError."""
    return run(_print_checks())


async def _print_checks() -> int:
    code = 0
    async for check in examine(os.environ, ENV_FILE):
        print(as_called(check.line), flush=True)  # noqa: T201 - output of a command
        code |= check.sign == WRONG
    return code


async def examine(environ: Mapping[str, str], env_file: Path) -> AsyncIterator[Check]:
    """Yield all checks; `environ` lacks the file. Raises SettingsError or NotDoneError."""
    environ = read_environment(environ, env_file)
    settings = Settings.from_env(environ)
    async with open_client_session(settings.proxy) as session:
        valid = "valid: {transport}, {tenancy}, permissions: {permissions}, database: {database}"
        warnings = " ".join(find_warnings(environ, settings, env_file))
        odd = Check("settings", ODD, f"valid, but probably not meant: {warnings}")
        yield odd if warnings else Check("settings", GOOD, valid.format_map(summarize(settings)))
        slack, anchor = SlackClient(open_web(session, settings.slack_api_url)), open_anchor(session, settings)
        groups = [asyncio.create_task(group) for group in _Checks(settings, session, slack, anchor).groups()]
        for group in groups:
            for check in await group:
                yield check


@dataclass(frozen=True, slots=True)
class _Checks:
    """The checks that make sense with these settings."""

    settings: Settings
    session: aiohttp.ClientSession
    slack: SlackClient
    anchor: AnchorClient

    def _fix(self, name: str) -> str:
        return (_FIXES_OF_MANY if self.settings.workspace is None else _FIXES_OF_ONE)[name]

    def groups(self) -> list[Coroutine[Any, Any, list[Check]]]:
        """Return groups of checks that do not depend on each other, in the sequence in which they are printed."""
        one, token = self.settings.workspace, self.settings.slack_app_token
        transport = [] if token is None else [self._check_socket_mode(token)]
        of_one = [] if one is None else [self._check_workspace(one)]
        return [self._check_hosts(), *transport, self._check_database(), *of_one]

    async def _check_hosts(self) -> list[Check]:
        """Check the ways to Slack and Anchor, and this machine's clock."""
        (slack, skew), (anchor, other_skew) = await asyncio.gather(
            self._reach("Slack", self.settings.slack_api_url, _SLACK_PATH),
            self._reach("Anchor", self.settings.anchor_api_url, _ANCHOR_PATH),
        )
        return [slack, anchor, _judge_clock("Anchor", other_skew) if skew is None else _judge_clock("Slack", skew)]

    async def _reach(self, name: str, url: str, path: str) -> tuple[Check, float | None]:
        """Send a request. Return also the seconds by which the server's clock is ahead, None if it did not say."""
        host, url = urlsplit(url).netloc, f"{url.rstrip('/')}{path}"
        try:
            async with asyncio.timeout(_REACH_TIMEOUT):
                began = time.time()
                async with self.session.get(URL(url), allow_redirects=False) as response:
                    skew = read_skew(response.headers.get("Date"), began=began, ended=time.time())
        except NETWORK_ERRORS as error:
            return Check(name, WRONG, f"no connection to {host} ({_why(error)})", _CONNECT), None
        if response.status == _NOT_FOUND:
            fix = f"Check {name.upper()}_API_URL, and whether a proxy answers."
            return Check(name, WRONG, f"something else than {name}'s API answers (HTTP {_NOT_FOUND})", fix), skew
        return Check(name, GOOD, f"{host} answers"), skew

    async def _check_socket_mode(self, app_token: Secret) -> list[Check]:
        """Ask Slack where a connection can be opened, and open none: it could get the requests of a bot that runs."""
        name = "Socket Mode"
        try:
            await self.slack.open_connection(app_token)
        except AppTokenRefusedError as error:
            return [Check(name, WRONG, f"Slack opens no connection for SLACK_APP_TOKEN ({error})", _SOCKET_MODE)]
        except SlackUnreachableError as error:
            return [_no_answer(name, "Slack", str(error))]
        return [Check(name, GOOD, "Slack accepts SLACK_APP_TOKEN")]

    async def _check_database(self) -> list[Check]:
        """Check what can be opened; nothing is made."""
        name, url = "database", self.settings.database_url
        file = file_of(url)
        if url == IN_MEMORY:
            return [Check(name, GOOD, "in memory, as DATABASE_URL says: a restart loses it")]
        if file is not None and not file.exists():
            is_possible, why = os.access(file.absolute().parent, os.W_OK), "there is none, and none can be made"
            return [_no_tables() if is_possible else Check(name, WRONG, unusable(why, file))]
        try:
            async with open_store(url, self.settings.store_keys, is_prepared=False) as store:
                return await self._check_store(store)
        except StoreNotUsableError as error:
            return [Check(name, WRONG, str(error))]
        except StoreUnreachableError as error:
            return [Check(name, WRONG, unusable(str(error), file))]

    async def _check_store(self, store: Store) -> list[Check]:
        """Check the tables and the processes, and the keys and the workspaces of a bot of many."""
        name, version, is_many = "database", await store.find_version(), self.settings.workspace is None
        if version is None:
            return [_no_tables()]
        if version != VERSION:
            other = f"its tables are of another version ({version}, not {VERSION})"
            return [Check(name, WRONG, other, "Start with a new database.")]
        if is_many and not await can_decrypt(store.database, store.cipher):
            return [Check(name, WRONG, "no key of ENCRYPTION_KEYS decrypts the database", _KEYS_UNFIT)]
        found = [Check(name, GOOD, f"answers, and its tables are current (version {version})")]
        if store.database.driver.is_shared:  # a bot that uses a file alone has no row for its process
            found.append(await self._check_processes(store))
        return [*found, *await self._check_workspaces(store)] if is_many else found

    async def _check_processes(self, store: Store) -> Check:
        """Check whether all processes that live have these settings, by the mark with which their names begin."""
        living = await store.database.fetch_all(LIVING, lease=LEASE)
        if others := sum(not row.owner.startswith(self.settings.mark) for row in living):
            differ = f"{others} on this database have another workspace, key or permissions in .env than this command"
            return Check("processes", ODD, differ, "Let their settings agree, and restart them.")
        return Check("processes", GOOD, f"{len(living)} on this database, all with the workspace of these settings")

    async def _check_workspaces(self, store: Store) -> list[Check]:
        """Check each workspace in the database."""
        found: list[Check] = []
        for team_id in [one.team_id for one in await store.rows.summaries()]:
            try:
                workspace = await store.rows.find(team_id)
            except UnreadableError as error:
                found.append(Check(f"workspace {team_id}", WRONG, f"can't be read: {error}", _UNREADABLE))
            else:
                checks = [] if workspace is None else await self._check_workspace(workspace)
                found += [replace(one, name=f"{one.name} of {team_id}") for one in checks]
        return found or [Check("workspaces", SKIPPED, "none has installed the app yet", _INSTALL)]

    async def _check_workspace(self, workspace: Workspace) -> list[Check]:
        """Check the bot token and what it is for, and the key of one workspace."""
        found, key = await asyncio.gather(self._check_token(workspace), self._check_key(workspace.anchor_key))
        return [*found, key]

    async def _check_token(self, workspace: Workspace) -> list[Check]:
        name = "bot token"
        try:
            found = await self.slack.inspect(workspace.bot_token)
        except TokenRefusedError as error:
            return [Check(name, WRONG, f"Slack refuses it ({error})", self._fix(name))]
        except SlackUnreachableError as error:
            return [_no_answer(name, "Slack", str(error))]
        who = " as @".join(filter(None, [f"{found.team_name} ({found.team_id})".lstrip(), found.bot_name]))
        accepted = Check(name, GOOD, f"accepted, for the workspace {who}")
        return [accepted, _judge_scopes(found.scopes), *await self._check_channels(workspace)]

    async def _check_channels(self, workspace: Workspace) -> list[Check]:
        """Check whether the bot can post in the alert channel, and in those that alerts can name."""
        first = workspace.alerts_channel
        further = {one for token in workspace.alert_tokens for one in token.channels} - {first}
        found = [await self._check_channel(workspace, one, ODD) for one in sorted(further)]
        if first is not None:
            return [await self._check_channel(workspace, first, WRONG), *found]
        unset = Check("alert channel", WRONG, "none is set: alerts have to name one", self._fix("alert channel"))
        return [unset, *found] if workspace.alert_tokens else found

    async def _check_channel(self, workspace: Workspace, channel: str, refused: str) -> Check:
        """Check whether the bot can post in a channel, without a visible message."""
        name = "alert channel" if refused == WRONG else "other alert channel"
        try:
            await self.slack.try_channel(workspace.bot_token, channel, SAMPLE_ALERT)
        except RefusedError as error:
            return Check(name, refused, f"Slack takes no message for {channel} ({error})", _INVITE)
        except SlackUnreachableError as error:
            return _no_answer(name, "Slack", str(error))
        mentioned = workspace.group_of(channel) or "nobody"
        return Check(name, GOOD, f"the bot can post to {channel}, where it mentions {mentioned}")

    async def _check_key(self, key: AnchorKey | None) -> Check:
        """Try a key with one harmless request."""
        name = "Anchor key"
        if key is None:
            return Check(name, WRONG, "none is set, so nobody can pause", self._fix(name))
        problem = await self.anchor.try_key(key.value)
        if problem is None:
            return Check(name, GOOD, "Anchor accepts it")
        why = "no response" if problem.status_code is None else f"HTTP {problem.status_code}"
        refused = Check(name, WRONG, f"Anchor refuses it ({why})", self._fix(name))
        return refused if problem.is_key_refused else _no_answer(name, "Anchor", why)


def _judge_clock(server: str, skew: float | None) -> Check:
    """Judge this machine's clock by the seconds that a server is ahead."""
    if skew is None:
        return Check("clock", SKIPPED, "not checked: neither Slack nor Anchor said what time it is")
    if abs(skew) <= MOST_SKEW:
        return Check("clock", GOOD, f"agrees with {server}'s within {abs(skew):.0f} s")
    late = f"differs from {server}'s by {abs(skew):.0f} s. Over HTTP the bot rejects every request"
    return Check("clock", WRONG, late, "Let the machine set its clock by NTP.")


def _judge_scopes(granted: frozenset[str] | None) -> Check:
    """Compare the granted scopes with those of the manifest."""
    if granted is None:
        return Check("scopes", SKIPPED, "not checked: Slack did not say which ones are granted")
    if missing := ", ".join(scope for scope in SCOPES if scope not in granted):
        fix = "Add them in the app's settings (OAuth & Permissions), and install the app again."
        return Check("scopes", WRONG, f"missing: {missing}", fix)
    return Check("scopes", GOOD, f"granted as in the manifest: {', '.join(SCOPES)}")


def _no_tables() -> Check:
    return Check("database", GOOD, "has no tables yet: the bot makes them when it starts")


def _no_answer(name: str, who: str, why: str) -> Check:
    return Check(name, WRONG, f"{who} gave no usable answer ({why})", "Try again in a moment.")


def _why(error: Exception) -> str:
    """Return the system's sentence or the library's word; the text of other errors can contain values."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"HTTP {error.status} of the proxy"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    why = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) or type(error).__name__
    return f"the proxy: {why}" if isinstance(error, aiohttp.ClientProxyConnectionError) else why
