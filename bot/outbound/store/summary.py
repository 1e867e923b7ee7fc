"""What an operator sees of a workspace in a list: no secret, and nothing that would have to be decrypted."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row


@dataclass(frozen=True, slots=True)
class Summary:
    """`installed_at` is in Unix seconds."""

    team_id: str
    team_name: str
    enterprise_id: str | None
    scopes: str
    installed_by: str
    installed_at: int
    has_key: bool
    has_alerts_token: bool
    alerts_channel: str | None


def summarize(row: Row[Any]) -> Summary:
    """What may be shown of a row of the workspaces."""
    return Summary(
        team_id=row.team_id,
        team_name=row.team_name,
        enterprise_id=row.enterprise_id,
        scopes=row.scopes,
        installed_by=row.installed_by,
        installed_at=row.installed_at,
        has_key=row.anchor_api_key is not None,
        has_alerts_token=row.alerts_token_digest is not None,
        alerts_channel=row.alerts_channel,
    )
