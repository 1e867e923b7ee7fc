"""Update a message that has a session's button, and keep everything else in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.core.session_id import Found, SessionId, find_session_id
from bot.messages.blocks import Block, section
from bot.messages.session_buttons import VERBS

_MOST_BLOCKS = 50  # https://docs.slack.dev/reference/block-kit/blocks


@dataclass(frozen=True, slots=True)
class MessageContent:
    """The content of a message: everything that is needed to send it again."""

    text: str
    blocks: tuple[Block, ...] = ()
    attachments: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class CardUpdate:
    """The new line about a session on a card, and the button for the next order, if there is one."""

    session_id: SessionId
    line: str
    button: Block | None


def apply(update: CardUpdate, card: MessageContent) -> MessageContent:
    """Return the updated card; the same card if it has no button of the session.

    A line with the next button replaces the old button, after its block. In a full message the next button takes the
    place of the old one, and the line is left out. Applying an update twice has the same effect as once.
    """
    blocks = _update_blocks(update, card.blocks)
    attachments = tuple(_update_attachment(update, attachment) for attachment in card.attachments)
    updated = MessageContent(card.text, blocks, attachments)
    return card if updated == card else replace(updated, text=_updated_text(update, card))


def has_line(update: CardUpdate, card: MessageContent) -> bool:
    """Return whether the card contains the line of the update."""
    return any(block.get("block_id") == _block_id(update.session_id) for block in _all_blocks(card))


def _all_blocks(card: MessageContent) -> Iterator[Block]:
    yield from card.blocks
    for attachment in card.attachments:
        yield from attachment.get("blocks", ())


def _update_attachment(update: CardUpdate, attachment: Block) -> Block:
    blocks = attachment.get("blocks")
    return attachment if blocks is None else {**attachment, "blocks": list(_update_blocks(update, blocks))}


def _update_blocks(update: CardUpdate, blocks: Sequence[Block]) -> tuple[Block, ...]:
    room = _MOST_BLOCKS - len(blocks)
    has_line = any(block.get("block_id") == _block_id(update.session_id) for block in blocks)
    result: list[Block] = []
    for block in blocks:
        if block.get("block_id") == _block_id(update.session_id):
            result.append(_line_block(update))
        elif not _holds_button(block, update.session_id):
            result.append(block)
        else:
            rest = _without_button(block, update.session_id)
            line = [] if has_line else [_line_block(update)]
            fits = len(rest) + len(line) <= 1 + room
            result.extend([*rest, *line] if fits else [_with_next_button(block, update)])
            has_line = True
    return tuple(result)


def _is_button(element: object, session_id: SessionId) -> bool:
    if not isinstance(element, dict) or element.get("action_id") not in VERBS:
        return False
    found = find_session_id(str(element.get("value", "")))
    return isinstance(found, Found) and found.session_id == session_id


def _holds_button(block: Block, session_id: SessionId) -> bool:
    return any(_is_button(element, session_id) for element in (block.get("accessory"), *block.get("elements", ())))


def _without_button(block: Block, session_id: SessionId) -> list[Block]:
    """Return the block without the button, or nothing if the button was its only content."""
    if "accessory" in block:
        return [{name: value for name, value in block.items() if name != "accessory"}]
    elements = [element for element in block["elements"] if not _is_button(element, session_id)]
    return [{**block, "elements": elements}] if elements else []


def _with_next_button(block: Block, update: CardUpdate) -> Block:
    """Return the block of a full message with the next button in place of the old one."""
    if update.button is None:
        return next(iter(_without_button(block, update.session_id)), _line_block(update))
    if "accessory" in block:
        return {**block, "accessory": update.button}
    elements = [update.button if _is_button(one, update.session_id) else one for one in block["elements"]]
    return {**block, "elements": elements}


def _block_id(session_id: SessionId) -> str:
    return f"anchor_{session_id}"


def _line_block(update: CardUpdate) -> Block:
    accessory = {} if update.button is None else {"accessory": update.button}
    return {**section(update.line), "block_id": _block_id(update.session_id), **accessory}


def _updated_text(update: CardUpdate, card: MessageContent) -> str:
    """Return the text of the whole message, with the new line in place of an earlier one."""
    earlier = {
        block["text"]["text"] for block in _all_blocks(card) if block.get("block_id") == _block_id(update.session_id)
    }
    return "\n".join([*(line for line in card.text.split("\n") if line not in earlier), update.line])
