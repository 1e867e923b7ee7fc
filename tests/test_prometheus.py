"""The page of the metrics, without a bot: state that a conversation could show only by chance."""

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, get_args
from unittest.mock import MagicMock

import bot
from bot.core.requests import ClickedMessage
from bot.health import OFF, Backlog, Readiness, State
from bot.messages.blocks import ephemeral, in_channel
from bot.prometheus import PARTS, PrometheusMetrics
from bot.usecases.delivery import find_routes
from harness.order_rows import RESPONSE_URL
from harness.process import read
from harness.product import Secret, history, outcomes, requests
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


def routes() -> set[str]:
    """Every route that a bot records: those for each kind of address and message, and those that a call names."""
    slack: Any = MagicMock()  # no message is sent here
    actors = [requests.Actor("T0HOME00001", channel, "U0ALICE0001") for channel in ("", "C0ALERTS001")]
    urls, threads = (None, Secret(RESPONSE_URL)), (None, "1785000000.000100")
    clicked = (None, ClickedMessage("1785000000.000100", "", is_ephemeral=False, content=None))
    addresses = product(actors, urls, threads, clicked, ("", "https://acme.slack.com/archives/C1/p1"), ("", "1.2.3"))
    found = {
        route
        for address, message in product(addresses, (in_channel("done"), ephemeral("refused")))
        for route in find_routes(requests.ReplyAddress(*address), message, slack, slack)
    }
    sources = (Path(bot.__file__).parent / "usecases").rglob("*.py")
    calls = (re.findall(r"\b(?:told|Receipt)\([^()]*\"(.+?)\"\)", source.read_text()) for source in sources)
    return found.union(*calls)


def test_each_route_is_exported_from_the_start() -> None:
    samples = read(PrometheusMetrics().page().decode()).samples
    exported = {dict(labels)["route"] for name, labels in samples if name.endswith("order_delivery_seconds_count")}
    assert exported == routes() - {"terminal"} | {"none"}  # the command line, which has a terminal, has no metrics


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
    OFF.acknowledged("command", 200, 0.1)
    OFF.settled("pause", "command", "Paused", 0.1)
    OFF.delivered("pause", "ack", 0.1)
    OFF.attempted("pause", "Paused", 0.1)
    OFF.alerted("Posted")
    OFF.lost_session("AnchorDown")
    OFF.read_at_scrape(state(Readiness(), Backlog(0, 0.0)))
    assert OFF.page() == b""
