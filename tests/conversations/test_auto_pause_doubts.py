"""Nothing is sent for an alert as long as it is not known what speaks against that, and nobody has to guess why."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import AsyncMock

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
from harness.product import Limits, Settings, outcomes, running
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
