"""Compare what Slack and Anchor have seen of a bot that was killed with its journal of orders."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from bot.sim.anchor import SessionState
from bot.sim.slack import Message, Source
from harness.crashes import Crashes, Given

_SENT = {"Paused", "Resumed", "Unconfirmed"}


@dataclass(slots=True)
class Reckoning:
    """How often each thing happened, those of `faults` wrongly, and some examples."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[object]] = field(default_factory=lambda: defaultdict(list))

    def count(self, what: str, example: object) -> None:
        """Count something that can happen."""
        self.counts[what] += 1
        self.examples[what].append(example)

    def blame(self, what: str, example: object) -> None:
        """Count a fault."""
        self.faults[what] += 1
        self.examples[what].append(example)


async def reckon(at: Crashes) -> Reckoning:
    """Compare the records, once every order has ended."""
    result = Reckoning()
    by_trigger = {row.trigger_id: row for row in await at.rows()}
    messages = at.messages()
    for one in at.given:
        row = by_trigger.get(one.delivery.trigger_id)
        _reckon_order(one, row, [message for message in messages if _is_about(message, one, row)], result)
        _reckon_execution(one, row, sum(sent.verb == one.verb for sent in at.anchor.posts(one.session)), result)
    for session in at.shared:
        _reckon_session(at, session, [row for row in by_trigger.values() if row.session_id == session], result)
    for alert in at.alerts:
        result.count(f"alert, answer {alert.status}", alert)
        shown = sum(alert.session in str(message.blocks) for message in messages)
        if alert.status == 200 and not shown:
            result.blame("alert accepted and never shown", alert)
        if shown > 1:
            result.count(f"alert shown {shown} times", alert)
    result.counts["taken over"] = at.taken_over
    return result


def _reckon_order(one: Given, row: Any, told: list[Message], result: Reckoning) -> None:
    is_acked, about = one.delivery.ack is not None, _about(one, row)
    result.count("acked" if is_acked else "Slack's error seen", about)
    result.count("in the journal" if row else "not in the journal", about)
    if is_acked and not row:
        result.count("acked and not in the journal", about)
    if told and not is_acked:
        result.count("Slack's error seen, then told", about)
    if len(told) > 1:
        result.count(f"{one.verb} told {len(told)} times", about)
    if row and row.state != "told":
        result.blame("left open", about)
    if is_acked and not told:
        result.blame("acked and never told", about)
    elif row and not told:
        result.blame("in the journal and never told", about)


def _reckon_execution(one: Given, row: Any, executed: int, result: Reckoning) -> None:
    about, is_resume = _about(one, row), one.verb == "resume"
    if row and row.outcome in {"Paused", "Resumed"} and not executed:
        result.blame("called done and not at Anchor", about)
    if one.is_shared:
        return
    if executed and not row:
        what = f"{one.verb} executed and not in the journal"
        result.blame(what, about) if is_resume else result.count(what, about)
    if executed > 1:
        what = f"{one.verb} executed {executed} times"
        result.blame(what, about) if is_resume else result.count(what, about)


def _reckon_session(at: Crashes, session: str, rows: list[Any], result: Reckoning) -> None:
    """Compare the end of a session with its orders: after a confirmed pause it may run only if resumed since."""
    sent = sorted((row for row in rows if row.outcome in _SENT), key=lambda row: row.given_at)
    resumes = sum(request.verb == "resume" for request in at.anchor.posts(session))
    result.counts["resumes of shared sessions"] += resumes
    if resumes > sum(row.verb == "resume" for row in rows):
        result.blame("more resumes than orders", session)
    if sent and sent[-1].outcome == "Paused" and at.anchor.session(session).state is SessionState.RUNNING:
        result.blame("running after a confirmed pause", session)


def _is_about(message: Message, one: Given, row: Any) -> bool:
    """Return whether a message tells the outcome of an order; chat.postMessage has no trigger."""
    if message.source is Source.POST_MESSAGE:
        return row is not None and row.delivered_by in {"channel", "direct message"} and one.session in message.text
    return message.trigger_id == one.delivery.trigger_id


def _about(one: Given, row: Any) -> tuple[object, ...]:
    stored = row and (row.state, row.outcome, row.delivered_by)
    return one.verb, one.by, one.session, one.delivery.error, stored
