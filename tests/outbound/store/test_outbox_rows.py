"""The rows of messages: added, marked, taken, recorded, joined and closed, on both databases."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.core.alerts import Asked, Automatic
from bot.core.session_checks import Check
from bot.outbound.store.alerts import LONGEST_JOINED, Place
from bot.outbound.store.outbox import IS_OPEN
from harness import cards as stored
from harness.cards import incoming
from harness.order_rows import Connection, orders_of, record, running, session_lock
from harness.product import SessionId, Store, alerts, cards, outcomes
from harness.stored import ACME, execute, fetch
from harness.texts import SESSION

OTHER = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5c"
TERM = 3
COLUMNS = "ts, version, shown, due"
MOST = alerts.MOST_IN_SUMMARY


@pytest.fixture
async def rows(store: Store) -> AsyncIterator[stored.MessageRows]:
    async with stored.messages_of(store) as found:
        yield found


async def row(store: Store, one: stored.Card, columns: str = COLUMNS) -> tuple[Any, ...]:
    return next(iter(await fetch(store, f"SELECT {columns} FROM messages WHERE id = :id", id=one.id)), ())  # noqa: S608


async def mark_cards(
    store: Store, *clicked: str, replaced: tuple[str, ...] = ()
) -> Mapping[tuple[str, SessionId], stored.MarkedCards]:
    clicks, locks = {stored.NAME: frozenset(clicked)}, [session_lock(*stored.NAME)]

    def work(connection: Connection) -> Mapping[tuple[str, SessionId], stored.MarkedCards]:
        return stored.mark(connection, clicks, stored.ask_for_cards(connection, clicks), replaced)

    return await store.database.change(work, locks=locks)


async def take(rows: stored.MessageRows, term: int = TERM, urgency: int = cards.Urgency.UPDATE) -> list[str]:
    taken = await rows.take({"owner": "ours", "term": term, "is_alone": 1}, urgency=urgency)
    return [one.id for one in taken]


async def posted(rows: stored.MessageRows, one: stored.Card, ts: str = "1.1") -> stored.Card:
    """Add a card that is posted by a leader, which Slack has as it is."""
    await rows.add([one])
    await take(rows)
    found = await rows.card(one.id)
    assert found is not None
    await rows.sent(found, (one.channel_id, ts), "digest", TERM)
    return replace(found, ts=ts)


# --- marked ---

MARKS: dict[
    str, tuple[dict[str, Any], tuple[str, ...], tuple[str, ...], tuple[Any, ...]]
] = {  # the message before, how it is marked, and its `due`, its version and its urgency after
    "shown": ({}, (), (), (0, 2, cards.Urgency.UPDATE)),
    "clicked": ({}, ("1.1",), (), (0, 2, cards.Urgency.CLICKED)),
    "replaced by its click": ({}, (), ("1.1",), (None, 2, cards.Urgency.UPDATE)),
    "replaced, and due": ({"due": 3}, (), ("1.1",), (0, 2, cards.Urgency.UPDATE)),
    "closed": ({"closed_at": 1.0}, ("1.1",), (), (None, 1, cards.Urgency.UPDATE)),
    "waiting": ({"ts": "NULL", "due": 3, "urgency": 2}, (), (), (0, 2, cards.Urgency.NEW_ALERT)),
}


@pytest.mark.parametrize("which", MARKS)
async def test_a_mark_lets_open_messages_be_sent_again(store: Store, rows: stored.MessageRows, which: str) -> None:
    before, clicked, replaced, after = MARKS[which]
    one = await posted(rows, stored.card(ts=None))
    assert await row(store, one) == ("1.1", 1, "digest", None)
    for name, value in before.items():
        await execute(store, f"UPDATE messages SET {name} = {value}")  # noqa: S608
    found = (await mark_cards(store, *clicked, replaced=replaced))[stored.NAME]
    assert await row(store, one, "due, version, urgency") == after
    assert bool(found.ids) is (which != "closed")


async def test_the_result_of_a_batch_is_sent_as_each_of_its_orders_ends_and_first_after_the_last(
    store: Store, rows: stored.MessageRows
) -> None:
    content, batch = cards.BatchContent("U0ALICE0001"), SessionId("b1")
    parts = (stored.Part("b1", batch, content),)
    await posted(rows, stored.Card(id="b1", team_id=ACME.team_id, channel_id="C1", parts=parts))
    orders = [running(session=session, batch=batch) for session in (SESSION, OTHER)]
    async with orders_of(store) as journal:
        await record(journal, *orders)
        for one, urgency in zip(orders, (cards.Urgency.UPDATE, cards.Urgency.CLICKED), strict=True):
            store.database.messages_due.clear()
            await journal.settle(one, outcomes.Paused())
            assert store.database.messages_due.is_set(), "the outbox looks now"
            assert await fetch(store, "SELECT due, urgency FROM messages") == [(0, urgency)]
            await execute(store, "UPDATE messages SET due = NULL")


# --- taken ---


async def test_only_who_leads_takes_what_is_due_the_most_urgent_first(store: Store, rows: stored.MessageRows) -> None:
    lease, alert, update = stored.Lease("ours"), stored.card("C2", ts=None), stored.card()
    await rows.add([update])
    await rows.add([alert])
    term = await store.database.change(lambda connection: lease.renew(connection)()) or 0

    async def taken(owner: str, term: int, urgency: int = cards.Urgency.UPDATE) -> list[tuple[str, int]]:
        found = await rows.take({"owner": owner, "term": term, "is_alone": 0}, urgency=urgency)
        return [(one.id, one.is_post) for one in found]

    assert [await taken("other", term), await taken("ours", term + 1)] == [[], []]
    await execute(store, "UPDATE leases SET until = until - 11")
    assert await taken("ours", term) == []
    await execute(store, "UPDATE leases SET until = until + 11")
    assert await taken("ours", term, cards.Urgency.NEW_ALERT) == [(alert.id, 1)]
    assert [await taken("ours", term), await taken("ours", term)] == [[(update.id, 0)], []]
    await execute(store, "UPDATE leases SET term = term + 1")
    assert sorted(await taken("ours", term + 1)) == sorted([(alert.id, 1), (update.id, 0)])


# --- recorded ---

SENT: dict[str, tuple[dict[str, Any], int, str, tuple[Any, ...], str]] = {
    # what has changed while it was sent, the term, the `ts`, the row after it, and the `ts` that is kept
    "unchanged": ({}, TERM, "1.1", ("1.1", 1, "new", None), "1.1"),
    "changed": ({"version": 2, "due": 0}, TERM, "1.1", ("1.1", 2, "new", 0), "1.1"),
    "changed and taken": ({"version": 2}, TERM, "1.1", ("1.1", 2, "new", 0), "1.1"),
    "another term": ({"due": 4}, TERM, "1.1", ("1.1", 1, "new", 0), "1.1"),
    "posted by another leader": ({"ts": "'9.9'", "due": 4}, TERM, "1.1", ("9.9", 1, None, 0), "9.9"),
    "posted and recorded by another leader": ({"ts": "'9.9'", "due": "NULL"}, TERM, "1.1", ("9.9", 1, None, 0), "9.9"),
    "recorded before": ({"ts": "'1.1'", "due": "NULL"}, TERM, "1.1", ("1.1", 1, None, 0), "1.1"),
    "closed": ({"closed_at": 1.0, "due": 0}, TERM, "1.1", ("1.1", 1, "new", None), "1.1"),
    "by a click": ({"ts": "'1.1'", "due": "NULL"}, 0, "1.1", ("1.1", 1, "new", None), "1.1"),
    "by a click, and changed": ({"ts": "'1.1'", "due": 0, "version": 2}, 0, "1.1", ("1.1", 2, "new", 0), "1.1"),
    "by a click, and taken": ({"ts": "'1.1'"}, 0, "1.1", ("1.1", 1, None, 0), "1.1"),
}


@pytest.mark.parametrize("which", SENT)
async def test_the_newest_state_that_was_sent_is_due_no_more(
    store: Store, rows: stored.MessageRows, which: str
) -> None:
    changes, term, ts, after, kept = SENT[which]
    one = stored.card(ts=None)
    await rows.add([one])
    await take(rows)
    read = await rows.card(one.id)
    assert read is not None
    for name, value in changes.items():
        await execute(store, f"UPDATE messages SET {name} = {value}")  # noqa: S608
    assert await rows.sent(read, ("D1", ts), "new", term) == kept
    assert await row(store, one) == after
    assert (await row(store, one, "channel_id"))[0] == ("C1" if kept != ts or "ts" in changes else "D1")


async def test_a_message_is_closed_unless_it_has_changed(store: Store, rows: stored.MessageRows) -> None:
    one, instead = await posted(rows, stored.card(ts=None)), stored.card(ts=None)
    await rows.close(replace(one, version=0), "cant_update_message", [instead])
    assert (await row(store, one, "closed_at, failure"), await row(store, instead)) == ((None, None), ())
    for _ in range(2):  # a commit without an answer is repeated
        await rows.close(one, "cant_update_message", [instead])
    assert (await row(store, one, "failure"), await row(store, instead) != ()) == (("cant_update_message",), True)
    assert (await rows.card(one.id), len(await fetch(store, "SELECT id FROM parts"))) == (None, 2)


# --- not decoded ---

BREAKS = {
    "kind": "kind = 'poll'",
    "severity": """content = replace(content, '"warning"', '"fatal"')""",
    "content": "content = '{'",
    "facts": "facts = '7'",
    "phase": "missing = 'lost'",
}


@pytest.mark.parametrize("broken", BREAKS)
async def test_a_message_that_cannot_be_decoded_stays_as_it_is_and_holds_up_no_other_one(
    store: Store, rows: stored.MessageRows, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    bad, good = stored.card(ts=None), stored.card(ts=None, session=OTHER)
    await rows.add([bad, good])
    await execute(store, f"UPDATE parts SET {BREAKS[broken]} WHERE id = '{bad.id}'")  # noqa: S608
    assert await take(rows) == [bad.id, good.id]
    before = await fetch(store, "SELECT * FROM messages ORDER BY id")
    found = [await rows.card(one.id) for one in (bad, good)]
    assert (found[0], found[1] is not None) == (None, True)
    assert await fetch(store, "SELECT * FROM messages ORDER BY id") == before
    assert [vars(one)["card"] for one in caplog.records if one.levelname == "ERROR"] == [bad.id]
    again = replace(incoming("a1"), channel_id="C1")
    assert await stored.place(rows, [again]) == [stored.Folded(None, 1, "a1")] or broken in {"facts", "phase"}
    await stored.CardSessions(store.database, 0.0).shown_facts(ACME.team_id)


# --- placed ---


async def places(rows: stored.MessageRows, *incoming: stored.IncomingAlert) -> list[Place]:
    return await stored.place(rows, incoming)


async def contents(store: Store, kind: str = "alert") -> list[dict[str, Any]]:
    rows = await fetch(store, "SELECT content FROM parts WHERE kind = :kind ORDER BY id", kind=kind)
    return [json.loads(text) for (text,) in rows]


async def test_a_posted_card_that_gets_worse_has_a_new_one_and_both_show_the_newest(
    store: Store, rows: stored.MessageRows
) -> None:
    alert = incoming("0", fingerprint="f", severity=stored.Severity.INFO)
    await places(rows, alert)
    for number in range(1, alerts.MOST_OLDER + 3):
        await execute(store, f"UPDATE messages SET ts = '{number}.1', due = NULL WHERE ts IS NULL")  # noqa: S608
        await places(rows, replace(alert, id=f"{number} resolved", alert=replace(alert.alert, is_resolved=True)))
        again = replace(alert, id=f"{number}", alert=replace(alert.alert, starts_at=float(number)))
        for _ in range(2):  # a commit without an answer is repeated
            assert await places(rows, again) == [stored.Folded(None, number + 1, again.id)]
    severe = replace(alert.alert, severity=stored.Severity.CRITICAL, fingerprint="g")
    assert await places(rows, replace(alert, id="9", alert=severe)) == [stored.Folded(None, number + 2)]
    kept = await fetch(store, f"SELECT content, message_id FROM parts WHERE {IS_OPEN} ORDER BY id")  # noqa: S608
    kept = [one for one in kept if not json.loads(one[0])["is_replaced"]]
    shown = [card for one in kept if (card := await rows.card(one[1]))]
    assert [card.parts[0].is_news for card in shown] == [False] * alerts.MOST_OLDER + [True]
    assert len(kept) == 1 + alerts.MOST_OLDER
    assert {json.loads(one[0])["alert"]["severity"] for one in kept} == {"critical"}


async def test_a_resolved_alert_ends_its_own_firing_in_every_channel(store: Store, rows: stored.MessageRows) -> None:
    first = incoming("a", fingerprint="f")
    elsewhere = replace(first, id="b", channel_id="C2")
    theirs = replace(first, id="c", channel_id="C3", alert=replace(first.alert, sender="other"))
    await places(rows, first, elsewhere, theirs)
    resolved = replace(first, id="d", alert=replace(first.alert, is_resolved=True))
    await places(rows, resolved)
    assert [one["resolved_at"] is not None for one in await contents(store)] == [True, True, False]
    nothing = replace(incoming("e", session=OTHER), alert=replace(resolved.alert, session_id=SessionId(OTHER)))
    assert await places(rows, nothing) == [stored.Ignored()]


async def test_many_alerts_that_wait_share_messages_and_beyond_that_the_last_one_counts(
    store: Store, rows: stored.MessageRows
) -> None:
    room = 1 + MOST * (alerts.MOST_WAITING - 1)  # the first message is being sent
    several = about_many(room + 1)
    found = [place for n in range(0, room + 1, 99) for place in await places(rows, *several[n : n + 99])]
    assert found == [*(stored.Folded(None, 1, one.id) for one in several[:room]), COUNTED]
    assert await fetch(store, SIZES) == [(1, 0), *[(MOST, 0)] * (alerts.MOST_WAITING - 2), (MOST, 1)]
    refused = outcomes.Refusal(outcomes.Why.HELD_BACK)  # which another message tells
    held, sent = Asked(None, refused, 0.0), Asked(Automatic.SENT, None, 0.0)
    assert await places(rows, replace(several[-1], asked=held)) == [COUNTED]
    assert await places(rows, replace(several[-1], asked=sent)) == [stored.Folded(None, 1, several[-1].id)]
    elsewhere = replace(several[-1], id="elsewhere", channel_id="C2")
    assert await places(rows, elsewhere) == [stored.Folded(None, 1, elsewhere.id)]


async def test_no_alert_joins_what_slack_did_not_take_for_long_unless_too_many_wait(
    store: Store, rows: stored.MessageRows
) -> None:
    *alone, joins, joins_at_last = about_many(alerts.MOST_WAITING + 2)
    for number, one in enumerate(alone):
        await places(rows, one)
        if number == alerts.MOST_SINGLE:
            await places(rows, joins)
        await store.database.execute(WAITED, seconds=LONGEST_JOINED + 1)
    sizes = [(1, 0)] * len(alone)
    sizes[alerts.MOST_SINGLE] = (2, 0)
    assert await fetch(store, SIZES) == sizes
    await places(rows, joins_at_last)
    assert await fetch(store, SIZES) == [*sizes[:-1], (2, 0)]


async def test_a_session_that_was_read_alone_comes_last(store: Store, rows: stored.MessageRows) -> None:
    await rows.add([stored.card(session=one, ts=one) for one in (SESSION, OTHER)])
    sessions = stored.CardSessions(store.database, 0.0)
    first, second = await sessions.open_sessions(ACME.team_id)
    await sessions.record_reads(ACME.team_id, Check((), asked=[first]))
    assert [*await sessions.open_sessions(ACME.team_id)] == [second, first]


def about_many(count: int) -> list[stored.IncomingAlert]:
    return [incoming(f"a{number:04}", session=f"{OTHER[:-4]}{number:04}") for number in range(count)]


WAITED = "UPDATE messages SET created_at = created_at - :seconds"
SIZES = "SELECT (SELECT count(*) FROM parts WHERE message_id = messages.id), more FROM messages ORDER BY id"
COUNTED = stored.Folded(None, 0)
