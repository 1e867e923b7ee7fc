"""Pauses by alerts that are held back, and what mentions people."""

import asyncio
import json
import uuid
from dataclasses import replace
from functools import partial

import pytest

from bot.outbound.store.auto_pause_rules import AutoPauseRows, attempt_of, pause_of
from harness.cards import card, incoming, messages_of, place
from harness.order_rows import OrderRow, order_row, rows_of, settled, told, workspace_lock
from harness.product import SessionId, State, Store, alerts, orders, outcomes
from harness.stored import ACME, GLOBEX, execute, fetch

DOUBT = outcomes.Doubt.NO_ANSWER


async def test_pauses_that_failed_mention_people_three_times_in_ten_minutes_and_channel(store: Store) -> None:
    await store.rows.save(ACME)
    rows = [AutoPauseRows(store.database, 10) for _ in range(2)]  # of two processes
    for number, channel in enumerate(["C1"] * 5 + ["C2"]):
        order = automatic(number).order
        own = replace(card(channel, ts=None, session=order.session_id), id=f"card{number}")
        for _ in range(2):  # a commit without an answer is repeated
            await rows[number % 2].call(order, own)
    found = await fetch(store, "SELECT id FROM messages WHERE mentioned_at > 0 ORDER BY id")
    assert found == [("card0",), ("card1",), ("card2",), ("card5",)]


async def judge(rows: AutoPauseRows, row: OrderRow, owner: str = "ours") -> outcomes.Refusal | bool | None:
    work, locks = partial(rows.judge, row.id, row.order, "C1"), [workspace_lock(row.session[0])]
    return await rows.database.change(lambda connection: work(connection, owner), locks=locks)


def automatic(number: int = 1, since: float = 1.0, sender: str = "x") -> OrderRow:
    """A pause by an alert about a session, which waits to be judged."""
    actor, session = orders.Actor(ACME.team_id, "C1", f"alert:{sender}"), SessionId(str(uuid.UUID(int=number)))
    attempt = attempt_of(ACME.team_id, session, alerts.Firing(sender, "f", since), since)
    return replace(order_row(state=State.WAITING), order=pause_of(attempt, session, actor, ""))


async def test_failed_pauses_without_a_message_are_counted_once_for_each_sender_and_channel(store: Store) -> None:
    await store.rows.save(ACME)
    rows = [AutoPauseRows(store.database, 10) for _ in range(2)]  # of two processes
    for number, age in enumerate((700.0, 650.0, 5.0)):
        row = automatic(number, since=float(number))
        failed = replace(row, given_at=row.given_at - age)
        await rows_of(store).write(told(failed, outcomes.Failed(500)))
    await execute(store, "UPDATE orders SET delivered_by = 'nobody'")
    await asyncio.gather(*(one.tell_failed() for one in rows))
    found = await fetch(store, "SELECT content FROM parts WHERE kind = 'held'")
    assert [json.loads(one[0])["failed"] for one in found] == [3]


BEFORE: dict[str, tuple[list[outcomes.Outcome | None], bool]] = {
    "nothing": ([], False),
    "a pause": ([outcomes.Paused()], True),
    "a pause that is at Anchor": ([None], True),
    "a pause that had no effect": ([outcomes.Failed(500)], False),
    "a pause without an answer after another one": ([outcomes.Paused(), outcomes.Unconfirmed(DOUBT)], False),
}


@pytest.mark.parametrize("before", BEFORE)
async def test_a_pause_that_no_rule_forbids_is_sent_by_its_owner_only(store: Store, before: str) -> None:
    await store.rows.save(ACME)
    rows, none, own = AutoPauseRows(store.database, 10), AutoPauseRows(store.database, 0), automatic()
    earlier, was_paused = BEFORE[before]
    for outcome in earlier:
        row = replace(order_row(), order=replace(own.order, trigger_id=None, source=orders.Source.COMMAND))
        await rows_of(store).write(row if outcome is None else told(row, outcome))
    await rows_of(store).write(own)
    state = f"SELECT state FROM orders WHERE id = '{own.id}'"  # noqa: S608
    assert (await judge(rows, own, "another process"), await fetch(store, state)) == (False, [("waiting",)])
    assert await judge(none, own) == (True if was_paused else outcomes.Refusal(outcomes.Why.HELD_BACK))
    await execute(store, "DELETE FROM parts")
    assert [await judge(rows, own) for _ in range(2)] == [True] * 2, "a commit without an answer is repeated"
    assert await fetch(store, state) == [("sent",)]
    await rows_of(store).write(told(own, outcomes.Paused()))
    assert await judge(rows, own) is False


