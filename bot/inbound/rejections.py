"""Requests that are rejected."""

import logging
import time
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

_log = logging.getLogger(__name__)

LOG_INTERVAL = 10.0


@dataclass(frozen=True, slots=True)
class Rejected:
    """The HTTP status and the reason of a rejection."""

    status: int
    why: str


class RejectionLog:
    """Counter of rejections that logs at most one line per 10 s and HTTP status: strangers cannot fill the log."""

    def __init__(self) -> None:
        self._unlogged: Counter[int] = Counter()
        self._next_line_at: dict[int, float] = {}

    def record(self, rejected: Rejected) -> None:
        """Count a rejection, and log the count if the last line of this status is old enough."""
        self._unlogged[rejected.status] += 1
        now = time.monotonic()
        if now < self._next_line_at.get(rejected.status, now):
            return
        self._next_line_at[rejected.status] = now + LOG_INTERVAL
        fields = {"status": rejected.status, "why": rejected.why, "count": self._unlogged.pop(rejected.status)}
        _log.warning("requests rejected", extra=fields)


def error_response(rejected: Rejected) -> web.Response:
    """Return the answer, which closes the connection: the body may be unread. A 200 has none: Slack could show it."""
    if rejected.status == HTTPStatus.OK:
        return web.Response()
    response = web.json_response({"error": rejected.why}, status=rejected.status)
    response.force_close()
    return response
