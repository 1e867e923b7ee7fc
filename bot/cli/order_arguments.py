"""The arguments of the commands for orders, and what they accept."""

import argparse
import re
import time
from datetime import UTC, datetime
from typing import get_args

from bot.core.history import Result
from bot.core.outcomes import Outcome
from bot.core.requests import Verb, operator_name
from bot.core.session_id import Found, SessionId, find_session_id
from bot.core.slack_ids import CHANNEL_ID, SLACK_ID, USER_ID

_DURATION = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_NAMES: tuple[str, ...] = (*Result, *sorted(outcome.__name__ for outcome in get_args(Outcome)))
_OUTCOMES = {name.casefold(): name for name in reversed(_NAMES)}
"""By their names in lower case. A kind wins: `unconfirmed` includes `Broken`."""


def add_journal(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `anchor-bot journal`."""
    parser = commands.add_parser(
        "journal",
        help="print who paused and resumed what",
        description="Print the pauses and resumes in the database of DATABASE_URL, also the rejected ones, the newest "
        "at the end. Works with and without a running bot. Times are in UTC. A narrow terminal gets fewer columns; "
        "json (one object per line) and csv have all.",
        epilog="Exit code 1: there is no database, or it gives no answer; 2: an argument or setting is invalid.",
    )
    parser.add_argument(
        "--since",
        type=_since,
        default="24h",
        metavar="TIME",
        help="how far back: a duration like 30m, 24h or 7d, or a time like 2026-11-26T10:00Z (default: 24h)",
    )
    parser.add_argument("--session", type=session_id, metavar="ID", help="only this session: its id, or a URL with it")
    parser.add_argument("--user", type=_user_id, metavar="ID", help="only this person: an id like U0123456789")
    parser.add_argument(
        "--outcome",
        type=_outcome,
        metavar="NAME",
        help=f"only this outcome, like NotFound, or this kind of outcome: {', '.join(Result)}",
    )
    parser.add_argument("--workspace", type=team_id, metavar="ID", help="only this workspace, by its id")
    parser.add_argument("--format", choices=["table", "json", "csv"], default="table", help="default: table")
    parser.add_argument("--follow", action="store_true", help="then print new and changed orders, until Ctrl-C")


def add_orders(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `anchor-bot pause` and `anchor-bot resume`."""
    for verb, purpose in ((Verb.PAUSE, "also when Slack is down"), (Verb.RESUME, "if the database can record it")):
        parser = commands.add_parser(
            verb.value,
            help=f"{verb} a session's agent, {purpose}",
            description=f"{verb.value.capitalize()} the agent of a session with the bot's settings, {purpose}. Works "
            "with and without a running bot, asks for no permission in Slack, and is recorded in the journal.",
            epilog="Exit code 1: not done, or unconfirmed: the output says why; 2: an argument or setting is invalid.",
        )
        parser.add_argument("session", type=session_id, metavar="ID", help="the session: its id, or a URL with it")
        parser.add_argument("--reason", default="", help="the reason, for the journal")
        parser.add_argument("--workspace", type=team_id, metavar="ID", help="the workspace, if the bot serves several")


def team_id(text: str) -> str:
    """Read a workspace id."""
    if not SLACK_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a workspace id: use an id like T0123456789")
    return text


def channel_id(text: str) -> str:
    """Read a channel id."""
    if not CHANNEL_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a channel id: use an id like C0123456789")
    return text


def session_id(text: str) -> SessionId:
    """Read a session id in any form in which people paste it."""
    found = find_session_id(text)
    if not isinstance(found, Found):
        example = "use one like 3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"
        raise argparse.ArgumentTypeError(f"{text!r} does not contain exactly one session id: {example}")
    return found.session_id


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


def _user_id(text: str) -> str:
    if not USER_ID.fullmatch(text) and not operator_name(text):
        example = "use an id like U0123456789, or os:name for the command line"
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of a person: {example}")
    return text


def _outcome(text: str) -> str:
    """Read the name of an outcome or of a kind of outcomes, in any case."""
    if text.casefold() not in _OUTCOMES:
        raise argparse.ArgumentTypeError(f"{text!r} is not an outcome: use one of {', '.join(_NAMES)}")
    return _OUTCOMES[text.casefold()]
