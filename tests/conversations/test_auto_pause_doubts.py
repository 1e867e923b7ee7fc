"""Nothing is sent for an alert as long as it is not known what speaks against that, and nobody has to guess why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.demo.sandbox import environment
from conversations.test_alert_cards import PAUSE, about_session, until_shown
from conversations.test_auto_pause import BEARER, FAILED, braking, minutes_ago, pauses, send
from conversations.test_auto_pause_processes import OWN
from conversations.test_one_workspace import NOBODY, servers
from harness import HTTP_ONLY, SESSION, SingleHarness
from harness.conversation import post_json
from harness.databases import KEY
from harness.outages import execute
from harness.product import Limits, OrderRows, Settings, outcomes, running
from harness.single_workspace import PATIENT_ACK
from harness.webhooks import alertmanager_alert, alertmanager_body

pytestmark = [pytest.mark.anyio, HTTP_ONLY]


@asynccontextmanager
async def unnamed(url: str) -> AsyncIterator[SingleHarness]:
    """A bot that Slack does not tell whose its token is."""
    async with servers() as (slack, anchor):
        slack.faults["auth.test"] = NOBODY
        own = {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal(), **OWN, "AUTO_PAUSE_LIMIT": "2"}
        async with running(Settings.from_env(environment(slack, anchor, **own)), Limits(ack_wait=PATIENT_ACK)) as bot:
            slack.request_url = f"{bot.url}/slack/events"
            yield SingleHarness(slack, anchor, slack.home, slack.alice, slack.alerts, SESSION, bot)


@pytest.mark.parametrize(
    ("fields", "is_read"), [({}, True), ({"starts_at": minutes_ago(1)}, True), ({"starts_at": minutes_ago(1)}, False)]
)
async def test_if_it_is_not_known_in_time_what_speaks_against_a_pause_its_card_says_so(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], *, is_read: bool
) -> None:
    async with braking(sqlite_url) as at:
        if not is_read:
            unread = AsyncMock(return_value=outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE))
            monkeypatch.setattr("bot.usecases.access.AccessCheck.check", unread)
        await execute(sqlite_url, "ALTER TABLE workspaces RENAME TO gone")
        await send(at, **fields)
        (card,) = about_session(at)
        await asyncio.sleep(125)
        await execute(sqlite_url, "ALTER TABLE gone RENAME TO workspaces")
        await until_shown(at, card, PAUSE, FAILED)
        assert pauses(at) == []


async def test_a_webhook_is_taken_only_with_the_order(sqlite_url: str) -> None:
    """A process that is killed then loses nothing: the same body comes again."""
    async with braking(sqlite_url) as at:
        await execute(sqlite_url, "ALTER TABLE orders RENAME TO gone")
        body = alertmanager_body(alertmanager_alert(labels={"anchor_action": "pause"}))
        statuses = [(await post_json(f"{at.bot.url}/alerts/alertmanager", body, headers=BEARER))[0]]
        await execute(sqlite_url, "ALTER TABLE gone RENAME TO orders")
        statuses.append((await post_json(f"{at.bot.url}/alerts/alertmanager", body, headers=BEARER))[0])
        assert (statuses, pauses(at)) == ([503, 200], ["pause"])


RESUMED = """
    INSERT INTO orders (team_id, session_id, reason, source, user_id, home_team_id, channel_id, id, owner, verb, state,
      outcome, outcome_fields, effect, told, given_at, settled_at)
    SELECT team_id, session_id, reason, source, user_id, home_team_id, channel_id, id || '0', 'other', 'resume',
      'settled', 'Resumed', '{}', 1, 1, given_at + 1, given_at + 1 FROM orders
"""


async def test_a_process_that_is_frozen_after_the_decision_decides_again(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has sent the pause meanwhile, and somebody has resumed the session."""
    judge, verdicts = OrderRows.judge, []

    async def judge_and_freeze(rows: OrderRows, *about: Any) -> Any:
        verdicts.append(await judge(rows, *about))
        if len(verdicts) == 1:
            await execute(sqlite_url, RESUMED)
        return verdicts[-1]

    monkeypatch.setattr(OrderRows, "judge", lambda *about: asyncio.ensure_future(judge_and_freeze(*about)))
    monkeypatch.setattr("bot.outbound.store.leases.Lease.is_held", property(lambda _: len(verdicts) != 1))
    async with braking(sqlite_url) as at:
        answer = await send(at)
        assert (answer["pause"], pauses(at)) == ("refused", [])
