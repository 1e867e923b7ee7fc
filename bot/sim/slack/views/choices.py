"""The choices in menus and boxes, and the payload of each choice.

https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from bot.sim.slack.content import Part, parts
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.views.kinds import KINDS
from bot.sim.slack.workspace import Channel, ChannelKind, User, Workspace

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
    if element["type"] == "datepicker":
        return _date(choice)
    offered = dict(_offered(workspace, user, element))
    if choice not in offered:
        raise NotPossibleError(f"this is not offered to {user.name}: {choice}")
    return offered[choice]


def _date(choice: str) -> str:
    try:
        return date.fromisoformat(choice).isoformat()
    except ValueError:
        raise NotPossibleError(f"this is no date: {choice}") from None


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
