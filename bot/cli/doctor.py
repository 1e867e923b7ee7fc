"""`anchor-bot doctor`: check the settings, the database, Slack and Anchor."""

import argparse
import asyncio
import functools
import json
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import aiohttp

from bot.cli import as_called, confirm_end
from bot.cli.orders import NOT_MANY, one_of_many, open_anchor, open_client_session
from bot.cli.parser import UNUSABLE_SETTINGS, NotDoneError
from bot.config.addresses import http_url, is_safe_url
from bot.config.environment import SettingsError, read_environment
from bot.config.settings import ManyWorkspaces, OneWorkspace, Settings, find_warnings, summarize
from bot.core.fields import Secret
from bot.core.requests import OnlyFor
from bot.core.session_checks import MOST_IDLE, OK, idle_wait, lists_others, pauses_others
from bot.core.session_ids import SessionId
from bot.core.sessions import Life, NotRead, Session, SessionPage
from bot.core.workspace import Workspace, is_key
from bot.inbound.http import NotListeningError, try_listening
from bot.inbound.install import open_oauth
from bot.inbound.slack.socket_connection import connect
from bot.messages.cards import SAMPLE_ALERT
from bot.messages.checks import (
    Checked,
    CheckName,
    Finding,
    Good,
    Questionable,
    Skipped,
    Wrong,
    about_others,
    check_line,
    check_record,
    exit_code,
    judge_python,
)
from bot.messages.ending import end_question
from bot.messages.senders import new_token_modal
from bot.messages.settings import key_modal, policy_modal
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.http import NETWORK_ERRORS
from bot.outbound.slack.client import AppTokenRefusedError, SlackClient, SocketModeOffError
from bot.outbound.slack.errors import SlackUnreachableError, open_web
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.secrets import keys_of_one
from bot.outbound.store.store import Store
from bot.usecases import checks

_LOOKS, _MOST_BYTES = 10, 65_536

_NO_SESSION = "00000000-0000-4000-8000-000000000000"
_ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be called, not listened on


async def _find_bot(session: aiohttp.ClientSession, settings: Settings) -> Finding:
    """Ask the bot at HOST and PORT for its state. If none answers, listen there for a moment."""
    url = http_url(_ANY_ADDRESS.get(settings.host, settings.host), settings.port)
    finding = await checks.check_running_bot(session, url, settings.metrics_token)
    if finding.kind is Skipped.BOT_NOT_RUNNING:
        problems = " ".join([problem async for problem in _listening_problems(settings)])
        return Finding(Wrong.CANNOT_LISTEN, {"url": url, "problems": problems}) if problems else finding
    is_ready = finding.kind in {Good.BOT_READY, Questionable.BOT_DEGRADED}
    if is_ready and settings.slack_app_token is not None and await checks.serves_events(session, url):
        return Finding(Questionable.BOT_OVER_HTTP, {"url": url})
    return finding


async def _listening_problems(settings: Settings) -> AsyncIterator[str]:
    own, metrics = (settings.host, settings.port), (settings.metrics_host, settings.metrics_port)
    for setting, (host, port) in {"PORT": own, "METRICS_PORT": metrics}.items():
        try:
            if port is not None:
                await try_listening(host, port, setting=setting)
        except NotListeningError as error:
            yield str(error)


async def examine(
    options: argparse.Namespace,
    environ: Mapping[str, str],
    env_file: Path,
    out: TextIO,
    *,
    is_before_start: bool = False,
) -> int:
    """Check everything, print what was found, and return the exit code. Raises NotDoneError.

    `environ` are the variables outside of the file. `is_before_start`: that no bot runs yet is no failure.
    """
    checks: list[Checked] = []
    async for check in _check(options, environ, env_file, is_before_start=is_before_start):
        checks.append(check)
        if not options.json:
            print(as_called(check_line(check)), file=out, flush=True)
    code = exit_code(checks)
    if options.json:
        json.dump({"exit_code": code, "checks": list(map(check_record, checks))}, out, indent=2)
        out.write("\n")
    return code


