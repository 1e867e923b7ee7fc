"""Cards of alerts say what is known of their sessions, and are updated once for it."""

import asyncio
from typing import Any

import pytest

from bot.sim.anchor import SessionState, html
from conversations.test_cards import PAUSE, alert, ops, taking_alerts, until_shown
from conversations.test_session_facts import describe, verbs
from harness import SESSION, SingleHarness

pytestmark = pytest.mark.anyio

FACTS = ("`checkout`", "`shop.example`", "external program", "started <!date^", "ends at the latest <!date^")


def describe_all(at: SingleHarness, **more: Any) -> None:
    describe(at, domains=["https://shop.example/pay?token=s3cret"], is_task=False, key_name="ci-key", **more)


async def looked_up(at: SingleHarness, times: int) -> None:
    """Wait until the sessions of cards have been looked up so many times more."""
    count = verbs(at).count("statuses") + times
    await at.anchor.until(lambda: verbs(at).count("statuses") >= count, within=300.0)


async def test_a_check_of_the_session_brings_its_facts_once() -> None:
    async with taking_alerts() as at:
        describe_all(at)
        cards = [await alert(at), await alert(at, ops(at))]
        for card in cards:
            await until_shown(at, card, PAUSE, "It spends.", *FACTS, within=300.0)
        await looked_up(at, 2)
        revisions = [at.current(card).revision for card in cards]
        at.anchor.session(SESSION).steps, at.anchor.session(SESSION).credits = 40, 2.5
        before = verbs(at).count("list")
        await looked_up(at, 3)
        assert [at.current(card).revision for card in cards] == revisions
        assert verbs(at).count("list") == before
        at.anchor.session(SESSION).state = SessionState.ENDED
        ended = await until_shown(at, cards[0], [], "Ended", *FACTS[:-1], within=300.0)
    assert [secret for secret in ("s3cret", "/pay", "ci-key", "steps") if secret in ended.text] == []
    assert FACTS[-1] not in ended.text


async def test_a_list_that_is_not_read_is_read_at_a_later_check() -> None:
    async with taking_alerts() as at:
        await asyncio.sleep(6.0)
        describe_all(at)
        at.anchor.read_fault = html(502)
        card = await alert(at)
        await looked_up(at, 1)
        at.anchor.read_fault = None
        await until_shown(at, card, PAUSE, *FACTS, within=300.0)
