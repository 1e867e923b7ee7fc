"""The typed and chosen values in a view: at first, after an action, and after the app changed the view.

https://docs.slack.dev/reference/views/modal-views: "Preserving input entry in views"
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.sim.slack.block_kit import all_elements
from bot.sim.slack.content import Part
from bot.sim.slack.views.kinds import KINDS
from bot.sim.slack.views.view import State, View


def initial_state(blocks: Sequence[Part], here: str | None) -> State:
    """Return what the app says; `here` is the conversation in which the person is, if it is known."""
    state: dict[str, dict[str, Part]] = {}
    for block_id, element in fields(blocks):
        state.setdefault(block_id, {})[str(element["action_id"])] = _initial(element, here)
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
        state.setdefault(block_id, {})[action_id] = old if old and stays else _initial(element, None)
    return state


def entered(view: View, block_id: str, action_id: str, entry: Part) -> View:
    """Return the view after the person typed or chose something."""
    state = {**view.state, block_id: {**view.state.get(block_id, {}), action_id: entry}}
    return replace(view, state=state, touched=view.touched | {(block_id, action_id)})


def options_of(element: Part) -> Iterator[Part]:
    """Yield the options of a menu, those in groups as well."""
    for holder in (element, *_parts(element.get("option_groups"))):
        yield from _parts(holder.get("options"))


def fields(blocks: Sequence[Part]) -> Iterator[tuple[str, Part]]:
    """Yield the elements in which something can be typed or chosen, with the block_id of each."""
    for block in blocks:
        for element in all_elements(block):
            if element.get("type") in KINDS:
                yield str(block["block_id"]), element


def _initial(element: Part, here: str | None) -> Part:
    kind = KINDS[element["type"]]
    value = element.get(kind.initial)
    if value is None and here is not None and element.get("default_to_current_conversation"):
        value = [here] if kind.several else here
    return {"type": element["type"], kind.field: kind.nothing if value is None else value}


def _stays(old: Part, element: Part, *, touched: bool) -> bool:
    kind = KINDS[old["type"]]
    value = old[kind.field]
    if old["type"] != element["type"] or not (value or touched):
        return False
    options = list(options_of(element))
    chosen = value if isinstance(value, list) else [value]
    return not options or all(one in options for one in chosen if one is not None)


def _parts(value: object) -> list[Part]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
