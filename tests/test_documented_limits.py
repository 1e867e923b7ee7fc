"""Each limit that a page promises is that of the code: a changed constant fails here until the page says so, too.

`{}` stands for a number of the code, in the order of the row. A sentence can stand on several pages.
"""

from pathlib import Path

import pytest

from bot import app, logs, runtime
from bot.cli import main
from bot.config import settings
from bot.config.catalog import SETTINGS
from bot.config.settings import LONGEST_DRAIN
from bot.core import cards, requests, retries, sessions
from bot.core import session_checks as checked
from bot.core import workspace as core_workspace
from bot.inbound import http, rejections
from bot.inbound.alerts import alertmanager, endpoint, fields
from bot.inbound.slack import app as slack_app
from bot.inbound.slack import request, router, socket_connection, socket_mode
from bot.messages import history, pausing
from bot.messages.sessions import MOST_PAUSED, MOST_RUNNING
from bot.outbound import workspaces
from bot.outbound.anchor import sessions as anchor_sessions
from bot.outbound.slack import client, response_url, roles
from bot.outbound.slack import client as slack_client
from bot.outbound.slack import errors as slack_errors
from bot.outbound.store import auto_pauses, card_claims, database, leases, marks, news, people, store, writer
from bot.outbound.store import cards as card_rows
from bot.outbound.store import history as past_orders
from bot.usecases import (
    access,
    alert_cards,
    delivery,
    home,
    notices,
    orders,
    pause_windows,
    queue,
    session_cards,
    session_checks,
)
from bot.usecases import cards as outbox
from bot.usecases import checks as use_checks
from bot.usecases import orders as recoveries
from bot.usecases import sessions as reads

Row = tuple[str, *tuple[float | str, ...]]
DOCS = Path(__file__).parents[1] / "docs"

WORDS = {1: "one", 2: "two", 3: "three", 5: "five", 10: "ten"}
SPANS = {1: "second", 60: "minute", 1_800: "half an hour", 3_600: "hour"}
ALL, EACH = queue.CAPACITY, queue.CAPACITY // queue.SHARE
MIB, UNSIGNED = 1024 * 1024, http.UNSIGNED_CAPACITY
WEBHOOKS_EACH = endpoint.MOST_IN_WEBHOOKS // queue.SHARE
ALERTS_EACH = endpoint.MOST_AT_ONCE // queue.SHARE
DEADLINE, DAYS = float(SETTINGS["ANCHOR_DEADLINE"].default), int(SETTINGS["JOURNAL_DAYS"].default)


def minutes(seconds: float) -> float:
    return seconds / 60


def word(number: float) -> str:
    return WORDS.get(int(number), f"{number:g}")


def span(seconds: float) -> str:
    return SPANS.get(int(seconds), f"{seconds:g} s")


