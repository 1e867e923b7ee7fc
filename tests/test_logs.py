"""Logs, metrics, and the event loop of a process."""

import asyncio
import fcntl
import gc
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from bot import logs
from bot.inbound.metrics_page import page
from bot.logs import JsonFormatter, NonBlockingHandler, TextFormatter
from bot.metrics import PARTS, Metrics
from bot.runtime import Readiness, collect_when_quiet
from harness.process import Metrics as Page
from harness.product import orders, outcomes

PIPE_SIZE = 4096


def record(message: str = "paused %s", *values: object, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("bot.app", logging.INFO, "app.py", 1, message, values or ("it",), None)
    made.created = 1_700_000_000.1234
    vars(made).update(fields)
    return made


def failed(made: logging.LogRecord) -> logging.LogRecord:
    error = ValueError("on purpose")
    made.exc_info = (ValueError, error, None)
    return made


def test_a_line_for_machines_is_one_json_object_whatever_is_in_it() -> None:
    line = JsonFormatter().format(failed(record("first\n%s", "second\u2028third", ms=12, what=object)))
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.123Z",
        "level": "INFO",
        "logger": "bot.app",
        "message": "first\nsecond\u2028third",
        "ms": 12,
        "what": str(object),
        "traceback": "ValueError: on purpose",
    }


def test_no_line_for_people_can_be_forged_through_what_is_in_it() -> None:
    made = failed(record("an\n%s", "error", why="no\n2026 ERROR forged", empty="", team="T0"))
    assert TextFormatter().format(made).splitlines() == [
        '2023-11-14T22:13:20Z INFO    an\\nerror why="no\\n2026 ERROR forged" empty="" team=T0',
        "ValueError: on purpose",
    ]


@pytest.fixture
def no_handlers() -> Iterator[None]:
    """Let `configure` close none of the tests' handlers, and restore the levels of the libraries."""
    names = ("aiohttp", "asyncio", "httpx", "slack_sdk", "slack_bolt", "psycopg")
    levels = [logging.getLogger(name).level for name in names]
    logging.getLogger().handlers.clear()
    yield
    for name, its_level in zip(names, levels, strict=True):
        logging.getLogger(name).setLevel(its_level)


@pytest.mark.usefixtures("no_handlers")
@pytest.mark.parametrize(("log_format", "begins"), [("text", "20"), ("json", '{"time": ')])
def test_the_log_has_the_chosen_format_and_level_and_libraries_keep_quiet(
    capfd: pytest.CaptureFixture[str], log_format: str, begins: str
) -> None:
    logs.configure("INFO", log_format)
    logging.getLogger("anything").debug("not this")
    logging.getLogger("anything").info("seen")
    logging.getLogger().handlers[0].flush()
    written = capfd.readouterr().err
    assert (written.startswith(begins), "seen" in written, "not this" in written) == (True, True, False)
    logs.configure("DEBUG", log_format)
    for name in ("httpx", "slack_sdk", "slack_sdk.web.async_client", "aiohttp.access", "asyncio", "slack_bolt"):
        logging.getLogger(name).info("https://hooks.slack.com/commands/secret")
    logging.getLogger("psycopg.pool").info("INSERT INTO workspaces VALUES ('secret')")
    logging.getLogger("slack_bolt.app").warning("its body has a response_url")
    logging.getLogger().handlers[0].flush()
    assert capfd.readouterr().err == ""


# --- a reader that stops ---


