"""Claim the messages that are due, at the pace that Slack allows."""

import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.core import cards
from bot.core.retries import LONGEST_CALL, TOKEN_PROBE, UNTRUE, Kind, Lane, Pace, read_pace
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, state_at_anchor
from bot.outbound.store.card_values import (
    ALERT,
    BATCH,
    HELD,
    LISTED,
    REPLY,
    UNREADABLE,
    CardPart,
    ClaimedCard,
    SentCard,
    read_content,
    read_facts,
)
from bot.outbound.store.connections import Connection, Row, listed
from bot.outbound.store.marks import PACE, WRITE_MARK

_log = logging.getLogger(__name__)

_MOST_LOOKED_AT, _MOST_LANES = 500, 100  # rows, and lanes
_MOST_UNREAD = 10_000  # rows that are left as they are; then they are tried again
CLICKED = 0.0  # the `due` of a message that somebody has clicked
IS_OPEN = "closed_at IS NULL"  # the bot keeps the message up to date
MOST_OPEN = 5_000
"""The most posted cards of a workspace that are kept up to date, unless more are neither resolved nor ended."""
_IS_OVER = """
    (ended_at IS NOT NULL OR (content LIKE '%"resolved_at": %' AND content NOT LIKE '%"resolved_at": null%'))
"""
CLOSE_OLDEST = f"""
    UPDATE cards SET closed_at = :now WHERE id IN (
      SELECT id FROM cards WHERE team_id = :team_id AND {IS_OPEN} AND ts IS NOT NULL AND due IS NULL AND {_IS_OVER}
        AND NOT EXISTS (SELECT 1 FROM cards AS part WHERE team_id = cards.team_id AND channel_id = cards.channel_id
          AND ts = cards.ts AND {IS_OPEN} AND NOT {_IS_OVER})
      ORDER BY changed_at, id
      LIMIT (SELECT CASE WHEN count(*) > {MOST_OPEN} THEN count(*) - {MOST_OPEN} ELSE 0 END
        FROM cards WHERE team_id = :team_id AND {IS_OPEN} AND ts IS NOT NULL))
"""
_LANE = f"""
    (team_id || ' ' || channel_id || CASE WHEN failure IS NOT NULL THEN ' 5' WHEN ts IS NOT NULL THEN ' 4'
      WHEN kind = '{REPLY}' THEN ' 3' WHEN kind = '{ALERT}' THEN ' 1' ELSE ' 2' END)
"""
"""The name of a row's lane. Those of a channel are sent in their order. Its rows do so by _TURN, `due` and `id`.

The index ix_cards_lane has all of this, and no other one fits: so PostgreSQL takes it also without statistics.
"""
_TURN = "(CASE WHEN failure IS NOT NULL THEN attempts ELSE 0 END)"
_LANES_OF = {Kind.POST.value: "123", REPLY: "3", Kind.UPDATE.value: "45"}
_UPDATES = "4"  # of which a look needs the first row only
LANES = f"""
    WITH RECURSIVE found (number, lane) AS (
      SELECT 0, CAST(:last AS TEXT)
      UNION ALL
      SELECT number + 1, (SELECT {_LANE} FROM cards WHERE due IS NOT NULL AND {_LANE} > lane ORDER BY {_LANE} LIMIT 1)
      FROM found WHERE lane IS NOT NULL AND number < {_MOST_LANES}
    )
    SELECT lane,
      CASE WHEN NOT EXISTS (SELECT 1 FROM lanes WHERE name = lane AND until > :now AND until <= :now + {UNTRUE}) THEN (
        SELECT group_concat(id) FROM (SELECT id FROM cards WHERE due IS NOT NULL AND {_LANE} = lane
          AND CASE WHEN not_before <= :now + {UNTRUE} THEN not_before ELSE 0.0 END <= :now
          AND id NOT IN (SELECT value FROM json_each(:unread))
          ORDER BY {_TURN}, due, id LIMIT {2 * cards.MOST_IN_SUMMARY}) AS first_ones) END AS ids
    FROM found WHERE number > 0 AND lane IS NOT NULL ORDER BY number
"""
"""The next lanes with cards that are due, each a step in the index, and the ids of the first that can be sent."""
NEXT = f"""
    SELECT min(at) AS next_at FROM (
      SELECT min(not_before) AS at FROM cards
      WHERE due IS NOT NULL AND not_before > :since AND not_before <= :now + {UNTRUE}
      UNION ALL SELECT min(until) FROM lanes WHERE until > :since AND until <= :now + {UNTRUE}) AS waits
"""
_ROWS = f"""
    SELECT * FROM cards WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY {_LANE}, {_TURN}, due, id
"""
_LATE = f"""
    SELECT * FROM cards
    WHERE team_id = :team_id AND channel_id = :channel_id AND ts IS NULL AND due IS NOT NULL AND created_at <= :until
      AND (kind NOT IN ('{LISTED}', '{HELD}', '{BATCH}') OR changed_at <= :old)
    ORDER BY due, id LIMIT {_MOST_LOOKED_AT}
"""
_OF_MESSAGES = f"""
    SELECT * FROM cards
    WHERE (team_id, channel_id, ts) IN (
      SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
      FROM json_each(:names)) AND {IS_OPEN}
    ORDER BY id
"""
_RECENT_ALERTS = f"""
    SELECT id, ts FROM cards
    WHERE team_id = :team_id AND channel_id = :channel_id AND kind = '{ALERT}' AND created_at > :since AND {IS_OPEN}
"""
_JOIN = "UPDATE cards SET ts = :ts WHERE id IN (SELECT value FROM json_each(:ids))"
_POSTPONE = "UPDATE cards SET not_before = :until WHERE id = :id"
_CLAIM = "UPDATE cards SET owner = :owner, not_before = :until WHERE id IN (SELECT value FROM json_each(:ids))"
_RELEASE = """
    UPDATE cards SET not_before = :now, attempts = 0, failure = NULL
    WHERE team_id = :team_id AND ts IS NOT NULL AND due IS NOT NULL
      AND (:is_token = 1 OR (channel_id = :channel_id AND failure = :failure))
"""
_FREE = "DELETE FROM lanes WHERE team_id = :team_id AND :is_token = 1"
_HOLD = """
    INSERT INTO lanes (name, team_id, until) VALUES (:name, :team_id, :until)
    ON CONFLICT (name) DO UPDATE SET until = excluded.until
"""
_FORGET = f"DELETE FROM lanes WHERE until <= :since OR until > :since + {UNTRUE}"
_READ_PACES = f"""
    SELECT scope AS team_id, value AS pace FROM marks
    WHERE name = '{PACE}' AND scope IN (SELECT value FROM json_each(:teams))
"""

