"""Alerts that come again, and alerts about many sessions: one card for a session, one summary for a burst."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from bot.sim.slack import Channel, Message, Source, api_error
from bot.sim.slack.content import parts
from conversations.test_cards import PAUSE, RESUME, TOKEN, UPDATE, alert, ops, taking_alerts, until_shown
from harness import SESSION, SingleHarness
from harness.conversation import post_json

pytestmark = pytest.mark.anyio

POST = "chat.postMessage"
MOST_IN_SUMMARY = 12
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


async def send(at: SingleHarness, session: str = SESSION, **fields: object) -> tuple[int, Mapping[str, Any]]:
    body = {"session_id": session, "text": "It spends."} | fields
    status, answer, _ = await post_json(f"{at.bot.url}/alerts", body, headers=HEADERS)
    return status, answer


def on_cards(at: SingleHarness) -> list[tuple[str, str, Message]]:
    """Each session that a message shows with a button: the id, the action of the button, and the message."""
    return [
        (str(one["value"]).split(maxsplit=1)[0], str(one["action_id"]), message)
        for message in at.messages()
        if message.source is Source.POST_MESSAGE
        for block in message.blocks
        for one in parts([block.get("accessory"), *parts(block.get("elements"))])
        if "value" in one and one["action_id"] != "anchor_pause_several"
    ]


STORM = [str(uuid.UUID(int=number + 1)) for number in range(600)]


def with_buttons(at: SingleHarness, *channels: Channel) -> set[str]:
    """The sessions of the storm that have a button in a message of these channels."""
    return set(STORM) & {
        str(one["value"]).split(maxsplit=1)[0]
        for channel in channels
        for message in at.messages(channel)
        for block in message.blocks
        for one in parts([block.get("accessory"), *parts(block.get("elements"))])
        if "action_id" in one
    }


async def storm(at: SingleHarness, *channels: Channel) -> None:
    """Let all its sessions have an alert within 5 seconds, in these channels in turn."""

    async def one(number: int, session: str) -> None:
        await asyncio.sleep(5.0 * number / len(STORM))
        await send(at, session, channel=channels[number % len(channels)].id)

    await asyncio.gather(*(one(number, session) for number, session in enumerate(STORM)))


def shown(at: SingleHarness) -> list[str]:
    return sorted(session for session, _, _ in on_cards(at))


async def test_an_alert_that_comes_again_updates_the_card(database_url: str) -> None:
    async with taking_alerts(database_url) as at:
        card = await alert(at)
        answers = [await send(at, text="It spends more.", severity="critical", fields={"spent": 40}) for _ in range(2)]
        elsewhere = await send(at, channel=ops(at).id)
        now = await until_shown(at, card, PAUSE, "×3", "It spends more.", "spent")
        await at.slack.until(lambda: at.calls(POST) == 3)  # with a reply, since it is more severe
    assert [(status, answer["ts"], answer["count"]) for status, answer in answers] == [
        (200, card.ts, 2),
        (200, card.ts, 3),
    ]
    assert (elsewhere[0], "count" in elsewhere[1]) == (200, False)
    assert "Critical" in now.text


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message"])
async def test_an_alert_that_comes_after_its_card_was_deleted_gets_a_new_card(error: str, database_url: str) -> None:
    async with taking_alerts(database_url) as at:
        card = await alert(at)
        at.slack.faults[UPDATE] = api_error(error, times=1)
        await send(at, text="It spends more.")
        await at.slack.until(lambda: at.calls(POST) == 2)
        posted = at.messages()[-1]
        await at.command()
        await until_shown(at, posted, RESUME, "×2", "It spends more.", "Paused")
        assert at.current(card).text == card.text


async def test_a_card_says_that_its_alerts_are_resolved() -> None:
    async with taking_alerts() as at:
        card = await alert(at, fingerprint="a")
        await send(at, fingerprint="b")
        await send(at, fingerprint="a", status="resolved")
        await until_shown(at, card, PAUSE, "×2")
        assert "Resolved" not in at.current(card).text
        status, answer = await send(at, fingerprint="b", status="resolved")
        await until_shown(at, card, PAUSE, "Resolved")
        await send(at, fingerprint="b")
        await until_shown(at, card, PAUSE, "×3")
        assert "Resolved" not in at.current(card).text
        unknown = await send(at, at.anchor.add_session(), status="resolved")
        assert at.calls(POST) == 2  # with a reply, since it fires again
    assert (status, answer["ts"]) == (200, card.ts)
    assert unknown == (200, {"ok": True, "channel": "C0ALERTS001", "ignored": True})


@pytest.mark.slow
async def test_alerts_about_many_sessions_become_one_summary(database_url: str) -> None:
    async with taking_alerts(database_url) as at:
        sessions = [at.anchor.add_session() for _ in range(MOST_IN_SUMMARY)]
        answers = await asyncio.gather(*(send(at, session) for session in sessions))
        await at.slack.until(lambda: shown(at) == sorted(sessions))
        assert at.calls(POST) <= 2  # the first alert can be alone
        session, _, summary = on_cards(at)[-1]
        await at.click(summary, value=session)
        await at.slack.until(lambda: (session, *RESUME) in [one[:2] for one in on_cards(at)])
        assert [action for _, action, _ in on_cards(at)].count(PAUSE[0]) == MOST_IN_SUMMARY - 1
        assert [order.verb for order in at.anchor.posts(session)] == ["pause"]
        posted = {name: message.ts for name, _, message in on_cards(at)}
    assert [(status, answer["ts"]) for status, answer in answers] == [(200, posted[session]) for session in sessions]


async def test_600_sessions_of_ten_channels_have_a_button_within_ten_seconds() -> None:
    async with taking_alerts(ALERTS_CHANNELS=",".join(f"C0STORM{n:03}" for n in range(10))) as at:
        bot = at.workspace.installation.bot_user_id
        channels = [at.workspace.add_channel(f"C0STORM{n:03}", f"storm-{n}", at.person, bot) for n in range(10)]
        storming = asyncio.ensure_future(storm(at, *channels))
        await asyncio.sleep(10.0)
        assert with_buttons(at, *channels) == set(STORM)
        await storming
