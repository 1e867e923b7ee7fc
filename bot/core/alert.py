"""An alert about a session, read from the JSON that a program posts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never
from urllib.parse import urlsplit

from bot.core.messages.markup import link, plain, width
from bot.core.session_id import Ambiguous, Broken, Found, Missing, SessionId, find_session_id

CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{2,30}", re.ASCII)
"""How the id of a conversation looks in Slack."""

ALERTS_PATH = "/alerts"
"""Where programs post alerts; where many workspaces are served, with the id of theirs behind it."""

LONGEST_LINK = 1000
"""The most characters of a link as it is written in a message, where `&` takes five."""

_LONGEST_READ = 20_000  # characters; far more than a card shows, and little enough to look at each


def alerts_url(base_url: str, team_id: str = "") -> str:
    """Where programs post the alerts of a workspace to a bot that is reached at `base_url`."""
    url = f"{base_url.rstrip('/')}{ALERTS_PATH}"
    return f"{url}/{team_id}" if team_id else url


class Severity(StrEnum):
    """How bad it is, in the words that `severity` takes."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody must know about a session. `text` and `title` are foreign; `url` is http or https."""

    session_id: SessionId
    text: str
    title: str = ""
    severity: Severity = Severity.WARNING
    url: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class BadAlert:
    """Why it can't be posted: the field, if it is one alone, and a sentence for whoever wrote the program."""

    field: str | None
    why: str


class _BadFieldError(Exception):
    """A field and what is wrong with it, which begins with its name in the sentence."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} {why}")
        self.name = name


def read_alert(fields: object) -> Alert | BadAlert:
    """Read a value that was JSON. Fields that it does not know are passed over; blank and null count as absent."""
    if not isinstance(fields, dict):
        return BadAlert(None, "The body must be a JSON object with session_id and text.")
    try:
        return Alert(
            session_id=_session_id(fields),
            text=_required_text(fields),
            title=_string(fields, "title"),
            severity=_severity(fields),
            url=_url(fields),
            channel=_channel(fields),
        )
    except _BadFieldError as bad:
        return BadAlert(bad.name, f"{bad}.")


def _string(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _BadFieldError(name, "must be a string")
    return value[:_LONGEST_READ].strip()


def _session_id(fields: Mapping[str, object]) -> SessionId:
    name = "session_id"
    match find_session_id(_string(fields, name)):
        case Found(session_id=session_id):
            return session_id
        case Missing():
            raise _BadFieldError(name, "is missing: put the id of the Anchor session there")
        case Broken():
            raise _BadFieldError(name, "holds no session id: it has 32 hexadecimal digits in groups of 8-4-4-4-12")
        case Ambiguous(session_ids=session_ids):
            raise _BadFieldError(name, f"names {len(session_ids)} different sessions: send one alert for each")
        case never:
            assert_never(never)


def _required_text(fields: Mapping[str, object]) -> str:
    text = _string(fields, "text")
    if not plain(text):
        raise _BadFieldError("text", "is missing: say what happened")
    return text


def _severity(fields: Mapping[str, object]) -> Severity:
    word = _string(fields, "severity").lower() or Severity.WARNING
    if word not in set(Severity):
        raise _BadFieldError("severity", f"must be one of {', '.join(Severity)}")
    return Severity(word)


def _url(fields: Mapping[str, object]) -> str | None:
    url = _string(fields, "url")
    if not url:
        return None
    if not _is_web_address(url):
        raise _BadFieldError("url", "must be an http or https address, without a user name or password")
    if width(link(url, "Open")) > LONGEST_LINK:
        raise _BadFieldError("url", f"is too long: it may take {LONGEST_LINK} characters, of which & takes five")
    return url


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    written = url.isprintable() and " " not in url
    return written and parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


def _channel(fields: Mapping[str, object]) -> str | None:
    channel = _string(fields, "channel")
    if channel and not CHANNEL_ID.fullmatch(channel):
        raise _BadFieldError(
            "channel", "must be a channel's id like C0123456789, not its name: see its details in Slack"
        )
    return channel or None
