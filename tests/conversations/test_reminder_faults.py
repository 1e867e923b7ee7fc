"""Reminders of paused sessions while Anchor, Slack or the database fails, and after the bot was away."""

import asyncio
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.outbound.anchor.sessions import AnchorSessions
from bot.sim.anchor import SessionState, Slow
from bot.sim.anchor.simulator import rate_limited, server_error, unauthorized
from conversations.test_cards import RESUME, buttons, until_shown
from conversations.test_reminders import ENDED, minutes_pass, paused, reminders
from harness import SESSION, single_workspace
from harness.databases import KEY
from harness.product import Secret, SessionId, errors

pytestmark = pytest.mark.anyio


def change(url: str, sql: str, *values: float) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as database:
        database.execute(sql, values)


FAULTS = {"slow": Slow(15.0), "limited": rate_limited(), "failing": server_error(), "refused": unauthorized()}


@pytest.mark.parametrize("error", [RuntimeError("a bug"), errors.StoreUnreachableError("gone")], ids=repr)
async def test_a_pause_that_can_not_be_looked_at_holds_up_no_other(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    read = AnchorSessions.details

    async def details(self: AnchorSessions, key: Secret, session_id: SessionId, *, within: float) -> Any:
        if session_id != SESSION:
            raise error
        return await read(self, key, session_id, within=within)

    async with paused(sqlite_url) as at:
        other = at.anchor.session(session_id := at.anchor.add_session())
        other.created_at, other.max_duration = at.anchor.session(SESSION).created_at, 20
        await at.command(session_id)
        await minutes_pass(1)
        monkeypatch.setattr(AnchorSessions, "details", details)
        await minutes_pass(15)
        assert len(reminders(at)) == 1
    assert ("paused session not looked at" in caplog.messages) is isinstance(error, RuntimeError)


@pytest.mark.parametrize("why", ["no channel", "left", "archived"])
async def test_a_reminder_in_a_direct_message_follows_the_session(sqlite_url: str, why: str) -> None:
    async with paused(sqlite_url, ALERTS_CHANNEL="", ALERTS_TOKEN="") as at:
        await asyncio.sleep(4)
        if why == "no channel":
            change(sqlite_url, "UPDATE orders SET channel_id = ''")
        elif why == "left":
            at.channel.members.discard(at.workspace.installation.bot_user_id)
        else:
            at.channel.is_archived = True
        await minutes_pass(16)
        (one,) = [one for one in at.direct_messages() if SESSION in one.text]
        assert buttons(one) == RESUME
        await at.command(verb="resume", channel=at.workspace.dm_with_bot(at.person))
        await until_shown(at, one, ["anchor_pause"], "Resumed")


@pytest.mark.parametrize(("how", "said"), [("alive", "ends in 5 min"), ("ended", ENDED), ("gone", "Not found")])
async def test_a_list_of_reminders_says_what_each_would_say(sqlite_url: str, how: str, said: str) -> None:
    async with single_workspace(DATABASE_URL=sqlite_url, ENCRYPTION_KEYS=KEY.reveal(), REMIND_BEFORE="5") as at:
        sessions = [at.anchor.add_session() for _ in range(26)]
        for one in sessions:
            session = at.anchor.session(one)
            session.created_at, session.max_duration = datetime.fromtimestamp(time.time(), UTC), 20
            session.tags = ["checkout"]
            await at.command(one)
        await minutes_pass(10)
        for one in sessions[20:]:
            if how == "ended":
                at.anchor.session(one).state = SessionState.ENDED
            elif how == "gone":
                at.anchor.forget_session(one)
        await at.slack.until(lambda: any("sessions*" in one.text for one in at.messages()), within=600)
        summary = next(one for one in at.messages() if "sessions*" in one.text)
        rows = [str(block) for block in summary.blocks[1:]]
        assert {said in row for row in rows} == {True}
        assert {RESUME[0] in row for row in rows} == {how == "alive"}
        assert all(said in line for line in summary.text.splitlines()[1:])
        if how == "alive":
            shown = [one for one in sessions if one in summary.text]
            assert [row.index("checkout") < row.index(one) for row, one in zip(rows, shown, strict=True)] == [True] * 12
            assert ("*12 paused sessions*" in summary.text, "<!date^" in summary.text.splitlines()[0]) == (True, True)
            await at.command(shown[0], verb="resume")
            await minutes_pass(1)
            assert "*Resumed*" in str(at.current(summary).blocks)
