"""Pauses by alerts beside other processes, and after a process was killed."""

import asyncio
from collections.abc import Iterator

import pytest

from bot.sim.slack import Source
from conversations.test_auto_pause import AUTO, BEARER, minutes_ago
from conversations.test_recovery import second_bot, until_told
from harness import HTTP_ONLY, SESSION, SingleHarness, single_workspace
from harness.conversation import post_json
from harness.databases import KEY
from harness.product import State
from harness.restarts import Remains, remains
from harness.webhooks import alertmanager_alert, alertmanager_body

pytestmark = pytest.mark.anyio

TOKEN = BEARER["Authorization"].removeprefix("Bearer ")
SINCE = minutes_ago(1)
OWN = {"ALERTS_TOKEN": TOKEN, "ALERTS_CHANNEL": "C0ALERTS001", "AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "default"}


def posted(at: Remains) -> list[str]:
    return [one.text for one in at.messages() if one.source is Source.POST_MESSAGE]


@pytest.mark.parametrize("state", [State.WAITING, State.SENT])
async def test_a_pause_that_a_killed_process_left_is_sent_and_told(database_url: str, state: State) -> None:
    async with remains(database_url, **OWN) as left:
        await left.leave_by_alert(state)
        async with left.restart() as at:
            assert await until_told(left) == ["Paused"]
            await at.slack.until(lambda: posted(left))
            await asyncio.sleep(1)
            assert ([order.verb for order in at.orders], len(posted(left))) == (["pause"], 1)
            assert AUTO in posted(left)[0]


@pytest.mark.parametrize(
    ("settings", "state", "age", "outcome"),
    [
        ({"AUTO_PAUSE": "observe"}, State.WAITING, 1, "Observed"),
        ({"AUTO_PAUSE": "off"}, State.WAITING, 1, "AutoPauseOff"),
        ({"AUTO_PAUSE": "off"}, State.SENT, 1, "Unconfirmed"),
        ({"AUTO_PAUSE_TOKENS": ""}, State.WAITING, 1, "AutoPauseOff"),
        ({}, State.WAITING, 121, "Unconfirmed"),
    ],
)
async def test_it_is_not_sent_in_another_mode_nor_with_another_token_nor_after_two_minutes(
    sqlite_url: str, settings: dict[str, str], state: State, age: float, outcome: str
) -> None:
    async with remains(sqlite_url, **OWN | settings) as left:
        await left.leave_by_alert(state, age=age)
        async with left.restart() as at:
            assert await until_told(left) == [outcome]
            assert at.orders == []


@HTTP_ONLY
async def test_two_processes_send_one_pause_and_respect_a_resume_of_each_other(postgresql_urls: Iterator[str]) -> None:
    url = next(postgresql_urls)
    shared = {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal(), **OWN}
    async with single_workspace(**shared) as at, second_bot(at, url, **OWN) as second:  # type: ignore[arg-type]
        sessions = [SESSION, *(at.anchor.add_session() for _ in range(9))]
        firing = alertmanager_body(
            *(alertmanager_alert(session=one, labels={"anchor_action": "pause"}) for one in sessions)
        )
        urls = [at.bot.url, second] * 3
        answers = await asyncio.gather(*(post(f"{one}/alerts/alertmanager", firing) for one in urls))
        assert answers == [200] * 6
        await at.slack.until(lambda: all(AUTO in text_about(at, one) for one in sessions))
        assert [len(at.anchor.posts(one)) for one in sessions] == [1] * 10
        other: dict[str, object] = {"session_id": at.anchor.add_session(), "fingerprint": "f1", "starts_at": SINCE}
        told = [(await send_to(there, **other))["pause"] for there in (at.bot.url, second)]
        assert (told, len(at.anchor.posts(str(other["session_id"])))) == (["paused"] * 2, 1)
        await at.command(verb="resume")
        await at.slack.until(lambda: len(at.anchor.posts(SESSION)) == 2)
        at.slack.request_url = f"{second}/slack/events"
        await post(f"{second}/alerts/alertmanager", firing)
        answer = await send_to(second, fingerprint="other")
        assert (answer["pause"], len(at.anchor.posts(SESSION))) == ("refused", 2)


async def post(url: str, body: object) -> int:
    return (await post_json(url, body, headers=BEARER))[0]


async def send_to(url: str, **fields: object) -> dict[str, object]:
    body = {"session_id": SESSION, "text": "It spends.", "action": "pause"} | fields
    return (await post_json(f"{url}/alerts", body, headers=BEARER))[1]


def text_about(at: SingleHarness, session: str) -> str:
    return "".join(str(one.blocks) for one in at.messages() if session in one.text)
