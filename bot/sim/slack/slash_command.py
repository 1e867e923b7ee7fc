"""A slash command as a person types it, and the form that Slack makes of it.

https://docs.slack.dev/interactivity/implementing-slash-commands
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from bot.sim.slack.workspace import Channel, ChannelKind, User, Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNNAMED = {ChannelKind.PRIVATE: "privategroup", ChannelKind.DM: "directmessage"}


class NotPossibleError(Exception):
    """The Slack client would not let this person send a command here, so nothing was sent."""


@dataclass(frozen=True, slots=True)
class Typed:
    """Who typed which command where; `text` is what Slack will send, so already escaped."""

    workspace: Workspace
    user: User
    channel: Channel
    command: str
    text: str

    @property
    def line(self) -> str:
        """What stood in the composer."""
        return f"{self.command} {self.text}".rstrip()

    def check(self) -> None:
        """Raise NotPossibleError for somebody who can't send a command here."""
        if self.user.team_id != self.workspace.team_id:
            raise NotPossibleError("only people of the installing workspace have its commands")
        if self.user.deleted:
            raise NotPossibleError("a deactivated person can't log in")
        if self.user.id not in self.channel.members:
            raise NotPossibleError("this person is not in the channel")
        if self.channel.is_archived:
            raise NotPossibleError("nobody can write in an archived channel")


@dataclass(frozen=True, slots=True)
class Occasion:
    """What Slack makes anew for every command."""

    response_url: str
    trigger_id: str


def form(typed: Typed, occasion: Occasion, overrides: Mapping[str, str | None]) -> bytes:
    """Return the body, with the fields in Slack's order; an override of None leaves its field out."""
    workspace, channel = typed.workspace, typed.channel
    fields: dict[str, str | None] = {
        "token": "deprecatedVerificationToken",
        "team_id": workspace.team_id,
        "team_domain": workspace.domain,
        "enterprise_id": workspace.enterprise.id if workspace.enterprise else None,
        "enterprise_name": workspace.enterprise.name if workspace.enterprise else None,
        "channel_id": channel.id,
        "channel_name": _UNNAMED.get(channel.kind, channel.name),
        "user_id": typed.user.id,
        "user_name": typed.user.name,
        "command": typed.command,
        "text": typed.text,
        "api_app_id": workspace.installation.app_id,
        "is_enterprise_install": "false",
        "response_url": occasion.response_url,
        "trigger_id": occasion.trigger_id,
    }
    fields.update(overrides)
    return urlencode([(name, value) for name, value in fields.items() if value is not None]).encode()
