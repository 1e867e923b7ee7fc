"""Read the bodies of requests within limits of size, time and memory."""

import asyncio
from collections import OrderedDict

from aiohttp import web

from bot.inbound.rejections import Rejected

LARGEST = 1024 * 1024
CAPACITY = 32 * 1024 * 1024
_TIMEOUT = 5.0  # seconds; Slack itself waits 3 for the whole answer

_INCOMPLETE = Rejected(400, "The body is incomplete, or its framing is wrong.")
_TOO_SLOW = Rejected(408, f"The body did not arrive within {_TIMEOUT:g} s.")
_DROPPED = Rejected(408, "The body took longer than others, and these needed the memory. Send it again.")
_ENCODED = Rejected(415, "Send the body without Content-Encoding.")


class Bodies:
    """Bodies that are being read. Together they take at most `capacity` bytes: beyond that, the oldest are dropped.

    Slack's bodies arrive within milliseconds, so a flood of slow ones drops itself.
    """

    def __init__(self, *, largest: int = LARGEST, capacity: int = CAPACITY) -> None:
        self._largest = largest
        self._capacity = capacity
        self._reading: OrderedDict[asyncio.Timeout, bytearray] = OrderedDict()
        self._size = 0

    async def read(self, request: web.Request) -> bytes | Rejected:
        """Return the raw body, or the reason to reject the request."""
        if "Content-Encoding" in request.headers:
            return _ENCODED
        if (request.content_length or 0) > self._largest:
            return self._too_large()
        limit, body = asyncio.timeout(_TIMEOUT), bytearray()
        self._reading[limit] = body
        try:
            async with limit:
                return await self._receive(request, limit, body)
        except (ConnectionError, web.RequestPayloadError) as error:
            error.__traceback__ = None  # its frames have the body, and the body's stream has the exception
            return _INCOMPLETE
        except TimeoutError:
            return _TOO_SLOW if limit in self._reading else _DROPPED
        finally:
            self._reading.pop(limit, None)
            self._size -= len(body)

    async def _receive(self, request: web.Request, limit: asyncio.Timeout, body: bytearray) -> bytes | Rejected:
        async for chunk in request.content.iter_any():
            if limit not in self._reading:
                break
            body += chunk
            self._size += len(chunk)
            if len(body) > self._largest:
                return self._too_large()
            while self._size > self._capacity:
                self._drop_oldest()
        return bytes(body) if limit in self._reading else _DROPPED

    def _drop_oldest(self) -> None:
        limit, body = self._reading.popitem(last=False)
        self._size -= len(body)
        body.clear()
        if not limit.expired():
            limit.reschedule(0.0)

    def _too_large(self) -> Rejected:
        return Rejected(413, f"The body is larger than {self._largest} bytes.")
