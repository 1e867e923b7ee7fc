"""Who is mentioned: the table of docs/alerts.md, row by row."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from bot.sim.anchor import SessionState, server_error, unauthorized
from bot.sim.slack.markup import ON_CALL
from conversations.test_alert_cards import MENTION, ops
from conversations.test_auto_pause import braking, send
from harness import HTTP_ONLY, SESSION, SingleHarness

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
LINES = PAGE.partition("## Who is mentioned")[2].partition("\n## ")[0].splitlines()
ROWS = {
    row[1]: row.group(2, 3) for row in map(re.compile(r"\| ([^|]+) \| ([^|]+) \| ([^|]+) \|").fullmatch, LINES) if row
}
HOME, OPS = "C0ALERTS001", "C0OPS000001"

Act = Callable[[SingleHarness], Awaitable[object]]


async def alert(at: SingleHarness, **fields: object) -> None:
    """Let an alert come for the second channel, which asks for no pause unless it says so."""
    await send(at, **{"channel": OPS, "action": None} | fields)


async def failed_pause(at: SingleHarness) -> None:
    at.anchor.fault = server_error()
    await alert(at, action="pause")


async def is_over(at: SingleHarness) -> None:
    """Let the session end, as the check of sessions finds out."""
    await asyncio.sleep(30)
    at.anchor.session(SESSION).state = SessionState.ENDED
    await asyncio.sleep(300)


async def person_pauses(at: SingleHarness) -> None:
    await at.command(channel=ops(at))


async def reminder(at: SingleHarness) -> None:
    at.anchor.session(SESSION).max_duration = 20
    await alert(at, action="pause")
    await asyncio.sleep(1_200)


async def ended_while_paused(at: SingleHarness) -> None:
    await alert(at, action="pause")
    await is_over(at)


async def reminder_of_a_person(at: SingleHarness) -> None:
    at.anchor.session(SESSION).max_duration = 20
    await person_pauses(at)
    await asyncio.sleep(1_200)


async def resolved(at: SingleHarness) -> None:
    await alert(at)
    await alert(at, status="resolved", severity="critical")


async def refused_key(at: SingleHarness) -> None:
    await asyncio.sleep(100)
    at.anchor.fault = at.anchor.read_fault = unauthorized()
    await asyncio.sleep(75)


EVENTS: Mapping[str, tuple[Act, dict[str, str]]] = {
    "a critical alert": (lambda at: alert(at, severity="critical"), {}),
    "another alert": (alert, {}),
    "*resolved*": (resolved, {}),
    "an automatic pause that failed": (failed_pause, {}),
    "one that succeeded, below critical": (lambda at: alert(at, action="pause"), {}),
    "one that is only observed, below critical": (lambda at: alert(at, action="pause"), {"AUTO_PAUSE": "observe"}),
    "a reminder of an automatic pause": (reminder, {"REMIND_BEFORE": "5"}),
    "*Ended while paused* of one": (ended_while_paused, {"REMIND_BEFORE": "5"}),
    "a person's pause, and its reminder": (reminder_of_a_person, {"REMIND_BEFORE": "5"}),
    "a refused key, while automatic pauses are not off or an alert fires": (refused_key, {}),
}


def mentions(at: SingleHarness) -> list[str]:
    """The channels of the messages that mentioned the group as they were posted, also in their blocks."""
    posts = [call.arguments for call in at.slack.api_calls if call.method == "chat.postMessage"]
    parts = [(str(one["channel"]), str(one["text"]), str(one.get("blocks", MENTION))) for one in posts]
    return [channel for channel, text, blocks in parts if MENTION in text and MENTION in blocks]


def test_the_table_has_these_events() -> None:
    assert [*ROWS][1:] == [*EVENTS], "after the heading"


@HTTP_ONLY
@pytest.mark.parametrize("event", EVENTS)
async def test_an_event_mentions_the_group_of_its_channel_and_no_other_one(event: str) -> None:
    act, settings = EVENTS[event]
    where, who = ROWS[event]
    channel, other = (HOME, OPS) if where == "the alert channel" else (OPS, HOME)
    for configured, count in ((channel, int(who != "nobody")), (other, 0)):
        async with braking(ALERTS_GROUP=f"{configured}={ON_CALL}", **settings) as at:
            at.slack.api_calls.clear()
            await act(at)
            await asyncio.sleep(5)
            assert mentions(at) == [configured] * count


@HTTP_ONLY
@pytest.mark.parametrize("mode", ["observe", "off"])
async def test_a_refused_key_mentions_the_group_once_until_a_key_is_accepted(mode: str, sqlite_url: str) -> None:
    async with braking(sqlite_url, mode=mode, ALERTS_GROUP=ON_CALL) as at:
        at.anchor.read_fault = unauthorized()
        await asyncio.sleep(1_000)
        assert mentions(at) == ([HOME] if mode == "observe" else [])
        await alert(at)  # from now on one fires
        await asyncio.sleep(75)
        assert mentions(at) == [HOME]
        await asyncio.sleep(1_300)
        assert mentions(at) == [HOME]
        at.anchor.read_fault = None
        await asyncio.sleep(120)
        at.anchor.read_fault = unauthorized()
        await asyncio.sleep(75)
        assert mentions(at) == [HOME] * 2
