"""Fill in inputs, and check what the client requires before it submits.

https://docs.slack.dev/reference/block-kit/blocks/input-block
"""

from collections.abc import Sequence

from bot.sim.slack.content import Part, parts
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.views.choices import entry
from bot.sim.slack.views.entries import entered
from bot.sim.slack.views.kinds import KINDS
from bot.sim.slack.views.view import View
from bot.sim.slack.workspace import User, Workspace

_MOST = 3000  # characters, unless the element says less


def filled(workspace: Workspace, user: User, view: View, block_id: str, value: str | Sequence[str]) -> View:
    """Return the view with an input filled in; NotPossibleError if that can't be done without telling the app."""
    block = view.block(block_id)
    if block is None or block["type"] != "input":
        raise NotPossibleError(f"the view has no such input: {block_id}")
    [element] = parts([block["element"]])
    if block["dispatch_action"] and _tells_at_once(element):
        raise NotPossibleError("what is done in this input goes to the app at once")
    return entered(view, block_id, str(element["action_id"]), entry(workspace, user, element, value))


def check_complete(view: View) -> None:
    """Raise NotPossibleError if the client would not submit this."""
    if view.submit is None:
        raise NotPossibleError("there is no button to submit this")
    for block in view.blocks:
        if block["type"] == "input":
            _check(view, block)


def _tells_at_once(element: Part) -> bool:
    """Return whether a text is sent: on Enter, unless the app wants every character."""
    configured = element.get("dispatch_action_config")
    triggers = configured.get("trigger_actions_on", ()) if isinstance(configured, dict) else ()
    return element["type"] != "plain_text_input" or "on_character_entered" in triggers


def _check(view: View, block: Part) -> None:
    [element] = parts([block["element"]])
    block_id = str(block["block_id"])
    value = view.state[block_id][str(element["action_id"])][KINDS[element["type"]].field]
    if not value and not block["optional"]:
        raise NotPossibleError(f"this must be filled in: {block_id}")
    if isinstance(value, str) and element["type"] == "plain_text_input":
        least, most = element.get("min_length", 0), element.get("max_length", _MOST)
        if not (isinstance(least, int) and isinstance(most, int) and least <= len(value) <= most):
            raise NotPossibleError(f"this must have {least} to {most} characters: {block_id}")
