"""Alerts that ask for a pause after they were resolved, under odd names, or after their session has ended."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.messages import cards
from bot.sim.anchor import SessionState
from bot.sim.slack.markup import ON_CALL
from conversations.test_alert_cards import PAUSE, RESUME, about_session, until_shown
from conversations.test_auto_pause import BEARER, braking, minutes_ago, pauses, send
from conversations.test_end import end
from harness import SESSION, SingleHarness
from harness.conversation import post_json
from harness.webhooks import alertmanager_alert, alertmanager_body

pytestmark = pytest.mark.anyio


async def test_the_same_firing_after_it_was_resolved_pauses_nothing_and_is_told(sqlite_url: str) -> None:
    """As when Prometheus could not reach Alertmanager for some minutes."""
    async with braking(sqlite_url) as at:
        since = minutes_ago(5)
        await send(at, starts_at=since)
        (card,) = about_session(at)
        await send(at, starts_at=since, status="resolved")
        await until_shown(at, card, RESUME, "resolved")
        answer = await send(at, starts_at=since)
        await at.slack.until(lambda: len(about_session(at)) == 2)
        assert "fired again" in about_session(at)[1].text
        assert "resolved" not in (await until_shown(at, card, [*PAUSE, *RESUME], "×2")).text
        assert (answer["pause"], pauses(at)) == ("paused", ["pause"])


async def ended_at_anchor(at: SingleHarness) -> None:
    at.anchor.session(SESSION).state = SessionState.ENDED


@pytest.mark.parametrize("how", [ended_at_anchor, end])
@pytest.mark.parametrize("fields", [{"action": None}, {}, {"fingerprint": "f2", "severity": "critical"}])
async def test_an_alert_about_an_ended_session_leaves_its_card_posts_nothing_and_its_sender_reads_why(
    how: Callable[[SingleHarness], Awaitable[None]], fields: dict[str, object], sqlite_url: str
) -> None:
    async with braking(sqlite_url, END_SESSION="on", ALERTS_GROUP=ON_CALL) as at:
        await send(at, action=None)
        (card,) = about_session(at)
        await how(at)
        await at.slack.until(lambda: "*Ended*" in at.current(card).text, within=200)
        await asyncio.sleep(90)  # until an automatic pause is sent again
        before, count = at.current(card).text, len(at.messages())
        answer = await send(at, **fields)
        body = alertmanager_body(alertmanager_alert(labels={"anchor_action": "pause"}))
        status, of_webhook, _ = await post_json(f"{at.bot.url}/alerts/alertmanager", body, headers=BEARER)
        await send(at, **fields, status="resolved")
        await asyncio.sleep(60)
        assert (answer["warnings"], status, of_webhook["warnings"]) == ([cards.ENDED], 200, [cards.ENDED])
        assert (at.current(card).text, len(at.messages())) == (before, count)
