"""Claim the cards that are due, at the pace that Slack allows."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, select, update

from bot.core.cards import (
    ALONE_FOR,
    BURST_WINDOW,
    GIVE_UP_AFTER,
    MOST_IN_SUMMARY,
    MOST_SINGLE,
    AlertContent,
    plan_posts,
)
from bot.core.retries import LONGEST_CALL, Pace, read_pace
from bot.core.session_ids import SessionId
from bot.outbound.store.card_changes import CardPart, ClaimedCard, SentCard
from bot.outbound.store.card_codec import ALERT, read_content, read_facts
from bot.outbound.store.card_statements import DUE, JOIN, LATE, OF_MESSAGES, POSTPONE, RECENT_ALERTS
from bot.outbound.store.inserts import INSERT
from bot.outbound.store.parameter_lists import padded
from bot.outbound.store.schema import cards, paces

LEASE = LONGEST_CALL
"""Seconds after which another process sends a claimed card: an attempt takes 15 at most."""


def claim(connection: Connection, owner: str, sent: Sequence[SentCard], now: float, *, most: int) -> list[ClaimedCard]:
    """Return up to `most` messages that `owner` can send now, and let the others wait for their slots.

    No other process claims meanwhile. What was `sent` can have a Retry-After.
    """
    due = _due(connection, now) if most else []
    before = _read_paces(connection, {one.team_id for one in due} | {one.card.team_id for one in sent})
    after = dict(before)
    for one in sent:
        if one.card.team_id in before:  # else the app was uninstalled meanwhile
            pace = after[one.card.team_id].ended(one.card.lane, now)
            after[one.card.team_id] = pace if one.held_for is None else pace.held(one.card.lane, now, one.held_for)
    claimed: list[ClaimedCard] = []
    waiting: list[dict[str, Any]] = []
    for card in due:
        pace, lane = after.get(card.team_id, Pace()), card.lane
        slot = pace.next_slot(lane, now)
        if slot > now or len(claimed) == most:
            waiting.extend({"of_id": part.id, "until": slot} for part in card.parts)
        else:
            after[card.team_id] = pace.begun(lane, now)
            claimed.append(card)
    if waiting:
        connection.execute(POSTPONE, waiting)
    claimed = _whole(connection, claimed)
    if ids := [part.id for card in claimed for part in card.parts]:
        lease = {"owner": owner, "not_before": now + LEASE}
        connection.execute(update(cards).where(cards.c.id.in_(ids)).values(lease))
    _write_paces(connection, {team: pace for team, pace in after.items() if pace != before.get(team)})
    return claimed


def _due(connection: Connection, now: float) -> list[ClaimedCard]:
    """Return the messages that are due, the most urgent first, with the rows that are due."""
    pending: defaultdict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    messages: dict[tuple[str, str, str], ClaimedCard] = {}
    for row in connection.execute(DUE, {"now": now}).all():
        if row.ts is None and (row.kind == ALERT or _is_late(row, now)):
            pending[row.team_id, row.channel_id].append(row)
        else:
            _add(messages, [row], row.ts)
    for (team_id, channel_id), posts in pending.items():
        alerts = [row for row in posts if not _is_late(row, now)]
        if len(alerts) < len(posts):
            values = {"team_id": team_id, "channel_id": channel_id, "until": now - ALONE_FOR}
            for name, card in _late(connection.execute(LATE, values).all(), now).items():
                messages[team_id, channel_id, name] = card
        for ts, together in _plan(connection, alerts, now) if alerts else ():
            _add(messages, together, ts)
    return list(messages.values())


def _is_late(row: Row[Any], now: float) -> bool:
    """Return whether a post has waited so long that it is only sent together with others."""
    return bool(row.created_at <= now - ALONE_FOR)


def _late(rows: Sequence[Row[Any]], now: float) -> dict[str, ClaimedCard]:
    """Return the messages for the late posts of a channel, by the ids of their first rows."""
    old = [row for row in rows if row.changed_at <= now - GIVE_UP_AFTER]
    left = [row for row in rows if row.changed_at > now - GIVE_UP_AFTER]
    together = [old, *(left[start : start + MOST_IN_SUMMARY] for start in range(0, len(left), MOST_IN_SUMMARY))]
    return {
        posts[0].id: replace(_card(posts[0], None), parts=tuple(map(_part, posts)), is_given_up=posts is old)
        for posts in together
        if posts
    }


def _add(messages: dict[tuple[str, str, str], ClaimedCard], rows: Sequence[Row[Any]], ts: str | None) -> None:
    name = (rows[0].team_id, rows[0].channel_id, ts or rows[0].id)
    earlier = messages.get(name)
    parts = tuple(map(_part, rows)) if earlier is None else (*earlier.parts, *map(_part, rows))
    messages[name] = replace(earlier or _card(rows[0], ts), parts=parts)


def _plan(
    connection: Connection, alerts: Sequence[Row[Any]], now: float
) -> list[tuple[str | None, Sequence[Row[Any]]]]:
    """Return which alerts of a channel belong together, each with the `ts` of the summary that they join, if any.

    Alerts that come one by one join the last message, once there are too many: then it becomes the summary.
    """
    values = {"team_id": alerts[0].team_id, "channel_id": alerts[0].channel_id, "since": now - BURST_WINDOW}
    recent = connection.execute(RECENT_ALERTS, values).all()
    sizes = Counter(row.ts for row in recent if row.ts is not None)
    grows = max(sizes, default=None) if sizes.total() > MOST_SINGLE else None
    summary_ts = max((ts for ts, size in sizes.items() if size > 1 or ts == grows), default=None)
    room = 0
    if summary_ts is not None:
        names = [(alerts[0].team_id, alerts[0].channel_id, summary_ts)]
        room = max(0, MOST_IN_SUMMARY - len(connection.execute(OF_MESSAGES, {"names": names}).all()))
    joining, together = plan_posts(len(alerts), len(recent), room)
    joined, posted = alerts[:joining], alerts[joining : joining + together]
    if joined:
        connection.execute(JOIN, {"ids": padded(row.id for row in joined), "of_ts": summary_ts})
    groups = [(summary_ts, joined), (None, posted), *((None, [row]) for row in alerts[joining + together :])]
    return [(ts, group) for ts, group in groups if group]


def _whole(connection: Connection, claimed: Sequence[ClaimedCard]) -> list[ClaimedCard]:
    """Return the cards with all their parts, also those that have not changed."""
    names = [(card.team_id, card.channel_id, card.ts) for card in claimed if card.ts is not None]
    if not names:
        return list(claimed)
    rows: defaultdict[tuple[str, str, str], list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(OF_MESSAGES, {"names": padded(names)}):
        rows[row.team_id, row.channel_id, row.ts].append(row)
    return [
        card
        if card.ts is None
        else replace(
            card,
            shown=rows[card.team_id, card.channel_id, card.ts][0].shown,
            parts=tuple(map(_part, rows[card.team_id, card.channel_id, card.ts])),
        )
        for card in claimed
    ]


def _read_paces(connection: Connection, teams: Collection[str]) -> dict[str, Pace]:
    if not teams:
        return {}
    rows = connection.execute(select(paces).where(paces.c.team_id.in_(teams)))
    return {row.team_id: read_pace(row.pace) for row in rows}


def _write_paces(connection: Connection, changed: dict[str, Pace]) -> None:
    if changed:
        insert = INSERT[connection.dialect.name](paces)
        upsert = insert.on_conflict_do_update(index_elements=["team_id"], set_={"pace": insert.excluded.pace})
        connection.execute(upsert, [{"team_id": team, "pace": pace.as_text()} for team, pace in changed.items()])


def _card(row: Row[Any], ts: str | None) -> ClaimedCard:
    return ClaimedCard(
        team_id=row.team_id, channel_id=row.channel_id, ts=ts, shown=row.shown, attempts=row.attempts, parts=()
    )


def _part(row: Row[Any]) -> CardPart:
    ended = None if row.ended_at is None else (row.ended_status, row.ended_at)
    content, facts = read_content(row.kind, row.content), read_facts(row.session_id, row.facts)
    is_news = isinstance(content, AlertContent) and content.last_at == row.changed_at
    return CardPart(row.id, SessionId(row.session_id), content, row.version, ended, facts, is_news)
