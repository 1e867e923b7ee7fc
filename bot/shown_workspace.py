"""What an operator is shown of a workspace: no secret, and nothing that could steer a terminal."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.core.anchor_key import AnchorKey
from bot.core.policy import Rule
from bot.core.printable import printable
from bot.core.workspace import Workspace
from bot.outbound.store.errors import UnreadableError
from bot.outbound.store.summary import Summary

_LONGEST_NAME = 100
_LABEL = 15  # columns
_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Shown:
    """In the place of `workspace` stands why it can't be read, where it can't."""

    summary: Summary
    workspace: Workspace | UnreadableError
    admins: list[str]
    alerts_url: str


def line(one: Summary) -> str:
    """A workspace in a list."""
    return f"{one.team_id}  {'key set' if one.has_key else 'no key '}  {_moment(one.installed_at)}  {_name(one)}"


def table(shown: Shown) -> str:
    """All that there is to show of one workspace."""
    one = shown.summary
    return "\n".join(
        [
            _row("workspace", f"{one.team_id} {_name(one)}"),
            _row("enterprise", one.enterprise_id or "-"),
            _row("installed", f"{_moment(one.installed_at)}, by {one.installed_by or '-'}"),
            _row("scopes", one.scopes or "-"),
            *_administered(shown.workspace),
            _row("admins seen", _listed(shown.admins) or "-"),
            _row("alerts", shown.alerts_url if one.has_alerts_token else "no token"),
            _row("alerts channel", one.alerts_channel or "-"),
        ]
    )


def _administered(workspace: Workspace | UnreadableError) -> list[str]:
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
    ending = f", ending {printable(key.ending, longest=_LONGEST_NAME)}" if key.ending else ""
    at = f", at {_moment(key.set_at)}" if key.set_at is not None else ""
    return f"set, {key.check.value}{ending}, by {key.set_by or 'operator'}{at}"


def _rule(rule: Rule) -> str:
    where = f"; only in {_listed(sorted(rule.channels))}" if rule.channels else ""
    return (_listed(sorted(rule.users)) or "everybody") + where


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(printable(one, longest=_LONGEST_NAME) for one in ids)


def _row(label: str, text: str) -> str:
    """A line, or several, of which those after the first stand under its text."""
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=label.ljust(_LABEL),
        subsequent_indent=" " * _LABEL,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _name(one: Summary) -> str:
    return printable(one.team_name, longest=_LONGEST_NAME)


def _moment(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
