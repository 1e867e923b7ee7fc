"""The command line: commands, options and their values, and the exit code of one that was not done."""

import argparse
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias, get_args

import bot
from bot.config.addresses import is_port, is_public_url, is_request_url
from bot.core.fields import CHANNEL_ID, SLACK_ID, USER_ID
from bot.core.history import Result
from bot.core.outcomes import Outcome
from bot.core.requests import Verb, operator_name
from bot.core.session_ids import Found, SessionId, find_session_id
from bot.core.sessions import EIGHT_DIGITS

_EFFECT_OF_END = (
    "The browser, its pages and the agent's run are lost. It needs END_SESSION=on, or with many workspaces the "
    "permission in the app's Home."
)

UNUSABLE_SETTINGS = 2  # the exit code if a setting or an argument is invalid

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name

_LINK = re.compile("[0-9a-f]{64}", re.ASCII)
_DURATION = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_NAMES: tuple[str, ...] = (*Result, *sorted(outcome.__name__ for outcome in get_args(Outcome)))
_OUTCOMES = {name.casefold(): name for name in reversed(_NAMES)}
"""By their names in lower case. A kind wins: `unconfirmed` includes `Broken`."""


class NotDoneError(Exception):
    """A command that was not completed; the text says why. `code` is its exit code."""

    def __init__(self, why: str, *, code: int = 1) -> None:
        super().__init__(why)
        self.code = code


def add_journal(commands: _Commands) -> None:
    """Add `anchor-bot journal`."""
    parser = commands.add_parser(
        "journal",
        help="print who paused and resumed what",
        description="Print the pauses and resumes in the database of DATABASE_URL, also the rejected ones, the newest "
        "at the end. Works with and without a running bot. Times are in UTC. "
        "The format json (one object per line) has all fields.",
        epilog="Exit code 1: there is no database, or it gives no answer; 2: an argument or setting is invalid.",
    )
    parser.add_argument(
        "--since",
        type=_since,
        default="24h",
        metavar="TIME",
        help="how far back: a duration like 30m, 24h or 7d, or a time like 2026-11-26T10:00Z (default: 24h)",
    )
    parser.add_argument("--session", type=_session_id, metavar="ID", help="only this session: its id, or a URL with it")
    parser.add_argument(
        "--batch", metavar="ID", help="only the orders that were given at once, by the id of the result"
    )
    parser.add_argument("--user", type=_user_id, metavar="ID", help="only this person: an id like U0123456789")
    parser.add_argument(
        "--outcome",
        type=_outcome,
        metavar="NAME",
        help=f"only this outcome, like NotFound, or this kind of outcome: {', '.join(Result)}",
    )
    parser.add_argument("--workspace", type=_team_id, metavar="ID", help="only this workspace, by its id")
    parser.add_argument("--format", choices=["table", "json"], default="table", help="default: table")
    parser.add_argument("--follow", action="store_true", help="then print new and changed orders, until Ctrl-C")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="print instead whether what is recorded was changed: exit code 0 if not, 1 if it was, 2 if that cannot be "
        "known",
    )
    parser.add_argument(
        "--from", dest="link", type=_link, metavar="LINK", help="with --verify: a link that the log has"
    )


def _add_sessions(commands: _Commands) -> None:
    parser = commands.add_parser(
        "sessions",
        help="list the sessions that run, and who paused which",
        description="List the sessions that run, by the first 8 digits of their ids, and who paused which.",
        epilog="Exit code 1: not all are listed: the output says why; 2: an argument or setting is invalid.",
    )
    parser.add_argument("--match", default="", metavar="WORDS", help="only those with a tag, domain or key")
    parser.add_argument("--workspace", type=_team_id, metavar="ID", help="the workspace, if the bot serves several")
    parser.set_defaults(session=None, all=True, reason="")


