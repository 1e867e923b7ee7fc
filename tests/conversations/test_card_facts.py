"""Cards of alerts say what is known of their sessions, and are updated once for it."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from bot.core.session_list import NotRead, Unread
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.store.card_fact_rows import CardFactRows
from bot.outbound.store.errors import StoreUnreachableError
from bot.sim.anchor import SessionState, html
from bot.usecases.fact_reads import FactReads
from conversations.test_cards import PAUSE, RESUME, UPDATE, about_session, alert, ops, taking_alerts, until_shown
from conversations.test_session_facts import describe, verbs
from harness import SESSION, SingleHarness, paused

pytestmark = pytest.mark.anyio

FACTS = ("`checkout`", "`shop.example`", "external program", "started <!date^", "ends at the latest <!date^")


@pytest.fixture
def _quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.session_checks.INTERVAL", 0.4)
    monkeypatch.setattr("bot.app.LOOK_INTERVAL", 0.05)


def describe_all(at: SingleHarness, **more: Any) -> None:
    describe(at, domains=["https://shop.example/pay?token=s3cret"], is_task=False, key_name="ci-key", **more)


async def looked_up(at: SingleHarness, times: int) -> None:
    """Wait until the sessions of cards have been looked up so many times more."""
    count = verbs(at).count("statuses") + times
    await at.anchor.until(lambda: verbs(at).count("statuses") >= count)


@pytest.mark.usefixtures("_quick_checks")
async def test_a_check_of_the_session_brings_its_facts_once(database_url: str) -> None:
    async with taking_alerts(database_url) as at:
        describe_all(at)
        cards = [await alert(at), await alert(at, ops(at))]
        for card in cards:
            await until_shown(at, card, PAUSE, "It spends.", *FACTS)
        await looked_up(at, 2)
        revisions = [at.current(card).revision for card in cards]
        at.anchor.session(SESSION).steps, at.anchor.session(SESSION).credits = 40, 2.5
        before = verbs(at).count("list")
        await looked_up(at, 3)
        assert [at.current(card).revision for card in cards] == revisions
        assert verbs(at).count("list") == before
        at.anchor.session(SESSION).state = SessionState.ENDED
        ended = await until_shown(at, cards[0], [], "Ended", *FACTS[:-1])
    assert [secret for secret in ("s3cret", "/pay", "ci-key", "steps") if secret in ended.text] == []
    assert FACTS[-1] not in ended.text


async def test_the_read_behind_a_pause_brings_the_facts_of_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.fact_reads.INTERVAL", 0.0)
    monkeypatch.setattr("bot.usecases.session_reads.CACHED", 0.0)
    async with taking_alerts() as at:  # which has given orders already
        await at.anchor.until(lambda: all(request.status for request in at.anchor.requests))
        await asyncio.sleep(0.2)
        describe_all(at)
        card = await alert(at, ops(at))
        await at.command()
        await until_shown(at, card, RESUME, "Paused", *FACTS)
        assert at.calls(UPDATE) <= 2


async def test_a_new_card_says_what_is_known_already() -> None:
    async with taking_alerts() as at:
        describe_all(at)
        await at.command("")
        card = await alert(at)
        assert [fact for fact in FACTS if fact not in card.text] == []
        assert card.revision == 0


async def test_a_card_keeps_its_facts_when_the_bot_has_forgotten_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.session_reads._KEPT", 2.0)
    async with taking_alerts() as at:
        describe_all(at)
        await at.command("")
        card = await alert(at)
        await asyncio.sleep(2.0)
        at.anchor.read_fault = html(502)
        await at.click(card)
        await until_shown(at, card, RESUME, "Paused", *FACTS)
        await at.slack.until(lambda: len(about_session(at)) == 2)
        assert about_session(at)[-1].text == paused()
        assert at.current(card).revision == 1


@pytest.mark.usefixtures("_quick_checks")
async def test_a_list_that_is_not_read_is_read_at_the_next_check(monkeypatch: pytest.MonkeyPatch) -> None:
    newest, failures = AnchorSessions.newest, iter([NotRead(Unread.UNREACHABLE)])

    async def fail_once(sessions: AnchorSessions, *values: Any, **named: Any) -> object:
        return next(failures, None) or await newest(sessions, *values, **named)

    monkeypatch.setattr(AnchorSessions, "newest", fail_once)
    monkeypatch.setattr(FactReads, "follow", lambda *_: None)  # reads behind orders
    async with taking_alerts() as at:
        describe_all(at)
        await until_shown(at, await alert(at), PAUSE, *FACTS)


@pytest.mark.usefixtures("_quick_checks")
async def test_without_its_database_a_card_gets_its_facts_later(monkeypatch: pytest.MonkeyPatch) -> None:
    record, failures = CardFactRows.record, iter([StoreUnreachableError("gone")])

    def fail_once(rows: CardFactRows, *values: Any) -> Awaitable[None]:
        for failure in failures:
            raise failure
        return record(rows, *values)

    monkeypatch.setattr(CardFactRows, "record", fail_once)
    async with taking_alerts() as at:
        describe_all(at)
        await until_shown(at, await alert(at), PAUSE, *FACTS)
