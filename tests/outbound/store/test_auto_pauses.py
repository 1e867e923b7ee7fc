"""Since when an alert fires that does not say so itself, what is held back, and what mentions people."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from bot.outbound.store.auto_pauses import AutoPauseRows, attempt_of, pause_of
from harness.cards import cards_of, exchange, pausing_alert, worse_alert
from harness.databases import KEY, commit_slowly, until_committing
from harness.order_rows import OrderRow, order_row, rows_of, settled, told, workspace_lock
from harness.product import Secret, SessionId, State, Store, cards, open_store, outcomes, requests
from harness.round_trips import round_trips
from harness.stored import ACME, GLOBEX, execute, fetch, when_unlocked

pytestmark = pytest.mark.anyio

DOUBT = outcomes.Doubt.TIMED_OUT


async def test_an_alert_that_comes_while_its_end_is_committed_fires_anew(postgresql_urls: Iterator[str]) -> None:
    url, resolved = next(postgresql_urls), worse_alert("a1", resolved=True)
    async with open_store(Secret(url), [KEY]) as store:
        await store.rows.save(ACME)
        rows = AutoPauseRows(store.database, 10)
        first = await rows.firing_since(ACME.team_id, resolved.alert)
        commit_slowly(url, "DELETE ON marks")
        ending = asyncio.ensure_future(exchange(cards_of(store), alerts=[resolved]))
        await until_committing(url)
        assert await when_unlocked(lambda: rows.firing_since(ACME.team_id, resolved.alert)) > first
        await ending


async def test_pauses_that_failed_mention_people_three_times_in_ten_minutes_and_another_message_counts_more(
    store: Store,
) -> None:
    await store.rows.save(ACME)
    actor, sessions = requests.Actor(ACME.team_id, "C1", "alert:x"), [str(uuid.UUID(int=one)) for one in range(5)]
    orders = [
        pause_of(attempt_of("T", one, cards.Firing("x", "f", 1.0), 1.0), SessionId(one), actor, "") for one in sessions
    ]
    critical, elsewhere = (
        replace(orders[0], is_critical=True),
        replace(orders[0], actor=replace(actor, channel_id="C2")),
    )
    rows = [AutoPauseRows(store.database, 10) for _ in range(2)]  # of two processes
    told = [await rows[number % 2].take_call(order) for number, order in enumerate((*orders, critical, critical))]
    assert told == [True] * 3 + [False] * 2 + [True, False]
    assert await rows[0].take_call(elsewhere)
    ((content, wait),) = await fetch(store, "SELECT content, not_before - created_at FROM cards WHERE kind = 'held'")
    assert (json.loads(content)["count"], 590 < wait <= 600) == (3, True)


async def judge(rows: AutoPauseRows, row: OrderRow, owner: str = "ours") -> outcomes.NotAutomatic | bool:
    work, locks = partial(rows.judge, row.id, row.order, "C1"), [workspace_lock(row.session[0])]
    return await rows.database.change(lambda connection: work(connection, owner), locks=locks)


def automatic(number: int = 1, since: float = 1.0) -> OrderRow:
    """A pause by an alert about a session, which waits to be judged."""
    actor, session = requests.Actor(ACME.team_id, "C1", "alert:x"), SessionId(str(uuid.UUID(int=number)))
    attempt = attempt_of(ACME.team_id, session, cards.Firing("x", "f", since), since)
    return replace(order_row(state=State.WAITING), order=pause_of(attempt, session, actor, ""))


BEFORE: dict[str, tuple[list[outcomes.Outcome | None], bool]] = {
    "nothing": ([], False),
    "a pause": ([outcomes.Paused()], True),
    "a pause that is at Anchor": ([None], True),
    "a pause that had no effect": ([outcomes.Failed(500)], False),
    "a pause without an answer after another one": ([outcomes.Paused(), outcomes.Unconfirmed(DOUBT)], False),
}


@pytest.mark.parametrize("before", BEFORE)
async def test_a_pause_that_no_rule_forbids_is_sent_by_its_owner_only_and_a_further_one_is_not_counted(
    store: Store, before: str
) -> None:
    await store.rows.save(ACME)
    rows, none, own = AutoPauseRows(store.database, 10), AutoPauseRows(store.database, 0), automatic()
    earlier, was_paused = BEFORE[before]
    for outcome in earlier:
        row = replace(order_row(), order=replace(own.order, trigger_id=None, source=requests.Source.COMMAND))
        await rows_of(store).write(row if outcome is None else told(row, outcome))
    await rows_of(store).write(own)
    state = f"SELECT state FROM orders WHERE id = '{own.id}'"  # noqa: S608
    assert (await judge(rows, own, "another process"), await fetch(store, state)) == (False, [("waiting",)])
    assert await judge(none, own) == (True if was_paused else outcomes.HeldBack(0))
    await execute(store, "DELETE FROM marks")
    assert [await judge(rows, own) for _ in range(2)] == [True] * 2, "a commit without an answer is repeated"
    assert await fetch(store, state) == [("sent",)]
    await rows_of(store).write(told(own, outcomes.Paused()))
    assert await judge(rows, own) is False


@pytest.mark.parametrize(("state", "age"), [(State.WAITING, 100), (State.SENT, 300)])
async def test_a_pause_that_a_resume_forbids_or_that_is_held_back_is_not_sent(
    store: Store, state: State, age: float
) -> None:
    await store.rows.save(ACME)
    rows, (resumed, ended, free, held) = AutoPauseRows(store.database, 1), [automatic(number) for number in range(4)]
    by_person = replace(order_row().order, actor=resumed.order.actor)
    resume, end = (
        replace(row, order=replace(by_person, verb=verb, session_id=one.order.session_id))
        for verb, one, row in (
            (requests.Verb.RESUME, resumed, order_row(state=state, age=age)),
            (requests.Verb.END, ended, order_row()),
        )
    )
    await rows_of(store).write(resumed, ended, free, held, resume, told(end, outcomes.Ended()))
    assert isinstance(await judge(rows, resumed), outcomes.ResumedBefore)
    verdicts = [await judge(rows, one) for one in (ended, free, held)]
    assert verdicts == [outcomes.EndedBefore(), True, outcomes.HeldBack(1)]
    states = await fetch(store, "SELECT state FROM orders WHERE verb = 'pause' ORDER BY seq")
    assert states == [("waiting",), ("waiting",), ("sent",), ("waiting",)]


async def test_each_session_held_back_takes_one_round_trip_and_only_its_own_message_ends_the_limit(
    postgresql_urls: Iterator[str],
) -> None:
    """A thousand of them are read within the timeout, also from a server that is a millisecond away."""
    team, alert, count = ACME.team_id, pausing_alert("a"), 20
    async with round_trips(next(postgresql_urls)) as way, open_store(Secret(way.url), [KEY]) as store:
        await store.rows.save(ACME)
        rows, ids = AutoPauseRows(store.database, 1), list[str]()
        for number in range(count + 1):
            session = type(alert.alert.session_id)(str(uuid.UUID(int=number)))
            about = replace(alert.alert, session_id=session)
            await exchange(cards_of(store), alerts=[replace(alert, id=f"a{number}", alert=about)])
            attempt = attempt_of(team, session, about.firing, 1.0)
            order = pause_of(attempt, session, requests.Actor(team, "C1", "alert:default"), "")
            row = replace(order_row(state=State.WAITING, age=1.0), order=order)
            await rows_of(store).write(row)
            way.sent.clear()
            verdict = await judge(rows, row)
            assert len(way.sent) <= 3 or verdict == outcomes.HeldBack(1), (
                "the locks, the looks, the rest and the commit"
            )
            outcome = verdict if isinstance(verdict, outcomes.HeldBack) else outcomes.Paused()
            await rows_of(store).write(settled(row, outcome, settled_at=row.given_at))
            ids += [row.id] if outcome is verdict else []
        way.sent.clear()
        held = await rows.held(team, ids[0])
        assert (len(held or ()), len(way.sent) < count + 10) == (count, True)
        assert await rows.held(GLOBEX.team_id, ids[0]) is None
        limit = "SELECT until > 0, value FROM marks WHERE name LIKE 'auto pauses %'"
        before = await fetch(store, limit)
        for team_id, held_id in ((GLOBEX.team_id, ids[0]), (team, ids[1])):
            await rows.lift(team_id, held_id)
        assert await fetch(store, limit) == before
        await rows.lift(team, ids[0])
        assert [(until, json.loads(value)) for until, value in await fetch(store, limit)] == [
            (False, [[[0.0, str(uuid.UUID(int=0))]], ""])
        ]
