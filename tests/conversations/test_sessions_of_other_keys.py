"""The bot has a key of its own, and agents use others of the team: their cards end, too, with few reads of Anchor."""

import asyncio
from typing import Any

import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState
from bot.sim.slack import Message
from conversations.test_alert_cards import PAUSE, alert, buttons, taking_alerts
from harness import SingleHarness

pytestmark = pytest.mark.anyio

AGENTS = "sk-agents"
MINUTE = 60.0
MOST_READS = 15


async def cards_of_agents(at: SingleHarness, count: int, **details: Any) -> dict[str, Message]:
    """The cards of so many sessions of the agents' key, by session."""
    at.anchor.add_key(AGENTS, team_of=DEFAULT_KEY)
    cards = {}
    for _ in range(count):
        session = at.anchor.add_session(key=AGENTS, **details)
        cards[session] = await alert(at, session_id=session)
        await asyncio.sleep(2.5)  # more of them would be a summary
    return cards


def has_ended(at: SingleHarness, card: Message) -> bool:
    now = at.current(card)
    return not buttons(now) and "Ended" in now.text


def most_reads_within_a_minute(at: SingleHarness) -> int:
    times = [request.at for request in at.anchor.requests if request.method == "GET"]
    return max(sum(begin <= at < begin + MINUTE for at in times) for begin in times)


async def test_20_cards_of_sessions_that_other_keys_made_end_within_three_minutes() -> None:
    async with taking_alerts() as at:
        cards = await cards_of_agents(at, 20)
        await asyncio.sleep(MINUTE)
        assert all(buttons(at.current(card)) == PAUSE for card in cards.values())
        for session in cards:
            at.anchor.session(session).state = SessionState.ENDED
        await at.slack.until(lambda: all(has_ended(at, card) for card in cards.values()), within=3 * MINUTE)
        assert most_reads_within_a_minute(at) <= MOST_READS
