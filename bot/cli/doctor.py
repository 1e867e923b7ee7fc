"""`anchor-bot doctor`: check the settings, the machine, the database, Slack and Anchor."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.cli import ENV_FILE, NotDoneError, Run, as_called
from bot.cli.context import open_anchor, open_client_session
from bot.config.settings import Settings, SettingsError, find_warnings, read_environment, summarize
from bot.core.fields import Secret
from bot.core.workspace import SCOPES, AnchorKey, Workspace
from bot.messages.checks import (
    CHANNEL_PROBE,
    Checked,
    CheckName,
    Finding,
    Good,
    Kind,
    Questionable,
    Skipped,
    Unanswered,
    Wrong,
    check_line,
    exit_code,
    judge_clock,
    judge_scopes,
    not_checked,
)
from bot.outbound.anchor_orders import AnchorClient
from bot.outbound.http import Reached, reach
from bot.outbound.slack.client import (
    AppTokenRefusedError,
    SlackClient,
    TokenInfo,
    TokenRefusedError,
)
from bot.outbound.slack.errors import RefusedError, SlackUnreachableError, open_web
from bot.outbound.store.errors import (
    StoreDownError,
    StoreNotUsableError,
    StoreUnreachableError,
    UnreadableError,
)
from bot.outbound.store.schema import VERSION
from bot.outbound.store.secrets import can_decrypt
from bot.outbound.store.sqlite import IN_MEMORY, file_of
from bot.outbound.store.store import Store, open_store, unusable
from bot.outbound.store.writer import LEASE, LIVING

_SLACK_PATH = "/api.test"  # https://docs.slack.dev/reference/methods/api.test
_ANCHOR_PATH = "/v1/sessions/all/status"
_SLACK = {"who": "Slack", "setting": "SLACK_API_URL"}
_ANCHOR = {"who": "Anchor", "setting": "ANCHOR_API_URL"}
_NOT_FOUND = 404
_POST = "chat:write"  # https://docs.slack.dev/reference/methods/chat.postMessage


def execute(_: argparse.Namespace, run: Run) -> int:
    """Check and print everything, and return the exit code."""
    return run(_print_checks())


async def _print_checks() -> int:
    checks: list[Checked] = []
    async for check in examine(os.environ, ENV_FILE):
        checks.append(check)
        print(as_called(check_line(check)), flush=True)  # noqa: T201 - output of a command
    return exit_code(checks)


async def examine(environ: Mapping[str, str], env_file: Path) -> AsyncIterator[Checked]:
    """Yield all checks; `environ` lacks the file."""
    try:
        environ = read_environment(environ, env_file)
        settings = Settings.from_env(environ)
        opened = open_client_session(settings.proxy)
    except (SettingsError, NotDoneError) as error:
        problems = " ".join(str(error).splitlines())
        yield Checked(CheckName.SETTINGS, Finding(Wrong.SETTINGS_INVALID, {"problems": problems}))
        return
    async with opened as session:
        warnings = " ".join(find_warnings(environ, settings, env_file))
        valid = Finding(Good.SETTINGS_VALID, summarize(settings))
        odd = Finding(Questionable.SETTINGS_ODD, {"warnings": warnings})
        yield Checked(CheckName.SETTINGS, odd if warnings else valid)
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

    def groups(self) -> list[Coroutine[Any, Any, list[Checked]]]:
        """Return groups of checks that do not depend on each other, in the sequence in which they are printed."""
        one = self.settings.workspace
        of_one = [] if one is None else [self._check_workspace(one)]
        token = self.settings.slack_app_token
        transport = [] if token is None else [self._check_socket_mode(token)]
        return [self._check_hosts(), *transport, self._check_database(), *of_one]

    async def _check_hosts(self) -> list[Checked]:
        """Check the ways to Slack and Anchor, and this machine's clock."""
        urls = self.settings.slack_api_url, self.settings.anchor_api_url
        paths = zip(urls, (_SLACK_PATH, _ANCHOR_PATH), strict=True)
        slack, anchor = await asyncio.gather(*(reach(self.session, url.rstrip("/") + path) for url, path in paths))
        return [
            Checked(CheckName.SLACK, _find_api(slack, urls[0], _SLACK)),
            Checked(CheckName.ANCHOR, _find_api(anchor, urls[1], _ANCHOR)),
            Checked(CheckName.CLOCK, judge_clock(one.skew for one in (slack, anchor) if isinstance(one, Reached))),
        ]

    async def _check_socket_mode(self, app_token: Secret) -> list[Checked]:
        """Ask Slack where a connection can be opened, and open none: it could get the requests of a bot that runs."""
        try:
            await self.slack.open_connection(app_token)
            found = Finding(Good.SOCKET_OFFERED)
        except AppTokenRefusedError as error:
            found = Finding(Wrong.SOCKET_REFUSED, {"code": str(error)})
        except SlackUnreachableError as error:
            found = _no_answer(error)
        return [Checked(CheckName.SOCKET_MODE, found)]

    async def _check_database(self) -> list[Checked]:
        """Check the connection, the tables and the processes, and the keys and the workspaces of a bot of many."""
        is_many = self.settings.workspace is None
        async with AsyncExitStack() as stack:
            finding, store = await self._open_store(stack)
            try:
                if is_many and store is not None and not await can_decrypt(store.database, store.cipher):
                    finding, store = Finding(Wrong.KEYS_UNFIT), None
                found = [Checked(CheckName.DATABASE, finding)]
                if store is None:
                    return found
                if store.database.driver.is_shared:  # a bot that uses a file alone has no row for its process
                    found.append(await self._check_processes(store))
                return [*found, *await self._check_workspaces(store)] if is_many else found
            except StoreUnreachableError as error:
                sentence = unusable(str(error), file_of(self.settings.database_url))
                return [Checked(CheckName.DATABASE, Finding(Unanswered.DATABASE_DOWN, {"sentence": sentence}))]

    async def _open_store(self, stack: AsyncExitStack) -> tuple[Finding, Store | None]:
        """Open the store, if it is there and current: nothing is made."""
        url = self.settings.database_url
        file = file_of(url)
        if url == IN_MEMORY:
            return Finding(Good.DATABASE_IN_MEMORY), None
        if file is not None and not file.exists():
            is_possible = os.access(file.absolute().parent, os.W_OK)
            sentence = unusable("there is none, and none can be made", file)
            kind = Good.DATABASE_NEW if is_possible else Wrong.DATABASE_UNUSABLE
            return Finding(kind, {"sentence": sentence}), None
        try:
            opening = open_store(url, self.settings.store_keys, is_prepared=False)
            store = await stack.enter_async_context(opening)
            version = await store.find_version()
        except StoreNotUsableError as error:
            values = {"sentence": str(error)}
            if isinstance(error, StoreDownError):
                return Finding(Unanswered.DATABASE_DOWN, values), None
            return Finding(Wrong.DATABASE_UNUSABLE, values), None
        kinds: Mapping[str | None, Kind] = {None: Good.DATABASE_NEW, VERSION: Good.DATABASE_CURRENT}
        found = Finding(kinds.get(version, Wrong.DATABASE_OTHER), {"version": version or "", "own": VERSION})
        return found, store if version == VERSION else None

    async def _check_processes(self, store: Store) -> Checked:
        """Check whether all processes that live have these settings, by the mark with which their names begin."""
        living = await store.database.fetch_all(LIVING, lease=LEASE)
        others = sum(not row.owner.startswith(self.settings.mark) for row in living)
        kind = Questionable.SETTINGS_DIFFER if others else Good.SETTINGS_SAME
        return Checked(CheckName.PROCESSES, Finding(kind, {"number": str(others or len(living))}))

    async def _check_workspaces(self, store: Store) -> list[Checked]:
        """Check each workspace in the database. Raises StoreUnreachableError."""
        found: list[Checked] = []
        for summary in await store.rows.summaries():
            found += await self._check_stored(store, summary.team_id)
        return found or [Checked(CheckName.WORKSPACES, Finding(Skipped.NO_WORKSPACES))]

    async def _check_stored(self, store: Store, team_id: str) -> list[Checked]:
        try:
            workspace = await store.rows.find(team_id)
        except UnreadableError as error:
            return [Checked(CheckName.WORKSPACES, Finding(Wrong.ROW_UNREADABLE, {"why": str(error)}), team_id)]
        return [] if workspace is None else await self._check_workspace(workspace)

    async def _check_workspace(self, workspace: Workspace) -> list[Checked]:
        """Check the bot token, its scopes, the alert channel and the key of one workspace."""
        key, (token, info) = await asyncio.gather(
            check_key(self.anchor, workspace.anchor_key), _check_token(self.slack, workspace.bot_token)
        )
        scopes, channels = not_checked(f"see {CheckName.BOT_TOKEN}"), [not_checked(f"see {CheckName.BOT_TOKEN}")]
        if info is not None:
            scopes = judge_scopes(info.scopes, SCOPES)
            channels = [not_checked(f"see {CheckName.SCOPES}")]
            if info.scopes is None or _POST in info.scopes:
                channels = await _check_channels(self.slack, workspace)
        findings = [(CheckName.BOT_TOKEN, token), (CheckName.SCOPES, scopes)]
        findings.append((CheckName.ALERT_CHANNEL, channels[0]))
        findings += [*((CheckName.OTHER_CHANNEL, one) for one in channels[1:]), (CheckName.ANCHOR_KEY, key)]
        return [Checked(name, finding, workspace.team_id) for name, finding in findings]


