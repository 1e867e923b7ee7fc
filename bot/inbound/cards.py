"""What was changed of late in messages, so that two clicks on one message don't undo each other's change.

Each click brings the message as it was when it was clicked; another click's change may have come since.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.core.card import Card, Change, apply
from bot.core.session_id import SessionId

_MOST_MESSAGES = 10_000


@dataclass(slots=True)
class _Message:
    changes: dict[SessionId, Change] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Cards:
    """The changes of the messages last clicked, by team, channel and ts."""

    def __init__(self, *, most: int = _MOST_MESSAGES) -> None:
        self._most = most
        self._messages: OrderedDict[tuple[str, str, str], _Message] = OrderedDict()

    @asynccontextmanager
    async def change(self, name: tuple[str, str, str], change: Change, card: Card) -> AsyncIterator[Card]:
        """The card with this change and those known of before. Send it inside the block: one at a time."""
        message = self._messages.setdefault(name, _Message())
        self._messages.move_to_end(name)
        while len(self._messages) > self._most:
            self._messages.popitem(last=False)
        async with message.turn:
            message.changes[change.session_id] = change
            for known in message.changes.values():
                card = apply(known, card)
            yield card