def _add_orders(commands: _Commands) -> None:
    recorded = "if the database can record it"
    for verb, purpose in ((Verb.PAUSE, "also when Slack is down"), (Verb.RESUME, recorded), (Verb.END, recorded)):
        what = "a session" if verb is Verb.END else "a session's agent"
        parser = commands.add_parser(
            verb.value,
            help=f"{verb} {what}, {purpose}",
            description=f"{verb.value.capitalize()} {what} with the bot's settings, {purpose}. Works "
            "with and without a running bot, asks for no permission in Slack, and is recorded in the journal.",
            epilog="Exit code 1: not done, or unconfirmed: the output says why; 2: an argument or setting is invalid.",
        )
        is_pause = verb is Verb.PAUSE
        read, short = (_session_id, "") if verb is Verb.END else (_session_or_digits, ", or its first 8 digits")
        about, number = f"the session: its id, or a URL with it{short}", "?" if is_pause else None
        parser.add_argument("session", nargs=number, type=read, metavar="ID", help=about)
        if is_pause:
            parser.add_argument("--all", action="store_true", help="instead, all sessions that run, after a question")
            parser.add_argument(
                "--match", default="", metavar="WORDS", help="of these, those with a tag, domain or key"
            )
            parser.add_argument(
                "--yes", action="store_true", help="ask nothing; without a terminal --all requires this"
            )
        parser.add_argument("--reason", default="", help="the reason, for the journal")
        parser.add_argument("--workspace", type=_team_id, metavar="ID", help="the workspace, if the bot serves several")
        if verb is Verb.END:
            parser.description = f"{parser.description} {_EFFECT_OF_END}"
            parser.add_argument("--yes", action="store_true", help="ask nothing; without a terminal this is required")


def _add_drill(commands: _Commands) -> None:
    parser = commands.add_parser(
        "drill",
        help="pause and resume a session, to show that the brake works",
        description="After a question, pause a session and resume it at once, in the same way as `anchor-bot pause` "
        "and `resume`, and print how long each step took. Refused if the session is paused, or had an order or an "
        "alert within the last hour. After an order of somebody else nothing is resumed. Nobody is told in Slack.",
        epilog="Exit code 1: the brake does not work, or this is unconfirmed: the output says why; 2: an argument or "
        "setting is invalid.",
    )
    parser.add_argument("session", type=_session_id, metavar="ID", help="the session: its id, or a URL with it")
    parser.add_argument("--yes", action="store_true", help="ask nothing; without a terminal this is required")
    parser.add_argument("--channel", type=_channel_id, metavar="ID", help="let the bot post both results there")
    parser.add_argument("--workspace", type=_team_id, metavar="ID", help="the workspace, if the bot serves several")


def _one_like(is_valid: Callable[[str], object], kind: str, example: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not is_valid(text):
            raise argparse.ArgumentTypeError(f"{text!r} is not {kind}: use {example}")
        return text

    return read


_team_id = _one_like(SLACK_ID.fullmatch, "a workspace id", "an id like T0123456789")
_channel_id = _one_like(CHANNEL_ID.fullmatch, "a channel id", "an id like C0123456789")
_link = _one_like(_LINK.fullmatch, "a link", "the 64 digits of a line about the audit trail")
_port = _one_like(is_port, "a port", "a number from 0 (any free port) to 65535")
_user_id = _one_like(
    lambda text: USER_ID.fullmatch(text) or operator_name(text),
    "the id of a person",
    "an id like U0123456789, or os:name for the command line",
)


def _session_id(text: str) -> SessionId:
    found = find_session_id(text)
    if not isinstance(found, Found):
        example = "use one like 3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"
        raise argparse.ArgumentTypeError(f"{text!r} does not contain exactly one session id: {example}")
    return found.session_id


def _session_or_digits(text: str) -> SessionId:
    return SessionId(text.casefold()) if EIGHT_DIGITS.fullmatch(text) else _session_id(text)


def _since(text: str) -> float:
    """Read a duration before now, or a time, and return the time in Unix seconds."""
    if duration := _DURATION.fullmatch(text):
        return time.time() - int(duration[1]) * _SECONDS[duration[2]]
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time: use a duration like 30m, 24h or 7d, or a time like 2026-11-26T10:00Z"
        ) from None


