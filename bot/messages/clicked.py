"""Change the message whose button was clicked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.core.requests import MessageContent
from bot.core.session_ids import Found, SessionId, find_session_id
from bot.messages.blocks import LONGEST_TEXT, Block, section
from bot.messages.buttons import VERBS
from bot.messages.markup import fit, width

_ADDED = {"image_width", "image_height", "image_bytes", "is_animated", "fallback"}

_MOST_BLOCKS = 50  # https://docs.slack.dev/reference/block-kit/blocks


def without_added_keys(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON of a message without what Slack adds to images, which it does not accept."""
    if isinstance(part, list | tuple):
        return [without_added_keys(one) for one in part]
    if not isinstance(part, dict):
        return part
    added = _ADDED if _is_image(part) else set()
    return {name: without_added_keys(value) for name, value in part.items() if name not in added}


def without_images(card: MessageContent) -> MessageContent:
    """Return the card without its images, and without blocks that contain nothing else."""
    return replace(card, blocks=tuple(_strip(card.blocks)))


def _strip(part: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(part, list | tuple):
        stripped = [_strip(one) for one in part if not _is_image(one)]
        return [one for one in stripped if not (isinstance(one, dict) and one.get("elements") == [])]
    if not isinstance(part, dict):
        return part
    return {name: _strip(value) for name, value in part.items() if not _is_image(value)}


def _is_image(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "image"


@dataclass(frozen=True, slots=True)
class CardUpdate:
    """The new line about a session on a card, and the button for the next order, if there is one."""

    session_id: SessionId
    line: str
    button: Block | None

    @property
    def block(self) -> Block:
        """Return the block of the line."""
        return {**section(self.line), "block_id": f"anchor_{self.session_id}"}

    def is_in(self, block: Block) -> bool:
        """Return whether a block has a line about the session."""
        return bool(block.get("block_id") == f"anchor_{self.session_id}")


def apply(update: CardUpdate, card: MessageContent) -> MessageContent:
    """Return the updated card; the same card if it has no button of the session.

    The next button takes the place of the old one, so that a row of buttons does not move, and the line follows its
    block. A full message gets no line. Applying an update twice has the same effect as once.
    """
    updated = replace(card, blocks=_update_blocks(update, card.blocks))
    return card if updated == card else replace(updated, text=_updated_text(update, card))


def has_line(update: CardUpdate, card: MessageContent) -> bool:
    """Return whether the card contains the line of the update."""
    return any(map(update.is_in, card.blocks))


def _update_blocks(update: CardUpdate, blocks: Sequence[Block]) -> tuple[Block, ...]:
    room = _MOST_BLOCKS - len(blocks)
    has_line = any(map(update.is_in, blocks))
    button = update.button  # for the first block that has one of the session
    result: list[Block] = []
    for block in blocks:
        kept = [block]
        if holds_button := _holds_button(block, update.session_id):
            kept, button = _replace_button(block, update.session_id, button), None
        if update.is_in(block):
            kept = [{**one, **update.block} for one in kept]
        elif holds_button and not has_line and len(kept) <= room:
            kept, has_line = [*kept, update.block], True
        result.extend(kept)
    return tuple(result)


def _is_button(element: object, session_id: SessionId) -> bool:
    if not isinstance(element, dict) or element.get("action_id") not in VERBS:
        return False
    found = find_session_id(str(element.get("value", "")))
    return isinstance(found, Found) and found.session_id == session_id


def _holds_button(block: Block, session_id: SessionId) -> bool:
    return any(_is_button(element, session_id) for element in (block.get("accessory"), *block.get("elements", ())))


def _replace_button(block: Block, session_id: SessionId, button: Block | None) -> list[Block]:
    """Return the block with `button` in place of the session's; nothing if the old one was its only content."""
    if "accessory" in block:
        rest = {name: value for name, value in block.items() if name != "accessory"}
        return [rest if button is None else {**rest, "accessory": button}]
    old = [_is_button(element, session_id) for element in block["elements"]]
    others = [element for element, is_old in zip(block["elements"], old, strict=True) if not is_old]
    names = {element.get("action_id") for element in others if isinstance(element, dict)}
    fits = button is not None and button["action_id"] not in names
    place = old.index(True)
    elements = [*others[:place], *([button] if fits else []), *others[place:]]
    return [{**block, "elements": elements}] if elements else []


def _updated_text(update: CardUpdate, card: MessageContent) -> str:
    """Return the text of the whole message, with the new line in place of an earlier one; it is cut before the line."""
    earlier = {block["text"]["text"] for block in card.blocks if update.is_in(block)}
    rest = "\n".join(line for line in card.text.split("\n") if line not in earlier)
    line = update.block["text"]["text"]
    return f"{fit(rest, LONGEST_TEXT - width(line) - 1)}\n{line}".lstrip("\n")