LEASE = LONGEST_CALL  # seconds after which another process sends a claimed card: an attempt takes 15 at most
_Held = dict[tuple[str, str, str], float]  # until when nothing is sent, by workspace, channel and kind
_Messages = dict[tuple[str, str, str], ClaimedCard]


@dataclass(frozen=True, slots=True)
class Turn:
    """The lane that was looked at last, of all that have their turn since a time; "" if that has ended.

    `unread` are the ids of rows that this process could not decode. It leaves their messages as they are.
    """

    last: str = ""
    since: float = 0.0
    unread: frozenset[str] = frozenset()

    @property
    def is_over(self) -> bool:
        """Return whether all lanes had their turn."""
        return not self.last


def is_free(lanes: Sequence[Row]) -> bool:
    """Return whether something can be sent in one of the lanes that LANES finds, or in one behind them."""
    return len(lanes) == _MOST_LANES or any(lane.ids for lane in lanes)


def first_of(waits: Sequence[Row], now: float) -> float | None:
    """Return in how many seconds the first wait ends, if there is any: the row that NEXT finds."""
    return None if waits[0].next_at is None else max(0.0, waits[0].next_at - now)


def claim(  # noqa: PLR0913 - of a transaction
    connection: Connection, owner: str, sent: Sequence[SentCard], turn: Turn, now: float, *, most: int
) -> tuple[list[ClaimedCard], Turn]:
    """Return up to `most` messages that `owner` can send now, of the next lanes, and how far that turn is then.

    No other process claims meanwhile. What was `sent` can have a Retry-After.
    """
    turn = replace(turn, since=now) if turn.is_over else turn
    unread = set(turn.unread)
    ended = read_paces(connection, {one.card.team_id for one in sent})
    after = _after_calls(connection, ended, sent, now)
    rows, turn = _look(connection, turn, now, most) if most else ([], turn)
    before = ended | read_paces(connection, {row.team_id for row in rows} - ended.keys())
    after = before | after
    claimed: list[ClaimedCard] = []
    held: _Held = {}
    for card in _whole(connection, _due(connection, rows, after, now, unread), unread):
        pace, lane = after.get(card.team_id, Pace()), card.lane
        if pace.next_slot(lane, now) > now:
            _wait(connection, card, pace, held, now)
        else:
            mentions = card.is_critical and pace.can_mention(lane, now)
            after[card.team_id] = pace.begun(lane, now, mentions=mentions)
            calls = [one.content.calls for one in card.parts if isinstance(one.content, cards.HeldContent)]
            claimed.append(replace(card, mentions=mentions or (card.ts is None and any(calls))))
            held[card.team_id, card.channel_id, lane.kind.value] = now + LEASE
    _hold(connection, held)
    if ids := [part.id for card in claimed for part in card.parts]:
        connection.execute(_CLAIM, ids=listed(ids), owner=owner, until=now + LEASE)
    changed = {team: pace for team, pace in after.items() if pace != before.get(team)}
    mark = {"name": PACE, "until": None}
    rows_of_paces = [mark | {"team_id": team, "value": one.as_text()} for team, one in changed.items()]
    connection.execute_many(WRITE_MARK, rows_of_paces)
    return claimed, replace(turn, unread=frozenset(unread if len(unread) < _MOST_UNREAD else ()))