def _outcome(text: str) -> str:
    if text.casefold() not in _OUTCOMES:
        raise argparse.ArgumentTypeError(f"{text!r} is not an outcome: use one of {', '.join(_NAMES)}")
    return _OUTCOMES[text.casefold()]


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="anchor-bot",
        description="Pause the AI agent of an Anchor Browser session from Slack: /anchor-pause <session_id> [reason].",
        epilog="New here? `anchor-bot demo` needs no account and no keys.",
    )
    top.add_argument("--version", action="version", version=f"anchor-bot {bot.__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser(
        "run",
        help="run the bot until SIGTERM",
        description="Serve Slack's requests at POST /slack/events, or by Socket Mode if SLACK_APP_TOKEN is set. On "
        "SIGTERM, finish running work and exit. Health checks: GET /healthz, GET /readyz.",
        epilog="Settings come from the environment, then from .env in the working directory; `anchor-bot init` "
        "writes it. Exit code 2: a setting is invalid; stderr says which one and how to fix it.",
    )
    _add_manifest(commands)
    _add_init(commands)
    _add_doctor(commands)
    _add_sessions(commands)
    _add_orders(commands)
    _add_drill(commands)
    add_journal(commands)
    _add_demo(commands)
    _add_workspaces(commands)
    _add_people(commands)
    _add_keys(commands)
    return top


def _add_manifest(commands: _Commands) -> None:
    parser = commands.add_parser(
        "manifest",
        help="print the manifest of the Slack app, and the link that creates the app",
        description="Print the manifest of the Slack app to stdout, and to stderr the link that creates the app from "
        "it. Without options, the app is for Socket Mode and one workspace.",
    )
    parser.add_argument("--http", type=_https_url, metavar="URL", help="the bot's public URL, for Slack's requests")
    parser.add_argument("--many", action="store_true", help="let many workspaces install the app; needs --http")


def _add_init(commands: _Commands) -> None:
    parser = commands.add_parser(
        "init",
        help="ask for the settings, check them, and write .env",
        description="Ask at a terminal for the required settings one by one, check each with Slack or Anchor, write "
        "them to .env, which only you can read, and run `anchor-bot doctor`. Without --http, it first asks for the "
        "public URL; Enter means Socket Mode.",
        epilog="The exit code is that of `anchor-bot doctor`. If nothing was written, stderr says why: exit code 1, or "
        "2 if an argument or setting is invalid.",
    )
    parser.add_argument("--http", type=_https_url, metavar="URL", help="the bot's public URL, for Slack's requests")
    parser.add_argument("--many", action="store_true", help="serve many workspaces, which install the app")
    parser.add_argument("--force", action="store_true", help="replace the file if there is one")
    parser.add_argument("--offline", action="store_true", help="check nothing with Slack and Anchor")
    parser.add_argument("--file", default=".env", metavar="FILE", help="the file to write (default: .env)")


