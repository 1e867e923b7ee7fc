"""A click on a button, and the payload that Slack makes of it.

https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.sim.slack.buttons import Button
from bot.sim.slack.content import Part
from bot.sim.slack.delivery import Occasion
from bot.sim.slack.history import Message
from bot.sim.slack.possible import NotPossibleError, check_presence
from bot.sim.slack.workspace import Channel, User, Workspace

ABSENT: Final = object()
"""As an override, leaves its field out."""


@dataclass(frozen=True, slots=True)
class Click:
    """Who clicked which button; `message_json` is the message as apps get it."""

    workspace: Workspace
    user: User
    channel: Channel
    message: Message
    button: Button
    message_json: Part

    def check(self) -> None:
        """Raise NotPossibleError for somebody who does not see the message."""
        check_presence(self.user, self.channel)
        if self.message.ephemeral_to not in {None, self.user.id}:
            raise NotPossibleError("this person does not see the message")


def payload(click: Click, occasion: Occasion, action_ts: str, overrides: Mapping[str, object]) -> Part:
    """Return the payload, with its fields in Slack's order."""
    workspace, user, channel = click.workspace, click.user, click.channel
    enterprise = workspace.enterprise
    made: Part = {
        "type": "block_actions",
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": workspace.installation.app_id,
        "token": "deprecatedVerificationToken",
        "container": _container(click),
        "trigger_id": occasion.trigger_id,
        "team": _team(workspace),
        "enterprise": {"id": enterprise.id, "name": enterprise.name} if enterprise else None,
        "is_enterprise_install": False,
        "channel": {"id": channel.id, "name": channel.name_in_payloads},
        "message": ABSENT if click.message.ephemeral_to else click.message_json,
        "state": {"values": {}},
        "response_url": occasion.response_url,
        "actions": [_action(click.button, action_ts)],
    }
    made.update(overrides)
    return {name: value for name, value in made.items() if value is not ABSENT}


def _container(click: Click) -> Part:
    message, attachment_id = click.message, click.button.attachment_id
    container: Part = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.ephemeral_to is not None,
    }
    if attachment_id is not None:
        container |= {"type": "message_attachment", "attachment_id": attachment_id, "is_app_unfurl": False}
    if "thread_ts" in click.message_json:
        container["thread_ts"] = click.message_json["thread_ts"]
    return container


def _team(workspace: Workspace) -> Part:
    team: Part = {"id": workspace.team_id, "domain": workspace.domain}
    if workspace.enterprise:
        team |= {"enterprise_id": workspace.enterprise.id, "enterprise_name": workspace.enterprise.name}
    return team


def _action(button: Button, action_ts: str) -> Part:
    element = button.element
    chosen = {name: element[name] for name in ("value", "style") if name in element}
    return (
        {"action_id": element["action_id"], "block_id": button.block_id, "text": element["text"]}
        | chosen
        | {"type": "button", "action_ts": action_ts}
    )
