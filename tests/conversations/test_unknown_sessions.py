"""Anchor does not know the session of a card: the card says so, and keeps its button, since the bot can be wrong."""

import asyncio

import pytest

from conversations.test_alert_cards import PAUSE, RESUME, alert, taking_alerts, until_shown
from harness import SESSION, SingleHarness

pytestmark = pytest.mark.anyio

MINUTE = 60.0
GONE, UNKNOWN = "no longer knows", "under this key"


def reads(at: SingleHarness, session: str) -> int:
    return sum(request.verb == "get" and request.session_id == session for request in at.anchor.requests)


async def test_a_session_that_the_key_could_read_before_keeps_its_button_and_is_read_every_15_minutes() -> None:
    async with taking_alerts() as at:
        card = await alert(at)
        await asyncio.sleep(1.5 * MINUTE)
        session = at.anchor.forget_session(SESSION)
        shown = await until_shown(at, card, PAUSE, GONE, "Checked <!date^", within=3 * MINUTE)
        before = reads(at, SESSION)
        await asyncio.sleep(14 * MINUTE)
        assert reads(at, SESSION) == before == 1
        await asyncio.sleep(3 * MINUTE)
        assert reads(at, SESSION) == 2
        assert at.current(card).text != shown.text  # it has the time of the last check
        at.anchor.add_session(session_id=session.session_id)
        await asyncio.sleep(16 * MINUTE)
        assert GONE not in (await until_shown(at, card, PAUSE)).text
        await at.click(at.current(card))
        await until_shown(at, card, RESUME, "Paused")
