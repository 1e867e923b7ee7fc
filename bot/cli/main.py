"""The command line: run a command, and return its exit code."""

import argparse
import asyncio
import gc
import io
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from bot import __version__, logs
from bot.cli import as_called, run_as_owner
from bot.cli.manifest import creation_link, has_browser, manifest
from bot.cli.parser import UNUSABLE_SETTINGS, NotDoneError, parser
from bot.config.environment import SettingsError, read_environment
from bot.config.settings import OF_ORDERS, Settings, find_warnings, summarize
from bot.outbound.store.errors import StoreDownError, StoreError, StoreNotUsableError
from bot.runtime import force_exit_after

try:
    import uvloop as loops
except ImportError:  # pragma: no cover - uvloop does not exist on every platform
    loops = asyncio  # type: ignore[misc]

_log = logging.getLogger(__name__)

_ENV_FILE = Path(".env")
_ADVICE = "`anchor-bot init` asks for the settings, and checks them."
_NO_FILE = "There is no .env here: run this in the bot's directory. For a new bot, "
OPEN_FILES = 65_536
_EXIT_TIMEOUT = 1.0  # seconds after the drain
_SWITCH_INTERVAL = 0.0005  # seconds; a read of SQLite waits several times for its thread's turn


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code: 0 success, 1 failure, 2 unusable settings or arguments, 130 Ctrl-C."""
    cast("io.TextIOWrapper", sys.stdout).reconfigure(errors="backslashreplace")  # not every terminal has ✓
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash dumps no secrets
    options = parser().parse_args(arguments)
    with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
        code = _execute(options, runner)
        force_exit_after(code, within=_EXIT_TIMEOUT)  # Python waits for threads, and a database can hang
    return code


def _execute(options: argparse.Namespace, runner: asyncio.Runner) -> int:
    execute = _COMMANDS[options.command]
    if execute not in {_run, _demo}:
        logs.configure("ERROR", "text")
    try:
        code = execute(options, runner)
        sys.stdout.flush()
    except SettingsError as error:
        advice = run_as_owner(_ENV_FILE) or (_ADVICE if _ENV_FILE.is_file() else _NO_FILE + _ADVICE)
        return _fail(*error.problems, *([advice] if options.command != "init" else []), code=UNUSABLE_SETTINGS)
    except NotDoneError as error:
        return _fail(str(error), code=error.code)
    except (StoreNotUsableError, StoreError) as error:
        return _fail_by_store(error)
    except KeyboardInterrupt:
        return _fail(
            "Interrupted. Nothing was sent." if execute is _order else "Interrupted.", code=128 + signal.SIGINT
        )
    except BrokenPipeError:  # our output is no longer read, as after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the flush at exit fails again
        return 1
    return code


def _fail(*sentences: str, code: int) -> int:
    for sentence in sentences:
        print(f"anchor-bot: {as_called(sentence)}", file=sys.stderr)  # noqa: T201 - output of a command
    return code


def _fail_by_store(error: StoreNotUsableError | StoreError) -> int:
    if isinstance(error, StoreError):
        return _fail(f"Database error, command not completed: {error}.", code=1)
    return _fail(str(error), code=1 if isinstance(error, StoreDownError) else UNUSABLE_SETTINGS)


def _environ() -> Mapping[str, str]:
    return read_environment(os.environ, _ENV_FILE)


def _run(_: argparse.Namespace, runner: asyncio.Runner) -> int:
    environ = _environ()
    settings = Settings.from_env(environ)
    logs.configure(settings.log_level, settings.log_format)
    _log.info("starting", extra={"version": __version__} | summarize(settings))
    for level, why in find_warnings(environ, settings, _ENV_FILE):
        _log.log(level, "questionable setting", extra={"why": why})
    _raise_limit_of_open_files()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    gc.disable()  # until `serve` has started: a tenth of the time to start
    # the other commands need no bot, and end sooner without
    from bot.app import serve  # noqa: PLC0415
    from bot.inbound.http import NotListeningError  # noqa: PLC0415
    from bot.outbound.slack.client import AppTokenRefusedError, TokenRefusedError  # noqa: PLC0415

    try:
        runner.run(serve(settings))
    except TokenRefusedError as error:
        why = f"SLACK_BOT_TOKEN is refused by Slack ({error}): reinstall the app and copy its bot token again."
        return _fail(why, code=UNUSABLE_SETTINGS)
    except AppTokenRefusedError as error:
        why = f"SLACK_APP_TOKEN is refused by Slack ({error}): generate an app-level token with the scope "
        why += "connections:write (Basic Information > App-Level Tokens) and put it there."
        return _fail(why, code=UNUSABLE_SETTINGS)
    except NotListeningError as error:
        return _fail(str(error), code=1)
    except OSError as error:
        return _fail(f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}.", code=1)
    return 0


def _raise_limit_of_open_files() -> None:
    """Raise the limit, usually 1,024, since each running command holds two connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _manifest(options: argparse.Namespace, _: asyncio.Runner) -> int:
    if options.many and not options.http:
        return _fail("--many needs --http URL: browsers go there to install the app.", code=UNUSABLE_SETTINGS)
    text = manifest(options.http, many=options.many)
    print(text, end="", flush=True)  # noqa: T201 - output of a command
    print(f"\nCreate the app: {creation_link(text)}", file=sys.stderr)  # noqa: T201 - output of a command
    return 0


