"""The Block Kit buttons of a message, wherever they can stand."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.sim.slack.content import Part, parts
from bot.sim.slack.history import Message
from bot.sim.slack.possible import NotPossibleError


@dataclass(frozen=True, slots=True)
class Button:
    """A Block Kit button; `attachment_id` counts from 1 and is None outside attachments."""

    element: Part
    block_id: str
    attachment_id: int | None = None


def find_button(message: Message, action_id: str, value: str | None, block_id: str | None) -> Button:
    """Return the one button that fits; NotPossibleError if there is none, or more than one."""
    found = [
        button
        for button in _buttons(message)
        if button.element["action_id"] == action_id
        and (value is None or button.element.get("value") == value)
        and (block_id is None or button.block_id == block_id)
    ]
    if len(found) != 1:
        raise NotPossibleError(f"the message has {len(found) or 'no'} such buttons: {action_id}")
    return found[0]


def _buttons(message: Message) -> Iterator[Button]:
    yield from _in_blocks(message.blocks, None)
    for number, attachment in enumerate(message.attachments, 1):
        yield from _in_blocks(parts(attachment.get("blocks")), number)


def _in_blocks(blocks: Iterable[Part], attachment_id: int | None) -> Iterator[Button]:
    for block in blocks:
        for element in parts([*parts(block.get("elements")), block.get("accessory")]):
            if element.get("type") == "button":
                yield Button(element, str(block["block_id"]), attachment_id)
