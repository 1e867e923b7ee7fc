"""Delivers the use of a shortcut to the app. Slack shows nothing of the ack but its absence.

https://docs.slack.dev/interactivity/implementing-shortcuts
"""

from collections.abc import Iterable, Mapping

from bot.sim.slack.ack import ignore_ack
from bot.sim.slack.click import Click
from bot.sim.slack.content import Content, Part
from bot.sim.slack.delivery import Delivery, Invocation
from bot.sim.slack.dispatch import Dispatch
from bot.sim.slack.history import Author, Place, Source
from bot.sim.slack.interactions import Interactions
from bot.sim.slack.party_json import enterprise_json, team_json, user_json
from bot.sim.slack.platform import SLACKBOT, Platform
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.response_urls import ResponseUrls
from bot.sim.slack.workspace import Shortcut, User, Workspace

FAILED = "Sorry, that didn't work. Try again?"


class Shortcuts:
    """Uses shortcuts on behalf of people."""

    def __init__(self, platform: Platform, response_urls: ResponseUrls, dispatch: Dispatch) -> None:
        self._platform = platform
        self._response_urls = response_urls
        self._interactions = Interactions(platform, dispatch)

    async def use_on_message(self, click: Click, callback_id: str, overrides: Mapping[str, object]) -> Delivery:
        """Choose one in the menu of a message, and tell the person if it was not acknowledged."""
        _check(click.workspace, click.user, callback_id, click.workspace.installation.shortcuts)
        if click.message.ephemeral_to is not None:
            raise NotPossibleError("a message for one person has no shortcuts")
        invocation = self._response_urls.issue_for_shortcut(click)
        head: Part = {"type": "message_action", "channel": click.channel_json}
        payload = self._payload(head, click.workspace, click.user, callback_id, invocation) | {
            "response_url": invocation.response_url,
            "message_ts": click.message.ts,
            "message": click.message_json,
        }
        delivery = await self._interactions.send(payload, overrides, invocation, ignore_ack)
        if delivery.ack is None:
            place = Place(click.channel.id, click.user.id, trigger_id=delivery.trigger_id)
            self._platform.history.post(Content(FAILED), Author(SLACKBOT), place, Source.CLIENT)
        return delivery

    async def use(
        self, workspace: Workspace, user: User, callback_id: str, overrides: Mapping[str, object]
    ) -> Delivery:
        """Use a global one: it belongs to no message and no conversation."""
        _check(workspace, user, callback_id, workspace.installation.global_shortcuts)
        invocation = Invocation("", self._platform.triggers.issue(workspace, user.id))
        payload = self._payload({"type": "shortcut"}, workspace, user, callback_id, invocation)
        return await self._interactions.send(payload, overrides, invocation, ignore_ack)

    def _payload(self, head: Part, workspace: Workspace, user: User, callback_id: str, invocation: Invocation) -> Part:
        """Return the payload in Slack's order, with a channel if the head has one."""
        return {
            "type": head["type"],
            "token": workspace.installation.verification_token,
            "action_ts": f"{self._platform.clock.now():.6f}",
            "team": team_json(workspace),
            "user": user_json(user),
            **head,
            "is_enterprise_install": False,
            "enterprise": enterprise_json(self._platform.enterprise_of(workspace, user)),
            "callback_id": callback_id,
            "trigger_id": invocation.trigger_id,
        }


def _check(workspace: Workspace, user: User, callback_id: str, offered: Iterable[Shortcut]) -> None:
    """Raise NotPossibleError if the client does not offer it to this person."""
    if user.team_id != workspace.team_id or user.deleted:
        raise NotPossibleError("only people of the installing workspace have its shortcuts")
    if callback_id not in {one.callback_id for one in offered}:
        raise NotPossibleError(f"the app has no shortcut {callback_id}")
