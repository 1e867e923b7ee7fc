"""Call Slack's Web API (https://docs.slack.dev/apis/web-api), translate its errors, and learn Slack's time."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.core.fields import MOST_SKEW, text_field
from bot.core.retries import LONGEST_WAIT
from bot.outbound.http import NETWORK_ERRORS, read_retry_after, read_skew

_log = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds for a call
_STEP = 1.0  # seconds; a clock that is adjusted slowly changes less between two requests
_NO_OBJECT = "the answer is not a JSON object"

UNREADABLE = (ValueError, AttributeError, LookupError, RecursionError)  # no object, an odd charset, nested too deeply
TRANSPORT_ERRORS = (*NETWORK_ERRORS, *UNREADABLE)
"""The exceptions of slack_sdk 3.48 if the network fails, or if something else responds in Slack's place."""

TOKEN_REFUSED = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
"""The error codes for a token that Slack does not know or no longer accepts. https://docs.slack.dev/reference/methods/auth.test"""


class SlackUnreachableError(Exception):
    """Slack gave no usable response. The text says why, without secrets; `after` is Slack's Retry-After in seconds."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class RefusedError(Exception):
    """Slack refused a call with an error code that its caller expects. The text is the code."""


class SlackClock:
    """Slack's time in Unix seconds by its last answer; `now` is this machine's, which counts until Slack has answered.

    An answer that differs by more than MOST_SKEW does not count: over HTTP such a clock verifies no signature.
    """

    def __init__(self, now: Callable[[], float], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._monotonic = monotonic
        self._began = now() - monotonic()
        self._skew = 0.0

    def __call__(self) -> float:
        """Return Slack's time."""
        self._forget_after_step()
        return self._now() + self._skew

    def observe(self, date: str | None, *, seconds: float) -> None:
        """Read the header of the answer to a request that took so many seconds. An unreadable one changes nothing."""
        skew = read_skew(date, began=self._now() - seconds, ended=self._now())
        if skew is not None and abs(skew) <= MOST_SKEW:
            self._forget_after_step()
            self._skew = skew

    def _forget_after_step(self) -> None:
        before, self._began = self._began, self._now() - self._monotonic()
        if abs(self._began - before) > _STEP:
            self._skew = 0.0


def open_web(session: aiohttp.ClientSession, api_url: str, clock: SlackClock | None = None) -> AsyncWebClient:
    """Open a client of the Web API over the shared connection pool, whose answers set `clock`."""
    web = _Web(base_url=api_url, session=session, retry_handlers=[])
    web.proxy = None  # slack_sdk would take it from the environment; the session has that of the settings
    web.clock = clock
    return web


class _Web(AsyncWebClient):
    """A client that logs each answered call, and follows no redirects: Slack sends none."""

    clock: SlackClock | None

    async def _request(self, *, http_verb: str, api_url: str, req_args: dict[str, Any]) -> dict[str, Any]:
        req_args["allow_redirects"] = False
        began = time.monotonic()
        answer: dict[str, Any] = await super()._request(http_verb=http_verb, api_url=api_url, req_args=req_args)
        seconds, method = time.monotonic() - began, api_url.removeprefix(str(self.base_url))
        if self.clock is not None:
            self.clock.observe(answer["headers"].get("Date"), seconds=seconds)
        fields = {"method": method, "status": answer["status_code"], "ms": round(seconds * 1000)}
        _log.debug("call of Slack's API", extra=fields)
        return answer


async def call(pending: Awaitable[AsyncSlackResponse], refusals: Mapping[str, type[Exception]]) -> dict[str, Any]:
    """Await a call for at most 5 s, and return the fields of its response.

    Raises the exception in `refusals` for Slack's error code, or SlackUnreachableError.
    """
    return (await call_with_headers(pending, refusals))[0]


async def call_with_headers(
    pending: Awaitable[AsyncSlackResponse], refusals: Mapping[str, type[Exception]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Await a call like `call`, and return also the headers, with names in lower case."""
    try:
        async with asyncio.timeout(TIMEOUT):
            response = await pending
    except SlackApiError as error:
        code, _, after = read_error(error)
        if code in refusals:
            raise refusals[code](code) from None
        raise SlackUnreachableError(code, after) from None
    except NETWORK_ERRORS as error:
        raise SlackUnreachableError(type(error).__name__) from None
    except TRANSPORT_ERRORS:
        raise SlackUnreachableError(_NO_OBJECT) from None
    if not isinstance(response.data, dict):
        raise SlackUnreachableError(_NO_OBJECT)
    return response.data, _lower(response.headers)


def read_error(error: SlackApiError) -> tuple[str, int, float | None]:
    """Return Slack's error code (or "HTTP" and the status), the status, and Retry-After in seconds.

    The error holds slack_sdk's response, or aiohttp's if the body is not JSON.
    """
    response = error.response
    status_code = response.status if isinstance(response, aiohttp.ClientResponse) else response.status_code
    code = text_field(getattr(response, "data", None), "error")
    return code or f"HTTP {status_code}", status_code, read_wait(_lower(response.headers))


def read_wait(headers: Mapping[str, str]) -> float | None:
    """Return Slack's Retry-After in seconds, at most LONGEST_WAIT."""
    seconds = read_retry_after(headers)
    return None if seconds is None else min(seconds, LONGEST_WAIT)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
