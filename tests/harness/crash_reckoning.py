"""Compare what Slack and Anchor have seen of a bot that was killed with its journal of orders."""

from collections import defaultdict
from typing import Any

from bot.sim.anchor import SessionState
from bot.sim.slack import Message, Source
from harness.crashes import Crashes, Given

_SENT = {"Paused", "Resumed", "Unconfirmed"}

Faults = defaultdict[str, list[object]]
"""What went wrong, and what each fault is about."""


async def find_faults(at: Crashes) -> Faults:
    """Compare the records, once every order has ended."""
    faults: Faults = defaultdict(list)
    by_trigger = {row.trigger_id: row for row in await at.rows()}
    messages = at.messages()
    for one in at.given:
        row = by_trigger.get(one.delivery.trigger_id)
        is_told = any(_is_about(message, one, row) for message in messages)
        executed = sum(sent.verb == one.verb for sent in at.anchor.posts(one.session))
        for fault in _faults_of(one, row, executed, is_told=is_told):
            stored = row and (row.state, row.outcome, row.delivered_by)
            faults[fault].append((one.verb, one.by, one.session, one.delivery.error, stored))
    for session in at.shared:
        for fault in _faults_of_session(at, session, [row for row in by_trigger.values() if row.session_id == session]):
            faults[fault].append(session)
    for alert in at.alerts:
        if alert.status == 200 and not any(alert.session in str(message.blocks) for message in messages):
            faults["alert accepted and never shown"].append(alert)
    return faults


def _faults_of(one: Given, row: Any, executed: int, *, is_told: bool) -> list[str]:
    is_resume = one.verb == "resume"
    checks = {
        "left open": row and row.state != "told",
        "acked and never told": one.delivery.ack is not None and not is_told,
        "in the journal and never told": row and not is_told,
        "called done and not at Anchor": row and row.outcome in {"Paused", "Resumed"} and not executed,
        "resume executed and not in the journal": is_resume and not one.is_shared and executed and not row,
        "resume executed more than once": is_resume and not one.is_shared and executed > 1,
    }
    return [fault for fault, is_so in checks.items() if is_so]


def _faults_of_session(at: Crashes, session: str, rows: list[Any]) -> list[str]:
    """Compare the end of a session with its orders: after a confirmed pause it may run only if resumed since."""
    sent = sorted((row for row in rows if row.outcome in _SENT), key=lambda row: row.given_at)
    resumes = sum(request.verb == "resume" for request in at.anchor.posts(session))
    is_running = at.anchor.session(session).state is SessionState.RUNNING
    checks = {
        "more resumes than orders": resumes > sum(row.verb == "resume" for row in rows),
        "running after a confirmed pause": sent and sent[-1].outcome == "Paused" and is_running,
    }
    return [fault for fault, is_so in checks.items() if is_so]


def _is_about(message: Message, one: Given, row: Any) -> bool:
    """Return whether a message tells the outcome of an order; chat.postMessage has no trigger."""
    if message.source is Source.POST_MESSAGE:
        return row is not None and row.delivered_by in {"channel", "direct message"} and one.session in message.text
    return message.trigger_id == one.delivery.trigger_id
