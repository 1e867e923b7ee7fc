"""Alerts in the bot's own format, the JSON object of `POST /alerts`."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import assert_never
from urllib.parse import urlsplit

from bot.core.cards import LONGEST_LINK, Alert, Severity
from bot.core.fields import CHANNEL_ID
from bot.core.session_ids import Ambiguous, Broken, Found, Missing, SessionId, find_session_id
from bot.messages.markup import link, plain, width

_FIELDS = frozenset({"session_id", "text", "title", "severity", "url", "channel", "fingerprint", "status", "fields"})
_STATUSES = ("firing", "resolved")
MOST_FIELDS = 10  # https://docs.slack.dev/reference/block-kit/blocks/section-block
_MOST_WARNINGS, _LONGEST_NAME = 10, 50
MAX_LENGTH = 20_000  # characters that are looked at,
_MOST_KEPT = {"text": 4_000, "title": 500, "fingerprint": 200}  # and stored, with white space that no card shows
_MOST_KEPT_OF_FIELD = (200, 500)  # of a name and a value


@dataclass(frozen=True, slots=True)
class BadAlert:
    """The reason that an alert cannot be posted, with the field if a single one is wrong."""

    field: str | None
    why: str


class _BadFieldError(Exception):
    """A field with a wrong value; the text begins with its name."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} {why}")
        self.name = name


def read_alert(fields: object) -> Alert | BadAlert:
    """Read a parsed JSON value. Unknown fields are ignored with a warning; blank and null count as absent."""
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
            fingerprint=_string(fields, "fingerprint"),
            is_resolved=_is_resolved(fields),
            fields=_pairs(fields),
            warnings=tuple(map(_about_unknown, sorted(fields.keys() - _FIELDS)[:_MOST_WARNINGS])),
        )
    except _BadFieldError as bad:
        return BadAlert(bad.name, f"{bad}.")


def _about_unknown(name: str) -> str:
    similar = get_close_matches(name[:_LONGEST_NAME], _FIELDS, n=1)
    return f"The field {name[:_LONGEST_NAME]} is unknown." + (f" Did you mean {similar[0]}?" if similar else "")


def _string(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _BadFieldError(name, "must be a string")
    return value[:MAX_LENGTH].strip()[: _MOST_KEPT.get(name)]


def _session_id(fields: Mapping[str, object]) -> SessionId:
    given = fields.get("session_id")
    if isinstance(given, str) and len(given) > MAX_LENGTH:  # never cut: what is cut off could name another session
        raise _BadFieldError("session_id", f"is too long: the limit is {MAX_LENGTH:,} characters")
    match find_session_id(_string(fields, "session_id")):
        case Found(session_id=session_id):
            return session_id
        case Missing():
            raise _BadFieldError("session_id", "is missing: put the id of the Anchor session there")
        case Broken():
            raise _BadFieldError("session_id", "is no session id: send 32 hexadecimal digits grouped 8-4-4-4-12")
        case Ambiguous(session_ids=session_ids):
            raise _BadFieldError("session_id", f"names {len(session_ids)} sessions: send one alert for each")
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


def _is_resolved(fields: Mapping[str, object]) -> bool:
    word = _string(fields, "status").lower() or _STATUSES[0]
    if word not in _STATUSES:
        raise _BadFieldError("status", f"must be one of {', '.join(_STATUSES)}")
    return word == _STATUSES[1]


def _pairs(fields: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Return the names and values of `fields`, without blank ones."""
    given = fields.get("fields")
    if given is None or (isinstance(given, str) and not given.strip()):
        return ()
    if not isinstance(given, dict) or not all(isinstance(value, str | int | float) for value in given.values()):
        raise _BadFieldError("fields", "must be an object of texts and numbers")
    if len(given) > MOST_FIELDS:
        raise _BadFieldError("fields", f"has {len(given)} entries: the limit is {MOST_FIELDS}")
    longest_name, longest_value = _MOST_KEPT_OF_FIELD
    pairs = ((name.strip()[:longest_name], str(value).strip()[:longest_value]) for name, value in given.items())
    return tuple((name, value) for name, value in pairs if plain(name) and plain(value))


def _url(fields: Mapping[str, object]) -> str | None:
    url = _string(fields, "url")
    if not url:
        return None
    if not _is_web_url(url):
        raise _BadFieldError("url", "must be an http or https URL, without a user name or password")
    if width(link(url, "Open")) > LONGEST_LINK:
        raise _BadFieldError("url", f"is too long: the limit is {LONGEST_LINK} characters, and & counts as five")
    return url


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_clean = url.isprintable() and " " not in url
    return is_clean and parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


def _channel(fields: Mapping[str, object]) -> str | None:
    channel = _string(fields, "channel")
    if channel and not CHANNEL_ID.fullmatch(channel):
        raise _BadFieldError("channel", "must be a channel id like C0123456789, not a name: see its details in Slack")
    return channel or None
