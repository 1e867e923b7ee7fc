"""Limits that operators rely on are those of the code: a changed constant fails here until the page says so, too.

`{}` stands for a number of the code, in the order of the row.
"""

from pathlib import Path

import pytest

from bot import app, logs
from bot.cli import main
from bot.config.settings import SETTINGS
from bot.core import alert_tokens, alerts, auto_pause_limits, commands, fields, mentions, retries
from bot.core import orders as core_orders
from bot.core import session_checks as checked
from bot.inbound import alert_endpoint, alert_formats, http
from bot.inbound.slack import app as slack_app
from bot.inbound.slack import socket_mode
from bot.messages.sessions import MOST_PAUSED, MOST_RUNNING
from bot.outbound import workspaces
from bot.outbound.slack import roles
from bot.outbound.store import connections, database, leases, retention, store, writer
from bot.usecases import auto_pauses as automatic
from bot.usecases import orders, outbox, permissions, queue, reminders, results, session_cards, session_checks

Row = tuple[str, *tuple[float | str, ...]]
DOCS = Path(__file__).parents[1] / "docs"

WORDS = {2: "two", 3: "three", 5: "five"}
SPANS = {1: "second", 60: "minute", 3_600: "hour"}
ALL, EACH = queue.CAPACITY, queue.CAPACITY // queue.SHARE
MIB = 1024 * 1024
ALERTS_EACH = alert_endpoint.MOST_AT_ONCE // queue.SHARE
DEADLINE, DAYS = float(SETTINGS["ANCHOR_DEADLINE"].default), int(SETTINGS["JOURNAL_DAYS"].default)


def minutes(seconds: float) -> float:
    return seconds / 60


def word(number: float) -> str:
    return WORDS.get(int(number), f"{number:g}")


def span(seconds: float) -> str:
    return SPANS.get(int(seconds), f"{seconds:g} s")


