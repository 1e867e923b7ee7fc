"""The command line: commands, options and their values, and the exit code of one that was not done."""

import argparse
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import bot
from bot.config.addresses import is_port, is_public_url
from bot.core.fields import CHANNEL_ID, SLACK_ID, USER_ID
from bot.core.history import Result
from bot.core.outcomes import NAMES
from bot.core.requests import operator_name
from bot.core.session_ids import Found, SessionId, find_session_id
from bot.core.sessions import EIGHT_DIGITS

UNUSABLE_SETTINGS = 2  # the exit code if a setting or an argument is invalid

_LINK = re.compile("[0-9a-f]{64}", re.ASCII)
_DURATION = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_OUTCOMES: dict[str, str] = {name.casefold(): name for name in (*NAMES, *Result)}
"""By their names in lower case. A kind wins: `unconfirmed` includes `Broken`."""


class NotDoneError(Exception):
    """A command that was not completed; the text says why. `code` is its exit code."""

    def __init__(self, why: str, *, code: int = 1) -> None:
        super().__init__(why)
        self.code = code


def _one_like(is_valid: Callable[[str], object], kind: str, example: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not is_valid(text):
            raise argparse.ArgumentTypeError(f"{text!r} is not {kind}: use {example}")
        return text

    return read


_team_id = _one_like(SLACK_ID.fullmatch, "a workspace id", "an id like T0123456789")
_channel_id = _one_like(CHANNEL_ID.fullmatch, "a channel id", "an id like C0123456789")
_link = _one_like(_LINK.fullmatch, "a link", "the 64 digits of a line about the audit trail")
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
        example = f"use one like NotFound, or a kind: {', '.join(Result)}"
        raise argparse.ArgumentTypeError(f"{text!r} is not an outcome: {example}")
    return _OUTCOMES[text.casefold()]


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
_SESSION = _option("session", "the session: its id, or a URL with it", type=_session_id, metavar="ID")
_DIGITS = {"type": _session_or_digits, "metavar": "ID"}
_SHORT = "the session: its id, or a URL with it, or its first 8 digits"
_REASON = _option("--reason", "the reason, for the journal", default="")
_MATCH = _option("--match", "only those with a tag, domain or key", default="", metavar="WORDS")
_HTTP = _option("--http", "the bot's public URL, for Slack's requests", type=_https_url, metavar="URL")
_KEPT = "Works with and without a running bot."
_OPERATOR = f"{_KEPT} Asks for no permission in Slack, and is recorded in the journal."

_COMMANDS = (
    _Command("run", "Run the bot until SIGTERM. Serve Slack's requests at POST /slack/events, or by Socket Mode if "
        "SLACK_APP_TOKEN is set. Health checks: GET /healthz, GET /readyz. Settings come from the environment, then "
        "from .env in the working directory."),
    _Command("manifest", "Print the manifest of the Slack app, and to stderr the link that creates the app from it. "
        "Without options, the app is for Socket Mode and one workspace.",
        (_HTTP, _flag("--many", "let many workspaces install the app; needs --http"))),
    _Command("init", "Ask for the settings, check them, and write .env. Only you can read the file. Without --http, it "
        "first asks for the public URL; Enter means Socket Mode. At the end it runs anchor-bot doctor.",
        (_HTTP, _flag("--many", "serve many workspaces, which install the app"),
            _flag("--yes", "replace the file without a question"))),
    _Command("doctor", "Check the settings, Slack, Anchor and the database. Print a line for each check: ✓ fine, ! "
        "works, but is probably not meant, ✗ has to be fixed, – not checked. "  # noqa: RUF001 - as it is printed
        f"Nothing is changed, and no message shows in Slack. {_KEPT} Exit code 2 also means that something "
        "has to be changed in Slack or on this machine.",
        (_flag("--json", "print JSON for programs"), _WORKSPACE)),
    _Command("sessions", "List the sessions that run, and who paused which.", (_MATCH, _WORKSPACE),
        defaults={"session": None, "all": True, "reason": ""}),
    _Command("pause", f"Pause a session's agent, also when Slack is down. {_OPERATOR}",
        (_option("session", _SHORT, nargs="?", **_DIGITS),
            _flag("--all", "instead, all sessions that run, after a question"), _MATCH,
            _flag("--yes", "ask nothing; without a terminal --all requires this"), _REASON, _WORKSPACE)),
    _Command("resume", f"Resume a session's agent, if the database can record it. {_OPERATOR}",
        (_option("session", _SHORT, **_DIGITS), _REASON, _WORKSPACE)),
    _Command("end", f"End a session, if the database can record it. {_OPERATOR} The browser, its pages and the agent's "
        "run are lost. It needs END_SESSION=on, or with many workspaces the permission in the app's Home.",
        (_SESSION, _REASON, _WORKSPACE, _YES)),
    _Command("drill", "Pause and resume a session, to show that the brake works. It asks first, and prints how long "
        "each step took. Refused if the session is paused, or had an alert within the last hour. After an order of "
        "somebody else nothing is resumed. Nobody is told in Slack.",
        (_SESSION, _YES, _option("--channel", "let the bot post both results there", type=_channel_id, metavar="ID"),
            _WORKSPACE)),
    _Command("journal", f"Print who paused and resumed what. Also the rejected orders, the newest at the end. {_KEPT} "
        "Times are in UTC. The format json (one object per line) has all fields.",
        (_option("--since", "how far back: a duration like 30m, 24h or 7d, or a time like 2026-11-26T10:00Z "
            "(default: 24h)", type=_since, default="24h", metavar="TIME"),
            _option("--session", "only this session: its id, or a URL with it", type=_session_id, metavar="ID"),
            _option("--batch", "only the orders that were given at once, by the id of the result", metavar="ID"),
            _option("--user", "only this person: an id like U0123456789", type=_user_id, metavar="ID"),
            _option("--outcome", f"only this outcome, like NotFound, or this kind of outcome: {', '.join(Result)}",
                type=_outcome, metavar="NAME"),
            _WORKSPACE, _option("--format", "default: table", choices=["table", "json"], default="table"),
            _flag("--verify", "print instead whether what is recorded was changed: exit code 0 if not, 1 if it was, 2 "
                "if that cannot be known"),
            _flag("--acknowledge", "--verify, and let the trail go on after the gaps that it had"),
            _option("--from", "with --verify: a link that the log has", dest="link", type=_link, metavar="LINK"))),
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
                (_TEAM, _flag("--offline", "save the key without checking it with Anchor"))),
            _Command("alert-tokens", "Revoke an alert token of the workspace. It stops working at once.",
                (_TEAM, _option("--revoke", "its name, as in Home", metavar="NAME", required=True))))),
    _Command("people", f"Print what is stored of a person, or forget them. {_KEPT} Messages in Slack, logs and backups "
        "stay as they are.", actions=(
            _Command("export", "Print what is stored of a person, without secrets. Each row that names the person is a "
                "line of JSON. Times are in UTC.", (_USER, _WORKSPACE)),
            _Command("forget", "Replace a person by a random pseudonym. In orders, cards, alert tokens and texts; what "
                "Slack has reported about them is deleted. Their tokens stay valid. Wait up to a minute for orders "
                "that are not finished. Refused while permissions name the person.", (_USER, _WORKSPACE, _YES)))),
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
    top.add_argument("--version", action="version", version=f"anchor-bot {bot.__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")
    for command in _COMMANDS:
        command.add_to(commands)
    return top
