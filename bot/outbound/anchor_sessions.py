"""Read sessions at Anchor's API."""

import asyncio
import logging
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from bot.core.fields import Secret, object_field, object_list_field, parse_object, text_field
from bot.core.session_ids import Found, SessionId, find_session_id
from bot.core.sessions import (
    LATEST,
    MOST_PAGES,
    RECENT,
    RUNNING,
    NotRead,
    Session,
    SessionList,
    SessionPage,
    running_sessions,
)
from bot.outbound.anchor_orders import AnchorHttp, is_anchors_error
from bot.outbound.http import NETWORK_ERRORS

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
_Json = Mapping[str, Any]

_HOST = re.compile(r"[^\W_](?:[\w.-]*[^\W_])?")
_MOST_NUMBER = 1e18

LIMIT = 50  # sessions on a page, the most that Anchor allows
_MAX_LIST_BYTES = 4 * 1024 * 1024
_OK, _NOT_FOUND, _RATE_LIMITED = 200, 404, 429


def read_page(parsed: _Json, page: int) -> SessionPage | None:
    """Read a page of `GET /v1/sessions`; None without a list. Without a count of pages, a full one is not the last."""
    data = _data(parsed)
    listed = data.get("sessions")
    if not isinstance(listed, list):
        return None
    pages = _number(data.get("total_pages"))
    is_last = len(listed) < LIMIT if pages is None else page >= pages
    sessions = _read_all(object_list_field(data, "sessions"))
    return SessionPage(sessions, is_last, len(listed) - len(sessions))


def read_statuses(parsed: _Json) -> SessionPage | None:
    """Read `GET /v1/sessions/all/status`; None without a list. It is never the last page: other keys have more."""
    data = _data(parsed)
    if not isinstance(data.get("items"), list):
        return None
    return SessionPage(_read_all(object_list_field(data, "items")), is_last=False)


def read_details(parsed: _Json) -> Session | None:
    """Read `GET /v1/sessions/{id}`; None without a readable id."""
    return _read_session(_data(parsed))


def _data(parsed: _Json) -> _Json:
    """Return the content of an answer, which is bare or under `data`."""
    return object_field(parsed, "data") or parsed


def _read_all(items: tuple[dict[str, Any], ...]) -> tuple[Session, ...]:
    return tuple(session for item in items if (session := _read_session(item)) is not None)


def _read_session(item: _Json) -> Session | None:
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
        key_name=text_field(item, "api_key_name").strip(),
        is_task=is_task if isinstance(is_task, bool) else None,
        max_minutes=_minutes(item, "max_duration"),
    )


