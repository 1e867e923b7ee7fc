"""The command line: the table of commands and options; run one, and return its exit code."""

import argparse
import asyncio
import gc
import io
import logging
import os
import re
import resource
import signal
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

from bot import __version__, logs
from bot.cli.manifest import creation_link, manifest
from bot.cli.terminal import ENV_FILE, UNUSABLE_SETTINGS, NotDoneError, Run, as_called, environ
from bot.config.environment import Settings, SettingsError, find_warnings, summarize
from bot.config.settings import is_port, is_public_url
from bot.core.fields import SLACK_ID, USER_ID
from bot.core.orders import operator_name
from bot.core.session_ids import Found, SessionId, find_session_id
from bot.outbound.store.errors import StoreDownError, StoreError, StoreNotUsableError
from bot.runtime import force_exit_after

try:
    import uvloop as loops
except ImportError:  # pragma: no cover - uvloop does not exist on every platform
    loops = asyncio  # type: ignore[misc]

_log = logging.getLogger(__name__)

_ORDERS = ("sessions", "pause", "resume", "end")
_NO_FILE = (
    "There is no .env here: run this in the bot's directory. For a new bot, `anchor-bot init` writes one that you fill "
    "in."
)
_REFUSED = "{name} is refused by Slack ({error}): `anchor-bot doctor` says what to do."
OPEN_FILES = 65_536
_EXIT_TIMEOUT = 1.0  # seconds after the drain
_SWITCH_INTERVAL = 0.0005  # seconds; a read of SQLite waits several times for its thread's turn


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code: 0 success, 1 failure, 2 unusable settings or arguments, 130 Ctrl-C."""
    cast("io.TextIOWrapper", sys.stdout).reconfigure(errors="backslashreplace")  # not every terminal has ✓
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash dumps no secrets
    options = parser().parse_args(arguments)
    with asyncio.Runner(loop_factory=loops.new_event_loop) as runner:
        code = _execute(options, runner.run)
        force_exit_after(code, within=_EXIT_TIMEOUT)  # Python waits for threads, and a database can hang
    return code


def _execute(options: argparse.Namespace, run: Run) -> int:
    if options.command not in {"run", "demo"}:
        logs.configure("ERROR", "text")
    try:
        own = {"run": _run, "manifest": _manifest, "demo": _demo}.get(options.command)
        code = (own or import_module(f"bot.cli.{_MODULES[options.command]}").execute)(options, run)
        sys.stdout.flush()
    except SettingsError as error:
        advice = [] if ENV_FILE.is_file() else [_NO_FILE]
        return _fail(*error.problems, *advice, code=UNUSABLE_SETTINGS)
    except NotDoneError as error:
        return _fail(str(error), code=error.code)
    except (StoreNotUsableError, StoreError) as error:
        return _fail_by_store(error)
    except KeyboardInterrupt:
        sent = " Nothing was sent." if options.command in _ORDERS else ""
        return _fail(f"Interrupted.{sent}", code=128 + signal.SIGINT)
    except BrokenPipeError:  # our output is no longer read, as after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the flush at exit fails again
        return 1
    return int(code)


def _fail(*sentences: str, code: int) -> int:
    for sentence in sentences:
        print(f"anchor-bot: {as_called(sentence)}", file=sys.stderr)  # noqa: T201 - output of a command
    return code


def _fail_by_store(error: StoreNotUsableError | StoreError) -> int:
    if isinstance(error, StoreError):
        return _fail(f"Database error: {error}. The command may not have been completed: run it again.", code=1)
    return _fail(str(error), code=1 if isinstance(error, StoreDownError) else UNUSABLE_SETTINGS)


def _run(_: argparse.Namespace, run: Run) -> int:
    variables = environ()
    settings = Settings.from_env(variables)
    logs.configure(settings.log_level, settings.log_format)
    _log.info("starting", extra={"version": __version__} | summarize(settings))
    for why in find_warnings(variables, settings, ENV_FILE):
        _log.warning("questionable setting", extra={"why": why})
    _raise_limit_of_open_files()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    gc.disable()  # until `serve` has started: a tenth of the time to start
    # each session has certificates of its own: those that aiohttp loads as it is imported take 20 ms and 2 MB
    ssl.SSLContext.set_default_verify_paths = lambda self: None  # type: ignore[method-assign]  # noqa: ARG005
    # the other commands need no bot, and end sooner without
    from bot.app import serve  # noqa: PLC0415
    from bot.inbound.http import NotListeningError  # noqa: PLC0415
    from bot.outbound.slack.client import AppTokenRefusedError, TokenRefusedError  # noqa: PLC0415

    del ssl.SSLContext.set_default_verify_paths

    async def work() -> int:
        await serve(settings)
        return 0

    try:
        return run(work())
    except TokenRefusedError as error:
        return _fail(_REFUSED.format(name="SLACK_BOT_TOKEN", error=error), code=UNUSABLE_SETTINGS)
    except AppTokenRefusedError as error:
        return _fail(_REFUSED.format(name="SLACK_APP_TOKEN", error=error), code=UNUSABLE_SETTINGS)
    except NotListeningError as error:
        return _fail(str(error), code=1)
    except OSError as error:
        return _fail(f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}.", code=1)


def _raise_limit_of_open_files() -> None:
    """Raise the limit, usually 1,024, since each running command holds two connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _manifest(options: argparse.Namespace, _: Run) -> int:
    text = manifest(options.http, many=options.many)
    print(text, end="", flush=True)  # noqa: T201 - output of a command
    print(f"\nCreate the app: {creation_link(text)}", file=sys.stderr)  # noqa: T201 - output of a command
    return 0


