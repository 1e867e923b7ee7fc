"""Cards that Slack does not let the bot update: they are true again once it does, and few calls are made meanwhile."""

import asyncio

import pytest

from bot.sim.slack import Source, api_error
from conversations.test_cards import PAUSE, RESUME, UPDATE, about_session, alert, ops, taking_alerts, until_shown
from harness import SESSION
from harness.outages import execute
from harness.texts import CARD_LOST

pytestmark = pytest.mark.anyio

HALF_AN_HOUR = 1_800.0


@pytest.mark.parametrize(
    ("code", "calls"),
    [
        ("update_failed", (5, 6)),
        ("invalid_auth", (28, 32)),  # once a minute
    ],
)
async def test_a_card_is_true_again_once_slack_takes_updates(code: str, calls: tuple[int, int]) -> None:
    async with taking_alerts() as at:
        card = await alert(at)
        at.slack.faults[UPDATE] = api_error(code)
        await at.command()
        await asyncio.sleep(HALF_AN_HOUR)
        fewest, most = calls
        assert fewest <= at.calls(UPDATE) <= most
        del at.slack.faults[UPDATE]
        await until_shown(at, card, RESUME, "Paused", within=920.0)
        await at.command(verb="resume")
        await until_shown(at, card, PAUSE, "Resumed")


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message", "is_inactive", "message_not_found"])
async def test_the_next_result_says_once_that_a_card_is_out_of_date_for_good(code: str) -> None:
    """Nothing is said of one that somebody deleted."""
    async with taking_alerts() as at:
        await alert(at)
        at.slack.faults[UPDATE] = api_error(code, times=1)
        for verb in ("pause", "resume", "pause"):
            await at.command(verb=verb)
            await asyncio.sleep(5.0)
        assert at.calls(UPDATE) == 1
        said = [CARD_LOST in message.text for message in about_session(at) if message.source is Source.ACK]
    assert said == [False, code != "message_not_found", False]


async def test_one_card_tries_for_all_of_its_channel_and_the_others_follow_it_at_once() -> None:
    async with taking_alerts() as at:
        sessions = [SESSION, *(at.anchor.add_session() for _ in range(4))]
        cards = [await alert(at, session_id=session) for session in sessions]
        other = await alert(at, ops(at))
        at.slack.faults[UPDATE] = api_error("update_failed")
        for session in sessions:
            await at.command(session)
        await asyncio.sleep(120.0)
        before = at.calls(UPDATE)
        await asyncio.sleep(HALF_AN_HOUR)
        assert at.calls(UPDATE) - before <= 2 * 2  # two channels
        del at.slack.faults[UPDATE]
        await at.slack.until(lambda: any(at.current(card).revision for card in cards), within=920.0)
        for card in cards:
            await until_shown(at, card, RESUME, "Paused", within=15.0)
        await until_shown(at, other, RESUME, "Paused", within=920.0)


A_THOUSAND_MORE = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000)
    INSERT INTO cards (id, team_id, channel_id, ts, session_id, kind, content, version, due, not_before, attempts,
      created_at, changed_at)
    SELECT id || n, team_id, channel_id || (n % 10), ts || n, session_id, kind, content, 1, changed_at, changed_at, 0,
      created_at, changed_at FROM cards, numbers WHERE kind = 'alert'
"""


async def test_a_thousand_cards_of_a_refused_token_cost_one_call_a_minute(sqlite_url: str) -> None:
    async with taking_alerts(sqlite_url) as at:
        await alert(at)
        at.slack.faults[UPDATE] = api_error("token_revoked")
        await asyncio.sleep(1.0)
        await execute(sqlite_url, A_THOUSAND_MORE)
        await at.command()
        await asyncio.sleep(10.0)
        before = at.calls(UPDATE)
        assert before <= 11  # one in each channel, before the first answer
        await asyncio.sleep(HALF_AN_HOUR)
        assert 28 <= at.calls(UPDATE) - before <= 30
        at.slack.faults[UPDATE] = api_error("message_not_found")
        before = at.calls(UPDATE)
        await asyncio.sleep(180.0)
        assert at.calls(UPDATE) - before >= 60
