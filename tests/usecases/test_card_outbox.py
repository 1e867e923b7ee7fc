"""The outbox of cards: its transactions, what it does without a database, and its end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast
from unittest.mock import Mock

import pytest

from bot.usecases.cards import CardOutbox
from harness.cards import CardRowsInMemory, cards_of, claimed_card, incoming_alert, placed, posted, refused
from harness.conversation import until
from harness.databases import KEY, let_transactions_idle
from harness.product import Secret, open_store, requests
from harness.writing import orders_of, record, running

pytestmark = pytest.mark.anyio


class Sender:
    """A sender whose attempts end as `attempt` says, once `goes_on` is set."""

    def __init__(self, attempt: Callable[[Any], Any]) -> None:
        self.attempt = attempt
        self.began, self.goes_on = asyncio.Event(), asyncio.Event()

    async def send(self, card: object) -> Any:
        self.began.set()
        await self.goes_on.wait()
        return self.attempt(card)


@asynccontextmanager
async def running_outbox(rows: Any, sender: Sender | None = None, metrics: Any = None) -> AsyncIterator[CardOutbox]:
    outbox = CardOutbox(rows, cast("Any", sender), metrics or Mock())
    work = asyncio.create_task(outbox.run())
    async with asyncio.timeout(60):
        yield outbox
        outbox.stop()
        await work


async def test_what_was_sent_is_recorded_at_the_end_and_nothing_more_is_claimed() -> None:
    rows, sender = CardRowsInMemory(claimed_card("later"), claimed_card("now")), Sender(posted)
    async with running_outbox(rows, sender) as outbox:
        await sender.began.wait()
        outbox.stop()
        sender.goes_on.set()
    assert [bool(most) for most in rows.most] == [True, False]
    assert [sent.card for sent in rows.changes[-1].sent] == [claimed_card("now")]


@pytest.mark.parametrize("stops_before", [False, True])
async def test_very_many_changes_are_written_in_several_transactions(*, stops_before: bool) -> None:
    rows = CardRowsInMemory()
    new: Any = range(250)
    async with running_outbox(rows) as outbox:
        outbox.remember(new)
        if not stops_before:
            await until(lambda: len(rows.changes) == 3)
    assert [len(changes.new) for changes in rows.changes][:3] == [100, 100, 50]
    assert [one for changes in rows.changes for one in changes.new] == list(new)


async def test_ten_thousand_changes_are_kept_while_the_database_fails() -> None:
    rows = CardRowsInMemory()
    rows.fails = True
    new: Any = range(10_500)
    async with running_outbox(rows) as outbox:
        outbox.remember(new)
        await until(lambda: rows.changes)
        rows.fails = False
        await until(lambda: sum(len(changes.new) for changes in rows.changes[1:]) == 10_000)
    assert [one for changes in rows.changes[1:] for one in changes.new] == list(new)[:10_000]


async def test_an_alert_does_not_wait_for_a_database_that_failed_before() -> None:
    rows = CardRowsInMemory()
    rows.fails = True
    async with running_outbox(rows) as outbox:
        assert await outbox.post(incoming_alert("1"), within=5) is None
        tried = len(rows.changes)
        assert await outbox.post(incoming_alert("2"), within=5) is None
        assert len(rows.changes) == tried


@pytest.mark.parametrize("is_waited_for", [False, True])
async def test_an_alert_that_slack_refuses_is_counted_unless_its_sender_hears_of_it(*, is_waited_for: bool) -> None:
    rows, sender, metrics = CardRowsInMemory(), Sender(refused), Mock()
    async with running_outbox(rows, sender, metrics) as outbox:
        rows.cards.append(claimed_card())
        posting = asyncio.ensure_future(outbox.post(incoming_alert("card" if is_waited_for else "other"), within=5))
        await sender.began.wait()
        sender.goes_on.set()
        result = await posting
    if is_waited_for:
        assert result == (placed("card"), refused(claimed_card()).failure)
    assert metrics.alerted.call_args_list == ([] if is_waited_for else [(("Refused", "default"),)])


async def test_an_order_waits_for_one_of_the_transactions_of_a_thousand_alerts_at_most(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_transactions_idle(monkeypatch)
    begun: list[str] = []

    def noted(name: str, change: Callable[..., Any]) -> Callable[..., Any]:
        def in_thread(work: Callable[[Any], Any], connection: Any) -> Any:
            begun.append(name)
            return work(connection)

        return lambda work, **how: change(partial(in_thread, work), **how)

    async with open_store(Secret(database_url), [KEY]) as store, orders_of(store) as rows:
        monkeypatch.setattr(store.database, "change", noted("cards", store.database.change))
        monkeypatch.setattr(store.database, "change_orders", noted("orders", store.database.change_orders))
        async with running_outbox(cards_of(store)) as outbox:
            alerts = [incoming_alert(f"alert-{number}", session=number) for number in range(1_000)]
            posting = [asyncio.ensure_future(outbox.post(one, within=0.0)) for one in alerts]
            await until(lambda: begun)
            before = len(begun)
            await record(rows, running(requests.Verb.RESUME))
            assert begun[before:].index("orders") <= 1
            assert len({placed.card_id for placed, _ in filter(None, await asyncio.gather(*posting))}) == 1_000
    assert begun.count("cards") >= 10
