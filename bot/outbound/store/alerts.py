"""Alerts on cards: one is folded into the open card of its session in the channel, or makes one."""

import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, replace

from bot.core.cards import (
    COUNTED_FOR,
    MOST_IN_SUMMARY,
    MOST_REPLIES_KEPT,
    MOST_WAITING,
    AlertContent,
    Automatic,
    CardContent,
    CardName,
    CountedSessions,
    NewCard,
    Reply,
    Worse,
    first,
    fold,
    worse,
)
from bot.core.outcomes import Ended
from bot.core.session_ids import SessionId
from bot.outbound.store.card_claims import IS_OPEN
from bot.outbound.store.card_values import (
    ALERT,
    IS_ALERT,
    REPLY,
    IncomingAlert,
    Placed,
    read_content,
    read_facts,
    readable,
    write_content,
)
from bot.outbound.store.connections import Connection, Row, listed
from bot.outbound.store.history import states_now
from bot.outbound.store.marks import COUNTED, WRITE_MARK, firing_name

_log = logging.getLogger(__name__)

ARE_OF_SESSIONS = """
    (team_id, session_id) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:sessions))
"""
_OPEN_ALERTS = f"SELECT * FROM cards WHERE {ARE_OF_SESSIONS} AND {IS_OPEN} AND {IS_ALERT} ORDER BY id FOR UPDATE"
FOLD = """
    UPDATE cards SET version = version + 1, changed_at = :now, due = coalesce(due, :now), content = :content
    WHERE id = :id
"""
_REPLIES = f"SELECT * FROM cards WHERE {ARE_OF_SESSIONS} AND {IS_OPEN} AND kind = '{REPLY}' ORDER BY id DESC"
_ENDED = f"""
    SELECT team_id, session_id FROM cards WHERE {ARE_OF_SESSIONS} AND ended_at IS NOT NULL UNION
    SELECT team_id, session_id FROM orders WHERE {ARE_OF_SESSIONS} AND outcome = '{Ended.__name__}'
"""
_DELETE = "DELETE FROM cards WHERE id IN (SELECT value FROM json_each(:ids))"
_WAITING = f"""
    SELECT count(*) AS waiting FROM (SELECT 1 FROM cards
      WHERE team_id = :team_id AND kind = '{ALERT}' AND ts IS NULL AND due IS NOT NULL LIMIT :most) AS few
"""
_READ_COUNTED = """
    SELECT value FROM marks WHERE scope = :team_id AND name = :name AND until > :now AND until <= :until
"""
_OTHER = f"cards AS other WHERE team_id = cards.team_id AND channel_id = cards.channel_id AND kind = '{ALERT}'"
_POSTED = f"""
    SELECT ts, EXISTS (SELECT 1 FROM {_OTHER} AND other.ts > cards.ts)
      OR EXISTS (SELECT 1 FROM {_OTHER} AND other.ts IS NULL AND due IS NOT NULL) AS is_followed
    FROM cards WHERE id IN (SELECT value FROM json_each(:ids)) AND ts IS NOT NULL AND {IS_OPEN} ORDER BY id DESC LIMIT 1
"""
_FORGET_ONE = "DELETE FROM marks WHERE scope = :scope AND name = :name"
_FORGET_OF_SENDER = """
    DELETE FROM marks WHERE scope = :scope AND name > :first AND name < :last AND json_extract(value, '$[1]') = :sender
"""
_CLOSE = "UPDATE cards SET closed_at = :now, due = NULL WHERE id IN (SELECT value FROM json_each(:ids))"