async def check_key(anchor: AnchorClient, key: AnchorKey | None) -> Finding:
    """Try a key with one harmless request."""
    if key is None:
        return Finding(Wrong.KEY_UNSET)
    result = await anchor.try_key(key.value)
    if result is None:
        return Finding(Good.KEY_ACCEPTED)
    if result.is_refused:
        return Finding(Wrong.KEY_REFUSED, {"status": str(result.status_code)})
    why = "no response" if result.status_code is None else f"HTTP {result.status_code}"
    return Finding(Unanswered.NO_ANSWER, {"who": "Anchor", "why": why})


async def _check_token(slack: SlackClient, token: Secret) -> tuple[Finding, TokenInfo | None]:
    try:
        found = await slack.inspect(token)
    except TokenRefusedError as error:
        return Finding(Wrong.TOKEN_REFUSED, {"code": str(error)}), None
    except SlackUnreachableError as error:
        return _no_answer(error), None
    values = {"team": found.team_id, "name": found.team_name, "bot": found.bot_name}
    return Finding(Good.TOKEN_ACCEPTED, values), found


async def _check_channels(slack: SlackClient, workspace: Workspace) -> list[Finding]:
    """Check whether the bot can post in the channel for alerts, and in those that alerts can name."""
    first = workspace.alerts_channel
    further = {one for token in workspace.alert_tokens for one in token.channels} - {first}
    if first is None:
        found = Finding(Skipped.CHANNEL_UNSET if workspace.alert_tokens else Good.NO_ALERTS)
    else:
        found = await _check_channel(slack, workspace, first, Wrong.CHANNEL_REFUSED)
    return [
        found,
        *[await _check_channel(slack, workspace, one, Questionable.CHANNEL_CLOSED) for one in sorted(further)],
    ]


async def _check_channel(slack: SlackClient, workspace: Workspace, channel: str, refused: Kind) -> Finding:
    """Check whether the bot can post in a channel, without a visible message."""
    values = {"channel": channel, "group": workspace.group_of(channel) or "nobody"}
    try:
        await slack.try_channel(workspace.bot_token, channel, CHANNEL_PROBE)
    except RefusedError as error:
        return Finding(refused, values | {"code": str(error)})
    except SlackUnreachableError as error:
        return _no_answer(error)
    return Finding(Good.CHANNEL_OPEN, values)


def _find_api(result: Reached | Finding, url: str, api: Mapping[str, str]) -> Finding:
    if isinstance(result, Finding):
        return result
    if result.status == _NOT_FOUND:
        return Finding(Wrong.NOT_API, {**api, "why": f"HTTP {result.status}"})
    return Finding(Good.REACHED, {"host": urlsplit(url).netloc})


def _no_answer(error: SlackUnreachableError) -> Finding:
    """Return the finding about a call that Slack did not answer."""
    return Finding(Unanswered.NO_ANSWER, {"who": "Slack", "why": str(error)})
