"""An idle bot sleeps: how often its event loop wakes up, and how often it calls the database, in virtual time."""

import asyncio

import pytest

from conversations.test_cost import counted
from harness import BOTH_TRANSPORTS, current_transport, single_workspace
from harness.cards import COPIES
from harness.conversation import post_json
from harness.databases import KEY
from harness.order_rows import Connection
from harness.product import Secret, open_store
from harness.virtual_time import clock

pytestmark = [pytest.mark.anyio, BOTH_TRANSPORTS]

MOST_WAKEUPS, MOST_IN_SOCKET_MODE, MOST_CALLS = 2.5, 4.0, 0.75  # a second; one more look can fall into the time
MEASURED = 64.0  # seconds: a multiple of all intervals
TOKEN = "token-of-alerts-0123456789abcdef"


def add_quiet_cards(connection: Connection, count: int, team_id: str) -> None:
    for sql in COPIES:
        connection.execute(sql, count=count, channels=1, team_id=team_id)
    connection.execute("UPDATE messages SET due = NULL, ts = coalesce(ts, id)")


@pytest.fixture(autouse=True)
def as_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.runtime.LONGEST_GAP", 0.6)
    monkeypatch.setattr("bot.runtime.TICK", 0.5)


@pytest.mark.parametrize("cards", [0, 1000])
async def test_an_idle_bot_wakes_up_rarely(cards: int, sqlite_url: str) -> None:
    own = {
        "DATABASE_URL": sqlite_url,
        "ENCRYPTION_KEYS": KEY.reveal(),
        "ALERTS_TOKEN": TOKEN,
        "ALERTS_CHANNEL": "C0ALERTS001",
    }
    own["REMIND_BEFORE"] = "5"
    async with single_workspace(**own) as at, open_store(Secret(sqlite_url), [KEY]) as store:  # type: ignore[arg-type]
        body = {"session_id": at.session, "text": "costs"}
        await post_json(f"{at.bot.url}/alerts", body, headers={"Authorization": f"Bearer {TOKEN}"})
        await asyncio.sleep(130.0)  # until the start is over, and the session has been read
        await store.database.change(lambda connection: add_quiet_cards(connection, cards, at.workspace.team_id))
        for row in await store.database.fetch_all("SELECT session_id FROM parts"):
            if row.session_id != at.session:
                began = at.anchor.session(at.session).began_at
                at.anchor.add_session(session_id=row.session_id, created_at=began)
        with counted(type(store.database), "read") as reads, counted(type(store.database), "change") as changes:
            before = clock.wakeups
            await asyncio.sleep(MEASURED)
            per_second = (clock.wakeups - before) / MEASURED
        most = MOST_IN_SOCKET_MODE if current_transport.is_socket else MOST_WAKEUPS
        assert 0.0 < per_second <= most
        assert 0.0 < (len(reads) + len(changes)) / MEASURED <= MOST_CALLS
