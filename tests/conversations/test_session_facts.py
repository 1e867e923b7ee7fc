"""Results and clicked messages say what a list has shown of the session, and wait for no list."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.sim.anchor import Slow
from harness import (
    BOTH_TRANSPORTS,
    BY_BOTH,
    OTHER_SESSION,
    SESSION,
    ManyHarness,
    SingleHarness,
    paused,
    single_workspace,
)

pytestmark = pytest.mark.anyio


def describe(at: SingleHarness, **fields: Any) -> None:
    """Let Anchor say more of the session."""
    given = {"tags": ["checkout"], "steps": 12, "max_duration": 20, "created_at": datetime.now(UTC), **fields}
    for name, value in given.items():
        setattr(at.anchor.session(SESSION), name, value)


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", BY_BOTH)
async def test_a_result_says_what_a_list_has_shown(by: str) -> None:
    async with single_workspace() as at:
        domains = ["https://shop.example/pay?token=s3cret", "bank.example"]
        describe(at, domains=domains, is_task=False, key_name="ci-key")
        await at.command("")
        reads = len(at.anchor.requests)
        card = at.post_alert() if by == "a click" else None
        await (at.command() if card is None else at.click(card))
        told = (await at.wait_for_messages(1 if card is None else 2))[-1]
        shown = [told.text] if card is None else [told.text, (await at.wait_for_update(card)).text]
        assert len(at.anchor.requests) == reads + 1
    facts = ("`checkout`", "`shop.example` +1", "external program", "12 steps", "under 1 min", "<!date^")
    assert [fact for text in shown for fact in facts if fact not in text] == []
    assert "outside of Anchor" in told.text
    assert [secret for text in shown for secret in ("s3cret", "ci-key") if secret in text] == []


async def test_without_a_list_nothing_is_known_and_nothing_is_read() -> None:
    async with single_workspace() as at:
        describe(at)
        await at.command()
        (message,) = await at.wait_for_messages()
        assert message.text == paused()
        assert [request.verb for request in at.anchor.requests] == ["pause"]


async def test_a_result_does_not_wait_for_a_list() -> None:
    async with single_workspace(ack_wait=0.05) as at:
        at.anchor.read_fault = Slow(3.0)
        await at.command("")
        await at.command()
        (message,) = await at.wait_for_messages()
        assert message.text == paused()


async def test_facts_that_change_are_told_for_some_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async with single_workspace() as at:
        describe(at)
        await at.command("")
        monkeypatch.setattr("bot.usecases.session_reads.CACHED", 0.0)
        await at.command()
        (message,) = await at.wait_for_messages()
        assert "`checkout`" in message.text
        assert "12 steps" not in message.text


async def test_a_later_list_adds_to_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.session_reads.CACHED", 1e-9)
    async with single_workspace() as at:
        describe(at)
        await at.command("")
        at.anchor.session(SESSION).domains = ["shop.example"]
        await at.command(OTHER_SESSION[:9])
        await at.command()
        (message,) = await at.wait_for_messages()
        assert "`checkout`" in message.text


async def test_what_one_workspace_has_seen_is_not_told_to_another(at: ManyHarness) -> None:
    first, second = await at.set_up(at.add(1)), await at.set_up(at.add(2))
    at.anchor.session(second.session).tags = ["of-another"]
    await second.command("")
    await first.command(second.session)
    (message,) = await first.wait_for_messages()
    assert "of-another" not in message.text
