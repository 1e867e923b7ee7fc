"""Reminders of paused sessions, and cards of sessions that end."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime

import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState
from bot.sim.slack import Channel, Message
from conversations.test_alert_cards import PAUSE, RESUME, alert, buttons, taking_alerts, until_shown
from harness import SESSION, SingleHarness
from harness.order_rows import batch

RESUME_THESE = "anchor_resume_batch"
REMINDER, STILL, ENDED = "⏰", "is not known", "⏹️ *Ended while paused"


@asynccontextmanager
async def paused(
    url: str, *, began: float = 0.0, minutes: int | None = 20, **settings: str
) -> AsyncIterator[SingleHarness]:
    """A bot, and a session that began so many minutes ago and ends after so many, which Alice has paused."""
    async with taking_alerts(url, **{"REMIND_BEFORE": "5"} | settings) as at:
        session = at.anchor.session(SESSION)
        session.created_at = datetime.fromtimestamp(time.time() - 60 * began, UTC)
        session.max_duration = minutes
        await at.command(f"{SESSION} it loops")
        yield at


def reminders(at: SingleHarness, channel: Channel | None = None) -> list[Message]:
    """The messages about the session; the bot's other sessions are paused, too."""
    about = [one for one in at.messages(channel) if SESSION[:8] in one.text]
    return [one for one in about if REMINDER in one.text or ENDED in one.text]


async def minutes_pass(minutes: float) -> None:
    await asyncio.sleep(60 * minutes)


async def test_five_minutes_before_the_end_the_channel_is_reminded_once(sqlite_url: str) -> None:
    async with paused(sqlite_url) as at:
        await minutes_pass(14.5)
        assert reminders(at) == []
        await at.slack.until(lambda: reminders(at), within=40.0)
        assert time.time() == pytest.approx(at.anchor.session(SESSION).began_at.timestamp() + 900.0, abs=6.0)
        (one,) = reminders(at)
        assert f"by <@{at.person.id}>" in one.text
        assert "it loops" in one.text
        assert buttons(one) == RESUME
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database:
            found = database.execute("SELECT ends_at, ends_by_default FROM orders WHERE session_id = ?", [SESSION])
            began = at.anchor.session(SESSION).began_at.timestamp()
            assert found.fetchall() == [(pytest.approx(began + 1_200), 0)]
        await at.command(verb="resume")
        await until_shown(at, one, ["anchor_pause"], "Resumed")
        await minutes_pass(10)
        assert len(reminders(at)) == 1


@pytest.mark.parametrize(
    ("began", "minutes", "after", "said"),
    [
        (17, 20, 1, "ends at"),  # at once
        (0, None, 16, "20 and 180 minutes"),
        (0, -1, 31, STILL),
        (0, 1_000_000_000, 31, STILL),
        (-60 * 24, 20, 31, STILL),
    ],
)
async def test_a_reminder_says_what_is_known_of_the_end(
    sqlite_url: str, began: float, minutes: int | None, after: float, said: str
) -> None:
    async with paused(sqlite_url, began=began, minutes=minutes) as at:
        await minutes_pass(after)
        (one,) = reminders(at)
        assert said in one.text
        assert "resumed by this app" in one.text.casefold()


@pytest.mark.parametrize("how", ["resumed", "off"])
async def test_there_is_no_reminder_after_a_resume_nor_if_it_is_switched_off(sqlite_url: str, how: str) -> None:
    async with paused(sqlite_url, REMIND_BEFORE="0" if how == "off" else "5") as at:
        if how == "resumed":
            await at.command(verb="resume")
        await minutes_pass(40)
        assert reminders(at) == []


@pytest.mark.parametrize(("left", "is_known"), [(0.5, True), (12, True), (12, False)])
async def test_a_session_that_ends_while_paused_is_told_once_without_a_button(
    sqlite_url: str, left: float, *, is_known: bool
) -> None:
    """Half a minute before its end is too late for a reminder; or somebody ends it early."""
    async with paused(sqlite_url, began=20 - left) as at:
        await minutes_pass(1.5)
        if is_known:
            at.anchor.session(SESSION).state = SessionState.ENDED
        else:
            at.anchor.forget_session(SESSION)
        await minutes_pass(15)
        said = "ended while paused" if is_known else "not found"
        (one,) = [one for one in at.messages() if said in one.text.casefold() and SESSION[:8] in one.text]
        assert ("ended while paused" in one.text.casefold(), ENDED in one.text) == (is_known, is_known)
        assert one.text.casefold().count(said) == 1
        assert buttons(one) == ([] if is_known else PAUSE)