def _add_doctor(commands: _Commands) -> None:
    parser = commands.add_parser(
        "doctor",
        help="check the settings, Slack, Anchor and the database",
        description="Check the settings, the network, the clock, the tokens and their scopes, Socket Mode or the "
        "public URL (BASE_URL), the Anchor key, the database and the alert channel. Print a line for each: ✓ fine, "
        "! works, but is probably not meant, ✗ has to be fixed, – not checked. Nothing is changed, and no message "  # noqa: RUF001 - as it is printed
        "shows in Slack. Works with and without a running bot.",
        epilog="Exit code 0: nothing has to be fixed; 1: something gives no answer; 2: something has to be changed, in "
        "the settings, in Slack or on this machine.",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--workspace", type=_team_id, metavar="ID", help="check only this one of many workspaces")


def _https_url(text: str) -> str:
    if is_request_url(text):
        raise argparse.ArgumentTypeError(f"{text!r} ends in /slack/events, which is added to the URL: leave it out")
    if not is_public_url(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an https URL: use a URL like https://bot.example.com")
    return text.rstrip("/")


def _add_demo(commands: _Commands) -> None:
    parser = commands.add_parser(
        "demo",
        help="try the bot in the browser with a simulated Slack and Anchor",
        description="Start a simulated Slack, a simulated Anchor and the real bot on this machine, and serve a page "
        "on loopback to use them, until Ctrl-C. No account, no keys, no settings.",
        epilog="Exit code 1: the demo could not start, or --check found a failure.",
    )
    parser.add_argument("--check", action="store_true", help="serve no page, print a scripted conversation and exit")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="port of the page (default: any free one)")
    parser.add_argument("--no-browser", action="store_true", help="open no browser")


def _add_keys(commands: _Commands) -> None:
    parser = commands.add_parser(
        "keys",
        help="create or rotate ENCRYPTION_KEYS",
        description="Manage the keys that encrypt secrets in the database of a bot of many workspaces.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    actions.add_parser("new", help="print a new key for ENCRYPTION_KEYS")
    actions.add_parser(
        "rotate",
        help="encrypt everything again with the first of ENCRYPTION_KEYS",
        description="Encrypt everything in the database again with the first of ENCRYPTION_KEYS. Before that, put the "
        "new key in front of the old one and restart every bot. Afterwards, remove the old one.",
    )


def _add_workspaces(commands: _Commands) -> None:
    parser = commands.add_parser(
        "workspaces",
        help="manage the workspaces that installed the app",
        description="Manage the workspaces in the database of DATABASE_URL. Running bots apply changes immediately.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    actions.add_parser("list", help="list all workspaces: id, whether an Anchor key is set, installation time, name")
    _add_one(actions, "show", "show a workspace without its secrets")
    delete = _add_one(
        actions,
        "delete",
        "delete a workspace, its secrets, and its orders and cards; this does not remove the app from Slack",
    )
    delete.add_argument("--force", action="store_true", help="ask nothing; without a terminal this is required")
    key = _add_one(actions, "set-key", "check and set the workspace's Anchor API key, read from a prompt or stdin")
    key.epilog = "Exit code 1: Anchor refuses the key or gives no answer, so nothing was saved; 2: an argument or "
    key.epilog += "setting is invalid."
    key.add_argument("--offline", action="store_true", help="save the key without checking it with Anchor")
    tokens = _add_one(actions, "alert-tokens", "revoke an alert token of the workspace: it stops working at once")
    tokens.add_argument("--revoke", metavar="NAME", required=True, help="the name of the token; Home lists them")


def _add_people(commands: _Commands) -> None:
    parser = commands.add_parser(
        "people",
        help="print what is stored of a person, or forget them",
        description="Print or erase what the database of DATABASE_URL has of a person, in every workspace or in one. "
        "Works with and without a running bot. Messages in Slack, logs and backups stay as they are.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    code = "Exit code 1: not done: the output says why; 2: an argument or setting is invalid"
    shown = actions.add_parser(
        "export",
        help="print what is stored of a person, without secrets",
        description="Print each row that names a person, as a line of JSON, without secrets. Times are in UTC.",
        epilog=f"{code}.",
    )
    forgotten = actions.add_parser(
        "forget",
        help="replace a person by a pseudonym",
        description="Replace a person by a random pseudonym in orders, cards, alert tokens and texts, and delete what "
        "Slack has reported about them. Their tokens stay valid. Wait up to a minute for orders that are not finished.",
        epilog=f"{code}, or permissions name the person: remove them there first.",
    )
    for action in (shown, forgotten):
        action.add_argument("user", type=_user_id, metavar="ID", help="the person's id, like U0123456789")
        action.add_argument("--workspace", type=_team_id, metavar="ID", help="only in this workspace, by its id")
    forgotten.add_argument("--force", action="store_true", help="ask nothing; without a terminal this is required")


def _add_one(actions: _Commands, name: str, summary: str) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    parser.add_argument("team_id", type=_team_id, metavar="ID", help="the workspace's id, like T0123456789")
    return parser
