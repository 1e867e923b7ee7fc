"""Read sessions from Anchor's API. Reads raise no network errors, and are not repeated: people can ask again."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from bot.core.json_fields import parse_object
from bot.core.secret import Secret
from bot.core.session import RUNNING, Session
from bot.core.session_id import SessionId
from bot.core.session_list import RECENT, NotRead, SessionList, SessionPage, Unread, running_sessions
from bot.outbound.anchor.http_request import AnchorHttp
from bot.outbound.anchor.session_fields import read_details, read_page, read_statuses
from bot.outbound.http_client import NETWORK_ERRORS, never_sent

_log = logging.getLogger(__name__)

LIMIT = 50  # sessions on a page, the most that Anchor allows
MOST_PAGES = 5
_MAX_LIST_BYTES = 4 * 1024 * 1024
_OK = 200
_BY_STATUS = {
    **dict.fromkeys((401, 403), Unread.KEY_REJECTED),
    429: Unread.RATE_LIMITED,
    **dict.fromkeys((502, 503, 504), Unread.UNREACHABLE),
}
_FINAL = frozenset({Unread.RATE_LIMITED, Unread.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class _Answer:
    """Anchor's JSON."""

    parsed: dict[str, Any]


class AnchorSessions:
    """Reads of sessions. `timeout` is for all pages of a list, and for any other request; in seconds."""

    def __init__(self, transport: httpx.AsyncBaseTransport, *, base_url: str, timeout: float) -> None:
        self._http = AnchorHttp(transport, base_url)
        self._timeout = timeout

    async def running(self, key: Secret, now: float) -> SessionList | NotRead:
        """Return the sessions of the key's team that run, and recent ones that may run; `now` is in Unix seconds.

        If the team's sessions cannot be read, return those of the key, as a list that is not complete.
        """
        since, ends = _iso_time(now - RECENT), time.monotonic() + self._timeout
        answers = await asyncio.gather(
            self._pages(key, ends, status=RUNNING), self._pages(key, ends, created_from=since)
        )
        pages = [page for page in answers if isinstance(page, SessionPage)]
        failures = [failure for failure in answers if isinstance(failure, NotRead)]
        if failures and not pages:
            if failures[0].why in _FINAL:
                return failures[0]
            own = await self.statuses(key)
            if isinstance(own, NotRead):
                return own
            pages = [own]
        return running_sessions(pages, is_complete=not failures, now=now)

    async def statuses(self, key: Secret, *, since: float | None = None) -> SessionPage | NotRead:
        """Return the sessions of the key with their statuses by one request; `since` is in Unix seconds.

        https://docs.anchorbrowser.io/api-reference/browser-sessions/list-all-sessions-status
        """
        query = {} if since is None else {"created_from": _iso_time(since)}
        answer = await self._get("/v1/sessions/all/status", key, query, within=self._timeout)
        if isinstance(answer, NotRead):
            return answer
        return read_statuses(answer.parsed) or NotRead(Unread.UNREADABLE, _OK)

    async def details(self, key: Secret, session_id: SessionId, *, within: float) -> Session | NotRead:
        """Return one session; `within` is in seconds.

        https://docs.anchorbrowser.io/api-reference/browser-sessions/get-browser-session
        """
        answer = await self._get(f"/v1/sessions/{session_id}", key, {}, within=within)
        if isinstance(answer, NotRead):
            return answer
        session = read_details(answer.parsed)
        return session if session is not None and session.id == session_id else NotRead(Unread.UNREADABLE, _OK)

    async def newest(self, key: Secret, *, within: float) -> SessionPage | NotRead:
        """Return the newest 50 sessions that run, by one request; `within` is in seconds."""
        return await self._page(key, 1, {"status": RUNNING}, within=within)

    async def about(self, key: Secret, session_id: SessionId, *, within: float) -> Sequence[Session] | NotRead:
        """Return a session, and the newest ones that run, by two requests at once; `within` is in seconds.

        Only the list says which domains a session is on and what drives it. Only the details say what it costs while it
        runs, and describe one that is not among the newest. What cannot be read is absent, but for a rate limit, and
        for a list that refuses the key. Details that refuse it can mean that the session is not of the key's team.
        """
        details, page = await asyncio.gather(
            self.details(key, session_id, within=within), self.newest(key, within=within)
        )
        for read in (details, page):
            if isinstance(read, NotRead) and read.why is Unread.RATE_LIMITED:
                return read
        if isinstance(page, NotRead) and page.why is Unread.KEY_REJECTED and isinstance(details, NotRead):
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

    async def _page(
        self, key: Secret, number: int, filters: Mapping[str, str], *, within: float
    ) -> SessionPage | NotRead:
        order = {"page": str(number), "limit": str(LIMIT), "sort_by": "created_at", "sort_order": "desc"}
        answer = await self._get("/v1/sessions", key, {**order, **filters}, within=within)
        if isinstance(answer, NotRead):
            return answer
        return read_page(answer.parsed, page=number, limit=LIMIT) or NotRead(Unread.UNREADABLE, _OK)

    async def _get(self, path: str, key: Secret, query: Mapping[str, str], *, within: float) -> _Answer | NotRead:
        """Return Anchor's JSON, or why there is none; `within` is in seconds."""
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            response, body = await self._http.request("GET", target, key, within=within, max_bytes=_MAX_LIST_BYTES)
        except NETWORK_ERRORS as error:
            _log.info("sessions not read from Anchor", extra={"why": type(error).__name__})
            is_slow = isinstance(error, TimeoutError) and not never_sent(error)
            return NotRead(Unread.TIMED_OUT if is_slow else Unread.UNREACHABLE)
        parsed = parse_object(body) if response.status_code == _OK else None
        if parsed is None or "error" in parsed:
            return NotRead(_BY_STATUS.get(response.status_code, Unread.UNREADABLE), response.status_code)
        return _Answer(parsed)


def _iso_time(unix_seconds: float) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="seconds")