async def _check(
    options: argparse.Namespace, environ: Mapping[str, str], env_file: Path, *, is_before_start: bool
) -> AsyncIterator[Checked]:
    try:
        environ = read_environment(environ, env_file)
        settings = Settings.from_env(environ)
        opened = open_client_session(settings.proxy)
    except (SettingsError, NotDoneError) as error:
        problems = " ".join(str(error).splitlines())
        yield Checked(CheckName.SETTINGS, Finding(Wrong.SETTINGS_INVALID, {"problems": problems}))
        return
    async with opened as session:
        if options.workspace is not None and settings.one is not None:
            raise NotDoneError(NOT_MANY, code=UNUSABLE_SETTINGS)
        if options.probe is not None:
            probe = Probe(AnchorSessions(open_anchor(session, settings).http, settings.anchor_timeout), options.probe)
            async for check in probe.run(await _probe_keys(options, environ, settings), is_sure=options.yes):
                yield check
            if not options.real:
                return
        warnings = " ".join(sentence for _, sentence in find_warnings(environ, settings, env_file))
        valid = Finding(Good.SETTINGS_VALID, summarize(settings))
        odd = Finding(Questionable.SETTINGS_ODD, {"warnings": warnings})
        yield Checked(CheckName.SETTINGS, odd if warnings else valid)
        yield Checked(CheckName.PYTHON, judge_python(sys.version_info))
        doctor = Doctor(settings, environ.get("BASE_URL", "").strip(), session, options.workspace, is_before_start)
        groups = [asyncio.create_task(group) for group in doctor.groups()]
        for group in groups:
            for check in await group:
                yield check
        if options.real:
            yield Checked(CheckName.BLOCKS, await doctor.check_blocks())


