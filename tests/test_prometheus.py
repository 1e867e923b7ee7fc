"""The page of the metrics, without a bot: state that a conversation could show only by chance."""

import json
from dataclasses import replace
from itertools import product
from typing import get_args

import bot
from bot.health import Backlog, Metrics, Readiness, State
from bot.prometheus import PARTS, page
from harness.process import Metrics as Page
from harness.process import read
from harness.product import history, outcomes, requests
from harness.samples import SAMPLES


def state(readiness: Readiness, backlog: Backlog) -> State:
    return State(
        facts={"version": bot.__version__},
        readiness=readiness,
        has_socket=True,
        has_key=True,
        leads=lambda: True,
        backlog=lambda: backlog,
        database_errors=lambda: 3,
        dropped_lines=lambda: 4,
    )


def read_page(metrics: Metrics | None = None, own: State | None = None) -> Page:
    return read(page(metrics or Metrics(), own or state(Readiness(), Backlog(0, 0.0))).decode())


def test_the_state_is_read_at_each_scrape() -> None:
    readiness = Readiness()
    own = state(readiness, Backlog(2, 61.5))
    good = read_page(own=own)
    for part in ("anchor_key", "something new"):
        readiness.degrade(part, "because")
    readiness.block("socket", "because")
    bad = read_page(own=own)
    for name in ("ready", "socket_connected", "key_accepted"):
        assert (good(f"anchor_bot_{name}"), bad(f"anchor_bot_{name}")) == (1, 0)
    assert good("anchor_bot_leader") == 1
    assert {part: good("anchor_bot_degraded", part=part) for part in PARTS} == dict.fromkeys(PARTS, 0)
    assert bad("anchor_bot_degraded", part="anchor_key") == bad("anchor_bot_degraded", part="something new") == 1
    assert bad("anchor_bot_outbox_depth", outbox="results") == 2
    assert bad("anchor_bot_outbox_oldest_seconds", outbox="results") == 61.5
    assert (bad("anchor_bot_database_errors_total"), bad("anchor_bot_log_lines_dropped_total")) == (3, 4)
    assert bad.names - read_page(own=replace(own, has_key=False)).names == {"anchor_bot_key_accepted"}


def test_each_outcome_is_exported_from_the_start() -> None:
    """Otherwise an alert would not see the first one."""
    shown = read_page()
    known = {outcome for group in history.OUTCOMES.values() for outcome in group}
    for outcome, verb, source in product(known, requests.Verb, requests.Source):
        assert shown("anchor_bot_orders_total", verb=verb, source=source, outcome=outcome) == 0
    for answer in get_args(outcomes.AnchorOutcome):
        for verb in requests.Verb:
            assert shown("anchor_bot_anchor_attempt_seconds_count", verb=verb, outcome=answer.__name__) == 0


def test_each_event_is_in_its_series_and_new_labels_make_none() -> None:
    kinds = {json.loads(path.read_text())["type"] for path in SAMPLES.glob("*.payload.json")}
    metrics = Metrics(["monitor"])
    for kind in (*kinds, "x1", "x2"):
        metrics.acknowledged(kind, 200, 0.1)
    metrics.delivered("pause", None, 1.0)
    metrics.delivered("pause", None, 4000.0)
    for sender in ("monitor", "y1", "y2"):
        metrics.alerted("Posted", sender)
    for number in (*range(60), 0):
        metrics.lost_session(f"alert {number}")
    shown = read_page(metrics)
    assert [shown("anchor_bot_ack_seconds_count", kind=kind) for kind in kinds] == [1] * len(kinds)
    assert shown("anchor_bot_ack_seconds_count", kind="other", status="200") == 2
    told = {"verb": "pause", "route": "none"}
    buckets = [
        shown("anchor_bot_order_delivery_seconds_bucket", **told, le=le) for le in ("0.5", "1.0", "1800.0", "+Inf")
    ]
    assert (buckets, shown("anchor_bot_order_delivery_seconds_sum", **told)) == ([0, 1, 1, 2], 4001)
    assert [shown("anchor_bot_alerts_total", outcome="Posted", sender=sender) for sender in ("monitor", "")] == [1, 2]
    found = [shown("anchor_bot_alerts_without_session_total", alertname=name) for name in ("alert 0", "alert 49", "")]
    assert found == [2, 1, 10]
