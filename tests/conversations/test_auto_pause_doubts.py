"""Nothing is sent for an alert as long as it is not known what speaks against that, and nobody has to guess why."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.demo.sandbox import environment
from bot.outbound.store.auto_pauses import AutoPauseRows
from bot.sim.slack import Hang, rate_limited
from conversations.test_auto_pause import (
    ALERT,
    AUTO,
    BEARER,
    FAILED,
    braking,
    break_database,
    minutes_ago,
    pauses,
    send,
)
from conversations.test_auto_pause_processes import OWN
from conversations.test_cards import PAUSE, RESUME, about_session, until_shown
from conversations.test_recovery import until_told
from conversations.test_unnamed_workspace import NOBODY, servers
from harness import HTTP_ONLY, SESSION, SingleHarness
from harness.conversation import post_json
from harness.databases import KEY
from harness.outages import execute, locked
from harness.product import Limits, Settings, outcomes, running
from harness.restarts import remains
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
        assert ([one["pause"] for one in answers], pauses(at)) == (["pending"] * 4, ["pause", "resume"])
        at.slack.faults.clear()
        await at.bot.startup
        await at.anchor.until(lambda: sum(bool(at.anchor.posts(one)) for one in others) == 2)
        await asyncio.sleep(5)
        assert (await send(at))["pause"] == "refused"
        assert (pauses(at), sum(len(at.anchor.posts(one)) for one in others)) == (["pause", "resume"], 2)


async def test_if_that_takes_long_people_are_told_and_it_is_tried_again(sqlite_url: str) -> None:
    async with unnamed(sqlite_url) as at:
        await send(at)
        await asyncio.sleep(130)
        at.slack.faults.clear()
        await at.bot.startup
        await at.slack.until(lambda: [one for one in at.messages() if "Not paused" in one.text])
        assert pauses(at) == []
        await at.anchor.until(lambda: pauses(at) == ["pause"], within=130)


async def test_nothing_is_sent_until_the_workspace_has_a_row_and_can_be_read(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is counted needs it. The bot writes it once its team is known, and the database can be used."""
    unread = AsyncMock(return_value=outcomes.StoreUnavailable())
    async with braking(sqlite_url) as at:
        await execute(sqlite_url, "ALTER TABLE workspaces RENAME TO gone")
        await execute(sqlite_url, "CREATE VIEW workspaces AS SELECT * FROM gone WHERE 1 = 0")  # nobody can write a row
        with monkeypatch.context() as patch:
            patch.setattr("bot.usecases.access.AccessCheck.check", unread)
            answers = [await send(at), await send(at, fingerprint="f2", starts_at="2026-01-01T00:00:00Z")]
        assert ([one["pause"] for one in answers], pauses(at)) == (["pending", "pending"], [])
        await execute(sqlite_url, "DROP VIEW workspaces")
        await execute(sqlite_url, "ALTER TABLE gone RENAME TO workspaces")
        await at.anchor.until(lambda: pauses(at) == ["pause", "pause"])


@pytest.mark.parametrize("fields", [{}, {"starts_at": minutes_ago(1)}])
async def test_if_it_is_not_known_in_time_what_speaks_against_a_pause_its_card_says_so(
    sqlite_url: str, fields: dict[str, object]
) -> None:
    async with braking(sqlite_url) as at:
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


async def test_a_pause_that_was_left_is_not_sent_if_its_token_may_not_any_more(sqlite_url: str) -> None:
    async with remains(sqlite_url, **OWN | {"AUTO_PAUSE_TOKENS": ""}) as left:
        await left.leave_by_alert()
        async with left.restart() as at:
            assert await until_told(left) == ["AutoPauseOff"]
            assert at.orders == []


async def test_a_webhook_is_taken_only_with_the_order(sqlite_url: str) -> None:
    """A process that is killed then loses nothing: the same body comes again."""
    async with braking(sqlite_url) as at:
        await execute(sqlite_url, "ALTER TABLE orders RENAME TO gone")
        body = alertmanager_body(alertmanager_alert(labels={"anchor_action": "pause"}))
        statuses = [(await post_json(f"{at.bot.url}/alerts/alertmanager", body, headers=BEARER))[0]]
        await execute(sqlite_url, "ALTER TABLE gone RENAME TO orders")
        statuses.append((await post_json(f"{at.bot.url}/alerts/alertmanager", body, headers=BEARER))[0])
        assert (statuses, pauses(at)) == ([503, 200], ["pause"])


