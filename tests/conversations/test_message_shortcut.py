"""The message shortcut: pause the session whose id is in a message, of anybody and anywhere."""

import asyncio

import pytest

from bot.sim.anchor import Slow
from bot.sim.slack import Channel, Message, Source
from harness import BOTH_TRANSPORTS, SESSION, SingleHarness, outcome_text, paused, single_workspace
from harness.product import outcomes

pytestmark = pytest.mark.anyio

LINK = f"look at <https://anchor.example.com/sessions/{SESSION}|this session> please"


def told(message: Message) -> str:
    """The text of the result of the shortcut on a message, with the link to it that Slack's clients copy."""
    thread = f"?thread_ts={message.thread_ts}&amp;cid={message.channel}" if message.thread_ts else ""
    url = f"https://acme.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}{thread}"
    return f"{paused()}, from <{url}|this message>"


async def result(at: SingleHarness, about: Message, channel: Channel | None = None) -> Message:
    """Wait for the one message after the one that the shortcut was used on."""
    await at.slack.until(lambda: len(at.messages(channel)) > 1 + at.messages(channel).index(at.current(about)))
    return at.messages(channel)[-1]


@BOTH_TRANSPORTS
async def test_the_session_is_paused_once_and_the_thread_gets_the_result_and_the_ack_does_not_wait() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(3.0)
        parent = at.slack.post(at.channel, "What is it doing?", user=at.slack.bob)
        message = at.slack.post(at.channel, LINK, user=at.slack.bob, thread_ts=parent.ts)
        used = await at.slack.use_shortcut(at.person, message)
        assert (used.error, at.messages()) == (None, [parent, message])
        again = await at.slack.resend(used)
        posted = await result(at, message)
        await asyncio.sleep(0.3)
        assert ([order.verb for order in at.orders], len(at.messages()), again.error) == (["pause"], 3, None)
    assert (posted.text, posted.thread_ts) == (told(message), parent.ts)
    assert posted.source is Source.POST_MESSAGE
    assert posted.blocks[-1]["elements"][0]["action_id"] == "anchor_resume_confirmed"  # type: ignore[index]


async def test_people_without_permission_in_its_channel_are_told_alone() -> None:
    async with single_workspace(ALLOWED_CHANNELS="C0ALERTS001", PAUSE_USERS="U0BOB000001,U0GUEST0001") as at:
        for person, channel, refusal in (
            (at.slack.bob, at.slack.private, outcomes.Refusal(outcomes.Why.NOT_HERE, ids=frozenset({"C0ALERTS001"}))),
            (
                at.slack.alice,
                at.channel,
                outcomes.Refusal(outcomes.Why.NOT_NAMED, ids=frozenset({"U0BOB000001", "U0GUEST0001"})),
            ),
            (at.slack.guest, at.channel, outcomes.Refusal(outcomes.Why.GUEST)),
        ):
            await at.slack.use_shortcut(person, at.slack.post(channel, LINK, user=at.slack.bob))
            await at.slack.until(lambda: at.ephemerals(person, channel))  # noqa: B023 - awaited here
            assert at.ephemerals(person, channel)[0].text == outcome_text(refusal, user=person.id)
        assert at.orders == []
