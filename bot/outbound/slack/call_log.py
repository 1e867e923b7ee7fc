"""Log each call of Slack's Web API at DEBUG: its method, status and duration, without what is sent."""

import logging
import time
from types import SimpleNamespace

import aiohttp
from yarl import URL

_log = logging.getLogger(__name__)


def call_traces(api_url: str) -> tuple[aiohttp.TraceConfig, ...]:
    """Return the trace for the client session that calls the Web API at `api_url`, if such lines are logged."""
    if not _log.isEnabledFor(logging.DEBUG):
        return ()
    base, config = str(URL(api_url)), aiohttp.TraceConfig()

    async def start(_: aiohttp.ClientSession, call: SimpleNamespace, __: aiohttp.TraceRequestStartParams) -> None:
        call.began = time.monotonic()

    async def end(_: aiohttp.ClientSession, call: SimpleNamespace, end: aiohttp.TraceRequestEndParams) -> None:
        log(end.url, call, status=end.response.status)

    async def fail(_: aiohttp.ClientSession, call: SimpleNamespace, end: aiohttp.TraceRequestExceptionParams) -> None:
        log(end.url, call, why=type(end.exception).__name__)

    def log(url: URL, call: SimpleNamespace, **result: object) -> None:
        if str(url).startswith(base):  # the URLs of websockets are secret
            method = url.path.removeprefix(URL(base).path)
            fields = {"method": method, **result, "ms": round((time.monotonic() - call.began) * 1000)}
            _log.debug("call of Slack's API", extra=fields)

    config.on_request_start.append(start)
    config.on_request_end.append(end)
    config.on_request_exception.append(fail)
    return (config,)
