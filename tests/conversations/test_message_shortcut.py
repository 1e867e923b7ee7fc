"""The message shortcut: pause the session whose id is in a message, of anybody and anywhere."""

import asyncio
from dataclasses import replace
from unittest.mock import AsyncMock

import pytest

from bot.core.outcomes import Doubt, Failed, NotFound, Outcome, Unconfirmed
from bot.core.policy import NotAMember, NotHere, NotNamed, Role
from bot.messages.markup import session
from bot.sim.anchor import Fault, SessionState, Slow, html, server_error
from bot.sim.slack import Channel, Message, Source, api_error, expired_url, rate_limited
from harness import (
    ALICE,
    BOTH_TRANSPORTS,
    HTTP_ONLY,
    OTHER_SESSION,
    SESSION,
    SingleHarness,
    outcome_text,
    paused,
    single_workspace,
)
from harness.blocks import section
from harness.samples import sample

pytestmark = pytest.mark.anyio

BOB = "U0BOB000001"
LINK = f"look at <https://anchor.example.com/sessions/{SESSION}|this session> please"


def url_of(message: Message) -> str:
    """The link to a message, as Slack's clients copy it."""
    thread = f"?thread_ts={message.thread_ts}&amp;cid={message.channel}" if message.thread_ts else ""
    return f"https://acme.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}{thread}"


def told(message: Message, outcome: Outcome | None = None, *, user: str = ALICE) -> str:
    """The text of the result of the shortcut on a message."""
    text = paused(user=user) if outcome is None else outcome_text(outcome, user=user)
    return f"{text}, from <{url_of(message)}|this message>"


async def result_in(at: SingleHarness, channel: Channel, about: Message) -> Message:
    """Wait for the one message after the one that the shortcut was used on."""
    await at.slack.until(lambda: len(at.messages(channel)) > 1 + at.messages(channel).index(at.current(about)))
    return at.messages(channel)[-1]


@BOTH_TRANSPORTS
async def test_the_session_of_a_persons_message_is_paused_and_the_thread_gets_the_result() -> None:
    async with single_workspace() as at:
        message = at.slack.post(at.channel, LINK, user=at.slack.bob)
        used = await at.slack.use_shortcut(at.person, message)
        _, posted = await at.wait_for_messages(2)
        assert [order.verb for order in at.orders] == ["pause"]
    assert used.error is None
    assert (posted.text, posted.thread_ts) == (told(message), message.ts)
    assert posted.source is Source.POST_MESSAGE
    assert posted.blocks[1]["elements"][0]["action_id"] == "anchor_resume_confirmed"  # type: ignore[index]


@BOTH_TRANSPORTS
async def test_where_the_bot_is_no_member_the_channel_gets_a_result_that_is_complete_by_itself() -> None:
    async with single_workspace() as at:
        message = at.slack.post(at.slack.private, LINK, user=at.slack.bob)
        await at.slack.use_shortcut(at.person, message)
        posted = await result_in(at, at.slack.private, message)
    assert (posted.text, posted.thread_ts, posted.source) == (told(message), None, Source.RESPONSE_URL)


async def test_slack_can_post_it_in_the_thread_where_the_bot_is_no_member() -> None:
    async with single_workspace() as at:
        at.slack.platform.shortcuts_keep_threads = True
        message = at.slack.post(at.slack.private, LINK, user=at.slack.bob)
        await at.slack.use_shortcut(at.person, message)
        posted = await result_in(at, at.slack.private, message)
    assert posted.thread_ts == message.ts