_PAUSED = """
    INSERT INTO orders (id, trigger_id, session_id, team_id, verb, reason, source, user_id, home_team_id, channel_id,
      owner, state, outcome, told, given_at, settled_at, remind_at)
    SELECT value, value, printf('3f2b8c1e-7d4a-4f0b-9a56-%012d', value), team_id, verb, '', source, user_id,
      home_team_id, channel_id, owner, state, outcome, told, given_at, settled_at, remind_at
    FROM orders, json_each(?) WHERE session_id = ?
"""


@pytest.mark.parametrize(("sessions", "checks"), [(0, 18), (12_000, 4)])
async def test_sessions_are_checked_each_minute_and_many_of_them_less_often(
    sqlite_url: str, sessions: int, checks: int
) -> None:
    """Beside a try of the key every five minutes."""
    async with paused(sqlite_url, minutes=180) as at:
        await minutes_pass(1)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database, database:
            database.execute(_PAUSED, [str(list(range(sessions))), SESSION])
        at.anchor.requests.clear()
        await minutes_pass(20)
        assert sum(one.verb == "statuses" for one in at.anchor.requests) == pytest.approx(checks + 4, abs=1)


async def test_those_that_one_check_finds_ended_are_one_message(sqlite_url: str) -> None:
    async with paused(sqlite_url, minutes=180) as at:
        sessions = [SESSION, *(at.anchor.add_session() for _ in range(3))]
        for one in sessions[1:]:
            await at.command(one)
        await minutes_pass(5)
        before = len(at.messages())
        for one in sessions:
            at.anchor.session(one).state = SessionState.ENDED
        await minutes_pass(4)
        (told,) = at.messages()[before:]
        assert [one[:8] in told.text for one in sessions] == [True] * 4
        assert (REMINDER in told.text, "*Ended" in told.text, RESUME_THESE in str(told.blocks)) == (False, True, False)


async def test_the_reminders_of_a_batch_are_one_message_for_those_that_end_within_five_minutes(sqlite_url: str) -> None:
    async with taking_alerts(sqlite_url, REMIND_BEFORE="5") as at:
        sessions = [at.anchor.add_session() for _ in range(4)]
        for one, later in zip(sessions, (0, 2, 4, 8), strict=True):
            session = at.anchor.session(one)
            session.created_at = datetime.fromtimestamp(int(time.time()) - 60 * (8 - later), UTC)
            session.max_duration = 20
        await at.bot.batches.pause(batch(at, sessions))
        told = list[Message]()
        for minutes in (9, 7):
            await minutes_pass(minutes)
            told += [one for one in at.messages() if REMINDER in one.text][len(told) :]
    assert [[session[:8] in one.text for session in sessions] for one in told] == [
        [True] * 3 + [False],
        [False] * 3 + [True],
    ]
    assert [RESUME_THESE in str(one.blocks) for one in told] == [True, False]
    began = at.anchor.session(sessions[0]).created_at
    assert began is not None
    assert f"<!date^{began.timestamp() + 20 * MINUTE:.0f}^" in told[0].text.partition("\n")[0]


AGENTS = "sk-agents"
MINUTE, MOST_READS = 60.0, 15


def has_ended(at: SingleHarness, card: Message) -> bool:
    now = at.current(card)
    return not buttons(now) and "Ended" in now.text


def most_reads_within_a_minute(at: SingleHarness) -> int:
    times = [request.at for request in at.anchor.requests if request.method == "GET"]
    return max(sum(begin <= at < begin + MINUTE for at in times) for begin in times)


async def test_20_cards_of_sessions_that_other_keys_made_end_within_four_minutes() -> None:
    async with taking_alerts() as at:
        at.anchor.add_key(AGENTS, team_of=DEFAULT_KEY)
        cards = dict[str, Message]()
        for session in [at.anchor.add_session(key=AGENTS) for _ in range(20)]:
            cards[session] = await alert(at, session_id=session)
            await asyncio.sleep(2.5)  # more of them would be a summary
        await asyncio.sleep(MINUTE)
        assert all(buttons(at.current(card)) == PAUSE for card in cards.values())
        for session in cards:
            at.anchor.session(session).state = SessionState.ENDED
        await at.slack.until(lambda: all(has_ended(at, card) for card in cards.values()), within=4 * MINUTE)
        assert most_reads_within_a_minute(at) <= MOST_READS
