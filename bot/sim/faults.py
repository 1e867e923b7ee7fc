"""Faults of a simulator, and how a server shows them."""

import asyncio
import contextlib
import math
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import assert_never, cast

from aiohttp import web

# Faults of HTTP answers, as settings that a test or the demo switches on.
#
# Each fault affects `times` requests, or with None every one until it is removed. `For` removes it after a while.
# `applied` says whether the request took effect although its answer was lost or wrong.


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


_NO_LINGER = struct.pack("ii", 1, 0)  # with it, closing sends RST instead of FIN
_CHUNK = b"x" * 65_536


def reset(transport: asyncio.BaseTransport | None) -> None:
    """Reset the connection (TCP RST), whatever is still to be read or written."""
    if transport is None or transport.is_closing():
        return
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    cast("asyncio.Transport", transport).abort()  # uvloop's transports are of no common class


async def inject_fault(
    fault: Fault | None, request: web.Request, handle: Callable[[], web.Response]
) -> web.StreamResponse | None:
    """Answer `request` as `fault` says, if there is one; None means that the client got no answer.

    `handle` executes the request and returns the usual answer.
    """
    match fault:
        case None:
            return handle()
        case Slow(seconds):
            await asyncio.sleep(seconds)
            return handle()
        case Answer():
            return _substitute(fault, handle)
        case Hang() | ResetAfterReading() | ResetBeforeReading():
            await _send_nothing(fault, request, handle)
            return None
        case Drip(bytes_per_second):
            return await _drip(request, handle(), 1 / bytes_per_second)
        case HugeBody():
            return await _flood(fault, request, handle)
    assert_never(fault)


def _substitute(fault: Answer, handle: Callable[[], web.Response]) -> web.Response:
    if fault.applied:
        handle()
    headers = {"Content-Type": fault.content_type} | dict(fault.headers)
    return web.Response(status=fault.status, body=fault.body, headers=headers)


async def _send_nothing(
    fault: Hang | ResetAfterReading | ResetBeforeReading, request: web.Request, handle: Callable[[], web.Response]
) -> None:
    if not isinstance(fault, ResetBeforeReading) and fault.applied:
        handle()
    if isinstance(fault, Hang):
        await asyncio.Event().wait()  # until the server stops and cancels it
    reset(request.transport)


async def _drip(request: web.Request, usual: web.Response, pause: float) -> web.StreamResponse:
    body = usual.body if isinstance(usual.body, bytes) else b""
    response = web.StreamResponse(status=usual.status, headers=usual.headers)
    response.content_length = len(body)
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        for position in range(len(body)):
            await asyncio.sleep(pause)
            await response.write(body[position : position + 1])
    return response


async def _flood(fault: HugeBody, request: web.Request, handle: Callable[[], web.Response]) -> web.StreamResponse:
    if fault.applied:
        handle()
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    with contextlib.suppress(ConnectionError):
        await response.prepare(request)
        await response.write(b'{"data":{"status":"')
        for sent in range(0, fault.size, len(_CHUNK)):
            await response.write(_CHUNK[: fault.size - sent])
        await response.write(b'"}}')
    return response