@pytest.mark.parametrize("place", ["incidents", "alice_and_bob", "alice_and_bot", "alerts"])
@pytest.mark.parametrize("author", ["a person", "another app", "the bot", "Alertmanager"])
async def test_it_works_for_messages_of_everybody_in_every_conversation(place: str, author: str) -> None:
    async with single_workspace() as at:
        channel: Channel = getattr(at.slack, place)
        grafana = at.slack.home.add_user("U0GRAFANA01", "grafana", is_bot=True)
        alert = sample("alertmanager.webhook_request")["attachments"]
        message = {
            "a person": lambda: at.slack.post(channel, f"```{SESSION}```", user=at.slack.bob),
            "another app": lambda: at.slack.post(channel, "Spend", blocks=[section(f"in {SESSION}")], user=grafana),
            "the bot": lambda: at.post_alert(channel=channel),
            "Alertmanager": lambda: at.slack.post(channel, "", attachments=alert),
        }[author]()
        await at.slack.use_shortcut(at.person, message)
        posted = await result_in(at, channel, message)
    is_member = place in {"alerts", "alice_and_bot"}
    assert (posted.text, posted.thread_ts) == (told(message), message.ts if is_member else None)


async def test_a_message_in_a_thread_is_answered_there() -> None:
    async with single_workspace() as at:
        parent = at.slack.post(at.channel, "What is it doing?", user=at.slack.bob)
        message = at.slack.post(at.channel, LINK, user=at.slack.bob, thread_ts=parent.ts)
        await at.slack.use_shortcut(at.person, message)
        *_, posted = await at.wait_for_messages(3)
    assert (posted.text, posted.thread_ts) == (told(message), parent.ts)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(server_error(), Failed(500, "Failed to pause agent")), (html(502), Unconfirmed(Doubt.GATEWAY, 502))],
    ids=["failed", "unconfirmed"],
)
async def test_the_thread_gets_a_failure_as_well(fault: Fault, outcome: Outcome) -> None:
    async with single_workspace() as at:
        at.anchor.fault = fault
        message = at.slack.post(at.channel, LINK, user=at.slack.bob)
        await at.slack.use_shortcut(at.slack.bob, message)
        _, posted = await at.wait_for_messages(2)
    assert (posted.text, posted.thread_ts) == (told(message, outcome, user=BOB), message.ts)


@pytest.mark.parametrize("error", ["restricted_action_thread_locked", "not_in_channel", "is_archived"])
async def test_a_thread_that_takes_no_reply_is_answered_in_the_channel(error: str) -> None:
    async with single_workspace() as at:
        at.slack.faults["chat.postMessage"] = api_error(error)
        message = at.slack.post(at.channel, LINK, user=at.slack.bob)
        await at.slack.use_shortcut(at.person, message)
        _, posted = await at.wait_for_messages(2)
    assert (posted.text, posted.thread_ts, posted.source) == (told(message), None, Source.RESPONSE_URL)


async def test_if_slack_refuses_a_url_with_a_thread_it_gets_the_result_without_one() -> None:
    async with single_workspace() as at:
        at.slack.faults["chat.postMessage"] = api_error("cannot_reply_to_message")
        at.slack.faults["response_url"] = replace(expired_url(), times=1)
        at.slack.platform.shortcuts_keep_threads = True
        message = at.slack.post(at.channel, LINK, user=at.slack.bob)
        await at.slack.use_shortcut(at.person, message)
        _, posted = await at.wait_for_messages(2)
    assert (posted.text, posted.thread_ts, posted.source) == (told(message), None, Source.RESPONSE_URL)


async def test_if_nothing_can_be_posted_there_the_person_gets_a_direct_message() -> None:
    async with single_workspace() as at:
        at.slack.faults["response_url"] = expired_url()
        message = at.slack.post(at.slack.private, LINK, user=at.slack.bob)
        await at.slack.use_shortcut(at.person, message)
        (text,) = await at.wait_for_direct_messages()
    assert text.startswith(told(message))


async def test_a_rate_limited_channel_gets_the_result_through_the_url() -> None:
    async with single_workspace() as at:
        at.slack.faults["chat.postMessage"] = rate_limited(30)
        message = at.slack.post(at.channel, LINK, user=at.slack.bob)
        await at.slack.use_shortcut(at.person, message)
        _, posted = await at.wait_for_messages(2)
    assert posted.source is Source.RESPONSE_URL


