"""The fields of an alert that `POST /alerts` takes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import islice
from typing import assert_never
from urllib.parse import urlsplit

from bot.core.cards import LONGEST_LINK, Alert, Severity
from bot.core.fields import CHANNEL_ID
from bot.core.session_ids import Ambiguous, Broken, Found, SessionId, find_session_id
from bot.messages import cards, senders
from bot.messages.markup import plain, width

_FIELDS = frozenset(
    {"session_id", "text", "title", "severity", "url", "channel", "fingerprint", "status", "fields"}
    | {"action", "starts_at"}
)
_LONGEST_TIME = 40
_HOST = re.compile(r"[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\]", re.ASCII)
MOST_FIELDS = 10  # https://docs.slack.dev/reference/block-kit/blocks/section-block
_MOST_WARNINGS, _LONGEST_NAME = 10, 50
MAX_LENGTH = 20_000  # characters that are looked at,
LONGEST_TEXT = 4_000
LONGEST_ID = 500  # of a session, in any form
_MOST_KEPT = {"text": LONGEST_TEXT, "title": 500, "fingerprint": 200}  # and stored, with white space that no card shows
_MOST_KEPT_OF_FIELD = (200, 500)  # of a name and a value


class BadAlertError(Exception):
    """An alert that cannot be posted, with the field if a single one is wrong. The text says why."""

    def __init__(self, field: str | None, why: str) -> None:
        super().__init__(why)
        self.field = field


def read_alert(fields: object) -> Alert:
    """Read a parsed JSON value. Unknown fields are ignored with a warning. Raises BadAlertError."""
    if not isinstance(fields, dict):
        raise BadAlertError(None, "The body must be a JSON object with session_id and text.")
    asks, warnings = action(fields.get("action"), _string(fields, "fingerprint"))
    starts_at = _string(fields, "starts_at")
    if starts_at and read_time(starts_at) is None:
        warnings = (*warnings, senders.NO_STARTS_AT)
    return Alert(
        session_id=session_id(fields),
        text=_required_text(fields),
        title=_string(fields, "title"),
        severity=Severity(_choice(fields, "severity", list(Severity), Severity.WARNING)),
        url=_url(fields),
        channel=_channel(fields),
        fingerprint=_string(fields, "fingerprint"),
        is_resolved=_choice(fields, "status", ("firing", "resolved"), "firing") == "resolved",
        fields=_pairs(fields),
        warnings=(*warnings, *map(_about_unknown, sorted(fields.keys() - _FIELDS)[:_MOST_WARNINGS])),
        starts_at=read_time(starts_at),
        asks=asks,
    )


def action(given: object, fingerprint: str) -> tuple[bool | None, tuple[str, ...]]:
    """Return whether an alert asks for a pause, None for nothing, and warnings. `given` is any value of JSON."""
    word = given[:MAX_LENGTH].strip() if isinstance(given, str) else "" if given is None else "?"
    if not word:
        return None, ()
    if word.lower() != "pause":
        return False, (senders.NO_ACTION,)
    return (True, ()) if fingerprint else (False, (senders.NO_FINGERPRINT,))


def read_time(text: str) -> float | None:
    """Return a time of RFC 3339 in Unix seconds, None if it cannot be read."""
    try:
        at = datetime.fromisoformat(text[:_LONGEST_TIME])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _bad(name: str, why: str) -> BadAlertError:
    return BadAlertError(name, f"{name} {why}.")


def _about_unknown(name: str) -> str:
    similar = get_close_matches(name[:_LONGEST_NAME], _FIELDS, n=1)
    return f"The field {name[:_LONGEST_NAME]} is unknown." + (f" Did you mean {similar[0]}?" if similar else "")


def _string(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _bad(name, "must be a string")
    return value[:MAX_LENGTH].strip()[: _MOST_KEPT.get(name)]


def session_id(fields: Mapping[str, object]) -> SessionId:
    """Return the session that the field `session_id` names. Raises BadAlertError."""
    given = fields.get("session_id")
    if isinstance(given, str) and len(given) > LONGEST_ID:  # never cut: what is cut off could name another session
        raise _bad("session_id", f"is too long: the limit is {LONGEST_ID} characters")
    match find_session_id(_string(fields, "session_id")):
        case Found(session_id=found):
            return found
        case Broken(written=""):
            raise _bad("session_id", "is missing: put the id of the Anchor session there")
        case Broken():
            raise _bad("session_id", "is no session id: send 32 hexadecimal digits grouped 8-4-4-4-12")
        case Ambiguous(session_ids=session_ids):
            raise _bad("session_id", f"names {len(session_ids)} sessions: send one alert for each")
        case never:
            assert_never(never)


def _required_text(fields: Mapping[str, object]) -> str:
    text = _string(fields, "text")
    if not plain(text):
        raise _bad("text", "is missing: say what happened")
    return text


def _choice(fields: Mapping[str, object], name: str, choices: Sequence[str], default: str) -> str:
    word = _string(fields, name).lower() or default
    if word not in choices:
        raise _bad(name, f"must be one of {', '.join(choices)}")
    return word


def _pairs(fields: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    given = fields.get("fields")
    if given is None or (isinstance(given, str) and not given.strip()):
        return ()
    if not isinstance(given, dict) or not all(isinstance(value, str | int | float) for value in given.values()):
        raise _bad("fields", "must be an object of texts and numbers")
    if len(given) > MOST_FIELDS:
        raise _bad("fields", f"has {len(given)} entries: the limit is {MOST_FIELDS}")
    return kept_pairs((name, str(value)) for name, value in given.items())


def kept_pairs(given: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the first names and values that a card can show."""
    longest_name, longest_value = _MOST_KEPT_OF_FIELD
    pairs = ((name.strip()[:longest_name], value.strip()[:longest_value]) for name, value in given)
    return tuple(islice(((name, value) for name, value in pairs if plain(name) and plain(value)), MOST_FIELDS))


def _url(fields: Mapping[str, object]) -> str | None:
    url = _string(fields, "url")
    if not url:
        return None
    if not _is_web_url(url):
        raise _bad("url", "must be an http or https URL of an ASCII host, without a user name or password")
    if width(cards.open_link(url)) > LONGEST_LINK:
        raise _bad("url", f"is too long: the limit is {LONGEST_LINK} characters, and & counts as five")
    return url


def is_link(url: str) -> bool:
    """Return whether a card can have this link."""
    return bool(url) and len(url) <= LONGEST_LINK and _is_web_url(url) and width(cards.open_link(url)) <= LONGEST_LINK


def _is_web_url(url: str) -> bool:
    """Return whether people see in its link where it leads: browsers and Python read odd hosts differently."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.lower().removesuffix(f":{parts.port}")
    except ValueError:
        return False
    is_clean = url.isprintable() and " " not in url
    return is_clean and parts.scheme in {"http", "https"} and _HOST.fullmatch(host) is not None


def _channel(fields: Mapping[str, object]) -> str | None:
    channel = _string(fields, "channel")
    if channel and not CHANNEL_ID.fullmatch(channel):
        raise _bad("channel", "must be a channel id like C0123456789, not a name: see its details in Slack")
    return channel or None
