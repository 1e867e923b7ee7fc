"""The wrong answers that Slack's Web API and response URLs are known to give, ready to be set as a fault."""

import json

from bot.sim.faults import Answer


def api_error(error: str, *, times: int | None = None, **details: str) -> Answer:
    """`ok:false` with this error (invalid_auth, not_in_channel, …) in an HTTP 200."""
    return Answer(200, _refusal(error, **details), times=times)


def rate_limited(retry_after: float | None = 1, *, times: int | None = None) -> Answer:
    """429, with `Retry-After` in seconds unless None."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Answer(429, _refusal("ratelimited"), headers=headers, times=times)


def server_error(status: int = 500, *, applied: bool = False, times: int | None = None) -> Answer:
    """Return a 5xx without JSON."""
    return Answer(status, b"upstream error", "text/plain", applied=applied, times=times)


def expired_url(*, times: int | None = None) -> Answer:
    """404 of a response URL that is too old."""
    return Answer(404, _refusal("Expired url"), times=times)


def _refusal(error: str, **details: str) -> bytes:
    return json.dumps({"ok": False, "error": error} | details).encode()
