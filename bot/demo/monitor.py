"""A program that watches agents, and reports to the bot by POST /alerts, as any monitor can."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aiohttp

MONITOR = "spend-monitor"
"""The name of its token."""

STORM = "Fleet: spending"
"""The name of the alerts about a fleet."""

_TIMEOUT = aiohttp.ClientTimeout(total=15.0)


@dataclass(frozen=True, slots=True)
class AlertsEndpoint:
    """The URL for a workspace's alerts, and their token."""

    url: str
    token: str = field(repr=False)


async def report(endpoint: AlertsEndpoint, alert: Mapping[str, str]) -> str:
    """Send an alert that fires since now and asks for a pause. Return what went wrong, nothing if it was posted."""
    return await _send(endpoint, "", {"action": "pause", "fingerprint": "spending", "starts_at": _now()} | dict(alert))


async def report_as_alertmanager(endpoint: AlertsEndpoint, session_ids: Iterable[str]) -> str:
    """Send a critical alert about each session in one request, in Alertmanager's form. Each asks for a pause.

    Return what went wrong, nothing if they were taken.
    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """
    labels = {"alertname": STORM, "severity": "critical", "anchor_action": "pause"}
    firing = {"status": "firing", "annotations": {"summary": "It buys instead of comparing."}, "startsAt": _now()}
    alerts = [firing | {"labels": labels | {"session_id": one}, "fingerprint": one} for one in session_ids]
    return await _send(endpoint, "/alertmanager", {"version": "4", "status": "firing", "alerts": alerts})


async def _send(endpoint: AlertsEndpoint, path: str, body: Mapping[str, object]) -> str:
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.post(f"{endpoint.url}{path}", json=body, headers=headers) as answer,
        ):
            said = await answer.json()
    except (TimeoutError, aiohttp.ClientError):
        return "The monitor's alert got no answer from the bot."
    return "" if said.get("ok") else f"The bot did not take the alert: {said.get('error')}"


def _now() -> str:
    return datetime.now(UTC).isoformat()
