"""Reminders of paused sessions while Anchor, Slack or the database fails, and after the bot was away."""

import asyncio
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest

from bot.sim.anchor import SessionState, Slow
from bot.sim.anchor.simulator import rate_limited, server_error, unauthorized
from conversations.test_alert_cards import RESUME, buttons, until_shown
from conversations.test_reminders import ENDED, minutes_pass, paused
from harness import SESSION, single_workspace
from harness.databases import KEY

pytestmark = pytest.mark.anyio


def change(url: str, sql: str, *values: float) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as database:
        database.execute(sql, values)


FAULTS = {"slow": Slow(15.0), "limited": rate_limited(), "failing": server_error(), "refused": unauthorized()}


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
