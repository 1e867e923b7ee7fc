"""A slash command as a person types it, and the fields that Slack makes of it.

https://docs.slack.dev/interactivity/implementing-slash-commands
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.sim.slack.delivery import Invocation
from bot.sim.slack.possible import NotPossibleError, check_presence
from bot.sim.slack.workspace import Channel, User, Workspace


@dataclass(frozen=True, slots=True)
class Typed:
    """A typed command; `text` is already escaped, as Slack sends it."""

    workspace: Workspace
    user: User
    channel: Channel
    command: str
    text: str

    @property
    def line(self) -> str:
        """Return the text of the composer."""
        return f"{self.command} {self.text}".rstrip()

    @property
    def is_offered(self) -> bool:
        """Whether the client has this command for this person."""
        return not self._is_foreign and self.command in {known.name for known in self.workspace.installation.commands}

    @property
    def _is_foreign(self) -> bool:
        return self.user.team_id != self.workspace.team_id

    def check(self) -> None:
        """Raise NotPossibleError for somebody who can't send a command here."""
        if self._is_foreign:
            raise NotPossibleError("only people of the installing workspace have its commands")
        check_presence(self.user, self.channel)


def fields(typed: Typed, invocation: Invocation, overrides: Mapping[str, str | None]) -> dict[str, str]:
    """Return the fields in Slack's order; an override of None leaves its field out."""
    workspace, channel = typed.workspace, typed.channel
    made: dict[str, str | None] = {
        "token": workspace.installation.verification_token,
        "team_id": workspace.team_id,
        "team_domain": workspace.domain,
        "enterprise_id": workspace.enterprise.id if workspace.enterprise else None,
        "enterprise_name": workspace.enterprise.name if workspace.enterprise else None,
        "channel_id": channel.id,
        "channel_name": channel.name_in_payloads,
        "user_id": typed.user.id,
        "user_name": typed.user.name,
        "command": typed.command,
        "text": typed.text,
        "api_app_id": workspace.installation.app_id,
        "is_enterprise_install": "false",
        "response_url": invocation.response_url,
        "trigger_id": invocation.trigger_id,
    }
    made.update(overrides)
    return {name: value for name, value in made.items() if value is not None}