def place(
    connection: Connection, alerts: Sequence[IncomingAlert], now: float
) -> tuple[dict[str, Placed], list[NewCard]]:
    """Fold alerts into open cards. Return the places by the ids of alerts, and new cards, also replies."""
    if not alerts:
        return {}, []
    before = _open_cards(connection, alerts)
    sessions = listed({(one.team_id, one.alert.session_id) for one in alerts})
    ended = {(row.team_id, row.session_id) for row in connection.fetch_all(_ENDED, sessions=sessions)}
    states = states_now(connection, {card.session for card in before.values() if card.ts})
    after, placed, replies = dict(before), dict[str, Placed](), dict[CardName, NewCard]()
    for one in alerts:
        name = (one.team_id, one.channel_id, one.alert.session_id)
        has_ended = (one.team_id, one.alert.session_id) in ended
        if one.alert.is_resolved:
            _forget_firing(connection, one)
            after |= {} if has_ended else _elsewhere(after, one, now)
        card = after.get(name)
        if has_ended or (card is None and one.alert.is_resolved):  # it makes no card
            placed[one.id] = Placed("", has_ended=has_ended)
            continue
        if card is None:
            content = first(one.alert, one.at(now))
            card = NewCard(one.id, *name, content, facts=one.facts)
        else:
            assert isinstance(card.content, AlertContent)  # noqa: S101 - the query chooses them
            state = states.get(card.session)
            why = worse(card.content, one.alert, state, one.automatic) if card.ts else None
            if card.ts and why:
                reply = replace(first(one.alert, one.at(now)), reply=Reply(card.ts, why))
                replies[name] = NewCard(one.id, *name, reply, facts=card.facts)
            is_news = why or one.automatic is not Automatic.REPEATED or card.content.resolved_at is not None
            content = fold(card.content, one.alert, one.at(now)) if is_news else card.content
        after[name] = replace(card, content=content)
        placed[one.id] = Placed(card.id, card.ts, content.count, is_new=card.id == one.id)
    folded = {name: card for name, card in sorted(after.items()) if name in before and card != before[name]}
    _write_contents(connection, {card.id: card.content for card in folded.values()}, now)
    at = {name: (_resolved_at(before[name]), _resolved_at(card)) for name, card in folded.items()}
    _let_replies_follow(connection, {name: now_at for name, (was_at, now_at) in at.items() if now_at != was_at}, now)
    replies = {name: card for name, card in replies.items() if _resolved_at(after[name]) is None}
    new = _limited(connection, [card for name, card in after.items() if name not in before], placed, now)
    return placed, [*new, *_not_pending(connection, replies, now)]


def _elsewhere(cards: Mapping[CardName, NewCard], resolved: IncomingAlert, now: float) -> dict[CardName, NewCard]:
    """Return the cards in other channels on which its own sender's alert fired: it can have named one, or admins."""
    alert, session = resolved.alert, (resolved.team_id, resolved.alert.session_id)
    return {
        name: replace(card, content=fold(card.content, alert, now))
        for name, card in cards.items()
        if card.session == session and name[1] != resolved.channel_id and isinstance(card.content, AlertContent)
        if any(map(alert.resolves, card.content.firing))
    }


def _forget_firing(connection: Connection, resolved: IncomingAlert) -> None:
    """Let the next alert of its sender begin to fire. A resolved one without a fingerprint ends all of them."""
    alert, scope, name = resolved.alert, resolved.team_id, firing_name(resolved.alert)
    if alert.fingerprint:
        connection.execute(_FORGET_ONE, scope=scope, name=name)
    else:
        first = " ".join([*name.split()[:2], ""])
        connection.execute(_FORGET_OF_SENDER, scope=scope, first=first, last=f"{first[:-1]}~", sender=alert.sender)


def _limited(connection: Connection, cards: Sequence[NewCard], placed: dict[str, Placed], now: float) -> list[NewCard]:
    """Return the cards, as many as can wait in their workspaces, and the newest others, which a message counts."""
    made, further = list[NewCard](), defaultdict[tuple[str, str], list[NewCard]](list)
    teams = {card.team_id for card in cards}
    waiting = {team: connection.fetch_all(_WAITING, team_id=team, most=MOST_WAITING)[0].waiting for team in teams}
    for card in cards:
        waiting[card.team_id] += 1
        if waiting[card.team_id] <= MOST_WAITING:
            made.append(card)
        else:
            further[card.team_id, card.channel_id].append(card)
    for more in further.values():
        ts, counted = _count(connection, more, now)
        ids = {card.id for card in more}
        at = {name: one for name, one in placed.items() if one.card_id in ids}
        placed |= {name: replace(one, ts=ts, is_new=False, total=counted.total) for name, one in at.items()}
        made += [card.listed_in(counted, ts) for card in more[-MOST_IN_SUMMARY:]]
    return made


