"""A program that watches agents, and reports to the bot by POST /alerts, as any monitor can."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

MONITOR = "spend-monitor"
"""The name of its token."""

_TIMEOUT = aiohttp.ClientTimeout(total=15.0)


@dataclass(frozen=True, slots=True)
class AlertsEndpoint:
    """The URL for a workspace's alerts, and their token."""

    url: str
    token: str = field(repr=False)


async def report(endpoint: AlertsEndpoint, alert: Mapping[str, str]) -> str:
    """Send an alert that fires since now and asks for a pause. Return what went wrong, nothing if it was posted."""
    asking = {"action": "pause", "fingerprint": "spending", "starts_at": datetime.now(UTC).isoformat()}
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(endpoint.url, json=asking | dict(alert), headers=headers) as answer,
        ):
            said = await answer.json()
    except (TimeoutError, aiohttp.ClientError):
        return "The monitor's alert got no answer from the bot."
    return "" if said.get("ok") else f"The bot did not take the alert: {said.get('error')}"