@contextmanager
def small_pipe() -> Iterator[tuple[int, int]]:
    """A pipe that is full after 4 KiB: its reading and its writing end."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    try:
        yield reading, writing
    finally:
        os.close(reading)


def read_until(reading: int, word: str) -> list[str]:
    """Read until a line has the word, or to the end."""
    lines = []
    with os.fdopen(os.dup(reading), encoding="utf-8") as stream:
        while line := stream.readline():
            lines.append(line.rstrip("\n"))
            if word in line:
                break
    return lines


def start_handler(number: int, capacity: int) -> NonBlockingHandler:
    handler = NonBlockingHandler(number, capacity)
    handler.setFormatter(JsonFormatter())
    return handler


def test_lines_without_room_are_dropped() -> None:
    with small_pipe() as (reading, writing):
        os.write(writing, b" " * (PIPE_SIZE - 1) + b"\n")  # no room, so that no line is written before all have come
        handler = start_handler(writing, capacity=10)
        for number in range(1000):
            handler.handle(record(number=number, padding="x" * 100))
        (blank, *_) = read_until(reading, " ")
        handler.flush()
        handler.handle(record(number=1000))
        entries = [json.loads(line) for line in read_until(reading, '"number": 1000')]
        os.close(writing)
    numbers = [entry["number"] for entry in entries]
    assert (blank.strip(), numbers, numbers[-1]) == ("", sorted(set(numbers)), 1000)
    assert len(numbers) < 100
    logging.getLogger().addHandler(handler)
    logging.getLogger().removeHandler(handler)


def test_a_line_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    """As on a disk that was full for a while."""
    with (tmp_path / "log").open("w") as log, (tmp_path / "log").open() as read_only:
        number = os.dup(read_only.fileno())
        handler = start_handler(number, capacity=10)
        for descriptor in (read_only.fileno(), log.fileno()):
            os.dup2(descriptor, number)
            handler.handle(record())
            handler.flush()
    assert len((tmp_path / "log").read_text().splitlines()) == 1


@asynccontextmanager
async def collecting(tasks: int) -> AsyncIterator[None]:
    """Collect while so many tasks run."""
    thresholds = gc.get_threshold()
    running = asyncio.create_task(collect_when_quiet(range(tasks)))
    try:
        gc.disable()
        await asyncio.sleep(0)
        assert gc.isenabled()
        yield
    finally:
        running.cancel()
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@pytest.mark.parametrize(("blocks_per_second", "times"), [(2_000, 2), (100, 0), (20_000, 0)])
async def test_growth_makes_all_objects_be_collected_once_a_minute_unless_that_takes_long(
    blocks_per_second: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generations, began = list[int](), time.monotonic()
    monkeypatch.setattr(gc, "collect", lambda generation=2: generations.append(generation))
    monkeypatch.setattr(sys, "getallocatedblocks", lambda: int((time.monotonic() - began) * blocks_per_second))
    async with collecting(1_000):
        assert gc.get_threshold()[2] > 1_000_000
        await asyncio.sleep(150)
    assert generations == [2] * times


def read_page(metrics: Metrics | None = None, readiness: Readiness | None = None) -> Page:
    return Page(page(metrics or Metrics(), readiness or Readiness(), "1.0", leads=True, database_errors=3).decode())


def test_the_state_is_read_at_each_scrape() -> None:
    readiness = Readiness()
    good = read_page(readiness=readiness)
    for part in ("anchor_key", "something new"):
        readiness.degrade(part, "because")
    readiness.block("socket", "because")
    bad = read_page(readiness=readiness)
    assert (good("anchor_bot_ready"), bad("anchor_bot_ready")) == (1, 0)
    assert good("anchor_bot_leader") == 1
    assert {part: good("anchor_bot_degraded", part=part) for part in PARTS} == dict.fromkeys(PARTS, 0)
    assert bad("anchor_bot_degraded", part="anchor_key") == bad("anchor_bot_degraded", part="something new") == 1
    assert bad("anchor_bot_database_errors_total") == 3


def test_each_outcome_is_exported_from_the_start() -> None:
    """Otherwise an alert would not see the first one."""
    shown = read_page()
    known = {one.__name__ for one in get_args(outcomes.Outcome) if one is not outcomes.Refusal} | set(outcomes.Why)
    for outcome, verb, source in product(known, orders.Verb, orders.Source):
        assert shown("anchor_bot_orders_total", verb=verb, source=source, outcome=outcome) == 0
    for answer in get_args(outcomes.AnchorOutcome):
        for verb in orders.Verb:
            assert shown("anchor_bot_anchor_attempt_seconds_count", verb=verb, outcome=answer.__name__) == 0


def test_each_event_is_in_its_series() -> None:
    metrics = Metrics()
    metrics.took(1.0, "order_delivery", "pause", "none")
    metrics.took(25.0, "order_delivery", "pause", "none")
    metrics.took(4000.0, "order_delivery", "pause", "none")
    shown = read_page(metrics)
    told = {"verb": "pause", "route": "none"}
    limits = ("0.5", "1.0", "20.0", "30.0", "1800.0", "+Inf")
    buckets = [shown("anchor_bot_order_delivery_seconds_bucket", **told, le=le) for le in limits]
    assert (buckets, shown("anchor_bot_order_delivery_seconds_sum", **told)) == ([0, 1, 1, 2, 2, 3], 4026)