def _look(connection: Connection, turn: Turn, now: float, most: int) -> tuple[list[Row], Turn]:
    """Return the first rows of up to `most` lanes in which something can be sent now, and how far the turn is then."""
    connection.execute(_FORGET, since=turn.since)
    found = connection.fetch_all(LANES, now=now, last=turn.last, unread=listed(turn.unread))
    ids: list[str] = []
    last, free = turn.last, 0
    for last, of_lane in found:
        if of_lane:
            ids += of_lane.split(",")[: 1 if last.endswith(_UPDATES) else None]
            free += 1
        if len(ids) >= _MOST_LOOKED_AT or free == most:
            break
    else:
        last = last if len(found) == _MOST_LANES else ""
    rows = connection.fetch_all(_ROWS, ids=listed(ids)) if ids else []
    return rows, replace(turn, last=last)


def _wait(connection: Connection, card: ClaimedCard, pace: Pace, held: _Held, now: float) -> None:
    """Let a card wait: with all of its kind in the channel, with its replies, or alone if Slack has refused it."""
    lane, slot = card.lane, pace.next_slot(card.lane, now)
    name = (card.team_id, card.channel_id)
    if slot <= (of_all := pace.next_slot(Lane(lane.kind, lane.channel_id), now)):
        held.setdefault((*name, lane.kind.value), of_all)
    elif lane.is_reply:
        held[(*name, REPLY)] = slot
    else:
        connection.execute_many(_POSTPONE, [{"id": part.id, "until": slot} for part in card.parts])


def _hold(connection: Connection, held: _Held) -> None:
    rows = [
        {"name": f"{team_id} {channel_id} {place}", "team_id": team_id, "until": until}
        for (team_id, channel_id, kind), until in held.items()
        for place in _LANES_OF[kind]
    ]
    connection.execute_many(_HOLD, rows)


def _after_calls(
    connection: Connection, paces: Mapping[str, Pace], sent: Sequence[SentCard], now: float
) -> dict[str, Pace]:
    """Return the paces after calls. If Slack takes again what it had refused, the other cards with that are due now."""
    after, released = dict(paces), list[dict[str, Any]]()
    held: _Held = {}
    for one in sent:
        team_id, lane = one.card.team_id, one.card.lane
        if team_id not in paces:  # the app was uninstalled meanwhile
            continue
        before = after[team_id].ended(lane, now, is_mention_lost=one.card.mentions and one.ts is None)
        pace = before if one.held_for is None else before.held(lane, now, one.held_for)
        if one.failure:
            pace = pace.refused(lane, now, one.failure, one.retry_after or 0.0)
        elif one.is_taken:
            pace = pace.taken(lane)
        if solved := before.probes_of(lane) - pace.probes.keys():
            name = {"team_id": team_id, "channel_id": lane.channel_id, "failure": lane.failure}
            released.append(name | {"is_token": int(TOKEN_PROBE in solved), "now": now})
        after[team_id] = pace
        held[team_id, lane.channel_id, lane.kind.value] = pace.next_slot(Lane(lane.kind, lane.channel_id), now)
    connection.execute_many(_RELEASE, released)
    connection.execute_many(_FREE, [{name: one[name] for name in ("team_id", "is_token")} for one in released])
    _hold(connection, held)
    return after