@pytest.mark.parametrize(("age", "since", "verdict"), [(15, 1.0, None), (25, 1.0, True), (15, 2.0, True)])
async def test_a_pause_waits_for_that_of_the_same_firing_with_another_token_until_its_deadline(
    store: Store, age: float, since: float, verdict: bool | None
) -> None:
    await store.rows.save(ACME)
    other, own = replace(order_row(state=State.SENT, age=age), order=automatic(sender="y").order), automatic(1, since)
    await rows_of(store).write(other, own)
    assert await judge(AutoPauseRows(store.database, 10, deadline=20.0), own) is verdict


async def test_a_pause_that_a_resume_forbids_or_that_is_held_back_is_not_sent(store: Store) -> None:
    """A resume that waits forbids nothing: its person can be somebody who may not resume."""
    await store.rows.save(ACME)
    rows, (resumed, ended, free, held) = AutoPauseRows(store.database, 1), [automatic(number) for number in range(4)]
    by_person = replace(order_row().order, actor=resumed.order.actor)
    resume, waiting, end = (
        replace(row, order=replace(by_person, verb=verb, session_id=one.order.session_id))
        for verb, one, row in (
            (orders.Verb.RESUME, resumed, order_row(state=State.SENT, age=300)),
            (orders.Verb.RESUME, free, order_row(state=State.WAITING)),
            (orders.Verb.END, ended, order_row()),
        )
    )
    await rows_of(store).write(resumed, ended, free, held, resume, waiting, told(end, outcomes.Ended()))
    refused = await judge(rows, resumed)
    assert isinstance(refused, outcomes.Refusal)
    assert refused.why is outcomes.Why.RESUMED_BEFORE
    verdicts = [await judge(rows, one) for one in (ended, free, held)]
    assert verdicts == [outcomes.Refusal(outcomes.Why.ENDED_BEFORE), True, outcomes.Refusal(outcomes.Why.HELD_BACK)]
    states = await fetch(store, "SELECT state FROM orders WHERE verb = 'pause' ORDER BY seq")
    assert states == [("waiting",), ("waiting",), ("sent",), ("waiting",)]


async def test_only_the_message_that_holds_sessions_back_ends_the_limit(store: Store) -> None:
    team, count = ACME.team_id, 3
    await store.rows.save(ACME)
    rows, first = AutoPauseRows(store.database, 1), ""
    async with messages_of(store) as messages:
        for number in range(count + 1):
            row = replace(automatic(number), given_at=automatic().given_at - 1.0)
            alert = incoming(f"a{number}", session=row.order.session_id, fingerprint="f", starts_at=1.0, sender="x")
            await place(messages, [alert])
            await rows_of(store).write(row)
            verdict = await judge(rows, row)
            is_held = verdict == outcomes.Refusal(outcomes.Why.HELD_BACK)
            assert is_held == (number > 0)
            outcome = verdict if isinstance(verdict, outcomes.Refusal) else outcomes.Paused()
            await rows_of(store).write(settled(row, outcome, settled_at=row.given_at + 1.5))
            first = first or (f"held-{row.id}" if is_held else "")
    assert await fetch(store, "SELECT id FROM parts WHERE kind = 'held'") == [(first,)]
    assert len(await rows.held(team, first) or ()) == count
    for team_id, held_id in ((GLOBEX.team_id, first), (team, "held-other")):
        assert await rows.held(team_id, held_id) is None
        await rows.lift(team_id, held_id)
    another = automatic(count + 1)
    await rows_of(store).write(another)
    assert await judge(rows, another) == outcomes.Refusal(outcomes.Why.HELD_BACK)
    await rows.lift(team, first)
    assert await judge(rows, another) is True
