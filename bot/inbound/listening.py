"""Listen on an address, with the bot's limits for connections."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from bot.inbound.http_connection import HttpConnection

_log = logging.getLogger(__name__)

_CLOSE_TIMEOUT = 1.0  # seconds at shutdown for closing connections


class NotListeningError(Exception):
    """The bot cannot listen on the address and port; the text says why."""


@asynccontextmanager
async def listening(
    application: web.Application, host: str, port: int, *, setting: str = "PORT", message: str = "listening"
) -> AsyncIterator[str]:
    """Serve `application` on an address inside the block, log `message`, and yield the URL.

    `setting` is the name of the port's setting. Raises NotListeningError.
    """
    runner = web.AppRunner(application, shutdown_timeout=_CLOSE_TIMEOUT)
    await runner.setup()
    assert runner.server is not None  # noqa: S101 - `setup` has made it
    connect = partial(
        HttpConnection,
        runner.server,
        loop=asyncio.get_running_loop(),
        access_log=None,
        read_bufsize=16 * 1024,  # what waits of a body that nobody reads yet
        auto_decompress=False,  # the bot refuses compressed bodies
        keepalive_timeout=75.0,
        lingering_time=1.0,  # seconds to read the rest of a refused body
    )
    try:
        server = await _listen(connect, host, port, setting)
        try:
            own_host, own_port = server.sockets[0].getsockname()[:2]
            url = f"http://[{own_host}]:{own_port}" if ":" in own_host else f"http://{own_host}:{own_port}"
            _log.info(message, extra={"url": url})
            yield url
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def try_listening(host: str, port: int, *, setting: str) -> None:
    """Listen on an address for a moment. `setting` is the name of the port's setting. Raises NotListeningError."""
    (await _listen(asyncio.Protocol, host, port, setting)).close()


async def _listen(connect: Callable[[], asyncio.Protocol], host: str, port: int, setting: str) -> asyncio.Server:
    try:
        loop = asyncio.get_running_loop()
        return await loop.create_server(connect, host, port, backlog=4096)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise NotListeningError(f"HOST and {setting} ({host}:{port}) can't be listened on: {why}.") from None
