"""The entries that people type and choose in a view, and what the client requires of them."""

from collections.abc import Iterator, Mapping, Sequence

from bot.sim.slack.content import Part, parts
from bot.sim.slack.views import KINDS, View, entered
from bot.sim.slack.workspace import Channel, ChannelKind, NotPossibleError, User, Workspace

# The choices in menus and boxes, and the payload of each choice.
# https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element

_KIND_NAMES = {ChannelKind.PUBLIC: "public", ChannelKind.PRIVATE: "private", ChannelKind.DM: "im"}


def entry(workspace: Workspace, user: User, element: Part, choice: str | Sequence[str] | None) -> Part:
    """Return what an element holds after a choice: a text, an id, or the value of an option, or several of them.

    NotPossibleError if the client would not offer that to this person.
    """
    kind = KINDS[element["type"]]
    if kind.several:
        choices = [choice] if isinstance(choice, str) else list(choice or ())
        return {"type": element["type"], kind.field: _several(workspace, user, element, choices)}
    if not isinstance(choice, str):
        raise NotPossibleError("one text, id or value must be typed or chosen here")
    if element["type"] == "plain_text_input":
        return {"type": "plain_text_input", "value": choice or None}
    return {"type": element["type"], kind.field: chosen(workspace, user, element, choice)}


def chosen(workspace: Workspace, user: User, element: Part, choice: str) -> object:
    """Return what stands in a payload for one choice."""
    offered = dict(_offered(workspace, user, element))
    if choice not in offered:
        raise NotPossibleError(f"this is not offered to {user.name}: {choice}")
    return offered[choice]


def _several(workspace: Workspace, user: User, element: Part, choices: Sequence[str]) -> list[object]:
    most = element.get("max_selected_items")
    if isinstance(most, int) and len(choices) > most:
        raise NotPossibleError(f"no more than {most} can be chosen")
    if len(set(choices)) < len(choices):
        raise NotPossibleError("nothing can be chosen twice")
    return [chosen(workspace, user, element, choice) for choice in choices]


def _offered(workspace: Workspace, user: User, element: Part) -> Iterator[tuple[str, object]]:
    kind = str(element["type"]).removeprefix("multi_")
    if kind == "users_select":
        yield from ((other.id, other.id) for other in workspace.users.values() if not other.deleted)
    elif kind == "conversations_select":
        yield from ((channel.id, channel.id) for channel in _conversations(workspace, user, element))
    else:
        yield from ((str(option["value"]), option) for option in parts(element.get("options")))


def _conversations(workspace: Workspace, user: User, element: Part) -> Iterator[Channel]:
    """https://docs.slack.dev/reference/block-kit/composition-objects/conversation-filter-object."""
    wanted = element.get("filter")
    wanted = wanted if isinstance(wanted, Mapping) else {}
    for channel in workspace.channels.values():
        members = [workspace.users[member] for member in channel.members]
        is_shared = channel.kind is not ChannelKind.DM and any(one.team_id != workspace.team_id for one in members)
        is_with_bot = channel.kind is ChannelKind.DM and any(one.is_bot for one in members)
        if (
            user.id in channel.members
            and not channel.is_archived
            and _KIND_NAMES[channel.kind] in wanted.get("include", _KIND_NAMES.values())
            and not (is_shared and wanted.get("exclude_external_shared_channels"))
            and not (is_with_bot and wanted.get("exclude_bot_users"))
        ):
            yield channel


# Fill in inputs, and check what the client requires before it submits.
# https://docs.slack.dev/reference/block-kit/blocks/input-block

_MOST = 3000  # characters, unless the element says less


def filled(workspace: Workspace, user: User, view: View, block_id: str, value: str | Sequence[str]) -> View:
    """Return the view with an input filled in; NotPossibleError if that can't be done without telling the app."""
    block = view.block(block_id)
    if block is None or block["type"] != "input":
        raise NotPossibleError(f"the view has no such input: {block_id}")
    [element] = parts([block["element"]])
    if block["dispatch_action"] and element["type"] != "plain_text_input":  # a text is sent on Enter
        raise NotPossibleError("what is done in this input goes to the app at once")
    return entered(view, block_id, str(element["action_id"]), entry(workspace, user, element, value))


def check_complete(view: View) -> None:
    """Raise NotPossibleError if the client would not submit this."""
    if view.submit is None:
        raise NotPossibleError("there is no button to submit this")
    for block in view.blocks:
        if block["type"] == "input":
            _check(view, block)


def _check(view: View, block: Part) -> None:
    [element] = parts([block["element"]])
    block_id = str(block["block_id"])
    value = view.state[block_id][str(element["action_id"])][KINDS[element["type"]].field]
    if not value and not block["optional"]:
        raise NotPossibleError(f"this must be filled in: {block_id}")
    if isinstance(value, str) and element["type"] == "plain_text_input":
        most = element.get("max_length", _MOST)
        if not (isinstance(most, int) and len(value) <= most):
            raise NotPossibleError(f"this must have at most {most} characters: {block_id}")