OPERATIONS: list[Row] = [
    ("detects a silent connection within {} seconds", 2 * socket_connection.HEARTBEAT),
    ("`disk` (less than {} MB free for a SQLite file)", store.LEAST_FREE / 1_000_000),
    ("its write-ahead log has {} MB or more", store.MOST_LOG / 1_000_000),
    ("are checked every {} s", store.CHECK_INTERVAL),
    ("The first of each kind in {} minutes is logged with its traceback", minutes(database.QUIET)),
    ("is checked at startup, every {} minutes", minutes(app.KEY_CHECK_INTERVAL)),
    ("logged at most once per {} s and status", rejections.LOG_INTERVAL),
    ("the bot goes on: it keeps {} lines", logs.CAPACITY),
    ("| log lines that nobody has read yet | {} |", logs.CAPACITY),
    ("This takes less than {} s", app.LONGEST_STOP + 0.5),
    ("until every request is answered instead, {} s at most", app.LAST_ACKS),
    (
        "sent again after {}, {}, {}, {}, {} and {} s, then every {} for {}",
        *retries.FIRST_ROUNDS[1:],
        span(retries.THEN_EVERY),
        span(retries.GIVE_UP_AFTER),
    ),
    (
        "can have {} orders at Anchor at the same time (all together {})",
        queue.MOST_AT_ANCHOR_EACH,
        queue.MOST_AT_ANCHOR,
    ),
    ("a person can have {} unfinished orders, which is {} per second for {} seconds", EACH, EACH / DEADLINE, DEADLINE),
    ("can resume {} times per {}", access.MOST_RESUMES, span(access.RESUMES_WITHIN)),
    ("the limits for a person ({} resumes per minute)", access.MOST_RESUMES),
    ("same session {} times within {} seconds", access.MOST_REPEATS, access.REPEATS_WITHIN),
    ("A resume that arrives more than {} s late is not sent", requests.LATE),
    ("unless that differs by more than {} s", requests.MOST_SKEW),
    ("For {} s after a crash or a lost connection", socket_connection.REDELIVERY_WINDOW),
    ("signatures are accepted for {} minutes only", minutes(request.MAX_AGE)),
    ("whose clock is over {} minutes wrong rejects", minutes(requests.MOST_SKEW)),
    ("for-cards) once per {}", span(session_checks.INTERVAL)),
    ("at most {} requests per {} and workspace", checked.MOST_READS, span(checked.READS_WINDOW)),
    ("needs up to {} connections for each process", database.READERS + database.WRITERS + 2),
    ("waits up to {} minutes", minutes(session_checks.LONGEST_BACKOFF)),
    ("at most once per {} and workspace", span(reads.FACTS_INTERVAL)),
    ("scheduled for an {} later", span(client.DELAY)),
    ("finishes the order after {} s", leases.LEASE),
    ("a second one waits {} s for the first", store.LOCK_WAIT),
    ("tries again every {} s", store.RETRY_DELAY),
    ("serves after {} s at the latest", store.FIRST_ATTEMPT),
    ("| unfinished orders, of all and of one person | {}; {} |", ALL, EACH),
    ("orders at Anchor, of all and of one person | {}; {} |", queue.MOST_AT_ANCHOR, queue.MOST_AT_ANCHOR_EACH),
    ("changes of orders that wait for the database | {} |", writer.MOST_WAITING),
    ("that are being sent, of all and of one person | {}; {}", delivery.MOST_SENDING, delivery.MOST_SENDING_EACH),
    ("| messages that wait, of all and of one person | {}; {} |", ALL, EACH),
    ("attempt, of all and of one person | {}; {}", delivery.MAX_WAITING, delivery.MAX_WAITING_EACH),
    ("| tasks of all kinds | {} |", slack_app.MOST_TASKS),
    ("| requests that wait for their turn, of all and of one person | {}; {} |", ALL, EACH),
    ("| unanswered envelopes of Socket Mode | {} |", socket_mode.MOST_UNANSWERED),
    ("and of one of many workspaces | {}; {}", endpoint.MOST_AT_ONCE, ALERTS_EACH),
    ("being recorded, of all and of one of many workspaces | {}; {} |", endpoint.MOST_IN_WEBHOOKS, WEBHOOKS_EACH),
    ("| alerts in the body of a webhook | {} |", alertmanager.MOST_ALERTS),
    ("| alerts that wait until their card is posted | {} |", outbox.MOST_SENDERS),
    ("| reads of workspaces in the database | {} |", workspaces.MAX_READS),
    ("| roles that are being stored | {} |", roles.MAX_STORING),
    *(
        ("| triggers of orders; delivered results; used `response_url`s | {} each |", most)
        for most in (orders.MOST_TRIGGERS, delivery.MOST_REMEMBERED, response_url.MOST_URLS)
    ),
    ("| counts of resumes, by person, and by person and session | {} each |", access.MOST_REMEMBERED),
    ("| roles of people; workspaces, for outages of the database | {} each |", roles.MAX_ENTRIES),
    ("| roles of people; workspaces, for outages of the database | {} each |", workspaces.MAX_ENTRIES),
    (
        "| sessions that were read, for {} minutes; lists of workspaces, for {} seconds | {}; {} |",
        minutes(reads.KEPT),
        reads.CACHED,
        reads.MOST_SESSIONS,
        reads.MOST_WORKSPACES,
    ),
    ("and begun within a {} | {} each |", span(reads.FACTS_INTERVAL), reads.MOST_IN_FLIGHT),
    ("and begun within a second | {} each |", reads.MOST_PER_INTERVAL),
    ("| sessions of cards that were looked for in a list | {} |", session_checks.MOST_LISTED),
    ("that are no cards, updates of each | {}; {}", session_cards.MAX_MESSAGES, session_cards.MAX_UPDATES),
    ("that people were shown, for {} minutes | {} |", minutes(reads.KEPT), session_cards.MOST_LISTS),
    ("and new cards, while the database fails | {} each |", outbox.MOST_WAITING),
    ("| cards that are being sent | {} |", outbox.MOST_SENDING),
    ("whose alert waits to be posted | {} | one message", cards.MOST_WAITING),
    ("lists the newest {}. It tells the last {} apart", cards.MOST_IN_SUMMARY, cards.MOST_TOLD_APART),
    ("| posted cards of a workspace that are kept up to date | {} |", card_claims.MOST_OPEN),
    ("a sender in a channel within {} minutes | {} |", minutes(retries.MENTION_INTERVAL), retries.MOST_CALLS),
    ("whose such messages a process counts while the database fails | {} |", auto_pauses.MOST_PACES),
    ("| error codes of Slack by channel, of a workspace | {} |", retries.MOST_PROBES),
    ("| checks of workspaces in Home | {} |", use_checks.MOST),
    (
        "| errors in Home; notices that are not repeated for {} minutes | {} each |",
        minutes(notices.QUIET_PERIOD),
        notices.MOST_QUIET,
    ),
    ("| errors in Home; notices that are not repeated for 10 minutes | {} each |", home.MAX_NOTICES),
    ("| open files, and so connections | {},", main.OPEN_FILES),
    ("on `/alerts` and on `/alerts/alertmanager` | {} MiB each |", rejections.BODIES_CAPACITY / MIB),
    ("bodies of alerts with one token | {} MiB |", endpoint.MOST_WAITING_EACH / MIB),
    ("in a body of alerts | {}; {} |", endpoint.MOST_BRACKETS, endpoint.MOST_COMMAS),
    ("more than {} `[` and `{{`, or more than {} commas", endpoint.MOST_BRACKETS, endpoint.MOST_COMMAS),
    ("One over {} kB is parsed", endpoint.LARGEST_AT_ONCE / 1024),
    ("It waits at most {} s for its turn", endpoint.LONGEST_WAIT),
    ("at most {} MiB, and those of all {} MiB", endpoint.MOST_WAITING_EACH / MIB, rejections.BODIES_CAPACITY / MIB),
    (
        "over {} kB [waits for its turn](#large-bodies-of-alerts) | {} |",
        endpoint.LARGEST_AT_ONCE / 1024,
        endpoint.LONGEST_WAIT,
    ),
    (
        "without Slack's headers, of all and of one | {} MiB; {} KiB |",
        UNSIGNED / MIB,
        http.LARGEST_UNSIGNED / 1024,
    ),
    ("at most once every {} s", runtime.GROWTH_INTERVAL),
]
RELIABILITY: list[Row] = [
    ("{} seconds after its last sign of life", leases.LEASE),
    ("more than {} minutes before the restart", word(minutes(requests.STILL_WANTED))),
    ("kept in memory meanwhile, {} changes at most", writer.MOST_WAITING),
    (
        "another one takes its orders over within {} s, or {} s if it led",
        leases.LEASE + recoveries.RECOVERY_INTERVAL,
        leases.LEASE + 2 * recoveries.RECOVERY_INTERVAL,
    ),
    ("a transaction is given up after {} to {} s", database.TIMEOUT, 2 * database.TIMEOUT),
    ("all cards show it, within {} s", news.FILE_INTERVAL),
    ("another one does it after {} s", card_claims.LEASE),
    ("asked again after {} minutes at the latest", minutes(retries.LONGEST_WAIT)),
    ("tried every {} minutes after the first half hour", minutes(retries.PROBE_INTERVAL)),
    ("gets one update per {}", span(retries.CALL_INTERVAL)),
]
ALERTS: list[Row] = [
    ("an object of at most {} names and values", fields.MOST_FIELDS),
    ("What has waited for {} is posted in one summary", span(cards.ALONE_FOR)),
    ("what has waited for {} hours since its last alert", cards.GIVE_UP_AFTER / 3_600),
    ("If more than {} sessions", cards.MOST_SINGLE),
    ("in a channel within {} seconds", cards.BURST_WINDOW),
    ("Sessions that follow within {} seconds", cards.BURST_WINDOW),
    ("a button for each session, at most {}.", cards.MOST_IN_SUMMARY),
    ("too large (over {} MiB)", rejections.LARGEST_BODY / 1_048_576),
    ("at other processes within {} seconds; while the database fails", workspaces.MAX_AGE),
    ("has up to {} tokens, one for each program", core_workspace.MOST_ALERT_TOKENS),
    ("a name of at most {} characters", core_workspace.LONGEST_SENDER),
    ("A token under {} characters", core_workspace.LEAST_TOKEN_LENGTH),
    ("{} wrong tokens for a workspace", endpoint.MOST_WRONG_TOKENS[0]),
    ("in a URL; at most {} characters |", fields.LONGEST_ID),
    ("**413:** the body is over {} MiB", endpoint.LARGEST_WEBHOOK / MIB),
    ("in the last {} days", int(marks.ASKED_KEPT / 86_400)),
    ("days (at most {}).", marks.MOST_ASKED),
    ("has {} alerts at the same time (with many workspaces {} of one)", endpoint.MOST_AT_ONCE, ALERTS_EACH),
    ("rate limit lasts longer than {} s", slack_client.RETRY_WINDOW),
    ("within the last {}.", span(retries.CALL_INTERVAL)),
    ("but {} seconds after the alert was recorded at the latest", alert_cards.POST_WAIT),
    ("with retries for up to {} seconds", slack_client.RETRY_WINDOW + slack_errors.TIMEOUT),
    ("the first alerts wait up to {} seconds for it", 2 * database.TIMEOUT),
    ("A pause that takes longer than {} s is shown", session_cards.PAUSING_AFTER),
    ("once per {} and workspace which sessions have ended", span(session_checks.INTERVAL)),
    (
        "once per {} and channel, and {} times per minute and workspace",
        span(retries.CALL_INTERVAL),
        retries.MOST_UPDATES,
    ),
    ("the newest {} do", cards.MOST_REPLIES_KEPT),
    ("gets at most {} replies a minute", cards.MOST_REPLIES),
    ("message with a list, of at most {}", cards.MOST_IN_SUMMARY),
    ("at most once in {} minutes and channel", minutes(retries.MENTION_INTERVAL)),
    ("the bot tries again {} times", word(retries.MOST_TRIES)),
    ("then every {} minutes with one card of the channel", minutes(retries.PROBE_INTERVAL)),
    ("A refused token is tried once a {}", span(retries.TOKEN_PROBE_INTERVAL)),
    ("has not changed for {} days", past_orders.CARD_DAYS),
    ("choose more than {} sessions", word(response_url.MOST_USES - 1)),
]
SESSIONS: list[Row] = [
    ("those of the last {} hours whose status is not known", sessions.RECENT / 3_600),
    ("At most {} sessions that run and {} that are paused", MOST_RUNNING, MOST_PAUSED),
    ("does not answer within {} s, the list comes without this", past_orders.PAUSED_TIMEOUT),
    ("the {} whose pauses are the newest of the last {} hours", past_orders.MOST_OTHERS, reads.PAUSED_WITHIN / 3_600),
    ("This works for {} minutes", minutes(reads.KEPT)),
    ("with 2 to {} ids", sessions.MOST_NAMED),
    ("for the first {}.", sessions.MOST_NAMED),
    ("The first {} sessions are listed", pausing.MOST_LISTED),
    ("any of the newest {}, and give", pausing.MOST_OPTIONS),
    ("After {} minutes the button first shows", minutes(pause_windows.AGE_LIMIT)),
    ("the newest {} sessions, and says how many more run", sessions.MOST_TOGETHER),
    ("kept in the database for {} hours, the newest {} of a workspace", marks.SHOWN_FOR / 3_600, marks.MOST_SHOWN),
    ("At most {} pages of {} are read", checked.MOST_PAGES, anchor_sessions.LIMIT),
    ("A list is kept for {} seconds", reads.CACHED),
    ("If Anchor takes over {} seconds", router.ACK_WAIT),
    ("read within {} minutes is remembered", minutes(reads.KEPT)),
    ("steps and cost are shown for {} seconds", reads.CACHED),
    ("the newest {} sessions that run", anchor_sessions.LIMIT),
    (
        "one read at a time, one per {} and {} per {}",
        span(reads.FACTS_INTERVAL),
        checked.MOST_READS // checked.READS_AFTER_PAUSE,
        span(checked.READS_WINDOW),
    ),
    ("checked once per {} and workspace", span(session_checks.INTERVAL)),
    ("{} per page, at most {} pages", anchor_sessions.LIMIT, checked.MOST_PAGES),
    ("At most {} such requests are made per {} and workspace", checked.MOST_READS, span(checked.READS_WINDOW)),
    ("read again every {} minutes", minutes(checked.CHECKED_INTERVAL)),
    ("after {} minutes at the latest", minutes(session_checks.LONGEST_BACKOFF)),
    ("together {} per second", reads.MOST_PER_INTERVAL),
    ("After a 429 there is none for a {}", span(reads.RATE_LIMITED)),
    ("left is remembered for {} seconds", card_rows.REFUSED_FOR),
]
OF_ROLES: list[Row] = [
    ("caches each answer for {} minutes", word(minutes(roles.PROFILE_TTL))),
    ("full member within the last {} days", people.KEPT / 86_400),
    ("esume needs an answer of the last {} minutes", minutes(roles.PROFILE_TTL)),
]
ADMINISTRATION: list[Row] = [
    *OF_ROLES,
    ("Slack has {} seconds to answer for an end", access.END_LOOKUP),
    ("nobody sees more than its last {} characters", {4: "four"}.get(core_workspace.SHOWN, "?")),
    ("The reason stays there for {} minutes", word(minutes(home.STICKY_TTL))),
    ("Home shows the last {} pauses and resumes", word(history.MOST_IN_HOME)),
    ("by default for {} days", DAYS),
    ("window with the newest {} of that time", history.MOST_IN_MODAL),
    ("*Last {} days* opens", history.DAYS),
    ("[for {} minutes](workspaces", minutes(workspaces.CACHE_TTL)),
    ("[other processes](workspaces.md#several-processes) within {} seconds", workspaces.MAX_AGE),
]
WORKSPACES: list[Row] = [
    ("applies at every other within {} seconds", workspaces.MAX_AGE),
    ("read of a workspace for {} seconds", workspaces.MAX_AGE),
    ("a pause waits at most {} seconds for it", workspaces.PAUSE_WAIT),
    ("which is at most {} minutes old", minutes(workspaces.CACHE_TTL)),
]
SETTINGS_PAGE: list[Row] = [
    *OF_ROLES,
    ("an end a new one, within {} seconds", access.END_LOOKUP),
    ("a signing secret that is not {} characters long", settings.SECRET_LENGTH),
    ("or a token of `ALERTS_TOKENS` under {} characters", core_workspace.LEAST_TOKEN_LENGTH),
    ("where and why: from 1 to {}.", f"{settings.MOST_DAYS}"),
    ("can react; at most {}.", LONGEST_DRAIN),
    ("or `on` with one under {} characters", settings.PAUSING_TOKEN_LENGTH),
    ("within 60 seconds: from 1 to {}, also", f"{settings.MOST_PAUSES}"),
]
PRIVACY: list[Row] = [
    ("`JOURNAL_DAYS`** ({} by default)", DAYS),
    ("{} s after the start, and then every {}", past_orders.FIRST_DELAY, span(past_orders.INTERVAL)),
    ("in transactions of {} rows", past_orders.BATCH),
    ("nothing has changed for {} days", past_orders.CARD_DAYS),
]
AUTOMATIC_PAUSE: list[Row] = [
    ("or after {} h without any", auto_pauses.FORGOTTEN_AFTER / 3600),
    ("or within the last {} minutes", minutes(auto_pauses.RESPECTED)),
    ("`AUTO_PAUSE_LIMIT` sessions** ({}) of", float(SETTINGS["AUTO_PAUSE_LIMIT"].default)),
    ("would be paused within {} seconds", auto_pauses.WINDOW),
    ("sessions are held back for {} minutes", minutes(auto_pauses.HELD_FOR)),
    ("back, up to {} seconds after the alert", requests.STILL_WANTED),
    ("by itself, at most once a {}, as long", span(auto_pauses.AGAIN_AFTER)),
    ("has `pause`, after {} seconds at most", alert_cards.POST_WAIT),
    ("sender has {} such messages in {} minutes", retries.MOST_CALLS, minutes(retries.MENTION_INTERVAL)),
    ("of at least {} characters, for each program", settings.PAUSING_TOKEN_LENGTH),
]
HTTP: list[Row] = [("headers take over {} s", http.HEADER_TIMEOUT)]
PAGES = {
    "run backup limits replicas": OPERATIONS,
    "reliability": RELIABILITY,
    "alerts buttons": ALERTS,
    "automatic-pause": AUTOMATIC_PAUSE,
    "http": HTTP,
    "privacy": PRIVACY,
    "sessions session-facts": SESSIONS,
    "administration": ADMINISTRATION,
    "settings": SETTINGS_PAGE,
    "workspaces": WORKSPACES,
}


def written(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.10g}" if value % 1 else f"{int(value):,}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_the_limits_of_the_code(page: str) -> None:
    text = " ".join(" ".join((DOCS / f"{name}.md").read_text() for name in page.split()).split())
    missing = [
        sentence.format(*map(written, values))
        for sentence, *values in PAGES[page]
        if sentence.format(*map(written, values)) not in text
    ]
    assert missing == [], f"docs/ does not say so ({page}): change the page, or the constant"