@dataclass(frozen=True, slots=True)
class Doctor:
    """The checks that make sense with `settings`; `base_url` is the public URL or "".

    `team_id` is the only one of many workspaces that is checked, if it is given. `is_before_start`: without a running
    bot the public URL is not checked.
    """

    settings: Settings
    base_url: str
    session: aiohttp.ClientSession
    team_id: str | None = None
    is_before_start: bool = False

    def groups(self) -> list[Coroutine[Any, Any, list[Checked]]]:
        """Return groups of checks that do not depend on each other, in the sequence in which they are printed."""
        hosts = checks.check_hosts(self.session, self.settings.slack_api_url, self.settings.anchor_api_url)
        of, database = self.settings.workspaces, self._check_database()
        if isinstance(of, OneWorkspace):
            return [hosts, self._check_transport(), database, self._services.check(of.workspace)]
        return [hosts, self._check_transport(), self._check_client(of), database]

    async def check_blocks(self) -> Finding:
        """Let Slack validate one message and one window of each kind that has something of its own."""
        workspace, session_id = Workspace("", Secret(""), None), SessionId(_NO_SESSION)
        messages = [SAMPLE_ALERT, end_question(session_id, None, OnlyFor("U0", 0.0), now=0.0)]
        views = [key_modal(workspace), policy_modal(workspace), new_token_modal(workspace, "https://bot.example.com")]
        return await checks.check_blocks(self._services.slack, messages, views)

    async def _check_transport(self) -> list[Checked]:
        running = await _find_bot(self.session, self.settings)
        if self.settings.slack_app_token is None:
            is_too_early = self.is_before_start and running.kind in {Skipped.BOT_NOT_RUNNING, Wrong.CANNOT_LISTEN}
            found = Finding(Skipped.BOT_NOT_STARTED) if is_too_early else await self._check_url()
            reachable = Checked(CheckName.PUBLIC_URL, found)
        elif running.kind in {Good.BOT_READY, Questionable.BOT_DEGRADED}:
            reachable = Checked(CheckName.SOCKET_MODE, Finding(Good.SOCKET_IN_USE))
        else:
            reachable = Checked(CheckName.SOCKET_MODE, await self._check_socket_mode(self.settings.slack_app_token))
        return [Checked(CheckName.RUNNING_BOT, running), reachable]

    async def _check_socket_mode(self, app_token: Secret) -> Finding:
        """Open a connection for Socket Mode, and close it at once: Slack can send it a request."""
        try:
            connection = await connect(self.session, self._services.slack, app_token)
        except AppTokenRefusedError as error:
            return Finding(Wrong.APP_TOKEN_REFUSED, {"code": str(error)})
        except SocketModeOffError:
            return Finding(Wrong.SOCKET_OFF)
        except SlackUnreachableError as error:
            return checks.no_answer(error)
        await connection.close()
        return Finding(Questionable.SOCKET_DOUBTED if connection.is_doubted else Good.SOCKET_OPENED)

    async def check_setting(self, name: str) -> Checked | None:
        """Check a token or key by itself; None for another setting."""
        one, app_token = self.settings.workspaces, self.settings.slack_app_token
        if name == "SLACK_CLIENT_SECRET" and isinstance(one, ManyWorkspaces):
            return (await self._check_client(one))[0]
        if name == "SLACK_APP_TOKEN" and app_token is not None:
            return Checked(CheckName.SOCKET_MODE, await self._check_socket_mode(app_token))
        if name == "SLACK_BOT_TOKEN" and isinstance(one, OneWorkspace):
            accepted, _ = await checks.check_token(self._services.slack, one.bot_token)
            return Checked(CheckName.BOT_TOKEN, accepted)
        if name == "ANCHOR_API_KEY" and isinstance(one, OneWorkspace):
            accepted = await checks.check_key(self._services.anchor, one.workspace.anchor_key)
            return Checked(CheckName.ANCHOR_KEY, accepted)
        return None

    async def _check_url(self) -> Finding:
        if not self.base_url:
            return Finding(Skipped.URL_UNSET)
        if not is_safe_url(self.base_url):
            return Finding(Wrong.URL_INVALID, {"problem": "BASE_URL is not a valid https URL"})
        return await checks.check_public_url(self.session, self.base_url, self.settings.slack_signing_secrets[0])

    @property
    def _services(self) -> checks.Services:
        slack = SlackClient(open_web(self.session, self.settings.slack_api_url))
        return checks.Services(slack, open_anchor(self.session, self.settings))

    async def _check_client(self, many: ManyWorkspaces) -> list[Checked]:
        finding = await checks.check_client(open_oauth(many, self.session, self.settings.slack_api_url))
        return [Checked(CheckName.CLIENT_SECRET, finding)]

    async def _check_database(self) -> list[Checked]:
        """Check the database, and the workspaces in it."""
        one, of = self.settings.one, self.settings.workspaces.store
        keys = of.encryption_keys if one is None else keys_of_one(of.encryption_keys, one.bot_token)
        async with checks.inspected(of.database_url, keys) as (finding, store):
            found = [Checked(CheckName.DATABASE, finding)]
            if store is not None:
                found += await checks.check_news(store)
                is_readable = await checks.check_encryption(store, is_one=one is not None)
                found.append(Checked(CheckName.ENCRYPTION, is_readable))
            return found if one is not None else [*found, *await self._check_workspaces(store)]

    async def _check_workspaces(self, store: Store | None) -> list[Checked]:
        many = self.settings.workspaces
        allowed = many.allowed if isinstance(many, ManyWorkspaces) else frozenset()
        if store is None:
            return [Checked(CheckName.WORKSPACES, Finding(Skipped.NOT_CHECKED, {"first": CheckName.DATABASE}))]
        try:
            return [check async for check in self._services.check_all(store, self.team_id, allowed)]
        except StoreUnreachableError as error:
            return [Checked(CheckName.WORKSPACES, checks.database_down(store, error))]


async def _probe_keys(options: argparse.Namespace, environ: Mapping[str, str], settings: Settings) -> list[Secret]:
    """Return the workspace's key, and that of PROBE_KEY if it is another one. Raises NotDoneError."""
    second = environ.get("PROBE_KEY", "").strip()
    if second and not is_key(second):
        raise NotDoneError("PROBE_KEY is no key of Anchor's. Copy it again.", code=UNUSABLE_SETTINGS)
    async with AsyncExitStack() as stack:
        if isinstance(settings.workspaces, ManyWorkspaces):
            place = await one_of_many(options.workspace, settings.workspaces, stack)
            workspace = await place.find(place.team_id)
        else:
            workspace = settings.workspaces.workspace
    first = workspace.anchor_key.value.reveal() if workspace and workspace.anchor_key else ""
    return [Secret(key) for key in dict.fromkeys((first, second)) if key]


