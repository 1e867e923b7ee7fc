"""The command line: commands, options and their values, and the exit code of one that was not done."""

import argparse
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import bot
from bot.config.addresses import is_port, is_public_url, is_request_url
from bot.core.fields import CHANNEL_ID, SLACK_ID, USER_ID
from bot.core.history import Result
from bot.core.outcomes import NAMES
from bot.core.requests import Verb, operator_name
from bot.core.session_ids import Found, SessionId, find_session_id
from bot.core.sessions import EIGHT_DIGITS

UNUSABLE_SETTINGS = 2  # the exit code if a setting or an argument is invalid

_LINK = re.compile("[0-9a-f]{64}", re.ASCII)
_DURATION = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_NAMES: tuple[str, ...] = (*Result, *sorted(NAMES))
_OUTCOMES = {name.casefold(): name for name in reversed(_NAMES)}
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


def _https_url(text: str) -> str:
    if is_request_url(text):
        raise argparse.ArgumentTypeError(f"{text!r} ends in /slack/events, which is added to the URL: leave it out")
    if not is_public_url(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an https URL: use a URL like https://bot.example.com")
    return text.rstrip("/")


_Option = tuple[str, dict[str, Any]]


def _option(name: str, text: str, **more: Any) -> _Option:  # noqa: ANN401 - argparse's
    return name, {"help": text, **more}


def _flag(name: str, text: str) -> _Option:
    return _option(name, text, action="store_true")


@dataclass(frozen=True, slots=True)
class _Command:
    name: str
    help: str
    description: str | None
    epilog: str | None = None
    options: tuple[_Option, ...] = ()
    actions: tuple["_Command", ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)

    def add_to(self, commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
        parser = commands.add_parser(self.name, help=self.help, description=self.description, epilog=self.epilog)
        parser.set_defaults(**self.defaults)
        for name, more in self.options:
            parser.add_argument(name, **more)
        if self.actions:
            actions = parser.add_subparsers(dest="action", required=True, metavar="action")
            for action in self.actions:
                action.add_to(actions)


# fmt: off
_INVALID = "2: an argument or setting is invalid."
_WORKSPACE = _option("--workspace", "the workspace, if the bot serves several", type=_team_id, metavar="ID")
_YES = _flag("--yes", "ask nothing; without a terminal this is required")
_SESSION = _option("session", "the session: its id, or a URL with it", type=_session_id, metavar="ID")
_SHORT_SESSION = "the session: its id, or a URL with it, or its first 8 digits"
_REASON = _option("--reason", "the reason, for the journal", default="")
_HTTP = _option("--http", "the bot's public URL, for Slack's requests", type=_https_url, metavar="URL")
_RECORDED, _ENDS = "if the database can record it", (
    " The browser, its pages and the agent's run are lost. It needs END_SESSION=on, or with many workspaces the "
    "permission in the app's Home.")


def _order(verb: Verb, what: str, purpose: str, *options: _Option, effect: str = "") -> _Command:
    return _Command(verb.value, f"{verb} {what}, {purpose}",
        f"{verb.value.capitalize()} {what} with the bot's settings, {purpose}. Works with and without a running bot, "
        f"asks for no permission in Slack, and is recorded in the journal.{effect}",
        f"Exit code 1: not done, or unconfirmed: the output says why; {_INVALID}", options)


def _of_workspace(name: str, summary: str, *options: _Option, epilog: str | None = None) -> _Command:
    team = _option("team_id", "the workspace's id, like T0123456789", type=_team_id, metavar="ID")
    return _Command(name, summary, f"{summary[0].upper()}{summary[1:]}.", epilog, (team, *options))


def _of_person(name: str, summary: str, description: str, epilog: str, *options: _Option) -> _Command:
    epilog = f"Exit code 1: not done: the output says why; 2: an argument or setting is invalid{epilog}"
    user = _option("user", "the person's id, like U0123456789", type=_user_id, metavar="ID")
    workspace = _option("--workspace", "only in this workspace, by its id", type=_team_id, metavar="ID")
    return _Command(name, summary, description, epilog, (user, workspace, *options))


_COMMANDS = (
    _Command("run", "run the bot until SIGTERM",
        "Serve Slack's requests at POST /slack/events, or by Socket Mode if SLACK_APP_TOKEN is set. On SIGTERM, finish "
        "running work and exit. Health checks: GET /healthz, GET /readyz.",
        "Settings come from the environment, then from .env in the working directory; anchor-bot init writes it. Exit "
        "code 2: a setting is invalid; stderr says which one and how to fix it."),
    _Command("manifest", "print the manifest of the Slack app, and the link that creates the app",
        "Print the manifest of the Slack app to stdout, and to stderr the link that creates the app from it. Without "
        "options, the app is for Socket Mode and one workspace.", None,
        (_HTTP, _flag("--many", "let many workspaces install the app; needs --http"))),
    _Command("init", "ask for the settings, check them, and write .env",
        "Ask at a terminal for the required settings one by one, check each with Slack or Anchor, write them to .env, "
        "which only you can read, and run anchor-bot doctor. Without --http, it first asks for the public URL; Enter "
        "means Socket Mode.",
        "The exit code is that of anchor-bot doctor. If nothing was written, stderr says why: exit code 1, or 2 if an "
        "argument or setting is invalid.",
        (_HTTP, _flag("--many", "serve many workspaces, which install the app"),
            _flag("--yes", "replace the file without a question"))),
    _Command("doctor", "check the settings, Slack, Anchor and the database",
        "Check the settings, the network, the clock, the tokens and their scopes, Socket Mode or the public URL "
        "(BASE_URL), the Anchor key, the database and the alert channel. Print a line for each: ✓ fine, ! works, but "
        "is probably not meant, ✗ has to be fixed, – not checked. Nothing is changed, and no message "  # noqa: RUF001 - as it is printed
        "shows in Slack. Works with and without a running bot.",
        "Exit code 0: nothing has to be fixed; 1: something gives no answer; 2: something has to be changed, in the "
        "settings, in Slack or on this machine.",
        (_flag("--json", "print JSON for programs"),
            _option("--workspace", "check only this one of many workspaces", type=_team_id, metavar="ID"))),
    _Command("sessions", "list the sessions that run, and who paused which",
        "List the sessions that run, by the first 8 digits of their ids, and who paused which.",
        f"Exit code 1: not all are listed: the output says why; {_INVALID}",
        (_option("--match", "only those with a tag, domain or key", default="", metavar="WORDS"), _WORKSPACE),
        defaults={"session": None, "all": True, "reason": ""}),
    _order(Verb.PAUSE, "a session's agent", "also when Slack is down",
        _option("session", _SHORT_SESSION, nargs="?", type=_session_or_digits, metavar="ID"),
        _flag("--all", "instead, all sessions that run, after a question"),
        _option("--match", "of these, those with a tag, domain or key", default="", metavar="WORDS"),
        _flag("--yes", "ask nothing; without a terminal --all requires this"), _REASON, _WORKSPACE),
    _order(Verb.RESUME, "a session's agent", _RECORDED,
        _option("session", _SHORT_SESSION, type=_session_or_digits, metavar="ID"), _REASON, _WORKSPACE),
    _order(Verb.END, "a session", _RECORDED, _SESSION, _REASON, _WORKSPACE, _YES, effect=_ENDS),
    _Command("drill", "pause and resume a session, to show that the brake works",
        "After a question, pause a session and resume it at once, in the same way as anchor-bot pause and resume, and "
        "print how long each step took. Refused if the session is paused, or had an order or an alert within the last "
        "hour. After an order of somebody else nothing is resumed. Nobody is told in Slack.",
        f"Exit code 1: the brake does not work, or this is unconfirmed: the output says why; {_INVALID}",
        (_SESSION, _YES, _option("--channel", "let the bot post both results there", type=_channel_id, metavar="ID"),
            _WORKSPACE)),
    _Command("journal", "print who paused and resumed what",
        "Print the pauses and resumes in the database of DATABASE_URL, also the rejected ones, the newest at the end. "
        "Works with and without a running bot. Times are in UTC. The format json (one object per line) has all fields.",
        f"Exit code 1: there is no database, or it gives no answer; {_INVALID}",
        (_option("--since", "how far back: a duration like 30m, 24h or 7d, or a time like 2026-11-26T10:00Z "
            "(default: 24h)", type=_since, default="24h", metavar="TIME"),
            _option("--session", "only this session: its id, or a URL with it", type=_session_id, metavar="ID"),
            _option("--batch", "only the orders that were given at once, by the id of the result", metavar="ID"),
            _option("--user", "only this person: an id like U0123456789", type=_user_id, metavar="ID"),
            _option("--outcome", f"only this outcome, like NotFound, or this kind of outcome: {', '.join(Result)}",
                type=_outcome, metavar="NAME"),
            _option("--workspace", "only this workspace, by its id", type=_team_id, metavar="ID"),
            _option("--format", "default: table", choices=["table", "json"], default="table"),
            _flag("--verify", "print instead whether what is recorded was changed: exit code 0 if not, 1 if it was, 2 "
                "if that cannot be known"),
            _flag("--acknowledge", "--verify, and let the trail go on after the gaps that it had"),
            _option("--from", "with --verify: a link that the log has", dest="link", type=_link, metavar="LINK"))),
    _Command("demo", "try the bot in the browser with a simulated Slack and Anchor",
        "Start a simulated Slack, a simulated Anchor and the real bot on this machine, and serve a page on loopback to "
        "use them, until Ctrl-C. No account, no keys, no settings.",
        "Exit code 1: the demo could not start, or --check found a failure.",
        (_flag("--check", "serve no page, print a scripted conversation and exit"),
            _option("--port", "port of the page (default: any free one)", type=_port, default=0, metavar="N"),
            _flag("--no-browser", "open no browser"))),
    _Command("workspaces", "manage the workspaces that installed the app",
        "Manage the workspaces in the database of DATABASE_URL. Running bots apply changes immediately.", actions=(
            _Command("list", "list all workspaces: id, whether an Anchor key is set, installation time, name", None),
            _of_workspace("delete",
                "delete a workspace, its secrets, and its orders and cards; this does not remove the app from Slack",
                _YES),
            _of_workspace("set-key", "check and set the workspace's Anchor API key, read from a prompt or stdin",
                _flag("--offline", "save the key without checking it with Anchor"), epilog="Exit code 1: Anchor "
                f"refuses the key or gives no answer, so nothing was saved; {_INVALID}"),
            _of_workspace("alert-tokens", "revoke an alert token of the workspace: it stops working at once",
                _option("--revoke", "the name of the token; Home lists them", metavar="NAME", required=True)))),
    _Command("people", "print what is stored of a person, or forget them",
        "Print or erase what the database of DATABASE_URL has of a person, in every workspace or in one. Works with "
        "and without a running bot. Messages in Slack, logs and backups stay as they are.", actions=(
            _of_person("export", "print what is stored of a person, without secrets",
                "Print each row that names a person, as a line of JSON, without secrets. Times are in UTC.", "."),
            _of_person("forget", "replace a person by a pseudonym",
                "Replace a person by a random pseudonym in orders, cards, alert tokens and texts, and delete what "
                "Slack has reported about them. Their tokens stay valid. Wait up to a minute for orders that are not "
                "finished.",
                ", or permissions name the person: remove them there first.", _YES))),
    _Command("keys", "create or rotate ENCRYPTION_KEYS",
        "Manage the keys that encrypt secrets in the database of a bot of many workspaces.", actions=(
            _Command("new", "print a new key for ENCRYPTION_KEYS", None),
            _Command("rotate", "encrypt everything again with the first of ENCRYPTION_KEYS",
                "Encrypt everything in the database again with the first of ENCRYPTION_KEYS. Before that, put the new "
                "key in front of the old one and restart every bot. Afterwards, remove the old one."))),
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
