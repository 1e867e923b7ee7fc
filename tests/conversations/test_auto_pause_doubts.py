"""Nothing is sent for an alert as long as it is not known what speaks against that, and nobody has to guess why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from bot.demo.sandbox import environment
from bot.outbound.store.auto_pauses import AutoPauseRows
from conversations.test_auto_pause import BEARER, FAILED, braking, break_database, minutes_ago, pauses, send
from conversations.test_auto_pause_processes import OWN
from conversations.test_cards import PAUSE, about_session, until_shown
from conversations.test_unnamed_workspace import NOBODY, servers
from harness import HTTP_ONLY, SESSION, SingleHarness
from harness.conversation import post_json
from harness.databases import KEY
from harness.outages import execute
from harness.product import Limits, OrderRows, Settings, errors, outcomes, running
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


async def test_nothing_is_sent_until_the_workspace_of_its_people_is_known(sqlite_url: str) -> None:
    async with unnamed(sqlite_url) as at:
        await at.command()
        await at.command(verb="resume")
        others = [at.anchor.add_session() for _ in range(3)]
        answers = await asyncio.gather(*(send(at, session_id=one) for one in [SESSION, *others]))
        assert ([one.get("pause") for one in answers], pauses(at)) == ([None] * 4, ["pause", "resume"])
        at.slack.faults.clear()
        await at.bot.startup
        assert (await send(at))["pause"] == "refused"
        await asyncio.gather(*(send(at, session_id=one) for one in others))
        await at.anchor.until(lambda: sum(bool(at.anchor.posts(one)) for one in others) == 2)
        await asyncio.sleep(5)
        assert (pauses(at), sum(len(at.anchor.posts(one)) for one in others)) == (["pause", "resume"], 2)


@pytest.mark.parametrize(
    ("fields", "is_read"), [({}, True), ({"starts_at": minutes_ago(1)}, True), ({"starts_at": minutes_ago(1)}, False)]
)
async def test_if_it_is_not_known_in_time_what_speaks_against_a_pause_its_card_says_so(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], *, is_read: bool
) -> None:
    async with braking(sqlite_url) as at:
        if not is_read:
            unread = AsyncMock(return_value=outcomes.StoreUnavailable())
            monkeypatch.setattr("bot.usecases.access.AccessCheck.check", unread)
        await execute(sqlite_url, "ALTER TABLE workspaces RENAME TO gone")
        await send(at, **fields)
        (card,) = about_session(at)
        await asyncio.sleep(125)
        await execute(sqlite_url, "ALTER TABLE gone RENAME TO workspaces")
        await until_shown(at, card, PAUSE, FAILED)
        assert pauses(at) == []


async def test_only_so_many_alerts_wait_for_a_database_that_fails(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.usecases.auto_pause.MOST_WAITING", 2)
    async with braking(sqlite_url) as at:
        await break_database(sqlite_url)
        sessions = [at.anchor.add_session() for _ in range(4)]
        for one in sessions:
            await send(at, session_id=one, starts_at=minutes_ago(1))
        assert [FAILED in one.text for one in at.messages()[-4:]] == [True] * 4
        await break_database(sqlite_url, repair=True)
        await asyncio.sleep(30)
        assert [len(at.anchor.posts(one)) for one in sessions] == [1, 1, 0, 0]


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


async def test_a_pause_that_waits_to_be_decided_holds_no_resume_back(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with braking(sqlite_url) as at:
        with monkeypatch.context() as failing:
            failing.setattr(AutoPauseRows, "judge", Mock(side_effect=errors.StoreError("gone")))
            sending = asyncio.create_task(send(at))
            await asyncio.sleep(1)
            await at.command(verb="resume")
            await at.slack.until(lambda: at.answers()[-1].text.startswith("▶️"))
        assert ((await sending)["pause"], pauses(at)) == ("refused", ["resume"])


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


@pytest.mark.parametrize(
    ("change", "word", "sent"),
    [("DELETE FROM orders", "paused", ["pause"]), ("UPDATE orders SET owner = 'other'", "pending", [])],
)
async def test_an_order_whose_row_is_lost_is_recorded_again_and_one_that_another_process_has_is_left_to_it(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, change: str, word: str, sent: list[str]
) -> None:
    judge, left = OrderRows.judge, iter([change])

    async def change_and_judge(rows: OrderRows, *about: Any) -> Any:
        for one in left:
            await execute(sqlite_url, one)
        return await judge(rows, *about)

    monkeypatch.setattr(OrderRows, "judge", lambda *about: asyncio.ensure_future(change_and_judge(*about)))
    async with braking(sqlite_url) as at:
        answer = await send(at)
        assert (answer["pause"], pauses(at)) == (word, sent)