_OTHER = "channel_id, home_team_id, user_id, source, reason, session_id, team_id"


async def leave_resume(url: str, outcome: str | None, *, age: float) -> None:
    """Let another process have sent a resume so many seconds before the last order, which has this outcome."""
    end = "'sent', NULL, NULL" if outcome is None else f"'told', '{outcome}', '{{}}'"
    await execute(
        url,
        f"INSERT INTO orders ({_OTHER}, id, owner, verb, state, outcome, outcome_fields, given_at, settled_at) "  # noqa: S608
        f"SELECT {_OTHER}, id || '0', 'other', 'resume', {end}, given_at - {age}, given_at FROM orders "
        "ORDER BY id DESC LIMIT 1",
    )


async def test_a_resume_that_was_sent_before_a_crash_is_respected(sqlite_url: str) -> None:
    """It can have been done, as long as no process has told what became of it."""
    async with braking(sqlite_url) as at:
        await at.command()
        await asyncio.sleep(1)
        await leave_resume(sqlite_url, None, age=300)
        answer = await send(at)
        assert (answer["pause"], pauses(at)) == ("refused", ["pause"])


async def test_a_process_that_is_frozen_after_the_decision_decides_again(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has sent the pause meanwhile, and somebody has resumed the session."""
    judge, verdicts = AutoPauseRows.judge, []

    async def judge_and_freeze(rows: AutoPauseRows, *about: Any) -> Any:
        verdicts.append(await judge(rows, *about))
        if len(verdicts) == 1:
            await leave_resume(sqlite_url, "Resumed", age=-1)
        return verdicts[-1]

    monkeypatch.setattr(AutoPauseRows, "judge", judge_and_freeze)
    monkeypatch.setattr("bot.outbound.store.journal.Journal.is_leased", property(lambda _: len(verdicts) != 1))
    async with braking(sqlite_url) as at:
        answer = await send(at)
        assert (answer["pause"], pauses(at)) == ("refused", [])


async def test_a_resolved_alert_that_is_not_recorded_is_sent_again(sqlite_url: str) -> None:
    """Else the next one would be taken for the one that was paused."""
    async with braking(sqlite_url) as at:
        await send(at)
        await break_database(sqlite_url)
        resolved = ALERT | {"status": "resolved"}
        status, _, headers = await post_json(f"{at.bot.url}/alerts", resolved, headers=BEARER)
        assert (status, "Retry-After" in headers) == (503, True)
        await break_database(sqlite_url, repair=True)
        await asyncio.sleep(5)
        status, _, _ = await post_json(f"{at.bot.url}/alerts", resolved, headers=BEARER)
        answer = await send(at)
        assert (status, answer["pause"], pauses(at)) == (200, "paused", ["pause", "pause"])


async def test_a_pause_that_a_slow_database_decides_about_later_is_told_beside_an_earlier_card(sqlite_url: str) -> None:
    async with braking(sqlite_url) as at:
        await send(at, action=None, fingerprint="f2")
        async with locked(sqlite_url):
            sending = asyncio.create_task(send(at))
            await asyncio.sleep(2)
        await sending
        await at.slack.until(lambda: len(about_session(at)) == 2)
        await until_shown(at, about_session(at)[1], [], AUTO)


async def test_an_alert_that_slack_takes_after_its_pause_has_not_fired_again(sqlite_url: str) -> None:
    async with braking(sqlite_url) as at:
        await break_database(sqlite_url)
        at.slack.faults["chat.postMessage"] = rate_limited(5, times=1)
        sending = asyncio.create_task(send(at, starts_at=minutes_ago(1)))
        await asyncio.sleep(1)
        await break_database(sqlite_url, repair=True)
        assert (await sending)["pause"] == "paused"
        await until_shown(at, about_session(at)[0], RESUME, AUTO)


async def test_the_word_comes_in_time_also_if_nothing_answers(sqlite_url: str) -> None:
    async with braking(sqlite_url) as at:
        async with locked(sqlite_url):
            at.slack.faults["chat.postMessage"] = Hang()
            began = time.monotonic()
            status, answer, _ = await post_json(f"{at.bot.url}/alerts", ALERT, headers=BEARER)
            assert (status, answer["pause"], time.monotonic() - began < 8.5) == (504, "pending", True)
        await at.anchor.until(lambda: pauses(at) == ["pause"])
