"""Format workspaces for the operator, without secrets and without control characters."""

import textwrap
from collections.abc import Iterable
from datetime import UTC, datetime

from bot.core.policy import Rule
from bot.core.workspace import AnchorKey, Workspace
from bot.messages.markup import printable
from bot.outbound.store.errors import UnreadableError
from bot.outbound.store.summary import Summary

_MAX_LENGTH = 100
_LABEL_WIDTH = 15
_WIDTH = 120


def summary_line(summary: Summary) -> str:
    """Return the line of a workspace in the list."""
    key = "key set" if summary.has_key else "no key "
    return f"{summary.team_id}  {key}  {_time(summary.installed_at)}  {_printable(summary.team_name)}"


def table(summary: Summary, workspace: Workspace | UnreadableError, admins: list[str], alerts_url: str) -> str:
    """Return the rows of one workspace; `workspace` is an UnreadableError if the row cannot be decrypted."""
    rows = [
        _row("workspace", f"{summary.team_id} {_printable(summary.team_name)}"),
        _row("enterprise", summary.enterprise_id or "-"),
        _row("installed", f"{_time(summary.installed_at)}, by {summary.installed_by or '-'}"),
        _row("scopes", summary.scopes or "-"),
        *_settings_rows(workspace),
        _row("admins seen", _join(admins) or "-"),
        _row("alerts", alerts_url if summary.has_alerts_token else "no token"),
        _row("alerts channel", summary.alerts_channel or "-"),
    ]
    return "\n".join(rows)


def _settings_rows(workspace: Workspace | UnreadableError) -> list[str]:
    if isinstance(workspace, UnreadableError):
        return [_row("Anchor key", f"can't be used: {workspace}")]
    return [
        _row("Anchor key", _key(workspace.anchor_key)),
        _row("pause", _rule(workspace.policy.pause)),
        _row("resume", _rule(workspace.policy.resume)),
    ]


def _key(key: AnchorKey | None) -> str:
    if key is None:
        return "not set"
    ending = f", ending {_printable(key.ending)}" if key.ending else ""
    at = f", at {_time(key.set_at)}" if key.set_at is not None else ""
    return f"set, {key.check.value}{ending}, by {key.set_by or 'operator'}{at}"


def _rule(rule: Rule) -> str:
    channels = f"; only in {_join(sorted(rule.channels))}" if rule.channels else ""
    return (_join(sorted(rule.users)) or "everybody") + channels


def _join(ids: Iterable[str]) -> str:
    return ", ".join(map(_printable, ids))


def _row(label: str, text: str) -> str:
    """Return a label and its text, wrapped and indented."""
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=label.ljust(_LABEL_WIDTH),
        subsequent_indent=" " * _LABEL_WIDTH,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _time(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _printable(text: str) -> str:
    return printable(text, limit=_MAX_LENGTH)
