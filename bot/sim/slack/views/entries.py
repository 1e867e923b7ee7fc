"""The typed and chosen values in a view: at first, after an action, and after the app changed the view.

https://docs.slack.dev/reference/views/modal-views: "Preserving input entry in views"
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.sim.slack.block_kit import all_elements
from bot.sim.slack.content import Part, parts
from bot.sim.slack.views.kinds import KINDS
from bot.sim.slack.views.view import State, View


def initial_state(blocks: Sequence[Part]) -> State:
    """Return what the app says."""
    state: dict[str, dict[str, Part]] = {}
    for block_id, element in fields(blocks):
        state.setdefault(block_id, {})[str(element["action_id"])] = _initial(element)
    return state


def carried(before: View, blocks: Sequence[Part]) -> State:
    """Return the state of new blocks: an entry stays where its block_id, action_id and type do.

    So does what the app itself had put there before. Only what was empty and never touched takes a new initial value:
    https://github.com/slackapi/bolt-js/issues/290, https://github.com/slackapi/bolt-python/issues/1064.
    """
    state: dict[str, dict[str, Part]] = {}
    for block_id, element in fields(blocks):
        action_id = str(element["action_id"])
        old = before.state.get(block_id, {}).get(action_id)
        stays = old is not None and _stays(old, element, touched=(block_id, action_id) in before.touched)
        state.setdefault(block_id, {})[action_id] = old if old and stays else _initial(element)
    return state


def entered(view: View, block_id: str, action_id: str, entry: Part) -> View:
    """Return the view after the person typed or chose something."""
    state = {**view.state, block_id: {**view.state.get(block_id, {}), action_id: entry}}
    return replace(view, state=state, touched=view.touched | {(block_id, action_id)})


def fields(blocks: Sequence[Part]) -> Iterator[tuple[str, Part]]:
    """Yield the elements in which something can be typed or chosen, with the block_id of each."""
    for block in blocks:
        for element in all_elements(block):
            if element.get("type") in KINDS:
                yield str(block["block_id"]), element


def _initial(element: Part) -> Part:
    kind = KINDS[element["type"]]
    value = element.get(kind.initial)
    return {"type": element["type"], kind.field: kind.nothing if value is None else value}


def _stays(old: Part, element: Part, *, touched: bool) -> bool:
    kind = KINDS[old["type"]]
    value = old[kind.field]
    if old["type"] != element["type"] or not (value or touched):
        return False
    options = parts(element.get("options"))
    chosen = value if isinstance(value, list) else [value]
    return not options or all(one in options for one in chosen if one is not None)