# The commands below import what they need when they run: the others end sooner without.


def _init(options: argparse.Namespace, runner: asyncio.Runner) -> int:
    from bot.cli.init import Init  # noqa: PLC0415

    return Init(options, os.environ, runner.run, sys.stdout).execute()


def _doctor(options: argparse.Namespace, runner: asyncio.Runner) -> int:
    from bot.cli.doctor import examine  # noqa: PLC0415

    return runner.run(examine(options, os.environ, _ENV_FILE, sys.stdout))


def _order(options: argparse.Namespace, runner: asyncio.Runner) -> int:
    from bot.cli.drill import drill  # noqa: PLC0415
    from bot.cli.orders import give_order  # noqa: PLC0415

    give = drill if options.command == "drill" else give_order
    return runner.run(give(options, Settings.from_env(_environ(), OF_ORDERS)))


def _journal(options: argparse.Namespace, runner: asyncio.Runner) -> int:
    from bot.cli.journal import show_journal, verify_journal  # noqa: PLC0415

    if not (options.verify or options.link or options.acknowledge):
        return runner.run(show_journal(options, _environ(), sys.stdout))
    try:
        return runner.run(verify_journal(options, Settings.from_env(_environ()), sys.stdout))
    except (NotDoneError, StoreNotUsableError, StoreError) as error:
        return _fail(str(error), code=UNUSABLE_SETTINGS)  # 1 says that somebody has changed the trail


def _operate(options: argparse.Namespace, runner: asyncio.Runner) -> int:
    from bot.cli.operators import operate  # noqa: PLC0415

    print(operate(options, _environ(), runner.run))  # noqa: T201 - output of a command
    return 0


def _demo(options: argparse.Namespace, runner: asyncio.Runner) -> int:
    from bot import demo  # noqa: PLC0415

    async def work() -> int:
        if options.check:
            return 0 if await demo.play(sys.stdout) else 1
        return await demo.serve(sys.stdout, port=int(options.port), browser=has_browser() and not options.no_browser)

    return runner.run(demo.until_signal(work()))


_COMMANDS: Mapping[str, Callable[[argparse.Namespace, asyncio.Runner], int]] = {
    "run": _run,
    "manifest": _manifest,
    "init": _init,
    "doctor": _doctor,
    **dict.fromkeys(("sessions", "pause", "resume", "end", "drill"), _order),
    "journal": _journal,
    "demo": _demo,
    **dict.fromkeys(("keys", "workspaces", "people"), _operate),
}