def _demo(options: argparse.Namespace, run: Run) -> int:
    from bot import demo  # noqa: PLC0415 - as `run`

    async def work() -> int:
        if options.check:
            return 0 if await demo.play(sys.stdout) else 1
        return await demo.serve(sys.stdout, port=int(options.port), browser=not options.no_browser)

    return run(demo.until_signal(work()))


_MODULES: Mapping[str, str] = {
    **dict.fromkeys(_ORDERS, "orders"),
    **{name: name for name in ("doctor", "init", "journal")},
    **dict.fromkeys(("keys", "workspaces", "people"), "administration"),
}
"""The modules of the other commands, each loaded for its own commands alone: the others end sooner without."""


_DURATION = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def _one_like(is_valid: Callable[[str], object], kind: str, example: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not is_valid(text):
            raise argparse.ArgumentTypeError(f"{text!r} is not {kind}: use {example}")
        return text

    return read


_team_id = _one_like(SLACK_ID.fullmatch, "a workspace id", "an id like T0123456789")
_https_url = _one_like(is_public_url, "an https URL without /slack/events", "a URL like https://bot.example.com")
_port = _one_like(is_port, "a port", "a number from 0 (any free port) to 65535")
_user_id = _one_like(
    lambda text: USER_ID.fullmatch(text) or operator_name(text),
    "the id of a person",
    "an id like U0123456789, or os:name for the command line",
)


def _session_id(text: str) -> SessionId:
    found = find_session_id(text)
    if not isinstance(found, Found):
        example = "use one like 3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b (anchor-bot sessions lists those that run)"
        raise argparse.ArgumentTypeError(f"{text!r} does not contain exactly one session id: {example}")
    return found.session_id


def _since(text: str) -> float:
    """Read a duration before now, and return the time in Unix seconds."""
    if duration := _DURATION.fullmatch(text):
        return time.time() - int(duration[1]) * _SECONDS[duration[2]]
    raise argparse.ArgumentTypeError(f"{text!r} is not a duration: use one like 30m, 24h or 7d")


_Option = tuple[str, dict[str, Any]]


def _option(name: str, text: str, **more: Any) -> _Option:  # noqa: ANN401 - argparse's
    return name, {"help": text, **more}


def _flag(name: str, text: str) -> _Option:
    return _option(name, text, action="store_true")


@dataclass(frozen=True, slots=True)
class _Command:
    """A command, or an action of one. The first sentence of its text stands in the list of all."""

    name: str
    text: str
    options: tuple[_Option, ...] = ()
    actions: tuple["_Command", ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)

    def add_to(self, commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
        summary = self.text.partition(". ")[0].removesuffix(".")
        help_ = f"{summary[0].lower()}{summary[1:]}"
        parser = commands.add_parser(self.name, help=help_, description=self.text, epilog=_EXIT_CODES)
        parser.set_defaults(**self.defaults)
        for name, more in self.options:
            parser.add_argument(name, **more)
        if self.actions:
            actions = parser.add_subparsers(dest="action", required=True, metavar="action")
            for action in self.actions:
                action.add_to(actions)


# fmt: off
_EXIT_CODES = ("Exit code 0: done; 1: not done, unconfirmed or without an answer, and the output says why; 2: an "
    "argument or a setting is invalid; 130: Ctrl-C.")
_WORKSPACE = _option("--workspace", "the workspace, if the bot serves several", type=_team_id, metavar="ID")
_TEAM = _option("team_id", "the workspace's id, like T0123456789", type=_team_id, metavar="ID")
_USER = _option("user", "the person's id, like U0123456789", type=_user_id, metavar="ID")
_YES = _flag("--yes", "ask nothing; without a terminal this is required")
_SESSION = _option("session", "the session: its whole id, or a URL with it", type=_session_id, metavar="ID")
_REASON = _option("--reason", "the reason, for the journal", default="")
_MATCH = _option("--match", "only those with a tag, domain, key, or an id that begins so", default="", metavar="WORDS")
_HTTP = _option("--http", "the bot's public URL, for Slack's requests", type=_https_url, metavar="URL")
_KEPT = "Works with and without a running bot."
_OPERATOR = f"{_KEPT} Asks for no permission in Slack, and is recorded in the journal."

_TABLE = (
    _Command("run", "Run the bot until SIGTERM. Serve Slack's requests at POST /slack/events, or by Socket Mode if "
        "SLACK_APP_TOKEN is set. Health checks: GET /healthz, GET /readyz. Settings come from the environment, then "
        "from .env in the working directory."),
    _Command("manifest", "Print the manifest of the Slack app, and to stderr the link that creates the app from it. "
        "Without options, the app is for Socket Mode and one workspace.",
        (_HTTP, _flag("--many", "let many workspaces install the app; needs --http"))),
    _Command("init", "Write a new .env, in which you fill in what Slack and Anchor give you. Only you can read it. "
        "Without --http, it is for Socket Mode.",
        (_HTTP, _flag("--many", "serve many workspaces, which install the app"))),
    _Command("doctor", "Check the settings, Slack, Anchor and the database. Print a line for each check: ✓ fine, ! "
        "works, but is probably not meant, ✗ has to be fixed, – not checked. "  # noqa: RUF001 - as it is printed
        f"Nothing is changed, and no message shows in Slack. {_KEPT} Exit code 1: something has to be fixed."),
    _Command("sessions", "List the sessions that run, and who paused which.", (_MATCH, _WORKSPACE),
        defaults={"session": None, "all": True, "reason": ""}),
    _Command("pause", f"Pause a session's agent, also when Slack is down. {_OPERATOR}",
        (_option("session", _SESSION[1]["help"], type=_session_id, metavar="ID", nargs="?"),
            _flag("--all", "instead, all sessions that run, after a question"), _MATCH,
            _flag("--yes", "ask nothing; without a terminal --all requires this"), _REASON, _WORKSPACE)),
    _Command("resume", f"Resume a session's agent, if the database can record it. {_OPERATOR}",
        (_SESSION, _REASON, _WORKSPACE)),
    _Command("end", f"End a session, if the database can record it. {_OPERATOR} The browser, its pages and the agent's "
        "run are lost. It needs END_SESSION=on, or with many workspaces the permission in the app's Home.",
        (_SESSION, _REASON, _WORKSPACE, _YES)),
    _Command("journal", f"Print who paused and resumed what. Also the rejected orders, the newest at the end. {_KEPT} "
        "Times are in UTC. The format json (one object per line) has all fields.",
        (_option("--since", "how far back: a duration like 30m, 24h or 7d (default: 24h)", type=_since, default="24h",
                metavar="TIME"),
            _option("--session", "only this session: its id, or a URL with it", type=_session_id, metavar="ID"),
            _option("--batch", "only the orders that were given at once, by the id of the result", metavar="ID"),
            _option("--user", "only this person: an id like U0123456789", type=_user_id, metavar="ID"),
            _WORKSPACE, _option("--format", "default: table", choices=["table", "json"], default="table"),
            _flag("--verify", "print instead whether what is recorded was changed: exit code 0 if not, 1 if it was, 2 "
                "if that cannot be known"),
            _flag("--acknowledge", "--verify, and let the trail go on after the gaps that it had"))),
    _Command("demo", "Try the bot in the browser with a simulated Slack and Anchor. The real bot runs on this machine, "
        "and a page on loopback lets you use it, until Ctrl-C. No account, no keys, no settings.",
        (_flag("--check", "serve no page, print a scripted conversation and exit"),
            _option("--port", "port of the page (default: any free one)", type=_port, default=0, metavar="N"),
            _flag("--no-browser", "open no browser"))),
    _Command("workspaces", "Manage the workspaces that installed the app. Running bots apply changes immediately.",
        actions=(
            _Command("list", "List all workspaces: id, whether an Anchor key is set, installation time, name."),
            _Command("delete", "Delete a workspace, its secrets, and its orders and cards. This does not remove the "
                "app from Slack.", (_TEAM, _YES)),
            _Command("set-key", "Check and set the workspace's Anchor API key, read from a prompt or stdin.",
                (_TEAM,)))),
    _Command("people", f"Erase what is stored of people. {_KEPT} Messages in Slack, logs and backups stay as they are.",
        actions=(
            _Command("forget", "Replace a person by a random pseudonym. In orders, cards, alert tokens and texts; what "
                "Slack has reported about them is deleted. Their tokens stay valid. Wait up to a minute for orders "
                "that are not finished. Refused while permissions name the person.", (_USER, _WORKSPACE, _YES)),)),
    _Command("keys", "Create or rotate ENCRYPTION_KEYS. They encrypt secrets in the database.", actions=(
        _Command("new", "Print a new key for ENCRYPTION_KEYS."),
        _Command("rotate", "Encrypt everything again with the first of ENCRYPTION_KEYS. Before that, put the new key "
            "in front of the old one and restart every bot. Afterwards, remove the old one."))),
)
# fmt: on


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="anchor-bot",
        description="Pause the AI agent of an Anchor Browser session from Slack: /anchor-pause <session_id> [reason].",
        epilog="New here? anchor-bot demo needs no account and no keys.",
    )
    top.add_argument("--version", action="version", version=f"anchor-bot {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    for command in _TABLE:
        command.add_to(commands)
    return top
