"""The page of the metrics, without a bot: state that a conversation could show only by chance."""

import json
from dataclasses import replace
from itertools import product
from typing import get_args

import bot
from bot.health import OFF, Backlog, Readiness, State
from bot.prometheus import PARTS, PrometheusMetrics
from harness.process import read
from harness.product import history, outcomes, requests
from harness.samples import SAMPLES


def state(readiness: Readiness, backlog: Backlog) -> State:
    return State(
        facts={"version": bot.__version__},
        readiness=readiness,
        has_socket=True,
        has_key=True,
        backlog=lambda: backlog,
        database_errors=lambda: 3,
        dropped_lines=lambda: 4,
    )


def test_the_state_is_read_at_each_scrape() -> None:
    metrics, readiness = PrometheusMetrics(), Readiness()
    metrics.read_at_scrape(state(readiness, Backlog(2, 61.5)))
    good = read(metrics.page().decode())
    for part in ("anchor_key", "something new"):
        readiness.degrade(part, "because")
    readiness.block("socket", "because")
    bad = read(metrics.page().decode())
    for name in ("ready", "socket_connected", "key_accepted"):
        assert (good(f"anchor_bot_{name}"), bad(f"anchor_bot_{name}")) == (1, 0)
    assert {part: good("anchor_bot_degraded", part=part) for part in PARTS} == dict.fromkeys(PARTS, 0)
    assert bad("anchor_bot_degraded", part="anchor_key") == bad("anchor_bot_degraded", part="something new") == 1
    assert bad("anchor_bot_outbox_depth", outbox="results") == 2
    assert bad("anchor_bot_outbox_oldest_seconds", outbox="results") == 61.5
    assert (bad("anchor_bot_database_errors_total"), bad("anchor_bot_log_lines_dropped_total")) == (3, 4)
    of_many = PrometheusMetrics()
    of_many.read_at_scrape(replace(state(readiness, Backlog(2, 61.5)), has_key=False))
    assert bad.names - read(of_many.page().decode()).names == {"anchor_bot_key_accepted"}


def test_each_outcome_is_exported_from_the_start() -> None:
    """Otherwise an alert would not see the first one."""
    page = read(PrometheusMetrics().page().decode())
    known = {outcome for group in history.OUTCOMES.values() for outcome in group}
    for outcome, verb, source in product(known, requests.Verb, requests.Source):
        assert page("anchor_bot_orders_total", verb=verb, source=source, outcome=outcome) == 0
    for answer in get_args(outcomes.AnchorOutcome):
        for verb in requests.Verb:
            assert page("anchor_bot_anchor_attempt_seconds_count", verb=verb, outcome=answer.__name__) == 0


def test_each_kind_of_request_is_told_from_the_others_and_new_ones_make_no_new_series() -> None:
    kinds = {json.loads(path.read_text())["type"] for path in SAMPLES.glob("*.payload.json")}
    metrics = PrometheusMetrics()
    for kind in (*kinds, "x1", "x2"):
        metrics.acknowledged(kind, 200, 0.1)
    metrics.delivered("pause", None, 1.0)
    page = read(metrics.page().decode())
    assert [page("anchor_bot_ack_seconds_count", kind=kind) for kind in kinds] == [1] * len(kinds)
    assert page("anchor_bot_ack_seconds_count", kind="other", status="200") == 2
    assert page("anchor_bot_order_delivery_seconds_count", route="none") == 1


def test_the_names_of_alerts_make_no_more_than_50_series() -> None:
    metrics = PrometheusMetrics()
    for number in range(60):
        metrics.lost_session(f"alert {number}")
    page = read(metrics.page().decode())
    found = [page("anchor_bot_alerts_without_session_total", alertname=name) for name in ("alert 0", "alert 49", "")]
    assert found == [1, 1, 10]


def test_without_a_port_nothing_is_measured() -> None:
    assert OFF.page() == b""
