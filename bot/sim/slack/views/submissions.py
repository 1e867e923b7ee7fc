"""People submit and close modals, and see what the app makes of it.

https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.sim.slack.content import Part
from bot.sim.slack.delivery import Delivery, Invocation
from bot.sim.slack.interactions import Interactions
from bot.sim.slack.party_json import enterprise_json, team_json, user_json
from bot.sim.slack.platform import Platform
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.views.answers import Answer, read_answer, reader
from bot.sim.slack.views.filling import check_complete, filled
from bot.sim.slack.views.open_views import Owner, RefusedError
from bot.sim.slack.views.payloads import view_json
from bot.sim.slack.views.persons import Persons
from bot.sim.slack.views.view import View
from bot.sim.slack.workspace import User

CONNECTION_ERROR = "We had some trouble connecting. Try again?"


class Submissions:
    """Fills in modals, and presses the two buttons below them, on behalf of people; each view is as it is now."""

    def __init__(self, platform: Platform, interactions: Interactions, persons: Persons) -> None:
        self._platform = platform
        self._interactions = interactions
        self._persons = persons

    def fill(self, view: View, block_id: str, value: str | Sequence[str]) -> View:
        """Type or choose in an input."""
        workspace, user = self._persons.workspace_and_user(view)
        return self._platform.views.put(filled(workspace, user, view, block_id, value))

    async def submit(
        self, view: View, values: Mapping[str, str | Sequence[str]], overrides: Mapping[str, object]
    ) -> Delivery:
        """Fill in values by block_id, and submit; NotPossibleError if something is missing."""
        for block_id, value in values.items():
            view = self.fill(view, block_id, value)
        check_complete(view)
        sent = self._platform.views.put(replace(view, errors={}, client_error=""))
        workspace, user = self._persons.workspace_and_user(sent)
        trigger_id = self._platform.triggers.issue(workspace, user.id, is_in_modal=True)
        payload = self._head(sent, user)
        payload |= {"trigger_id": trigger_id, "view": view_json(sent, workspace.installation)}
        enterprise = enterprise_json(self._platform.enterprise_of(workspace, user))
        payload |= {"response_urls": [], "is_enterprise_install": False, "enterprise": enterprise}
        delivery = await self._interactions.send(payload, overrides, Invocation("", trigger_id), reader(sent))
        await asyncio.sleep(self._platform.ack_delay)
        self._follow(sent, delivery)
        return delivery

    def close(self, view: View, *, clear: bool) -> None:
        """Close a modal, with `clear` the whole stack; no app of ours asks to hear of it."""
        if view.type != "modal":
            raise NotPossibleError("a tab can't be closed")
        self._platform.views.close(view, clear=clear)

    def _head(self, view: View, user: User) -> Part:
        """For somebody of a foreign workspace `team` is that one: who the app belongs to stands in the view."""
        app = self._platform.workspaces[view.team_id].installation
        home = self._platform.workspaces.get(user.team_id)
        team = team_json(home) if home else {"id": user.team_id, "domain": user.team_id.lower()}
        who: Part = {"type": "view_submission", "team": team, "user": user_json(user)}
        return who | {"api_app_id": app.app_id, "token": app.verification_token}

    def _follow(self, sent: View, delivery: Delivery) -> None:
        """Do what the ack says with the view, unless it was closed meanwhile."""
        present = self._platform.views.find(sent.id)
        if present is None:
            return
        answer = Answer("client_error")
        if delivery.ack is not None:
            answer = read_answer(sent, delivery.answer.content_type, delivery.answer.body)
        try:
            self._apply(present, answer)
        except RefusedError as refused:
            self._platform.record([Violation(Rule.VIEW_ACK_INVALID, str(refused))])
            self._apply(present, Answer("client_error"))

    def _apply(self, view: View, answer: Answer) -> None:
        views = self._platform.views
        match answer.action:
            case "close" | "clear":
                views.close(view, clear=answer.action == "clear")
            case "errors":
                views.put(replace(view, errors=answer.errors))
            case "update":
                views.update(view, answer.view)
            case "push":
                views.push(Owner(view.team_id, view.user_id), answer.view)
            case _:
                views.put(replace(view, client_error=CONNECTION_ERROR))