def _number(value: object) -> float | None:
    """Return a number that is not negative; Anchor writes "N/A" for one that it does not know yet."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value) if abs(value) < _MOST_NUMBER else math.inf
    return number if 0 <= number < math.inf else None


def _tags(value: object) -> tuple[str, ...]:
    """Return the tags of a list, or of an object as `name=value`."""
    if isinstance(value, dict):
        return tuple(f"{name}={one}" for name, one in value.items())
    return _texts(value)


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
    """Return Unix seconds of an ISO 8601 time; one without a time zone is in UTC."""
    try:
        read = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
        seconds = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds <= LATEST else None


def _minutes(item: _Json, name: str) -> float | None:
    """Return a limit of the session, as given at creation; -1 means none, which is 0 here, as is one that is no number.

    https://docs.anchorbrowser.io/advanced/session-timeout
    """
    for place in ("configuration", "user_configuration"):
        given = object_field(item, place)
        settings = object_field(given, "session") or given
        minutes = (object_field(settings, "timeout") or settings).get(name)
        if minutes is not None:
            return _number(minutes) or 0.0
    return None


@dataclass(eq=False, repr=False)
class AnchorSessions:
    """Reads of sessions. `timeout` is for all pages of a list, and for any other request; in seconds."""

    http: AnchorHttp
    timeout: float

    async def running(self, key: Secret) -> SessionList | NotRead:
        """Return the sessions of the key's team that run, and recent ones that may run."""
        now, ends = time.time(), time.monotonic() + self.timeout
        answers = await asyncio.gather(
            self._pages(key, ends, status=RUNNING), self._pages(key, ends, created_from=_iso_time(now - RECENT))
        )
        pages = [page for page in answers if isinstance(page, SessionPage)]
        failures = [failure for failure in answers if isinstance(failure, NotRead)]
        if not pages:
            return failures[0]
        return running_sessions(pages, is_complete=not failures, now=now)

    async def statuses(self, key: Secret, *, since: float | None = None) -> SessionPage | NotRead:
        """Return the sessions of the key with their statuses by one request; `since` is in Unix seconds.

        https://docs.anchorbrowser.io/api-reference/browser-sessions/list-all-sessions-status
        """
        query = {} if since is None else {"created_from": _iso_time(since)}
        return await self._get("/v1/sessions/all/status", key, query, read_statuses, within=self.timeout)

    async def details(self, key: Secret, session_id: SessionId, *, within: float) -> Session | NotRead:
        """Return one session within so many seconds."""
        read = await self._get(f"/v1/sessions/{session_id}", key, {}, read_details, within=within)
        is_another = isinstance(read, Session) and read.id != session_id
        return NotRead(_OK) if is_another else read

    async def running_page(self, key: Secret, number: int, *, within: float) -> SessionPage | NotRead:
        """Return a page of the team's sessions that run, the newest first, by one request; `within` is in seconds."""
        return await self._page(key, number, {"status": RUNNING}, within=within)

    async def about(self, key: Secret, session_id: SessionId, *, within: float) -> Sequence[Session] | NotRead:
        """Return a session, and the newest ones that run, by two requests at once; `within` is in seconds.

        Only the list says which domains a session is on and what drives it. Only the details describe one that is not
        among the newest. What cannot be read is absent, but for a rate limit, and for a list that refuses the key.
        Details that refuse it can mean that the session is not of the key's team.
        """
        details, page = await asyncio.gather(
            self.details(key, session_id, within=within), self.running_page(key, 1, within=within)
        )
        for read in (details, page):
            if isinstance(read, NotRead) and read.status_code == _RATE_LIMITED:
                return read
        if isinstance(page, NotRead) and page.is_key_refused and isinstance(details, NotRead):
            return page
        found = {one.id: one for one in page.sessions} if isinstance(page, SessionPage) else {}
        if isinstance(details, Session):
            found[session_id] = details.with_newer(found.get(session_id, details))
        return tuple(found.values())

    async def _pages(self, key: Secret, ends: float, **filters: str) -> SessionPage | NotRead:
        """Return the sessions of the first pages as one page, until the monotonic time `ends`.

        A failure after the first page leaves it incomplete.
        https://docs.anchorbrowser.io/api-reference/browser-sessions/list-sessions
        """
        whole = SessionPage((), is_last=False)
        for number in range(1, MOST_PAGES + 1):
            page = await self._page(key, number, filters, within=ends - time.monotonic())
            if isinstance(page, NotRead):
                return whole if number > 1 else page
            unreadable = whole.unreadable + page.unreadable
            whole = SessionPage(whole.sessions + page.sessions, page.is_last, unreadable)
            if page.is_last:
                break
        return whole

    async def _page(self, key: Secret, number: int, filters: dict[str, str], *, within: float) -> SessionPage | NotRead:
        order = {"page": str(number), "limit": str(LIMIT), "sort_by": "created_at", "sort_order": "desc"}
        return await self._get("/v1/sessions", key, order | filters, partial(read_page, page=number), within=within)

    async def _get(
        self, path: str, key: Secret, query: Mapping[str, str], read: Callable[[_Json], _T | None], *, within: float
    ) -> _T | NotRead:
        """Return what is read in Anchor's JSON, or why nothing is; `within` is in seconds."""
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            response, body = await self.http.request("GET", target, key, within=within, max_bytes=_MAX_LIST_BYTES)
        except NETWORK_ERRORS as error:
            _log.info("sessions not read from Anchor", extra={"why": type(error).__name__})
            return NotRead()
        parsed, status_code = parse_object(body), response.status_code
        if status_code == _OK and parsed is not None and "error" not in parsed:
            return read(parsed) or NotRead(_OK)
        return NotRead(status_code, is_missing=status_code == _NOT_FOUND and is_anchors_error(parsed))


def _iso_time(unix_seconds: float) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="seconds")