PAGES: dict[str, list[Row]] = {
    "run": [
        ("is checked at startup, every {} minutes", minutes(app.KEY_INTERVAL)),
        ("logged at most once per {} s and status", http.LOG_INTERVAL),
        ("the bot goes on: it keeps {} lines", logs.CAPACITY),
        ("This takes less than {} s", app.LONGEST_STOP + 0.5),
        ("detects a silent connection within {} seconds", 2 * socket_mode.HEARTBEAT),
        ("checked once per {} and workspace", span(session_checks.INTERVAL)),
        (
            "of more than {} in a workspace, {} per second",
            f"{session_checks.INTERVAL * session_checks.PER_SECOND:,.0f}",
            session_checks.PER_SECOND,
        ),
        ("A check makes at most {} requests", checked.MOST_READS),
    ],
    "backup": [("serves after {} s at the latest", store.FIRST_ATTEMPT), ("tries again every {} s", store.RETRY_DELAY)],
    "reliability": [
        ("{} seconds after its last sign of life", leases.LEASE),
        (
            "takes its orders over within {} s, or {} s if it led",
            leases.LEASE + orders.RECOVERY_INTERVAL,
            leases.LEASE + 2 * orders.RECOVERY_INTERVAL,
        ),
        ("wait for the lease, {} to {} s", leases.LEASE, round(leases.LEASE + leases.LEASE / leases.RENEWALS)),
        ("gets no answer of Slack for {} s", outbox.LONGEST_SILENCE),
        ("more than {} minutes before the restart", word(minutes(core_orders.STILL_WANTED))),
        ("all cards show it, within {} s", outbox.LOOK_INTERVAL),
        ("kept in memory meanwhile, {} changes at most", writer.MOST_WAITING),
        ("a transaction is given up after {} to {} s", database.TIMEOUT, 2 * database.TIMEOUT),
        ("| every {} minutes; by the next route", minutes(retries.RESULT.rarely)),
        ("| after {} minutes |", minutes(retries.RESULT.longest)),
        (
            "| every {} minutes | the same | after {} hours |",
            minutes(retries.ALERT.rarely),
            retries.ALERT.longest / 3600,
        ),
        (
            "| every {} minutes | the same; after another error code {} times, then every {} minutes |",
            minutes(retries.UPDATE.rarely),
            retries.MOST_TRIES,
            minutes(retries.UPDATE.rarely),
        ),
        ("messages of its workspace wait for {} s at a time", outbox.TOKEN_INTERVAL),
        (
            "can have {} orders at Anchor at the same time (all together {})",
            queue.MOST_AT_ANCHOR_EACH,
            queue.MOST_AT_ANCHOR,
        ),
        ("can have {} orders that wait, which is {} per second for {} seconds", EACH, EACH / DEADLINE, DEADLINE),
        ("A resume that arrives more than {} s late is not sent", core_orders.LATE),
        ("unless that differs by more than {} s", fields.MOST_SKEW),
        ("signatures are accepted for {} minutes only", minutes(fields.MOST_SKEW)),
        ("makes at most {} of these updates", outbox.MOST_UPDATES),
        ("At most {} calls run at a time, at most {} of them", outbox.MOST_SENDING, outbox.MOST_SENDING_EACH),
        (
            "by {} requests at most, and makes up to {} reads of two requests",
            checked.MOST_READS,
            checked.MOST_AFTER_PAUSES,
        ),
        ("more than {} `[` and `{{`, or more than {} commas", alert_endpoint.MOST_BRACKETS, alert_endpoint.MOST_COMMAS),
        ("at most {} MiB, and those of all {} MiB", alert_endpoint.MOST_WAITING_EACH / MIB, http.BODIES_CAPACITY / MIB),
        ("is not read beyond {} KiB", http.LARGEST_UNSIGNED / 1024),
        ("| orders that wait until others have been at Anchor, of all and of one person | {}; {} |", ALL, EACH),
        ("that are being sent, of all and of one person | {}; {}", results.MOST_SENDING, results.MOST_SENDING_EACH),
        ("attempt, of all and of one person | {}; {}", results.MAX_WAITING, results.MAX_WAITING_EACH),
        ("| tasks of all kinds | {} |", slack_app.MOST_TASKS),
        ("| messages that the leader has in memory | {},", outbox.MOST_KNOWN),
        ("and of one workspace | {}; {}", alert_endpoint.MOST_AT_ONCE, ALERTS_EACH),
        ("| alerts in the body of a webhook | {} |", alert_formats.MOST_ALERTS),
        ("| alerts that wait until their card is posted | {} |", outbox.MOST_AWAITED),
        ("| messages about alerts that wait in a channel | {}, of", alerts.MOST_WAITING),
        ("| open files, and so connections | {},", main.OPEN_FILES),
    ],
    "workspaces": [
        ("applies at every other within {} seconds", workspaces.MAX_AGE),
        ("a pause waits at most {} seconds for it", workspaces.PAUSE_WAIT),
        ("which is at most {} minutes old", minutes(workspaces.CACHE_TTL)),
        ("needs up to {} connections for each process", connections.READERS + connections.WRITERS + 2),
        ("whose clock is over {} minutes wrong rejects", minutes(fields.MOST_SKEW)),
    ],
    "alerts": [
        ("an object, of which the first {} names and values", alert_formats.MOST_FIELDS),
        ("has up to {} tokens, one for each program", alert_tokens.MOST_ALERT_TOKENS),
        ("a name of at most {} characters", alert_tokens.LONGEST_SENDER),
        ("A token under {} characters", alert_tokens.LEAST_TOKEN_LENGTH),
        ("If {} messages about alerts wait in a channel", alerts.MOST_SINGLE),
        ("a button for each session, at most {}.", alerts.MOST_IN_SUMMARY),
        ("If {} full ones wait in a channel", alerts.MOST_WAITING),
        ("at most once in {} minutes and channel", minutes(mentions.MENTION_INTERVAL)),
        ("too large (over {} MiB)", alert_endpoint.LARGEST_ALERTS / MIB),
        ("**Too large** is a body that is over {} MiB", alert_endpoint.LARGEST_ALERTS / MIB),
        ("has {} alerts at the same time, or {} of one workspace", alert_endpoint.MOST_AT_ONCE, ALERTS_EACH),
        ("but {} seconds after the alert was recorded at the latest", automatic.POST_WAIT),
    ],
    "automatic-pause": [
        ("fires, for {} h", auto_pause_limits.LONGEST_TRIED / 3600),
        ("or within the last {} minutes", minutes(auto_pause_limits.RESPECTED)),
        ("`AUTO_PAUSE_LIMIT` sessions** ({}) of", float(SETTINGS["AUTO_PAUSE_LIMIT"].default)),
        ("sessions are held back for {} minutes", minutes(auto_pause_limits.HELD_FOR)),
        ("back, up to {} seconds after the alert", core_orders.STILL_WANTED),
        ("by itself, at most once a {}, as long", span(auto_pause_limits.AGAIN_AFTER)),
        ("sender has {} such messages in {} minutes", mentions.MOST_CALLS, minutes(mentions.MENTION_INTERVAL)),
    ],
    "pause": [
        ("At most {} sessions that run and {} that are paused", MOST_RUNNING, MOST_PAUSED),
        ("with 2 to {} ids", commands.MOST_NAMED),
        ("the newest {} sessions, and says how many more run", commands.MOST_TOGETHER),
        ("It comes within {} s of that time", reminders.EARLY),
        ("A pause that takes longer than {} s is shown", session_cards.PAUSING_AFTER),
        ("once per {} and channel, and {} times", span(outbox.CALL_INTERVAL), outbox.MOST_UPDATES),
        ("has not changed for {} days", retention.MESSAGE_DAYS),
        ("time and {} per {}", checked.MOST_AFTER_PAUSES, span(checked.READS_WINDOW)),
    ],
    "administration": [
        ("caches each answer for {} minutes", word(minutes(roles.PROFILE_TTL))),
        ("full member within the last {} days", retention.PROFILE_DAYS),
        ("Slack has {} seconds to answer for an end", permissions.END_LOOKUP),
        ("by default for {} days", DAYS),
    ],
    "privacy": [
        ("`JOURNAL_DAYS`** ({} by default)", DAYS),
        ("nothing has changed for {} days", retention.MESSAGE_DAYS),
    ],
    "install": [("headers take over {} s", http.HEADER_TIMEOUT)],
}


def written(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.10g}" if value % 1 else f"{int(value):,}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_the_limits_of_the_code(page: str) -> None:
    text = " ".join((DOCS / f"{page}.md").read_text().split())
    sentences = [sentence.format(*map(written, values)) for sentence, *values in PAGES[page]]
    assert [one for one in sentences if one not in text] == [], f"docs/{page}.md: change the page, or the constant"
