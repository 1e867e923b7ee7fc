"""Summary of a workspace for operators: no secret, and nothing to decrypt."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from bot.outbound.store.schema import workspaces


@dataclass(frozen=True, slots=True)
class Summary:
    """A workspace; `installed_at` is in Unix seconds."""

    team_id: str
    team_name: str
    enterprise_id: str | None
    scopes: str
    installed_by: str
    installed_at: int
    has_key: bool
    has_alerts_token: bool
    alerts_channel: str | None


SUMMARY_COLUMNS: tuple[ColumnElement[Any], ...] = (
    *(workspaces.c.team_id, workspaces.c.team_name, workspaces.c.enterprise_id),
    *(workspaces.c.scopes, workspaces.c.installed_by, workspaces.c.installed_at),
    workspaces.c.anchor_api_key.is_not(None),
    workspaces.c.alerts_token_digest.is_not(None),
    workspaces.c.alerts_channel,
)
"""The columns of a `Summary`, in the order of its fields."""