def _due(
    connection: Connection, rows: Sequence[Row], paces: Mapping[str, Pace], now: float, unread: set[str]
) -> list[ClaimedCard]:
    """Return the next messages of channels, the most urgent first."""
    pending: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    replies: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    messages: _Messages = {}
    parts = _parts(rows, unread)
    for row in (row for row in rows if row.id in parts):
        if row.ts is None and (row.kind == ALERT or _is_late(row, now)):
            pending[row.team_id, row.channel_id].append(row)
        elif row.ts is None and row.kind == REPLY:
            replies[row.team_id, row.channel_id].append(row)
        else:
            _add(messages, [row], row.ts, parts)
    for (team_id, channel_id), posts in pending.items():
        alerts = [row for row in posts if not _is_late(row, now)]
        if len(alerts) < len(posts):
            values = {
                "team_id": team_id,
                "channel_id": channel_id,
                "until": now - cards.ALONE_FOR,
                "old": now - cards.GIVE_UP_AFTER,
            }
            for name, card in _late(connection.fetch_all(_LATE, **values), now, unread).items():
                messages[team_id, channel_id, name] = card
        for ts, together in _plan(connection, alerts, now) if alerts else ():
            _add(messages, together, ts, parts)
    for (team_id, channel_id), posts in replies.items():
        recent = paces.get(team_id, Pace()).recent_replies(channel_id, now)
        _add(messages, posts[: cards.plan_replies(len(posts), len(recent))], None, parts)
    # ids ascend with time, and what is posted together has the first one as its name
    order = sorted(messages.items(), key=lambda item: (item[1].urgency, item[0][2] if item[1].ts is None else ""))
    return [card for _, card in order]


def _is_late(row: Row, now: float) -> bool:
    """Return whether a post has waited so long that it is only sent, or given up, together with others."""
    is_own = row.kind in {LISTED, HELD, BATCH}
    return bool(row.changed_at <= now - cards.GIVE_UP_AFTER if is_own else row.created_at <= now - cards.ALONE_FOR)


def _late(rows: Sequence[Row], now: float, unread: set[str]) -> dict[str, ClaimedCard]:
    old = [row for row in rows if row.changed_at <= now - cards.GIVE_UP_AFTER]
    left = [row for row in rows if row.changed_at > now - cards.GIVE_UP_AFTER]
    together = [
        old,
        *(left[start : start + cards.MOST_IN_SUMMARY] for start in range(0, len(left), cards.MOST_IN_SUMMARY)),
    ]
    return {
        posts[0].id: replace(_card(posts[0], None), parts=parts, is_given_up=posts is old)
        for posts in together
        if (parts := tuple(_parts(posts, unread).values()))
    }


def _add(messages: _Messages, rows: Sequence[Row], ts: str | None, parts: Mapping[str, CardPart]) -> None:
    first = rows[0]
    name = (first.team_id, first.channel_id, ts or parts[first.id].content.group or first.id)
    earlier = messages.get(name, _card(first, ts))
    messages[name] = replace(earlier, parts=(*earlier.parts, *[parts[row.id] for row in rows]))


