"""The command line: each command carried out, and its exit code."""

import argparse
import asyncio
import os
import resource
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from bot import logs
from bot.app import NotListeningError, serve
from bot.arguments import parser
from bot.environment import read_environment
from bot.outbound.own_alerts import NotPosted, send_alert
from bot.outbound.slack import AppTokenRefusedError, TokenRefusedError
from bot.outbound.store.errors import StoreNotUsableError
from bot.settings import SenderSettings, Settings
from bot.variables import SettingsError

try:
    import uvloop as loops
except ImportError:  # pragma: no cover - where uvloop does not exist, asyncio's own loop serves
    loops = asyncio  # type: ignore[misc]

_UNUSABLE_SETTINGS = 2
_OPEN_FILES = 65_536
_LEAVE_WITHIN = 1.0  # seconds; what was in hand has been drained by then


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 fine, 1 failed, 2 for settings or arguments that can't be used."""
    chosen = parser().parse_args(arguments)
    run = {"run": _run, "alert": _alert, "demo": _demo, "keys": _operate, "workspaces": _operate}[chosen.command]
    return run(chosen)


def _alert(chosen: argparse.Namespace) -> int:
    arguments = {"ANCHOR_BOT_URL": chosen.bot_url, "ALERTS_WORKSPACE": chosen.workspace}
    override = {name: value for name, value in arguments.items() if value is not None}
    try:
        settings = SenderSettings.from_env(read_environment(os.environ, Path(".env")) | override)
    except SettingsError as error:
        return _complain(*error.problems, "See .env.example for every setting.", code=_UNUSABLE_SETTINGS)
    names = ("text", "title", "severity", "url", "channel")
    fields = {"session_id": chosen.session} | {name: getattr(chosen, name) for name in names}
    result = send_alert(settings.url, settings.alerts_token, fields)
    if isinstance(result, NotPosted):
        return _complain(result.why, code=_UNUSABLE_SETTINGS if result.is_ours else 1)
    print(f"Posted in {result.channel}, ts {result.ts}")  # noqa: T201 - a command line speaks by printing
    return 0


def _run(_: argparse.Namespace) -> int:
    try:
        settings = Settings.from_env(read_environment(os.environ, Path(".env")))
    except SettingsError as error:
        return _complain(*error.problems, "See .env.example for every setting.", code=_UNUSABLE_SETTINGS)
    logs.configure(settings.log_level, settings.log_format)
    _raise_limit_of_open_files()
    with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
        code = _serve(runner, settings)
        leave(code, within=_LEAVE_WITHIN)
    return code


def _serve(runner: asyncio.Runner, settings: Settings) -> int:
    try:
        runner.run(serve(settings))
    except TokenRefusedError as error:
        return _complain(
            f"SLACK_BOT_TOKEN is refused by Slack ({error}): reinstall the app and copy its bot token again.",
            code=_UNUSABLE_SETTINGS,
        )
    except AppTokenRefusedError as error:
        return _complain(
            f"SLACK_APP_TOKEN is refused by Slack ({error}): generate an app-level token with the scope "
            "connections:write (Basic Information > App-Level Tokens) and put it there.",
            code=_UNUSABLE_SETTINGS,
        )
    except StoreNotUsableError as error:
        return _complain(error.sentence, code=_UNUSABLE_SETTINGS)
    except NotListeningError as error:
        return _complain(f"HOST and PORT ({settings.host}:{settings.port}) can't be listened on: {error}.", code=1)
    except OSError as error:
        return _complain(f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}.", code=1)
    return 0


def _operate(chosen: argparse.Namespace) -> int:
    from bot import operators  # noqa: PLC0415 - a bot of one workspace needs no database

    try:
        said = operators.operate(chosen, read_environment(os.environ, Path(".env")))
    except SettingsError as error:
        return _complain(*error.problems, "See .env.example for every setting.", code=_UNUSABLE_SETTINGS)
    except StoreNotUsableError as error:
        return _complain(error.sentence, code=_UNUSABLE_SETTINGS)
    except operators.NotDoneError as error:
        return _complain(error.sentence, code=1)
    print(said)  # noqa: T201 - a command line speaks by printing
    return 0


def _raise_limit_of_open_files() -> None:
    """Each command in hand holds two connections: the usual 1,024 would end a burst that the bot can well answer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def leave(code: int, *, within: float) -> None:
    """Make sure that the process ends with `code`, even if a thread of the system's name look-up still hangs."""
    last_resort = threading.Timer(within, os._exit, (code,))
    last_resort.daemon = True
    last_resort.start()


def _demo(chosen: argparse.Namespace) -> int:
    from bot import demo  # noqa: PLC0415 - the simulators are no part of a bot that runs

    with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
        if chosen.check:
            return 0 if runner.run(demo.play(sys.stdout)) else 1
        return runner.run(demo.serve(sys.stdout, port=chosen.port, browser=not chosen.no_browser))


def _complain(*sentences: str, code: int) -> int:
    for sentence in sentences:
        print(f"anchor-bot: {sentence}", file=sys.stderr)  # noqa: T201 - a command line speaks by printing
    return code
