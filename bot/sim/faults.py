"""Faults of HTTP answers, as settings that a test or the demo switches on.

Each fault affects `times` requests, or with None every one until it is removed. `For` removes it after a while.
`applied` says whether the request took effect although its answer was lost or wrong.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Slow:
    """Does the work and answers as usual, after so many seconds."""

    seconds: float
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Hang:
    """Reads the request and never answers."""

    applied: bool = False
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Gives this answer instead of the usual one."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    applied: bool = False
    times: int | None = None


@dataclass(frozen=True, slots=True)
class ResetBeforeReading:
    """Resets the connection (TCP RST) before the request is read."""

    times: int | None = None


@dataclass(frozen=True, slots=True)
class ResetAfterReading:
    """Resets the connection (TCP RST) once the request is read."""

    applied: bool = False
    times: int | None = None


@dataclass(frozen=True, slots=True)
class Drip:
    """Does the work, sends the headers at once and then the body byte by byte."""

    bytes_per_second: float = 1.0
    times: int | None = None


@dataclass(frozen=True, slots=True)
class HugeBody:
    """Streams `size` bytes of JSON, until the client hangs up."""

    size: int = 1 << 30
    applied: bool = False
    times: int | None = None


Fault = Slow | Hang | Answer | ResetBeforeReading | ResetAfterReading | Drip | HugeBody


@dataclass(frozen=True, slots=True)
class For:
    """A fault that ends by itself `seconds` after it was set."""

    seconds: float
    fault: Fault


class Faults:
    """The current fault of each endpoint; one that was used its `times`, or whose time is over, is removed.

    An endpoint is a name that the simulator chose, such as "chat.postMessage". `now` (seconds) is its clock.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._set: dict[str, Fault] = {}
        self._left: dict[str, int | None] = {}
        self._ends: dict[str, float] = {}

    def __getitem__(self, endpoint: str) -> Fault | None:
        if self._ends.get(endpoint, math.inf) <= self._now():
            del self[endpoint]
        return self._set.get(endpoint)

    def __setitem__(self, endpoint: str, fault: Fault | For | None) -> None:
        seconds, fault = (fault.seconds, fault.fault) if isinstance(fault, For) else (math.inf, fault)
        if fault is None or fault.times == 0:
            del self[endpoint]
            return
        self._set[endpoint] = fault
        self._left[endpoint] = fault.times
        self._ends[endpoint] = self._now() + seconds

    def __delitem__(self, endpoint: str) -> None:
        self._set.pop(endpoint, None)
        self._ends.pop(endpoint, None)

    def clear(self) -> None:
        """Remove every fault."""
        self._set.clear()
        self._ends.clear()

    def take(self, endpoint: str) -> Fault | None:
        """Return the fault of the present request, and count it."""
        fault = self[endpoint]
        if fault is None:
            return None
        left = self._left[endpoint]
        if left is not None:
            self._left[endpoint] = left - 1
            if left == 1:
                del self[endpoint]
        return fault
