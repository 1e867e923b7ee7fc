"""An alert about a session."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.session_id import SessionId

ALERTS_PATH = "/alerts"
"""The path for alerts; with many workspaces, a team id follows."""

LONGEST_LINK = 1000
"""The most characters of a link in mrkdwn, where `&` takes five."""


def alerts_url(base_url: str, team_id: str = "") -> str:
    """Return the URL for a workspace's alerts at the bot's `base_url`."""
    url = f"{base_url.rstrip('/')}{ALERTS_PATH}"
    return f"{url}/{team_id}" if team_id else url


class Severity(StrEnum):
    """The values of the field `severity`."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Alert:
    """A report of another program about a session. `text`, `title` and `fields` are untrusted; `url` is http or https.

    `fingerprint` tells the alerts of a session apart, and `is_resolved` says that this one does not fire any more.
    `warnings` are sentences for the program.
    """

    session_id: SessionId
    text: str
    title: str = ""
    severity: Severity = Severity.WARNING
    url: str | None = None
    channel: str | None = None
    fingerprint: str = ""
    is_resolved: bool = False
    fields: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
