"""The id of the request that is being handled: in its log lines, in the journal, at Anchor, and in incidents."""

import itertools
import logging
import secrets
import time
from contextvars import ContextVar
from dataclasses import dataclass

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Request:
    id: str
    has_order: bool = False


_request: ContextVar[_Request | None] = ContextVar("request", default=None)
_numbers = itertools.count(secrets.randbits(31))


def new_id() -> str:
    """Return an id that ascends with time, within a millisecond by the number of 32 bits that follows it."""
    return f"{time.time_ns() // 1_000_000:012x}{next(_numbers) % 2**32:08x}{secrets.token_hex(4)}"


def begin(request_id: str | None = None) -> None:
    """Begin a request in this task and those that it starts, with a new id, or with that of an order."""
    _request.set(_Request(request_id or new_id()))


def current() -> str:
    """Return the id of the request of this task; "" outside of requests."""
    request = _request.get()
    return "" if request is None else request.id


def order_id() -> str:
    """Return the id for an order: that of the request, unless it has given an order already."""
    request = _request.get()
    if request is None or request.has_order:
        return new_id()
    request.has_order = True
    return request.id


def log_incident(error: Exception) -> str:
    """Log an unexpected exception with its traceback under the id of the request, or a new one, and return the id."""
    incident_id = current() or new_id()
    _log.error("unexpected exception", extra={"incident": incident_id}, exc_info=error)
    return incident_id