def _count(connection: Connection, cards: Sequence[NewCard], now: float) -> tuple[str | None, CountedSessions]:
    """Count sessions in the last message of a channel. Return its `ts`, if it is posted, and what it counts then."""
    first, until = cards[0], now + COUNTED_FOR
    name = {"team_id": first.team_id, "name": f"{COUNTED} {first.channel_id}", "until": until}
    rows = connection.fetch_all(_READ_COUNTED, **name, now=now)
    before = next((one for _, one in readable(rows, lambda row: CountedSessions(*json.loads(row.value)))), None)
    posted = connection.fetch_one(_POSTED, ids=listed(before.newest)) if before else None
    if before is None or (posted and posted.is_followed):
        fields = {"team": first.team_id, "channel": first.channel_id, "most": MOST_WAITING}
        _log.warning("too many sessions wait to be posted; one message of the channel counts the others", extra=fields)
        before, posted = CountedSessions(first.id), None
    after = before.with_cards(cards)
    connection.execute(WRITE_MARK, **name, value=json.dumps(astuple(after)))
    connection.execute(_DELETE, ids=listed(set(before.newest) - set(after.newest)))
    return posted and posted.ts, after


def _resolved_at(card: NewCard) -> float | None:
    return card.content.resolved_at if isinstance(card.content, AlertContent) else None


def _let_replies_follow(connection: Connection, resolved: Mapping[CardName, float | None], now: float) -> None:
    """Let the replies about cards say since when their alerts are resolved. One not sent is needed only for a pause."""
    contents, needless = dict[str, CardContent](), list[str]()
    sessions = {(team_id, session_id) for team_id, _, session_id in resolved}
    rows = connection.fetch_all(_REPLIES, sessions=listed(sessions)) if sessions else ()
    for row, content in readable(rows, lambda row: read_content(row.kind, row.content)):
        name = (row.team_id, row.channel_id, row.session_id)
        if name not in resolved or not isinstance(content, AlertContent) or content.resolved_at == resolved[name]:
            continue
        is_of_pause = content.reply is not None and content.reply.why == Worse.PAUSED_BY_IT
        if row.owner is None and resolved[name] is not None and not is_of_pause:
            needless.append(row.id)
        else:
            contents[row.id] = replace(content, resolved_at=resolved[name])
    _write_contents(connection, contents, now)
    connection.execute(_DELETE, ids=listed(needless))


def _not_pending(connection: Connection, replies: Mapping[CardName, NewCard], now: float) -> list[NewCard]:
    """Return the replies to be made; others replace one that is not posted yet. Of posted ones, the newest are kept."""
    if not replies:
        return []
    found: defaultdict[CardName, list[Row]] = defaultdict(list)
    sessions = {card.session for card in replies.values()}
    for row in connection.fetch_all(_REPLIES, sessions=listed(sessions)):
        found[row.team_id, row.channel_id, row.session_id].append(row)
    pending = {name: row.id for name in replies for row in found[name] if row.ts is None}
    _write_contents(connection, {row_id: replies[name].content for name, row_id in pending.items()}, now)
    new = {name: card for name, card in replies.items() if name not in pending}
    old = [row.id for name in new for row in found[name][MOST_REPLIES_KEPT - 1 :]]
    connection.execute(_CLOSE, ids=listed(old), now=now)
    return list(new.values())


def _write_contents(connection: Connection, contents: Mapping[str, CardContent], now: float) -> None:
    rows = [{"id": row_id, "content": write_content(one), "now": now} for row_id, one in contents.items()]
    connection.execute_many(FOLD, rows)


def _open_cards(connection: Connection, alerts: Sequence[IncomingAlert]) -> dict[CardName, NewCard]:
    def read(row: Row) -> NewCard:
        content, facts = read_content(row.kind, row.content), read_facts(row.session_id, row.facts)
        return NewCard(row.id, row.team_id, row.channel_id, SessionId(row.session_id), content, row.ts, facts=facts)

    rows = connection.fetch_all(_OPEN_ALERTS, sessions=listed({(one.team_id, one.alert.session_id) for one in alerts}))
    return {(card.team_id, card.channel_id, card.session_id): card for _, card in readable(rows, read)}
