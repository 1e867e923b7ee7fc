"""Remembering the changes of messages that were clicked of late."""

import pytest

from bot.core.card import Card, Change
from bot.core.messages.actions import button
from bot.core.requests import Verb
from bot.core.session_id import SessionId
from bot.inbound.cards import Cards

pytestmark = pytest.mark.anyio

ONE = SessionId("3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b")
OTHER = SessionId("9c0d7e11-2222-4333-8444-555566667777")
CARD = Card("", ({"type": "actions", "elements": [button(Verb.PAUSE, ONE), button(Verb.PAUSE, OTHER)]},))


async def lines(cards: Cards, message: str, session_id: SessionId) -> list[str]:
    async with cards.change(("T", "C", message), Change(session_id, session_id[:4], None), CARD) as card:
        return [block["text"]["text"] for block in card.blocks if "text" in block]


async def test_a_message_keeps_what_was_changed_in_it_and_no_other_does() -> None:
    cards = Cards()
    assert await lines(cards, "1", ONE) == ["3f2b"]
    assert await lines(cards, "2", OTHER) == ["9c0d"]
    assert sorted(await lines(cards, "1", OTHER)) == ["3f2b", "9c0d"]


async def test_the_messages_clicked_longest_ago_are_forgotten() -> None:
    cards = Cards(most=2)
    for message in ("1", "2", "1", "3"):
        await lines(cards, message, ONE)
    assert sorted(await lines(cards, "1", OTHER)) == ["3f2b", "9c0d"]
    assert await lines(cards, "2", OTHER) == ["9c0d"]
