"""views.open, views.push, views.update and views.publish: the app shows modals, and what is on its Home tab.

https://docs.slack.dev/reference/methods/views.open
https://docs.slack.dev/reference/methods/views.push
https://docs.slack.dev/reference/methods/views.update
https://docs.slack.dev/reference/methods/views.publish
"""

import json
from collections.abc import Callable, Mapping
from typing import Literal

from bot.sim.slack.content import Part
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.schema import complaint
from bot.sim.slack.triggers import Trigger, TriggerError
from bot.sim.slack.views import limits
from bot.sim.slack.views.open_views import Owner, RefusedError
from bot.sim.slack.views.payloads import view_json
from bot.sim.slack.views.view import View
from bot.sim.slack.web_api.call import ApiError, Caller, Method


def _open(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    raw = _view(caller, arguments, "modal")
    trigger = _trigger(caller, arguments)
    if trigger.is_in_modal:
        caller.platform.record([Violation(Rule.OPENED_IN_MODAL, "use views.push")])
        raise ApiError("invalid_trigger_id")
    owner = Owner(caller.workspace.team_id, trigger.user_id)
    return _shown(caller, lambda: caller.platform.views.push(owner, raw))


def _push(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    raw = _view(caller, arguments, "modal")
    trigger = _trigger(caller, arguments)
    owner = Owner(caller.workspace.team_id, trigger.user_id)
    if not (trigger.is_in_modal and caller.platform.views.modals(owner)):
        raise ApiError("not_found")
    return _shown(caller, lambda: caller.platform.views.push(owner, raw))


def _update(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    raw = _view(caller, arguments, None)
    view = caller.platform.views.find(str(arguments.get("view_id")))
    if view is None or view.team_id != caller.workspace.team_id:
        raise ApiError("not_found")
    if raw["type"] != view.type:
        raise _invalid([complaint(f"must be one of: {view.type}", "/view/type")])
    _check_hash(arguments, view)
    return _shown(caller, lambda: caller.platform.views.update(view, raw))


def _publish(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    raw = _view(caller, arguments, "home")
    if not arguments.get("user_id"):
        raise _invalid(["invalid `user_id`"])
    user = caller.workspace.users.get(str(arguments["user_id"]))
    if user is None or user.is_bot or user.deleted or not caller.platform.is_colleague(caller.workspace, user):
        raise ApiError("user_not_found")
    owner = Owner(caller.workspace.team_id, user.id)
    _check_hash(arguments, caller.platform.views.home(owner))
    return _shown(caller, lambda: caller.platform.views.publish(owner, raw))


def _view(caller: Caller, arguments: Mapping[str, object], kind: Literal["modal", "home"] | None) -> Part:
    """Return the view, which may be JSON in a string; ApiError if it breaks a limit."""
    raw = arguments.get("view")
    if isinstance(raw, str):
        raw = _from_json(raw)
    if not isinstance(raw, dict):
        raise _invalid([complaint("must be an object", "/view")])
    if limits.is_too_large(raw):
        raise ApiError("view_too_large")
    if complaints := limits.problems(raw, kind):
        caller.platform.record(Violation(Rule.INVALID_BLOCKS, each) for each in complaints)
        raise _invalid(complaints)
    caller.platform.record(limits.mistakes(raw))
    return raw


def _from_json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _trigger(caller: Caller, arguments: Mapping[str, object]) -> Trigger:
    try:
        return caller.platform.triggers.exchange(str(arguments.get("trigger_id")), caller.workspace)
    except TriggerError as refused:
        if str(refused) != "invalid_trigger_id":
            caller.platform.record([Violation(Rule.TRIGGER_TOO_LATE, str(refused))])
        raise ApiError(str(refused)) from None


def _check_hash(arguments: Mapping[str, object], view: View | None) -> None:
    known = arguments.get("hash")
    if known and view is not None and known != view.hash:
        raise ApiError("hash_conflict")


def _shown(caller: Caller, show: Callable[[], View]) -> dict[str, object]:
    try:
        view = show()
    except RefusedError as refused:
        raise ApiError(str(refused)) from None
    return {"view": view_json(view, caller.workspace.installation, with_state=False)}


def _invalid(complaints: list[str]) -> ApiError:
    return ApiError("invalid_arguments", response_metadata={"messages": complaints})


METHODS = {
    "views.open": Method(_open),
    "views.push": Method(_push),
    "views.update": Method(_update),
    "views.publish": Method(_publish),
}
