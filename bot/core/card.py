"""Change a message that carries a session's button, and leave everything else in it as it was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.core.messages.actions import VERBS
from bot.core.messages.blocks import Block, section
from bot.core.session_id import Found, SessionId, find_session_id

_MOST_BLOCKS = 50  # https://docs.slack.dev/reference/block-kit/blocks


@dataclass(frozen=True, slots=True)
class Card:
    """A message as Slack shows it: what is needed to send it again."""

    text: str
    blocks: tuple[Block, ...] = ()
    attachments: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What a card shall say of a session from now on. `button` is what can be ordered next, if anything can."""

    session_id: SessionId
    line: str
    button: Block | None


def apply(change: Change, card: Card) -> Card:
    """The card after the change, wherever the session's button stands; the same card where it has none.

    The button goes, and a line with the next one comes behind its block. Where a message is full, the next button takes
    the place of the old one, and the line is left to the message that tells the outcome. Applying a change twice is the
    same as applying it once.
    """
    blocks = _change_blocks(change, card.blocks)
    attachments = tuple(_change_attachment(change, attachment) for attachment in card.attachments)
    changed = Card(card.text, blocks, attachments)
    return card if changed == card else replace(changed, text=_retell(change, card))


def has_line(change: Change, card: Card) -> bool:
    """Whether the card itself says what the change says."""
    return any(block.get("block_id") == _block_id(change.session_id) for block in _all_blocks(card))


def _all_blocks(card: Card) -> Iterator[Block]:
    yield from card.blocks
    for attachment in card.attachments:
        yield from attachment.get("blocks", ())


def _change_attachment(change: Change, attachment: Block) -> Block:
    blocks = attachment.get("blocks")
    return attachment if blocks is None else {**attachment, "blocks": list(_change_blocks(change, blocks))}


def _change_blocks(change: Change, blocks: Sequence[Block]) -> tuple[Block, ...]:
    room = _MOST_BLOCKS - len(blocks)
    said = any(block.get("block_id") == _block_id(change.session_id) for block in blocks)
    result: list[Block] = []
    for block in blocks:
        if block.get("block_id") == _block_id(change.session_id):
            result.append(_line_block(change))
        elif not _holds_button(block, change.session_id):
            result.append(block)
        else:
            rest = _without_button(block, change.session_id)
            line = [] if said else [_line_block(change)]
            fits = len(rest) + len(line) <= 1 + room
            result.extend([*rest, *line] if fits else [_with_next_button(block, change)])
            said = True
    return tuple(result)


def _is_button(element: object, session_id: SessionId) -> bool:
    if not isinstance(element, dict) or element.get("action_id") not in VERBS:
        return False
    found = find_session_id(str(element.get("value", "")))
    return isinstance(found, Found) and found.session_id == session_id


def _holds_button(block: Block, session_id: SessionId) -> bool:
    return any(_is_button(element, session_id) for element in (block.get("accessory"), *block.get("elements", ())))


def _without_button(block: Block, session_id: SessionId) -> list[Block]:
    """The block without the button, or nothing where the button was all of it."""
    if "accessory" in block:
        return [{name: value for name, value in block.items() if name != "accessory"}]
    elements = [element for element in block["elements"] if not _is_button(element, session_id)]
    return [{**block, "elements": elements}] if elements else []


def _with_next_button(block: Block, change: Change) -> Block:
    """The full message's block, with the next button where the old one was, if there is a next one."""
    if change.button is None:
        return next(iter(_without_button(block, change.session_id)), _line_block(change))
    if "accessory" in block:
        return {**block, "accessory": change.button}
    elements = [change.button if _is_button(one, change.session_id) else one for one in block["elements"]]
    return {**block, "elements": elements}


def _block_id(session_id: SessionId) -> str:
    return f"anchor_{session_id}"


def _line_block(change: Change) -> Block:
    accessory = {} if change.button is None else {"accessory": change.button}
    return {**section(change.line), "block_id": _block_id(change.session_id), **accessory}


def _retell(change: Change, card: Card) -> str:
    """The text of the whole message, with the new line instead of an earlier one."""
    earlier = {
        block["text"]["text"] for block in _all_blocks(card) if block.get("block_id") == _block_id(change.session_id)
    }
    return "\n".join([*(line for line in card.text.split("\n") if line not in earlier), change.line])
