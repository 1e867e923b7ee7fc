"""One road to Slack's Web API, and what its failures mean, whatever the method.

https://docs.slack.dev/apis/web-api
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.outbound.http_client import NETWORK_ERRORS
from bot.outbound.retry_after import read_retry_after

TIMEOUT = 5.0
"""Seconds that a call may take; it is made once."""

NO_ANSWER_OF_SLACKS = (*NETWORK_ERRORS, ValueError, AttributeError)
"""What slack_sdk 3.48 lets through where the network fails, or where something else answers in Slack's place."""


class SlackUnreachableError(Exception):
    """Slack gave no answer that says anything. The text says why, fit for a log.

    `after` is how many seconds Slack wants to be left in peace, where it said so.
    """

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


def open_web(session: aiohttp.ClientSession, api_url: str) -> AsyncWebClient:
    """A client of the Web API over the shared connection pool."""
    web = AsyncWebClient(base_url=api_url, session=session, retry_handlers=[])
    web.proxy = None  # slack_sdk alone would take it from the environment; httpx here does not
    return web


@contextmanager
def verdict(refusals: Mapping[str, type[Exception]]) -> Iterator[None]:
    """Turn what a call raises into what `refusals` has for Slack's error code, or into SlackUnreachableError."""
    try:
        yield
    except SlackApiError as error:
        code, _, after = read_error(error)
        if code in refusals:
            raise refusals[code](code) from None
        raise SlackUnreachableError(code, after) from None
    except NO_ANSWER_OF_SLACKS as error:
        raise SlackUnreachableError(type(error).__name__) from None


def read_error(error: SlackApiError) -> tuple[str, int, float | None]:
    """Slack's error code (or the HTTP status, where the answer has none), the status, and Retry-After in seconds.

    The error holds slack_sdk's own response, or aiohttp's where the body was not JSON.
    """
    response = error.response
    status_code = response.status if isinstance(response, aiohttp.ClientResponse) else response.status_code
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    headers = {name.lower(): value for name, value in response.headers.items()}
    return str(code or f"HTTP {status_code}"), status_code, read_retry_after(headers)
