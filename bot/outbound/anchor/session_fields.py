"""Read the sessions in Anchor's answers. Their fields have several forms, and any can be absent.

https://docs.anchorbrowser.io/api-reference/browser-sessions
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bot.core.json_fields import object_field, object_list_field, text_field
from bot.core.session import Session
from bot.core.session_id import Found, find_session_id
from bot.core.session_list import SessionPage

_HOST = re.compile(r"[^\W_](?:[\w.-]*[^\W_])?")
_MOST_NUMBER = 1e18
_MOST_SECONDS = 1e11  # Unix seconds; a larger number is in milliseconds
_LATEST = 253_402_300_799  # the end of the year 9999


def read_page(parsed: Mapping[str, Any], *, page: int, limit: int) -> SessionPage | None:
    """Read a page of `GET /v1/sessions`; None if it has no list.

    Without a number of pages, a page with `limit` sessions is not the last one.
    """
    data = _data(parsed)
    listed = data.get("sessions")
    if not isinstance(listed, list):
        return None
    pages = _number(data.get("total_pages"))
    is_last = len(listed) < limit if pages is None else page >= pages
    sessions = _read_all(object_list_field(data, "sessions"))
    return SessionPage(sessions, is_last, len(listed) - len(sessions))


def read_statuses(parsed: Mapping[str, Any]) -> SessionPage | None:
    """Read `GET /v1/sessions/all/status`; None if it has no list.

    It is never the last page: the team can have sessions of other keys.
    """
    data = _data(parsed)
    if not isinstance(data.get("items"), list):
        return None
    return SessionPage(_read_all(object_list_field(data, "items")), is_last=False)


def read_details(parsed: Mapping[str, Any]) -> Session | None:
    """Read `GET /v1/sessions/{id}`; None without a readable id."""
    return _read_session(_data(parsed))


def _data(parsed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content of an answer, which is bare or under `data`."""
    return object_field(parsed, "data") or parsed


def _read_all(items: tuple[dict[str, Any], ...]) -> tuple[Session, ...]:
    return tuple(session for item in items if (session := _read_session(item)) is not None)


def _read_session(item: Mapping[str, Any]) -> Session | None:
    found = find_session_id(text_field(item, "id") or text_field(item, "session_id"))
    if not isinstance(found, Found) or found.rest:
        return None
    is_task = item.get("task_initiated")
    return Session(
        id=found.session_id,
        status=text_field(item, "status").strip(),
        created_at=_moment(item.get("created_at")),
        tags=_tags(item.get("tags")),
        domains=_hosts(item.get("domains")),
        steps=_steps(item.get("steps")),
        key_name=text_field(item, "api_key_name").strip(),
        is_task=is_task if isinstance(is_task, bool) else None,
        credits=_first(_number(item.get(name)) for name in ("used_credits", "credits_used")),
        max_minutes=_max_minutes(item),
    )


def _first(numbers: Iterable[float | None]) -> float | None:
    return next((number for number in numbers if number is not None), None)


def _number(value: object) -> float | None:
    """Return a number that is not negative; Anchor writes "N/A" for one that it does not know yet."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value) if abs(value) < _MOST_NUMBER else math.inf
    return number if 0 <= number < math.inf else None


def _steps(value: object) -> int | None:
    if isinstance(value, list):
        return len(value)
    number = _number(value)
    return None if number is None else int(number)


def _tags(value: object) -> tuple[str, ...]:
    """Return the tags of a list, or of an object as `name=value`."""
    if isinstance(value, dict):
        return tuple(f"{name}={_plain(one)}" for name, one in value.items())
    return _texts(value)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _texts(value: object) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else []
    return tuple(text.strip() for text in texts if isinstance(text, str) and text.strip())


def _hosts(value: object) -> tuple[str, ...]:
    """Return the host names only: the rest of a URL can contain secrets."""
    hosts = (_host(text) for text in _texts(value))
    return tuple(dict.fromkeys(host for host in hosts if host))


def _host(text: str) -> str:
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""
    return host if _HOST.fullmatch(host) else ""


def _moment(value: object) -> float | None:
    """Return Unix seconds of an ISO 8601 time, or of a number; one without a time zone is in UTC."""
    if isinstance(value, str):
        try:
            read = datetime.fromisoformat(value.strip())
            seconds = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    else:
        number = _number(value)
        if number is None:
            return None
        seconds = number / 1000 if number > _MOST_SECONDS else number
    return seconds if 0 <= seconds <= _LATEST else None


def _max_minutes(item: Mapping[str, Any]) -> float | None:
    """Return the limit of the session's duration, as given at creation; -1 means none.

    https://docs.anchorbrowser.io/advanced/session-timeout
    """
    for name in ("configuration", "user_configuration"):
        given = object_field(item, name)
        settings = object_field(given, "session") or given
        minutes = _number((object_field(settings, "timeout") or settings).get("max_duration"))
        if minutes:
            return minutes
    return None
