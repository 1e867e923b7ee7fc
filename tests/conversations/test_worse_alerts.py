"""Somebody is notified when an alert gets worse: by a reply to its card that the channel shows, too."""

import asyncio

import pytest

from bot.sim.slack import Message, ResetAfterReading, Source, rate_limited
from bot.sim.slack.content import parts
from bot.sim.slack.markup import ON_CALL
from conversations.test_cards import PAUSE, RESUME, alert, ops, taking_alerts, until_shown
from conversations.test_repeated_alerts import POST, send
from harness import SESSION, SingleHarness

pytestmark = pytest.mark.anyio

BOTH = [*PAUSE, *RESUME]


def replies(at: SingleHarness) -> list[Message]:
    return [message for message in at.messages() if message.is_broadcast]


def pressable(message: Message) -> list[object]:
    """The actions of the buttons beside the rows."""
    return [one["action_id"] for block in message.blocks for one in parts([block.get("accessory")])]


async def reply(at: SingleHarness, count: int = 1, within: float = 20.0) -> Message:
    """Wait for so many replies, and return the last one."""
    await at.slack.until(lambda: len(replies(at)) == count, within=within)
    return replies(at)[-1]


async def test_a_higher_severity_is_a_reply_that_the_channel_shows(database_url: str) -> None:
    async with taking_alerts(database_url) as at:
        card = await alert(at)
        await send(at, text="It spends more.")
        await send(at, text="It spends too much.", severity="critical")
        told = await reply(at)
        await send(at, text="It spends too much.", severity="critical")
        await until_shown(at, card, PAUSE, "×4")
        assert len(replies(at)) == 1
    assert (told.thread_ts, pressable(told)) == (card.ts, PAUSE)
    assert "It spends too much." in told.text


async def test_an_alert_that_fires_again_after_it_was_resolved_is_told_each_time() -> None:
    async with taking_alerts() as at:
        await alert(at, fingerprint="a")
        for count in (1, 2):
            await send(at, fingerprint="a", status="resolved")
            assert len(replies(at)) == count - 1
            await send(at, fingerprint="a", severity="info")
            await reply(at, count)


async def test_an_alert_that_fires_again_after_a_pause_is_told_once_and_its_message_follows_the_session() -> None:
    async with taking_alerts() as at:
        card = await alert(at)
        await at.click(card)
        await until_shown(at, card, RESUME, "Paused")
        await send(at, text="It goes on.")
        await send(at, text="It goes on and on.")
        told = await reply(at)
        await until_shown(at, card, BOTH, "×3")
        await at.click(told)
        await at.slack.until(lambda: pressable(at.current(told)) == RESUME)
        assert len(replies(at)) == 1
        assert len(at.anchor.posts(SESSION)) == 2


MENTION = f"<!subteam^{ON_CALL}>"


def mentions(at: SingleHarness) -> list[int]:
    """How often each message mentions the group."""
    return [str(message.blocks).count(MENTION) for message in at.messages() if message.source is Source.POST_MESSAGE]


async def test_each_copy_of_a_critical_alert_without_an_answer_mentions_the_group_and_all_count_once() -> None:
    async with taking_alerts(ALERTS_GROUP=ON_CALL) as at:
        at.slack.faults[POST] = ResetAfterReading(applied=True, times=1)
        await send(at, severity="critical")
        await at.slack.until(lambda: mentions(at) == [1, 1])
        await send(at, at.anchor.add_session(), severity="critical")
        await at.slack.until(lambda: mentions(at) == [1, 1, 0])


async def test_critical_alerts_mention_a_group_once_in_ten_minutes_and_channel() -> None:
    async with taking_alerts(ALERTS_GROUP=ON_CALL) as at:
        sessions = [at.anchor.add_session() for _ in range(2)]
        card = await alert(at)
        assert mentions(at) == [0]
        at.slack.faults[POST] = rate_limited(1, times=1)  # the group is mentioned when it is taken
        await send(at, severity="critical")
        await reply(at)
        await send(at, sessions[0], severity="critical")
        assert mentions(at) == [0, 1, 0]
        assert MENTION in replies(at)[0].text
        await send(at, sessions[0], severity="critical", channel=ops(at).id)
        assert MENTION in at.messages(ops(at))[-1].text
        await asyncio.sleep(601.0)
        await send(at, sessions[1], severity="critical")
        assert mentions(at) == [0, 1, 0, 1]
        await at.click(card)
        await until_shown(at, card, RESUME, "Paused")
        await at.slack.until(lambda: mentions(at) == [0, 0, 0, 1])  # an update repeats none
