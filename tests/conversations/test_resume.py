"""`/anchor-resume`, and what happens when people pull in both directions."""

import asyncio

import pytest

from bot.sim.anchor import Hang, SessionState, Slow, html
from bot.sim.slack import Delivery, User
from harness import SESSION, SingleHarness, single_workspace

pytestmark = pytest.mark.anyio

ALICE = f"session `{SESSION}`, asked for by <@U0ALICE0001>."
BOB = f"session `{SESSION}`, asked for by <@U0BOB000001>."


async def resume(at: SingleHarness, text: str = SESSION, *, user: User | None = None) -> Delivery:
    return await at.command(text, command="/anchor-resume", user=user)


async def test_a_paused_agent_goes_on_and_the_channel_is_told() -> None:
    async with single_workspace() as at:
        await at.command(SESSION)
        assert at.anchor.session(SESSION).state is SessionState.PAUSED
        await resume(at, f"{SESSION} it was the test account")
        assert at.anchor.session(SESSION).state is SessionState.RUNNING
        assert [post.verb for post in at.anchor.posts(SESSION)] == ["pause", "resume"]
        *_, message = at.messages()
    assert message.text == (
        f"▶️ *Resumed*: {ALICE}\n"
        "Anchor's status: `running`.\n"
        "The agent goes on where it was paused.\n"
        "Reason: it was the test account"
    )


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("help", "I let the paused AI agent of an Anchor Browser session go on"),
        ("", "*Nothing was resumed:* which session?"),
        ("3f2b", "*Nothing was resumed:* there is no session id in `3f2b`."),
    ],
)
async def test_a_command_without_a_session_is_explained(text: str, beginning: str) -> None:
    async with single_workspace() as at:
        await resume(at, text)
        (whisper,) = at.ephemerals()
        assert at.anchor.requests == []
    assert whisper.text.startswith(beginning)
    assert whisper.text.endswith(
        "Usage: `/anchor-resume &lt;session_id&gt; [reason]`\n"
        f"Example: `/anchor-resume {SESSION} it was the test account`"
    )


async def test_a_slow_resume_is_announced_and_then_told() -> None:
    async with single_workspace(patience=0.1) as at:
        at.anchor.fault = Slow(0.8)
        await resume(at)
        (whisper,) = at.ephemerals()
        (message,) = await at.wait_for_messages()
    assert whisper.text == f"Resuming session `{SESSION}`… The result will be posted here."
    assert message.text.startswith("▶️ *Resumed*")


async def test_a_session_that_has_ended_cannot_be_resumed() -> None:
    async with single_workspace() as at:
        at.anchor.session(SESSION).state = SessionState.ENDED
        await resume(at)
        (message,) = at.messages()
    assert message.text.startswith(f"🔹 *Not running, nothing to resume*: {ALICE}")


async def test_a_doubtful_resume_is_sent_once_and_told_as_such() -> None:
    async with single_workspace() as at:
        at.anchor.fault = html(502)
        await resume(at)
        (message,) = at.messages()
        assert len(at.anchor.posts(SESSION)) == 1
    assert message.text == (
        f"❓ *Unconfirmed, it may or may not be resumed*: {ALICE}\n"
        "The request was sent, but a gateway lost Anchor's answer (502).\n"
        "Look at the session in Anchor's dashboard before you resume it again: it may have been paused since."
    )


async def test_after_a_doubtful_resume_even_a_confirmed_pause_is_not_certain() -> None:
    async with single_workspace() as at:
        at.anchor.fault = html(502, times=1)
        await resume(at)
        await at.command(SESSION)
        *_, message = at.messages()
    assert message.text == (
        f"❓ *Unconfirmed, it may or may not be paused*: {ALICE}\n"
        "Anchor confirmed it, but an opposite order before it got no answer and may yet take effect.\n"
        "Send the command again (pausing twice does no harm), or look at the session in Anchor's dashboard."
    )


async def test_a_resume_that_waits_for_a_pause_is_dropped_for_the_next_pause_and_both_people_are_told() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(1.2)
        first = asyncio.ensure_future(at.command(SESSION))
        await at.anchor.until(lambda: at.anchor.requests)
        second = asyncio.ensure_future(resume(at, user=at.slack.bob))
        await asyncio.sleep(0.1)
        await asyncio.gather(first, second, at.command(SESSION))
        assert [post.verb for post in at.anchor.posts(SESSION)] == ["pause"]
        texts = [message.text for message in at.messages()]
    assert sorted(text.splitlines()[0] for text in texts) == [
        f"⏸️ *Paused*: {ALICE}",
        f"⏸️ *Paused*: {ALICE}",
        f"⚠️ *Not resumed*: {BOB}",
    ]
    (dropped,) = [text for text in texts if "<@U0BOB000001>" in text]
    assert dropped.splitlines()[1:] == [
        "A pause was ordered after it, so the resume was not sent.",
        f"To resume it all the same: `/anchor-resume {SESSION}`.",
    ]


async def test_a_pause_follows_a_resume_that_is_on_its_way() -> None:
    async with single_workspace() as at:
        at.anchor.fault = Slow(1.2, times=1)
        resuming = asyncio.ensure_future(resume(at))
        await at.anchor.until(lambda: at.anchor.requests)
        await asyncio.gather(resuming, at.command(SESSION, user=at.slack.bob))
        assert [post.verb for post in at.anchor.posts(SESSION)] == ["resume", "pause", "pause"]
        assert at.anchor.session(SESSION).state is SessionState.PAUSED
        lines = [message.text.splitlines()[0] for message in at.messages()]
    assert sorted(lines) == [f"⏸️ *Paused*: {BOB}", f"▶️ *Resumed*: {ALICE}"]


async def test_a_resume_that_hangs_leaves_the_pause_after_it_unconfirmed() -> None:
    async with single_workspace(ANCHOR_TIMEOUT="0.5") as at:
        at.anchor.fault = Hang(times=1)
        resuming = asyncio.ensure_future(resume(at))
        await at.anchor.until(lambda: at.anchor.requests)
        await asyncio.gather(resuming, at.command(SESSION, user=at.slack.bob))
        lines = sorted(message.text.splitlines()[0] for message in at.messages())
    assert lines == [
        f"❓ *Unconfirmed, it may or may not be paused*: {BOB}",
        f"❓ *Unconfirmed, it may or may not be resumed*: {ALICE}",
    ]


async def test_a_signed_resume_sent_again_undoes_nothing() -> None:
    async with single_workspace() as at:
        first = await resume(at)
        await at.command(SESSION)
        again = await at.slack.resend(first)
        assert at.anchor.session(SESSION).state is SessionState.PAUSED
    assert again.ack is not None
    assert again.ack.text.endswith("To resume it again, send the command anew.")