@dataclass(frozen=True, slots=True)
class Probe:
    """A trial of what Anchor's documents leave open, on a session that it ends. The journal does not have it."""

    sessions: AnchorSessions
    session_id: SessionId

    async def run(self, keys: Sequence[Secret], *, is_sure: bool) -> AsyncIterator[Checked]:
        """Pause the session with each key that sees it, let it be idle, end it, and yield what was found.

        Raises NotDoneError before anything is sent.
        """
        reads = {key: await self._read(key) for key in keys}
        running = {key: one for key, one in reads.items() if isinstance(one, Session) and one.life is Life.RUNNING}
        if not running:
            raise NotDoneError("Nothing was sent: Anchor does not say to this key that this session runs.")
        if not is_sure:
            confirm_end(self.session_id)
        page = functools.partial(self.sessions.running_page, number=1, within=self.sessions.timeout)
        keys = [key for key in keys if key in running or await self._has(page(key))]
        listed = [await self._has(self.sessions.statuses(key)) for key in keys]
        paused = [await self._ask("POST", key, f"{self.session_id}/agent/pause") for key in keys]
        is_so, is_answered = lists_others(listed), None not in listed
        yield Checked(CheckName.OTHERS_LISTED, about_others(is_so=is_so, is_answered=is_answered))
        is_so, is_answered = pauses_others(listed, paused), set(paused) == {OK}
        yield Checked(CheckName.OTHERS_PAUSED, about_others(is_so=is_so, is_answered=is_answered))
        reader, session = next(iter(running.items()))
        yield Checked(CheckName.IDLE_TIMEOUT, await self._be_idle(reader, session, is_paused=OK in paused))
        able = keys[paused.index(OK)] if OK in paused else reader
        yield Checked(CheckName.END_OF_ENDED, await self._end(reader, able))
        yield Checked(CheckName.END_OF_UNKNOWN, _answer(await self._ask("DELETE", able, str(uuid.uuid4()))))

    async def _be_idle(self, reader: Secret, session: Session, *, is_paused: bool) -> Finding:
        """Make no request until the idle timeout of the paused session is over, and look whether it has ended."""
        wait = idle_wait(session, time.time())
        values = {"minutes": f"{(MOST_IDLE if wait is None else wait) / 60:g}"}
        if wait is None or not is_paused:
            return Finding(Skipped.IDLE_UNKNOWN if is_paused else Skipped.NO_FACT, values)
        print(f"Waiting {values['minutes']} min for its idle timeout.", file=sys.stderr, flush=True)  # noqa: T201 - output of a command
        await asyncio.sleep(wait)
        kinds = {Life.ENDED: Good.ENDED_IDLE, Life.RUNNING: Good.KEPT_AWAKE, Life.UNKNOWN: Skipped.NO_FACT}
        return Finding(kinds[_life(await self._read(reader))], values)

    async def _end(self, reader: Secret, able: Secret) -> Finding:
        """End the session and, once Anchor says that it has ended, again."""
        status = await self._ask("DELETE", able, self.session_id)
        for _ in range(_LOOKS):
            if _life(await self._read(reader)) is Life.ENDED:
                return _answer(await self._ask("DELETE", able, self.session_id))
            await asyncio.sleep(1)
        return Finding(Skipped.STILL_RUNS, {"status": str(status or "none")})

    async def _read(self, key: Secret) -> Session | NotRead:
        return await self.sessions.details(key, self.session_id, within=self.sessions.timeout)

    async def _has(self, reading: Awaitable[SessionPage | NotRead]) -> bool | None:
        page = await reading
        return any(one.id == self.session_id for one in page.sessions) if isinstance(page, SessionPage) else None

    async def _ask(self, method: str, key: Secret, path: str) -> int | None:
        """Return the status of Anchor's answer; None without any."""
        http, within = self.sessions.http, self.sessions.timeout
        try:
            response, _ = await http.request(method, f"/v1/sessions/{path}", key, within=within, max_bytes=_MOST_BYTES)
        except NETWORK_ERRORS:
            return None
        return response.status_code


def _answer(status: int | None) -> Finding:
    return Finding(Skipped.NO_FACT if status is None else Good.ANSWERED, {"status": str(status)})


def _life(read: Session | NotRead) -> Life:
    """Return whether a session runs. To a key that could read it, a 404 says that it has ended."""
    if isinstance(read, Session):
        return read.life
    return Life.ENDED if read.is_missing else Life.UNKNOWN
