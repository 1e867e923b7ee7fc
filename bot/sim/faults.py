"""Faults of HTTP answers, as settings that a test or the demo switches on.

Each fault affects `times` requests, or with None every one until it is removed.
`applied` says whether the request took effect although its answer was lost or wrong.
"""

from collections.abc import Mapping
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


class Faults:
    """The current fault of each endpoint; one that was used its `times` is removed.

    An endpoint is a name that the simulator chose, such as "chat.postMessage".
    """

    def __init__(self) -> None:
        self._set: dict[str, Fault] = {}
        self._left: dict[str, int | None] = {}

    def __getitem__(self, endpoint: str) -> Fault | None:
        return self._set.get(endpoint)

    def __setitem__(self, endpoint: str, fault: Fault | None) -> None:
        if fault is None or fault.times == 0:
            self._set.pop(endpoint, None)
            return
        self._set[endpoint] = fault
        self._left[endpoint] = fault.times

    def clear(self) -> None:
        """Remove every fault."""
        self._set.clear()

    def take(self, endpoint: str) -> Fault | None:
        """Return the fault of the present request, and count it."""
        fault = self._set.get(endpoint)
        if fault is None:
            return None
        left = self._left[endpoint]
        if left is not None:
            self._left[endpoint] = left - 1
            if left == 1:
                del self._set[endpoint]
        return fault
