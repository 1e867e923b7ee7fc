"""Results and clicked messages say what is known of the session: from lists, and from a read after a pause.

Nothing waits for a list or a read.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.sim.anchor import Fault, Hang, Slow, html, unauthorized
from bot.sim.slack import Message
from harness import (
    BOTH_TRANSPORTS,
    BY_BOTH,
    SESSION,
    Conversation,
    ManyHarness,
    paused,
    single_workspace,
)

pytestmark = pytest.mark.anyio


def describe(at: Conversation, **fields: Any) -> None:
    """Let Anchor say more of the session."""
    given = {
        "tags": ["checkout"],
        "steps": 12,
        "max_duration": 20,
        "created_at": datetime.fromtimestamp(time.time(), UTC),
        **fields,
    }
    for name, value in given.items():
        setattr(at.anchor.session(SESSION), name, value)


def verbs(at: Conversation) -> list[str | None]:
    """What Anchor was asked for, in order of arrival."""
    return [request.verb for request in at.anchor.requests]


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", BY_BOTH)
async def test_a_result_says_what_a_list_has_shown(by: str) -> None:
    async with single_workspace() as at:
        domains = ["https://shop.example/pay?token=s3cret", "bank.example"]
        describe(at, domains=domains, is_task=False, key_name="ci-key")
        await at.command("")
        before = len(at.anchor.requests)
        card = at.post_alert() if by == "a click" else None
        await (at.command() if card is None else at.click(card))
        told = (await at.wait_for_messages(1 if card is None else 2))[-1]
        shown = [told.text] if card is None else [told.text, (await at.wait_for_update(card)).text]
        assert verbs(at)[before:] == ["pause"]
    facts = [
        "*checkout*",
        "`shop.example` +1",
        "outside program",
        "12 steps",
        "under 1 min",
        "Anchor ends it by <!date^",
    ]
    assert [fact for text in shown for fact in facts if fact not in text] == []
    assert "outside of Anchor" in told.text
    assert [secret for text in shown for secret in ("s3cret", "/pay", "ci-key") if secret in text] == []


async def test_a_session_is_read_once_it_is_paused_and_later_messages_say_what_was_found() -> None:
    async with single_workspace() as at:
        describe(at)
        at.anchor.fault = html(503, times=1)
        await at.command()
        await at.anchor.until(lambda: len(verbs(at)) == 4)
        assert (verbs(at)[:2], sorted(map(str, verbs(at)[2:]))) == (["pause", "pause"], ["get", "list"])
        await asyncio.sleep(1.0)  # until the answers are read
        await at.command()
        _, second = await at.wait_for_messages(2)
    assert "*checkout*" in second.text


@pytest.mark.parametrize("fault", [Hang(), unauthorized(), html(502)])
async def test_a_slow_or_rejected_read_changes_nothing_for_a_pause(fault: Fault) -> None:
    async with single_workspace() as at:
        at.anchor.read_fault = fault
        describe(at, seconds=0.3)
        await at.command()
        (message,) = await at.wait_for_messages()
        assert message.text == paused()
        assert at.orders[0].status == 200
        await at.anchor.until(lambda: len(verbs(at)) == 3)


async def test_what_one_workspace_has_seen_is_not_told_to_another(at: ManyHarness) -> None:
    first, second = await at.set_up_two()
    at.anchor.session(second.session).tags = ["of-another"]
    await second.command("")
    await first.command(second.session)
    (message,) = await first.wait_for_messages()
    assert "of-another" not in message.text


def warnings(at: Conversation) -> list[Message]:
    """The messages that say that a program outside of Anchor drives the session."""
    return [one for one in at.messages() if "outside of Anchor" in one.text]


async def until_read(at: Conversation) -> None:
    """Wait until the session has been read after a pause, and for what can follow."""
    await at.anchor.until(lambda: {"get", "list"} <= set(verbs(at)))
    await asyncio.sleep(1.0)


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", [*BY_BOTH, "a shortcut"])
async def test_what_is_read_after_a_pause_and_matters_follows_its_result_once(by: str) -> None:
    async with single_workspace() as at:
        describe(at, is_task=False, max_duration=5)
        at.anchor.read_fault = Slow(0.3, times=2)
        await at.order(by)
        await until_read(at)
        (told,) = warnings(at)
        (result,) = [one for one in at.messages() if one.text.startswith(paused())]
        await at.command(user=at.slack.bob)
        await until_read(at)
        assert [one.text.splitlines()[0] for one in warnings(at)[1:]] == [paused(user=at.slack.bob.id).splitlines()[0]]
    external, *_, session = told.text.splitlines()
    assert session == paused().splitlines()[-1]
    assert (told.thread_ts, told.ephemeral_to) == (result.thread_ts, None)
    assert external in at.messages()[-1].text
