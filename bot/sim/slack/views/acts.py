"""People click and choose in a view, and the app gets each action at once.

https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.sim.slack.ack import ignore_ack
from bot.sim.slack.block_kit import all_elements
from bot.sim.slack.content import Part
from bot.sim.slack.delivery import Delivery, Invocation
from bot.sim.slack.interactions import Interactions
from bot.sim.slack.party_json import enterprise_json, team_json, user_json
from bot.sim.slack.platform import Platform
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.views.choices import chosen, entry
from bot.sim.slack.views.entries import entered
from bot.sim.slack.views.kinds import KINDS
from bot.sim.slack.views.payloads import view_json
from bot.sim.slack.views.persons import Persons
from bot.sim.slack.views.view import View
from bot.sim.slack.workspace import User, Workspace


@dataclass(frozen=True, slots=True)
class Target:
    """Which element; `value` and `block_id` say which of several."""

    action_id: str
    value: str | None = None
    block_id: str | None = None


class Acts:
    """Acts on behalf of people."""

    def __init__(self, platform: Platform, interactions: Interactions, persons: Persons) -> None:
        self._platform = platform
        self._interactions = interactions
        self._persons = persons

    async def act(
        self, view: View, target: Target, choice: str | Sequence[str] | None, overrides: Mapping[str, object]
    ) -> Delivery:
        """Click an element of a view as it is now, or choose in it; NotPossibleError if that can't be done."""
        workspace, user = self._persons.workspace_and_user(view)
        block, element = _find(view, target)
        done = _done(workspace, user, element, choice)
        if element["type"] in KINDS:
            new_entry: Part = {
                "type": element["type"],
                KINDS[element["type"]].field: done[KINDS[element["type"]].field],
            }
            view = entered(view, str(block["block_id"]), target.action_id, new_entry)
        view = self._platform.views.put(replace(view, client_error=""))
        trigger_id = self._platform.triggers.issue(workspace, user.id, is_in_modal=view.type == "modal")
        action = _action(block, element, done, f"{self._platform.clock.now():.6f}")
        payload = _payload(workspace, user, view, trigger_id, action)
        payload["enterprise"] = enterprise_json(self._platform.enterprise_of(workspace, user))
        delivery = await self._interactions.send(payload, overrides, Invocation("", trigger_id), ignore_ack)
        self._warn(view, delivery)
        return delivery

    def _warn(self, view: View, delivery: Delivery) -> None:
        present = self._platform.views.find(view.id)
        if delivery.ack is None and present is not None:
            self._platform.views.put(replace(present, client_error=self._interactions.reason(delivery.answer)))


def _find(view: View, target: Target) -> tuple[Part, Part]:
    found = [
        (block, element)
        for block in view.blocks
        for element in all_elements(block)
        if element.get("action_id") == target.action_id
        and (target.value is None or element.get("value") == target.value)
        and (target.block_id is None or block["block_id"] == target.block_id)
    ]
    if len(found) != 1:
        raise NotPossibleError(f"the view has {len(found) or 'no'} such elements: {target.action_id}")
    [(block, element)] = found
    if block["type"] == "input" and not block["dispatch_action"]:
        raise NotPossibleError("an input tells the app nothing before it is submitted")
    return block, element


def _done(workspace: Workspace, user: User, element: Part, choice: str | Sequence[str] | None) -> Part:
    """Return the fields of an action that say what was chosen."""
    if element["type"] == "button":
        if choice is not None:
            raise NotPossibleError("there is nothing to choose in a button")
        return {"text": element["text"]} | {name: element[name] for name in ("value", "style") if name in element}
    if element["type"] == "overflow":
        return {"selected_option": chosen(workspace, user, element, str(choice))}
    return entry(workspace, user, element, choice)


def _action(block: Part, element: Part, done: Part, action_ts: str) -> Part:
    kind = KINDS.get(element["type"])
    given = {kind.initial: element[kind.initial]} if kind and kind.initial in element else {}
    ids: Part = {"action_id": element["action_id"], "block_id": block["block_id"]}
    return ids | done | given | {"type": element["type"], "action_ts": action_ts}


def _payload(workspace: Workspace, user: User, view: View, trigger_id: str, action: Part) -> Part:
    app = workspace.installation
    return {
        "type": "block_actions",
        "user": user_json(user),
        "api_app_id": app.app_id,
        "token": app.verification_token,
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": trigger_id,
        "team": team_json(workspace),
        "enterprise": None,
        "is_enterprise_install": False,
        "view": view_json(view, app),
        "actions": [action],
    }
