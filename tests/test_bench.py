"""The benchmark: its names, and the rows that it writes for every revision."""

import sqlite3
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path

import pytest

from bench.applications import BOTS, OLD, PEERS, VARIANTS
from bench.catalog import MEASURES
from bench.databases import Databases
from bench.people import Card
from bench.revisions import ROOT, current
from bench.sections import SECTIONS, Section
from bot.outbound.store.card_values import read_content

APPLICATIONS = {one.name for one in (*BOTS, *OLD, *VARIANTS, *PEERS)}


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_a_section_names_what_exists_and_the_page_has_a_place_for_it(section: Section) -> None:
    assert set(section.applications) <= APPLICATIONS
    assert set(section.measures) <= {measure.name for measure in MEASURES}
    assert f"<!-- scripts/bench {section.name} writes this part -->" in (ROOT / "docs/performance.md").read_text()


def test_old_orders_and_open_cards_are_added_as_the_bot_stores_them(tmp_path: Path) -> None:
    (bot,) = (one.at(current()) for one in OLD if one.name == "http-old")
    with ExitStack() as stack:
        databases = stack.enter_context(closing(Databases(tmp_path)))
        url = stack.enter_context(databases.copy(bot, 500, cards=2))
        file = stack.enter_context(closing(sqlite3.connect(url.removeprefix("sqlite:///"))))
        assert file.execute("SELECT count(*) FROM orders").fetchone() == (100_000,)
        (kind, content, ts), _ = file.execute("SELECT kind, content, ts FROM cards ORDER BY id").fetchall()
    read = asdict(read_content(kind, content))
    assert (read["alert"]["session_id"], ts) == (Card(0).session, Card(0).ts)
    assert read["count"] == 1
