"""Applies a fault to a real connection."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import assert_never, cast

from aiohttp import web

from bot.sim.faults import Answer, Drip, Fault, Hang, HugeBody, ResetAfterReading, ResetBeforeReading, Slow

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
