"""Sessions with open cards are looked up at Anchor: those that have ended lose their buttons."""

import asyncio
import time

import pytest

from bot.sim.anchor import SessionState, html
from conversations.test_cards import PAUSE, RESUME, alert, buttons, ops, taking_alerts, until_shown
from harness import SESSION, SingleHarness

pytestmark = pytest.mark.anyio

INTERVAL = 0.4


@pytest.fixture(autouse=True)
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.session_checks.INTERVAL", INTERVAL)
    monkeypatch.setattr("bot.app.LOOK_INTERVAL", 0.05)


def reads(at: SingleHarness) -> int:
    return sum(request.verb == "statuses" for request in at.anchor.requests)


async def test_an_ended_session_loses_its_buttons_and_is_not_looked_up_again(database_url: str) -> None:
    async with taking_alerts(database_url) as at:
        cards = [await alert(at), await alert(at, ops(at))]
        await at.command()
        for card in cards:
            await until_shown(at, card, RESUME, "Paused")
        at.anchor.session(SESSION).state = SessionState.ENDED
        for card in cards:
            await until_shown(at, card, [], "Paused", "Ended while paused", "completed")
        before = reads(at)
        await asyncio.sleep(3 * INTERVAL)
        assert reads(at) == before


async def test_reads_are_rare_and_those_that_fail_become_rarer_and_an_unknown_status_changes_nothing() -> None:
    async with taking_alerts() as at:
        at.anchor.session(SESSION).word = "hibernating"
        began = time.monotonic()
        card = await alert(at)
        await at.anchor.until(lambda: reads(at) == 2)
        assert time.monotonic() - began > 2 * INTERVAL - 0.1
        assert buttons(at.current(card)) == PAUSE
        at.anchor.fault = html(502)
        await at.anchor.until(lambda: reads(at) == 4)
        began = time.monotonic()
        await at.anchor.until(lambda: reads(at) == 5)
        assert time.monotonic() - began > 3 * INTERVAL