async def test_people_without_permission_are_told_alone() -> None:
    async with single_workspace() as at:
        message = at.slack.post(at.channel, LINK, user=at.slack.bob)
        await at.slack.use_shortcut(at.slack.guest, message)
        refusal = await at.wait_for_ephemeral(at.slack.guest)
        assert at.orders == []
    assert refusal.text == outcome_text(NotAMember(Role.GUEST), user=at.slack.guest.id)


@BOTH_TRANSPORTS
async def test_a_shortcut_that_comes_twice_is_one_pause_with_one_result() -> None:
    async with single_workspace() as at:
        message = at.slack.post(at.channel, LINK, user=at.slack.bob)
        used = await at.slack.use_shortcut(at.person, message)
        again = await at.slack.resend(used)
        await at.wait_for_messages(2)
        await asyncio.sleep(0.3)
        assert (len(at.orders), len(at.messages()), again.error) == (1, 2, None)


@BOTH_TRANSPORTS
async def test_the_ack_does_not_wait_for_anchor() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(3.0)
        message = at.slack.post(at.channel, LINK, user=at.slack.bob)
        used = await at.slack.use_shortcut(at.person, message)
        assert (used.error, at.messages()) == (None, [message])
        await at.wait_for_messages(2)


async def test_a_session_that_anchor_does_not_know_is_named() -> None:
    async with single_workspace() as at:
        message = at.slack.post(at.channel, f"see {OTHER_SESSION}", user=at.slack.bob)
        await at.slack.use_shortcut(at.person, message)
        _, posted = await at.wait_for_messages(2)
    assert outcome_text(NotFound("Session not found"), session=OTHER_SESSION) in posted.text
    assert session(OTHER_SESSION) in posted.text


async def test_the_permissions_of_its_channel_apply() -> None:
    async with single_workspace(ALLOWED_CHANNELS="C0ALERTS001", PAUSE_USERS="U0BOB000001") as at:
        for person, channel, refusal in (
            (at.slack.bob, at.slack.private, NotHere(frozenset({"C0ALERTS001"}))),
            (at.slack.alice, at.channel, NotNamed(frozenset({BOB}))),
        ):
            await at.slack.use_shortcut(person, at.slack.post(channel, LINK, user=at.slack.bob))
            await at.slack.until(lambda: at.ephemerals(person, channel))  # noqa: B023 - awaited here
            assert at.ephemerals(person, channel)[0].text == outcome_text(refusal, user=person.id)
        assert at.orders == []


@BOTH_TRANSPORTS
async def test_a_late_shortcut_is_not_sent_if_somebody_resumed_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.core.request_age.LATE", 0.2)
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.PAUSED
        message = at.slack.post(at.channel, LINK, user=at.slack.bob)
        at.slack.timing.delay_to_app = 1.0
        late = asyncio.ensure_future(at.slack.use_shortcut(at.person, message))
        await asyncio.sleep(0.3)
        at.slack.timing.delay_to_app = 0.0
        await at.answer("a click", at.slack.bob, "resume")
        await late
        question = await at.wait_for_ephemeral()
        assert [order.verb for order in at.orders] == ["resume"]
    assert question.blocks[1]["elements"][0]["action_id"] == "anchor_pause"  # type: ignore[index]


@HTTP_ONLY
async def test_an_order_that_a_restart_would_lose_is_not_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack then tells the person that it did not work; the pause is sent nevertheless."""
    monkeypatch.setattr("bot.inbound.slack.listener.RequestContext.is_safe_in_time", AsyncMock(return_value=False))
    async with single_workspace() as at:
        used = await at.slack.use_shortcut(at.person, at.slack.post(at.channel, LINK, user=at.slack.bob))
        await at.wait_for_messages(2)
        assert used.status == 503
        at.slack.violations.clear()
