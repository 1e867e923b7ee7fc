"""Change the message whose button was clicked."""

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
    added = _ADDED if part.get("type") == "image" else set()
    return {name: without_added_keys(value) for name, value in part.items() if name not in added}


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

    def is_own(self, element: object) -> bool:
        """Return whether an element is a button of the session."""
        if not isinstance(element, dict) or element.get("action_id") not in VERBS:
            return False
        found = find_session_id(str(element.get("value", "")))
        return isinstance(found, Found) and found.session_id == self.session_id


def apply(update: CardUpdate, card: MessageContent) -> MessageContent:
    """Return the updated card; the same card if it has no button of the session.

    The next button takes the place of the old one, so that a row of buttons does not move, and the line follows its
    block. A full message gets no line. Applying an update twice has the same effect as once.
    """
    result: list[Block] = []
    button, is_told, room = update.button, has_line(update, card), _MOST_BLOCKS - len(card.blocks)
    for block in card.blocks:
        kept = block
        if is_own := any(map(update.is_own, (block.get("accessory"), *block.get("elements", ())))):
            kept, button = _replace_button(update, block, button), None
        if update.is_in(block):
            kept = kept and {**kept, **update.block}
        result += [kept] if kept else []
        if is_own and not is_told and not update.is_in(block) and (room > 0 or not kept):
            result.append(update.block)
            is_told = True
    updated = replace(card, blocks=tuple(result))
    return card if updated == card else replace(updated, text=_updated_text(update, card))


def has_line(update: CardUpdate, card: MessageContent) -> bool:
    """Return whether the card contains the line of the update."""
    return any(map(update.is_in, card.blocks))


def _replace_button(update: CardUpdate, block: Block, button: Block | None) -> Block:
    """Return the block with `button` in place of the session's; {} if the old one was its only content."""
    if "accessory" in block:
        rest = {name: value for name, value in block.items() if name != "accessory"}
        return rest if button is None else {**rest, "accessory": button}
    own = [update.is_own(element) for element in block["elements"]]
    others = [element for element, is_own in zip(block["elements"], own, strict=True) if not is_own]
    names = {element.get("action_id") for element in others if isinstance(element, dict)}
    fits = button is not None and button["action_id"] not in names
    place = own.index(True)
    elements = [*others[:place], *([button] if fits else []), *others[place:]]
    return {**block, "elements": elements} if elements else {}


def _updated_text(update: CardUpdate, card: MessageContent) -> str:
    """Return the text of the whole message, with the new line in place of an earlier one; it is cut before the line."""
    earlier = {block["text"]["text"] for block in card.blocks if update.is_in(block)}
    rest = "\n".join(line for line in card.text.split("\n") if line not in earlier)
    line = update.block["text"]["text"]
    return f"{fit(rest, LONGEST_TEXT - width(line) - 1)}\n{line}".lstrip("\n")
