"""The states of sessions, by their orders."""

from dataclasses import replace

import pytest

from bot.outbound.store.session_states import SessionStates
from harness.order_rows import order_row, rows_of, told
from harness.product import Store, orders, outcomes
from harness.stored import ACME, DAY, GLOBEX
from harness.texts import SESSION

ALICE = "U0ALICE0001"
PATIENT = 60.0  # seconds that a read can take on a busy machine
WEEK = 7 * DAY
DOUBT = outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER)
PAUSE, RESUME, END = orders.Verb
PAUSED = (PAUSE, outcomes.Paused())


@pytest.mark.parametrize(
    ("orders", "is_paused"),
    [
        ([PAUSED], True),
        ([PAUSED, (PAUSE, outcomes.Failed(500))], True),
        ([PAUSED, (RESUME, outcomes.Refusal(outcomes.Why.OVERLOADED))], True),
        ([PAUSED, (PAUSE, None)], True),
        ([PAUSED, (END, DOUBT)], True),
        ([PAUSED, (RESUME, outcomes.Resumed())], False),
        ([PAUSED, (RESUME, DOUBT)], False),
        ([PAUSED, (PAUSE, DOUBT)], False),
        ([PAUSED, (PAUSE, outcomes.NotRunning())], False),
        ([(RESUME, outcomes.Resumed()), PAUSED], True),
        ([(PAUSE, None)], False),
        ([(PAUSE, outcomes.Failed(500))], False),
    ],
)
async def test_paused_is_a_session_whose_last_order_that_ended_is_a_confirmed_pause_however_old(
    store: Store, orders: list[tuple[orders.Verb, outcomes.Outcome | None]], is_paused: bool
) -> None:
    rows = [
        (order_row(verb=verb, user=ALICE, age=WEEK - place), outcome) for place, (verb, outcome) in enumerate(orders)
    ]
    await rows_of(store).write(*(told(one, outcome) if outcome else one for one, outcome in rows))
    session_id = rows[0][0].order.session_id
    states = SessionStates(store.database, PATIENT)
    found = await states.paused(ACME.team_id, [session_id])
    assert found is not None
    assert [(name, one.user_id) for name, one in found.items()] == ([(session_id, ALICE)] if is_paused else [])
    assert await states.paused(GLOBEX.team_id, [session_id]) == {}


async def test_the_state_of_a_session_is_by_the_sequence_of_effects(store: Store) -> None:
    pause, resume = (replace(order_row(verb), id=name) for name, verb in (("1", PAUSE), ("2", RESUME)))
    states, rows = SessionStates(store.database, PATIENT), rows_of(store)

    async def read_phase() -> tuple[str, str, list[bool]]:
        (now,) = (await states.of(ACME.team_id, [SESSION])).values()
        return now.order_id, now.phase, [now.follows(name) for name in ("1", "2", "3")]

    await rows.write(pause, resume)
    await rows.write(told(resume, outcomes.Resumed()))
    assert await read_phase() == ("1", "pausing", [False, True, False])
    await rows.write(told(pause, outcomes.Paused()))
    assert await read_phase() == ("1", "paused", [False, True, False]), "it crossed the resume, and was sent again"
    await rows.write(replace(order_row(), id="3"))
    assert await read_phase() == ("3", "pausing", [True, True, False])
    await rows.write(told(replace(order_row(), id="3"), outcomes.Failed(500)))
    assert await read_phase() == ("1", "paused", [False, True, False])
    await rows.write(told(replace(order_row(END), id="4"), DOUBT))
    assert await read_phase() == ("1", "paused", [False, True, False])
    await rows.write(told(replace(order_row(END), id="5"), outcomes.Ended()))
    await rows.write(told(replace(order_row(), id="6"), DOUBT))
    assert await read_phase() == ("5", "ended", [True, True, True]), "and what Anchor did not confirm since is nothing"