def _plan(connection: Connection, alerts: Sequence[Row], now: float) -> list[tuple[str | None, Sequence[Row]]]:
    """Return which alerts of a channel belong together, each with the `ts` of the summary that they join, if any.

    Alerts that come one by one join the last message, once there are too many: then it becomes the summary.
    """
    values = {"team_id": alerts[0].team_id, "channel_id": alerts[0].channel_id, "since": now - cards.BURST_WINDOW}
    recent = connection.fetch_all(_RECENT_ALERTS, **values)
    sizes = Counter(row.ts for row in recent if row.ts is not None)
    grows = max(sizes, default=None) if sizes.total() > cards.MOST_SINGLE else None
    summary_ts = max((ts for ts, size in sizes.items() if size > 1 or ts == grows), default=None)
    room = 0
    if summary_ts is not None:
        names = [(alerts[0].team_id, alerts[0].channel_id, summary_ts)]
        room = max(0, cards.MOST_IN_SUMMARY - len(connection.fetch_all(_OF_MESSAGES, names=listed(names))))
    joining, together = cards.plan_posts(len(alerts), len(recent), room)
    joined, posted = alerts[:joining], alerts[joining : joining + together]
    if joined:
        connection.execute(_JOIN, ids=listed(row.id for row in joined), ts=summary_ts)
    return [(ts, group) for ts, group in ((summary_ts, joined), (None, posted)) if group]


def _whole(connection: Connection, due: Sequence[ClaimedCard], unread: set[str]) -> list[ClaimedCard]:
    """Return the cards with all their parts. A message with one that cannot be decoded stays as it is."""
    names = [(card.team_id, card.channel_id, card.ts) for card in due if card.ts is not None]
    rows: defaultdict[tuple[str, str, str | None], list[Row]] = defaultdict(list)
    for row in connection.fetch_all(_OF_MESSAGES, names=listed(names)) if names else ():
        rows[row.team_id, row.channel_id, row.ts].append(row)
    whole: list[ClaimedCard] = []
    for card in due:
        own = rows[card.team_id, card.channel_id, card.ts]
        parts = tuple(_parts(own, unread).values()) if own else card.parts
        if len(parts) < len(own):
            unread.update(row.id for row in own)
        else:
            whole.append(replace(card, shown=own[0].shown if own else card.shown, parts=parts))
    return whole


def read_message(connection: Connection, team_id: str, channel_id: str, ts: str) -> ClaimedCard | None:
    """Return a message that is kept up to date with all its parts; None if it is none, or a part can't be decoded."""
    rows = connection.fetch_all(_OF_MESSAGES, names=listed([(team_id, channel_id, ts)]))
    parts = tuple(_parts(rows, set()).values())
    return replace(_card(rows[0], ts), parts=parts) if rows and len(parts) == len(rows) else None


def read_paces(connection: Connection, teams: Collection[str]) -> dict[str, Pace]:
    """Return the paces of workspaces, without those that have none."""
    if not teams:
        return {}
    rows = connection.fetch_all(_READ_PACES, teams=listed(teams))
    return {row.team_id: read_pace(row.pace) for row in rows}


def _card(row: Row, ts: str | None) -> ClaimedCard:
    same = {name: getattr(row, name) for name in ("team_id", "channel_id", "shown", "attempts")}
    return ClaimedCard(**same, ts=ts, parts=(), failure=row.failure or "")


def _parts(rows: Sequence[Row], unread: set[str]) -> dict[str, CardPart]:
    """Return the sessions of rows by their ids, without those that cannot be decoded: each is logged once."""
    found = dict[str, CardPart]()
    for row in rows:
        try:
            found[row.id] = _part(row)
        except UNREADABLE as error:
            if row.id not in unread:
                _log.error("card left as it is: it cannot be decoded", extra={"card": row.id, "why": repr(error)[:100]})
            unread.add(row.id)
    return found


def _part(row: Row) -> CardPart:
    seen = state_at_anchor(Phase(row.missing), row.checked_at) if row.missing else None
    if row.ended_at is not None:
        seen = state_at_anchor(Phase.ENDED, row.ended_at, status=row.ended_status)
    content, facts = read_content(row.kind, row.content), read_facts(row.session_id, row.facts)
    is_news = isinstance(content, cards.AlertContent) and content.last_at == row.changed_at
    is_posted, is_clicked, is_refused = row.ts is not None, row.due == CLICKED, row.failure is not None
    urgency = cards.urgency_of(content, is_posted=is_posted, is_clicked=is_clicked, is_refused=is_refused)
    session_id = SessionId(row.session_id)
    return CardPart(row.id, session_id, content, row.version, seen, facts, is_news, urgency)
