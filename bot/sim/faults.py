"""Faults of HTTP answers, as settings that a test or the demo switches on.

Each fault strikes `times` requests, or every one until it is taken back when `times` is None.
`applied` says whether the order took effect although its answer got lost or was wrong.
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
    """Which fault strikes at which place; one that has struck its `times` is gone.

    A place is a name the simulator chose, such as "chat.postMessage".
    """

    def __init__(self) -> None:
        self._set: dict[str, Fault] = {}
        self._left: dict[str, int | None] = {}

    def __getitem__(self, place: str) -> Fault | None:
        return self._set.get(place)

    def __setitem__(self, place: str, fault: Fault | None) -> None:
        if fault is None or fault.times == 0:
            self._set.pop(place, None)
            return
        self._set[place] = fault
        self._left[place] = fault.times

    def clear(self) -> None:
        """Take back every fault."""
        self._set.clear()

    def take(self, place: str) -> Fault | None:
        """Return the fault that strikes now, and count it."""
        fault = self._set.get(place)
        if fault is None:
            return None
        left = self._left[place]
        if left is not None:
            self._left[place] = left - 1
            if left == 1:
                del self._set[place]
        return fault
