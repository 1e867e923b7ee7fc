"""The message shortcut: pause the session whose id is in a message, of anybody and anywhere."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.sim.anchor import Slow
from bot.sim.slack import Channel, Message, Source, api_error, expired_url, rate_limited
from bot.sim.slack import Fault as SlackFault
from harness import (
    ALICE,
    BOTH_TRANSPORTS,
    SESSION,
    SingleHarness,
    outcome_text,
    paused,
    single_workspace,
)
from harness.product import outcomes, policy

pytestmark = pytest.mark.anyio

LINK = f"look at <https://anchor.example.com/sessions/{SESSION}|this session> please"


def url_of(message: Message) -> str:
    """The link to a message, as Slack's clients copy it."""
    thread = f"?thread_ts={message.thread_ts}&amp;cid={message.channel}" if message.thread_ts else ""
    return f"https://acme.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}{thread}"


def told(message: Message, outcome: outcomes.Outcome | None = None, *, user: str = ALICE) -> str:
    """The text of the result of the shortcut on a message."""
    text = paused(user=user) if outcome is None else outcome_text(outcome, user=user)
    return f"{text}, from <{url_of(message)}|this message>"


async def use(at: SingleHarness, channel: Channel | None = None, text: str = LINK, **fields: Any) -> Message:
    """Use the shortcut on a message of Bob, and return it."""
    message = at.slack.post(channel or at.channel, text, user=at.slack.bob, **fields)
    await at.slack.use_shortcut(at.person, message)
    return message


async def result(at: SingleHarness, about: Message, channel: Channel | None = None) -> Message:
    """Wait for the one message after the one that the shortcut was used on."""
    await at.slack.until(lambda: len(at.messages(channel)) > 1 + at.messages(channel).index(at.current(about)))
    return at.messages(channel)[-1]


@BOTH_TRANSPORTS
async def test_the_session_is_paused_once_and_the_thread_gets_the_result_and_the_ack_does_not_wait() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(3.0)
        message = at.slack.post(at.channel, LINK, user=at.slack.bob)
        used = await at.slack.use_shortcut(at.person, message)
        assert (used.error, at.messages()) == (None, [message])
        again = await at.slack.resend(used)
        posted = await result(at, message)
        await asyncio.sleep(0.3)
        assert ([order.verb for order in at.orders], len(at.messages()), again.error) == (["pause"], 2, None)
    assert (posted.text, posted.thread_ts) == (told(message), message.ts)
    assert posted.source is Source.POST_MESSAGE
    assert posted.blocks[1]["elements"][0]["action_id"] == "anchor_resume_confirmed"  # type: ignore[index]


@BOTH_TRANSPORTS
@pytest.mark.parametrize("keeps_thread", [False, True])
async def test_where_the_bot_is_no_member_the_channel_gets_a_result_that_is_complete_by_itself(
    *, keeps_thread: bool
) -> None:
    """Slack does not document whether it posts it in the thread."""
    async with single_workspace() as at:
        at.slack.platform.shortcuts_keep_threads = keeps_thread
        message = await use(at, at.slack.private)
        posted = await result(at, message, at.slack.private)
    assert (posted.text, posted.source) == (told(message), Source.RESPONSE_URL)
    assert posted.thread_ts == (message.ts if keeps_thread else None)


async def test_a_message_in_a_thread_is_answered_there() -> None:
    async with single_workspace() as at:
        parent = at.slack.post(at.channel, "What is it doing?", user=at.slack.bob)
        message = await use(at, thread_ts=parent.ts)
        posted = await result(at, message)
    assert (posted.text, posted.thread_ts) == (told(message), parent.ts)


THREAD_FAULTS: dict[str, SlackFault] = {
    "locked": api_error("restricted_action_thread_locked"),
    "left": api_error("not_in_channel"),
    "archived": api_error("is_archived"),
    "rate limited": rate_limited(30),
}


@pytest.mark.parametrize("fault", THREAD_FAULTS.values(), ids=THREAD_FAULTS)
async def test_a_thread_that_takes_no_reply_is_answered_in_the_channel(fault: SlackFault) -> None:
    async with single_workspace() as at:
        at.slack.faults["chat.postMessage"] = fault
        message = await use(at)
        posted = await result(at, message)
    assert (posted.text, posted.thread_ts, posted.source) == (told(message), None, Source.RESPONSE_URL)


async def test_if_slack_refuses_a_url_with_a_thread_it_gets_the_result_without_one() -> None:
    async with single_workspace() as at:
        at.slack.faults["chat.postMessage"] = api_error("cannot_reply_to_message")
        at.slack.faults["response_url"] = replace(expired_url(), times=1)
        at.slack.platform.shortcuts_keep_threads = True
        message = await use(at)
        posted = await result(at, message)
    assert (posted.text, posted.thread_ts, posted.source) == (told(message), None, Source.RESPONSE_URL)


async def test_if_nothing_can_be_posted_there_the_person_gets_a_direct_message() -> None:
    async with single_workspace() as at:
        at.slack.faults["response_url"] = expired_url()
        message = await use(at, at.slack.private)
        (text,) = await at.wait_for_direct_messages()
    assert text.startswith(told(message))


async def test_people_without_permission_in_its_channel_are_told_alone() -> None:
    async with single_workspace(ALLOWED_CHANNELS="C0ALERTS001", PAUSE_USERS="U0BOB000001,U0GUEST0001") as at:
        for person, channel, refusal in (
            (at.slack.bob, at.slack.private, policy.NotHere(frozenset({"C0ALERTS001"}))),
            (at.slack.alice, at.channel, policy.NotNamed(frozenset({"U0BOB000001", "U0GUEST0001"}))),
            (at.slack.guest, at.channel, policy.NotAMember(policy.Role.GUEST)),
        ):
            await at.slack.use_shortcut(person, at.slack.post(channel, LINK, user=at.slack.bob))
            await at.slack.until(lambda: at.ephemerals(person, channel))  # noqa: B023 - awaited here
            assert at.ephemerals(person, channel)[0].text == outcome_text(refusal, user=person.id)
        assert at.orders == []
