"""`anchor-bot doctor`: check the settings, the database, Slack and Anchor."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import aiohttp

from bot.cli import as_called
from bot.cli.context import NOT_MANY, open_anchor, open_client_session
from bot.cli.parser import UNUSABLE_SETTINGS, NotDoneError
from bot.config.addresses import http_url
from bot.config.environment import SettingsError, read_environment
from bot.config.settings import Settings, find_warnings, summarize
from bot.core.fields import Secret
from bot.inbound.install import open_oauth
from bot.inbound.slack.socket_mode import connect
from bot.messages.checks import (
    Checked,
    CheckName,
    Finding,
    Good,
    Questionable,
    Skipped,
    Wrong,
    check_line,
    check_record,
    exit_code,
    not_checked,
)
from bot.outbound.slack.client import AppTokenRefusedError, SlackClient, SocketModeOffError
from bot.outbound.slack.errors import SlackUnreachableError, open_web
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.store import Store
from bot.usecases import checks

_ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be called, not listened on


async def examine(options: argparse.Namespace, environ: Mapping[str, str], env_file: Path, out: TextIO) -> int:
    """Check and print everything, and return the exit code; `environ` lacks the file. Raises NotDoneError."""
    checks: list[Checked] = []
    async for check in _check(options, environ, env_file):
        checks.append(check)
        if not options.json:
            print(as_called(check_line(check)), file=out, flush=True)
    code = exit_code(checks)
    if options.json:
        json.dump({"exit_code": code, "checks": list(map(check_record, checks))}, out, indent=2)
        out.write("\n")
    return code


async def _check(options: argparse.Namespace, environ: Mapping[str, str], env_file: Path) -> AsyncIterator[Checked]:
    try:
        environ = read_environment(environ, env_file)
        settings = Settings.from_env(environ)
        opened = open_client_session(settings.proxy)
    except (SettingsError, NotDoneError) as error:
        problems = " ".join(str(error).splitlines())
        yield Checked(CheckName.SETTINGS, Finding(Wrong.SETTINGS_INVALID, {"problems": problems}))
        return
    async with opened as session:
        if options.workspace is not None and settings.workspace is not None:
            raise NotDoneError(NOT_MANY, code=UNUSABLE_SETTINGS)
        warnings = " ".join(sentence for _, sentence in find_warnings(environ, settings, env_file))
        valid = Finding(Good.SETTINGS_VALID, summarize(settings))
        odd = Finding(Questionable.SETTINGS_ODD, {"warnings": warnings})
        yield Checked(CheckName.SETTINGS, odd if warnings else valid)
        doctor = Doctor(settings, session, options.workspace, is_before_start=options.command == "init")
        groups = [asyncio.create_task(group) for group in doctor.groups()]
        for group in groups:
            for check in await group:
                yield check


@dataclass(frozen=True, slots=True)
class Doctor:
    """The checks that make sense. `is_before_start`: no bot runs yet, so the public URL is not checked."""

    settings: Settings
    session: aiohttp.ClientSession
    team_id: str | None = None  # the only one of many workspaces that is checked
    is_before_start: bool = False

    def groups(self) -> list[Coroutine[Any, Any, list[Checked]]]:
        """Return groups of checks that do not depend on each other, in the sequence in which they are printed."""
        hosts = checks.check_hosts(self.session, self.settings.slack_api_url, self.settings.anchor_api_url)
        one, database = self.settings.workspace, self._check_database()
        if one is not None:
            return [hosts, self._check_transport(), database, self._services.check(one)]
        return [hosts, self._check_transport(), self._check_client(), database]

    async def _check_transport(self) -> list[Checked]:
        host, port, token = self.settings.host, self.settings.port, self.settings.metrics_token
        running = await checks.check_running_bot(self.session, http_url(_ANY_ADDRESS.get(host, host), port), token)
        if self.settings.slack_app_token is None:
            is_too_early = self.is_before_start and running.kind is Skipped.BOT_NOT_RUNNING
            found = not_checked("the bot does not run yet") if is_too_early else await self._check_url()
            reachable = Checked(CheckName.PUBLIC_URL, found)
        elif running.kind in {Good.BOT_READY, Questionable.BOT_DEGRADED}:
            # another connection could get its requests
            reachable = Checked(CheckName.SOCKET_MODE, Finding(Good.SOCKET_IN_USE))
        else:
            reachable = Checked(CheckName.SOCKET_MODE, await self._check_socket_mode(self.settings.slack_app_token))
        return [Checked(CheckName.RUNNING_BOT, running), reachable]

    async def _check_socket_mode(self, app_token: Secret) -> Finding:
        """Open a connection for Socket Mode, and close it at once: Slack can send it a request."""
        try:
            connection = await connect(self.session, self._services.slack, app_token)
        except (AppTokenRefusedError, SocketModeOffError) as error:
            return Finding(Wrong.SOCKET_REFUSED, {"code": str(error) or "switched off"})
        except SlackUnreachableError as error:
            return checks.no_answer(error)
        await connection.close()
        return Finding(Good.SOCKET_OPENED)

    async def check_setting(self, name: str) -> Checked | None:
        """Check a token or key by itself; None for another setting."""
        one, app_token = self.settings.workspace, self.settings.slack_app_token
        if name == "SLACK_CLIENT_SECRET":
            return (await self._check_client())[0]
        if name == "SLACK_APP_TOKEN" and app_token is not None:
            return Checked(CheckName.SOCKET_MODE, await self._check_socket_mode(app_token))
        if name == "SLACK_BOT_TOKEN" and one is not None:
            accepted, _ = await checks.check_token(self._services.slack, one.bot_token)
            return Checked(CheckName.BOT_TOKEN, accepted)
        if name == "ANCHOR_API_KEY" and one is not None:
            accepted = await checks.check_key(self._services.anchor, one.anchor_key)
            return Checked(CheckName.ANCHOR_KEY, accepted)
        return None

    async def _check_url(self) -> Finding:
        if self.settings.base_url is None:
            return not_checked("BASE_URL is not set")
        secret = self.settings.slack_signing_secrets[0]
        return await checks.check_public_url(self.session, self.settings.base_url, secret)

    @property
    def _services(self) -> checks.Services:
        slack = SlackClient(open_web(self.session, self.settings.slack_api_url))
        return checks.Services(slack, open_anchor(self.session, self.settings))

    async def _check_client(self) -> list[Checked]:
        finding = await checks.check_client(open_oauth(self.settings, self.session))
        return [Checked(CheckName.CLIENT_SECRET, finding)]

    async def _check_database(self) -> list[Checked]:
        one = self.settings.workspace
        async with checks.inspected(self.settings.database_url, self.settings.store_keys) as (finding, store):
            found = [Checked(CheckName.DATABASE, finding)]
            if store is not None:
                is_readable = await checks.check_encryption(store, is_one=one is not None)
                found.append(Checked(CheckName.ENCRYPTION, is_readable))
                same = await checks.check_processes(store, self.settings.mark)
                found.append(Checked(CheckName.PROCESSES, same))
            return found if one is not None else [*found, *await self._check_workspaces(store)]

    async def _check_workspaces(self, store: Store | None) -> list[Checked]:
        if store is None:
            return [Checked(CheckName.WORKSPACES, not_checked(f"see {CheckName.DATABASE}"))]
        try:
            return [check async for check in self._services.check_all(store, self.team_id)]
        except StoreUnreachableError as error:
            return [Checked(CheckName.WORKSPACES, checks.database_down(store, error))]
