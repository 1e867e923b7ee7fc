"""A row of cards that cannot be decoded stays as it is, and holds up no other one."""

import asyncio

import pytest

from bot.outbound.store.cards import CardRows
from harness.cards import card, cards_of, exchange, sent
from harness.product import Store
from harness.stored import ACME, execute, fetch

pytestmark = pytest.mark.anyio

BREAKS = {
    "kind": "kind = 'poll'",
    "severity": """content = replace(content, '"warning"', '"fatal"')""",
    "content": "content = '{'",
    "facts": "facts = '7'",
    "phase": "missing = 'lost'",
}


@pytest.fixture
def rows(store: Store) -> CardRows:
    return cards_of(store)


@pytest.mark.parametrize(("broken", "age"), [*[(one, 0) for one in BREAKS], ("kind", 2_000)])
async def test_a_post_that_cannot_be_decoded_stays_as_it_is_and_those_behind_it_are_sent(
    store: Store, rows: CardRows, caplog: pytest.LogCaptureFixture, broken: str, age: int
) -> None:
    bad, good, elsewhere = card(ts=None), card(ts=None), card("C2", ts=None)
    await exchange(rows, most=0, new=[bad, good])
    await execute(store, f"UPDATE cards SET created_at = created_at - {age}, changed_at = changed_at - {age}")  # noqa: S608
    await execute(store, f"UPDATE cards SET {BREAKS[broken]} WHERE id = '{bad.id}'")  # noqa: S608
    before = await fetch(store, f"SELECT * FROM cards WHERE id = '{bad.id}'")  # noqa: S608
    claimed = [*(await exchange(rows, new=[elsewhere])).claimed, *(await exchange(rows)).claimed]
    assert sorted(part.id for one in claimed for part in one.parts) == [good.id, elsewhere.id]
    assert (await exchange(rows)).next_in != 0
    assert await fetch(store, f"SELECT * FROM cards WHERE id = '{bad.id}'") == before  # noqa: S608
    logged = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [vars(record)["card"] for record in logged] == [bad.id]
    assert await rows.shown_facts(ACME.team_id) is not None


async def test_a_message_with_a_part_that_cannot_be_decoded_keeps_it_and_other_messages_are_updated(
    store: Store, rows: CardRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.core.retries.CALL_INTERVAL", 0.01)
    bad, beside, other = card(ts="1.1"), card(ts=None), card(ts="2.2")
    await sent(rows, (await exchange(rows, new=[bad])).claimed)
    await exchange(rows, most=0, new=[beside, other])
    await execute(store, f"UPDATE cards SET ts = '1.1' WHERE id = '{beside.id}'")  # noqa: S608
    await execute(store, f"UPDATE cards SET kind = 'poll' WHERE id = '{bad.id}'")  # noqa: S608
    await asyncio.sleep(0.1)
    claimed = [one for _ in range(3) for one in (await exchange(rows)).claimed]
    assert [one.ts for one in claimed] == ["2.2"]
