"""Notifications of PostgreSQL: they come again after an outage, and nothing keeps those that come beside an answer."""

import asyncio
import gc
from collections.abc import Iterator

import psycopg
import pytest

from bot.outbound.store.news import CARDS
from harness.databases import KEY
from harness.order_rows import Connection
from harness.outages import network
from harness.product import Secret, open_store

pytestmark = pytest.mark.anyio


async def test_they_come_again_after_an_outage_which_is_reported_once(
    postgresql_urls: Iterator[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("LISTENS_FOR", "RETRY_DELAY", "OPEN_TIMEOUT"):
        monkeypatch.setattr(f"bot.outbound.store.news.{name}", 0.2)
    url = next(postgresql_urls)
    async with (
        network(url) as way,
        open_store(Secret(url), [KEY]) as other,
        open_store(Secret(way.url), [KEY]) as store,
    ):
        news = store.database.news
        listening = asyncio.create_task(news.run())
        async with way.cut():
            await asyncio.sleep(1.0)
        assert [one.message for one in caplog.records if one.levelname == "WARNING"] == ["no notifications"]
        await asyncio.wait_for(news.cards.wait(), 5.0)  # what was told meanwhile is looked for
        news.cards.clear()
        monkeypatch.setattr("bot.outbound.store.news.RETRY_DELAY", 60.0)
        await asyncio.sleep(0.5)  # the connection is checked, and goes on
        await other.database.change(lambda connection: other.database.news.tell(connection, CARDS))
        await asyncio.wait_for(news.cards.wait(), 5.0)
        listening.cancel()


async def test_what_is_told_beside_an_answer_takes_no_memory(postgresql_urls: Iterator[str]) -> None:
    def work(connection: Connection) -> None:
        for sql in ("LISTEN anchor_bot", "NOTIFY anchor_bot"):
            connection.execute(sql)

    async with open_store(Secret(next(postgresql_urls)), [KEY]) as store:
        await store.database.change(work)
        assert [one for one in gc.get_objects() if isinstance(one, psycopg.Notify)] == []
