"""The wrong answers that an API behind a gateway is known to give, ready to be set as a fault."""

import json
from typing import Any

from bot.sim.faults import Answer


def _error(status: int, message: str, **how: Any) -> Answer:  # noqa: ANN401 - any field of Answer
    return Answer(status, json.dumps({"error": {"code": status, "message": message}}).encode(), **how)


def unauthorized(*, times: int | None = None) -> Answer:
    """401: the key is wrong or was revoked."""
    return _error(401, "Invalid API key", times=times)


def forbidden(*, times: int | None = None) -> Answer:
    """403: the key may not do this."""
    return _error(403, "Forbidden", times=times)


def rate_limited(retry_after: float | str | None = 1, *, times: int | None = None) -> Answer:
    """429, with `Retry-After` (seconds or an HTTP date) unless None."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return _error(429, "Too many requests", headers=headers, times=times)


def server_error(status: int = 500, *, applied: bool = False, times: int | None = None) -> Answer:
    """500 (or another 5xx) in Anchor's own JSON."""
    return _error(status, "Failed to pause agent", times=times, applied=applied)


def html(status: int = 502, *, applied: bool = False, times: int | None = None) -> Answer:
    """Answer with a gateway's page; with status 200 it looks like success."""
    body = f"<html><body><h1>{status}</h1></body></html>".encode()
    return Answer(status, body, "text/html", applied=applied, times=times)
