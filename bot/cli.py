"""The command line: `anchor-bot run`, `anchor-bot alert` and `anchor-bot demo`."""

import argparse
import asyncio
import io
import os
import resource
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from dotenv.parser import parse_stream

import bot
from bot import logs
from bot.app import NotListeningError, serve
from bot.outbound.own_alerts import NotPosted, send_alert
from bot.outbound.slack import AppTokenRefusedError, TokenRefusedError
from bot.settings import SenderSettings, Settings, SettingsError, is_port

try:
    import uvloop as loops
except ImportError:  # pragma: no cover - where uvloop does not exist, asyncio's own loop serves
    loops = asyncio  # type: ignore[misc]

_UNUSABLE_SETTINGS = 2
_OPEN_FILES = 65_536
_LEAVE_WITHIN = 1.0  # seconds; what was in hand has been drained by then


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 fine, 1 failed, 2 for settings or arguments that can't be used."""
    chosen = _parser().parse_args(arguments)
    run = {"run": _run, "alert": _alert, "demo": _demo}[chosen.command]
    return run(chosen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="anchor-bot",
        description="Pause the AI agent of an Anchor Browser session from Slack: /anchor-pause <session_id> [reason].",
        epilog="New here? `anchor-bot demo` needs no account and no keys.",
    )
    parser.add_argument("--version", action="version", version=f"anchor-bot {bot.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser(
        "run",
        help="serve Slack until SIGTERM",
        description="Serve Slack's requests at POST /slack/events, or by Socket Mode where SLACK_APP_TOKEN is set, "
        "until SIGTERM, which lets work in hand finish. "
        "Probes: GET /healthz, GET /readyz.",
        epilog="Settings come from the environment, then from .env in the working directory; .env.example lists "
        "and explains all of them. Exit code 2: a setting can't be used, and stderr says which and what to do.",
    )
    _add_alert(commands)
    _add_demo(commands)
    return parser


def _add_alert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "alert",
        help="post an alert with a Pause button, through a running bot",
        description="Send an alert about a session to the /alerts of a running bot, which posts it in Slack with a "
        "button to pause the session. Prints the channel and the message's ts.",
        epilog="ANCHOR_BOT_URL and ALERTS_TOKEN come from the environment, then from .env in the working directory. "
        "Exit code 1: it was not posted, or not for sure; 2: an argument or a setting can't be used.",
    )
    parser.add_argument("--session", required=True, metavar="ID", help="the session, in any form: an id, its URL")
    parser.add_argument("--text", required=True, help="what happened")
    parser.add_argument("--title", help="the same in a few words")
    parser.add_argument("--severity", choices=["info", "warning", "critical"], help="warning, unless said otherwise")
    parser.add_argument("--url", help="where to look: http or https")
    parser.add_argument("--channel", metavar="ID", help="the channel's id, if not the bot's ALERTS_CHANNEL")
    parser.add_argument("--bot-url", metavar="URL", help="where the bot is, instead of ANCHOR_BOT_URL")


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "demo",
        help="try the bot in the browser, between a simulated Slack and Anchor",
        description="Start a simulated Slack and a simulated Anchor on this machine and the real bot between them, and "
        "serve a page on loopback to use them from, until Ctrl-C. No account, no keys, no settings.",
        epilog="Exit code 1: it could not start, or with --check something did not go as it should.",
    )
    parser.add_argument("--check", action="store_true", help="play a conversation instead, print it and end")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="where to serve the page, if not anywhere")
    parser.add_argument("--no-browser", action="store_true", help="open no browser")


def _port(text: str) -> int:
    if not is_port(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write a number from 0 (any free one) to 65535")
    return int(text)


def _alert(chosen: argparse.Namespace) -> int:
    override = {} if chosen.bot_url is None else {"ANCHOR_BOT_URL": chosen.bot_url}
    try:
        settings = SenderSettings.from_env(read_environment(os.environ, Path(".env")) | override)
    except SettingsError as error:
        return _complain(*error.problems, "See .env.example for every setting.", code=_UNUSABLE_SETTINGS)
    names = ("text", "title", "severity", "url", "channel")
    fields = {"session_id": chosen.session} | {name: getattr(chosen, name) for name in names}
    result = send_alert(settings.bot_url, settings.alerts_token, fields)
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
    except NotListeningError as error:
        return _complain(f"HOST and PORT ({settings.host}:{settings.port}) can't be listened on: {error}.", code=1)
    except OSError as error:
        return _complain(f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR can't be read: {error}.", code=1)
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


def read_environment(environ: Mapping[str, str], env_file: Path) -> dict[str, str]:
    """The environment over the file's variables; a variable that is set blank stays blank.

    Raises SettingsError where there is a file and it, or a line of it, can't be read.
    """
    try:
        text = env_file.read_text(encoding="utf-8-sig") if env_file.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError((f"{env_file} can't be read ({error}): make it a readable UTF-8 file.",)) from None
    bindings = list(parse_stream(io.StringIO(text)))
    problems = [
        f"{env_file}, line {one.original.line}, can't be read: write NAME=value." for one in bindings if one.error
    ]
    if problems:
        raise SettingsError(tuple(problems))
    return {one.key: one.value for one in bindings if one.key and one.value is not None} | dict(environ)


def _complain(*sentences: str, code: int) -> int:
    for sentence in sentences:
        print(f"anchor-bot: {sentence}", file=sys.stderr)  # noqa: T201 - a command line speaks by printing
    return code
