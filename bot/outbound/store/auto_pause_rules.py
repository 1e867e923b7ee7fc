"""Pauses by alerts: whether one may be sent, and what is tried again. All times are the database's.

Every method can raise StoreUnreachableError.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import get_args

from bot.core import auto_pause_limits as limits
from bot.core.alerts import AlertContent, Firing
from bot.core.cards import Card, HeldContent, Part
from bot.core.fields import digest
from bot.core.mentions import MENTION_INTERVAL, MOST_CALLS
from bot.core.orders import NOBODY, STILL_WANTED, Actor, Attempt, Order, Source, State, Verb, program_id, read_attempt
from bot.core.outcomes import CALL_SOMEBODY, AnchorOutcome, Ended, Outcome, Paused, Refusal, Resumed, Why
from bot.core.session_ids import SessionId
from bot.outbound.store.connections import Connection, Row
from bot.outbound.store.database import Database, workspace_lock
from bot.outbound.store.errors import StoreError
from bot.outbound.store.outbox import (
    ALERT,
    CHANGE,
    HELD,
    OF_PARTS,
    add_cards,
    locks_of,
    read_content,
    readable,
    write_content,
)
from bot.outbound.store.running_orders import read_outcome
from bot.outbound.store.workspaces import IS_RECORDED
from bot.runtime import new_id

_DIGEST = 32
_OF_ALERT = len(program_id("")) + _DIGEST  # characters that the triggers of an alert begin with, whenever it fires
_OF_SESSION = "team_id = :team_id AND session_id = :session_id"
_ADMITTED = f"""
    team_id = :team_id AND user_id = :user_id AND source = '{Source.ALERT}' AND id <> :id
      AND (state = '{State.SENT}' OR outcome IN ('{"', '".join(one.__name__ for one in get_args(AnchorOutcome))}'))
      AND (coalesce(outcome_fields, '') NOT LIKE '%"earlier_by": "%' OR outcome_fields LIKE '%"earlier_by": ""%')
"""
"""The pauses by a sender's alerts that were sent, but for those of sessions that had been paused already."""
_OF_OTHER_TOKEN = f"""
    {_OF_SESSION} AND source = '{Source.ALERT}' AND user_id <> :user_id AND given_at > :wanted
      AND substr(trigger_id, 1, {_OF_ALERT}) = :firing AND trigger_id LIKE :start
"""
_LOOK = f"""
    SELECT resume.user_id AS resumed_by, coalesce(resume.settled_at, resume.given_at) AS resumed_at, resume.outcome,
      (SELECT count(*) FROM parts WHERE {_OF_SESSION} AND ended_at > :ended_since)
      + (SELECT count(*) FROM orders WHERE {_OF_SESSION} AND outcome = '{Ended.__name__}' AND settled_at > :ended_since)
        AS ends,
      (SELECT count(*) FROM orders WHERE {_OF_SESSION} AND id <> :id AND verb = '{Verb.PAUSE}'
        AND state = '{State.SENT}') AS sent,
      (SELECT count(*) FROM orders WHERE {_OF_OTHER_TOKEN}) AS same,
      (SELECT max(given_at) FROM orders WHERE {_OF_OTHER_TOKEN} AND state = '{State.SENT}') AS same_at,
      last.outcome AS last, last.user_id AS last_by, last.settled_at AS last_at,
      (SELECT max(given_at) FROM orders WHERE session_id = :session_id AND {_ADMITTED}) AS admitted_at
    FROM (SELECT 1 AS one) AS one LEFT JOIN orders AS last ON last.id = (
      SELECT id FROM orders WHERE {_OF_SESSION} AND id <> :id AND verb IN ('{Verb.PAUSE}', '{Verb.RESUME}')
        AND effect IS NOT NULL ORDER BY effect DESC LIMIT 1)
    LEFT JOIN orders AS resume ON resume.id = (
      SELECT id FROM orders WHERE {_OF_SESSION} AND verb = '{Verb.RESUME}'
        AND ((effect IS NOT NULL AND settled_at > :since) OR state = '{State.SENT}')
      ORDER BY seq DESC LIMIT 1)
"""
"""The resume that forbids a pause, the ends of the session, its pauses at Anchor, those of the same firing with another
token, and since when one is at Anchor, the last effect, and when it was counted for its sender."""
_COUNT = f"SELECT count(DISTINCT session_id) AS number FROM orders WHERE given_at > :recently AND {_ADMITTED}"
_HELD_OF = f"""
    SELECT * FROM parts WHERE team_id = :team_id AND session_id = :user_id AND kind = '{HELD}' ORDER BY id DESC LIMIT 5
"""
_OWN = f"SELECT 1 FROM orders WHERE id = :id AND owner = :owner AND state <> '{State.SETTLED}' FOR UPDATE"
_LOOKS = (IS_RECORDED, _OWN, _LOOK, _HELD_OF)
_SEND = f"UPDATE orders SET state = '{State.SENT}' WHERE id = :id"
_NOT_PAUSED = f"""
    SELECT own.team_id, own.session_id, own.channel_id, user_id, reason, trigger_id, kind, content
    FROM orders AS own
      JOIN parts ON parts.team_id = own.team_id AND parts.session_id = own.session_id AND kind = '{ALERT}'
      JOIN messages ON messages.id = message_id AND closed_at IS NULL
        AND coalesce(meant_for, messages.channel_id) = own.channel_id
    WHERE source = '{Source.ALERT}' AND %s
      AND content LIKE '%%"resolved_at": null%%' AND NOT EXISTS (SELECT 1 FROM orders AS later
        WHERE later.team_id = own.team_id AND later.session_id = own.session_id
          AND later.seq > own.seq AND (later.outcome = '{Paused.__name__}' OR (later.user_id = own.user_id
            AND substr(later.trigger_id, 1, {_OF_ALERT}) = substr(own.trigger_id, 1, {_OF_ALERT}))))
    ORDER BY row_number() OVER (PARTITION BY own.team_id, user_id ORDER BY given_at %s), given_at LIMIT :most
"""
"""The last pause by each alert, if it did not pause its session, nor anybody else, with its card: senders in turn."""
_IS_TRIED_AGAIN = f"""
    given_at > unix_now() - {limits.LONGEST_TRIED} AND settled_at <= unix_now() - {limits.AGAIN_AFTER}
      AND outcome IN ('{"', '".join(sorted(limits.TRIED_AGAIN))}')
"""
_DUE_AGAIN = _NOT_PAUSED % (_IS_TRIED_AGAIN, "ASC")
_OF_SENDER = "own.team_id = :team_id AND user_id = :user_id AND given_at > :since AND settled_at <= :until"
_HELD_BACK = _NOT_PAUSED % (f"outcome = '{Why.HELD_BACK}' AND {_OF_SENDER}", "DESC")
_READ_HELD = f"SELECT * FROM parts WHERE id = :id AND team_id = :team_id AND kind = '{HELD}'"
_LIFT = (
    "UPDATE parts SET content = :content, changed_at = :now WHERE id = :id",
    f"{CHANGE} {OF_PARTS.format('id = :id')}",
)
_CALLS = f"""
    SELECT 1 FROM messages
    WHERE team_id = :team_id AND coalesce(meant_for, channel_id) = :channel_id AND sender = :sender AND id <> :id
      AND mentioned_at > unix_now() - {MENTION_INTERVAL} AND (ts IS NOT NULL OR closed_at IS NULL)
"""
_UNTOLD = f"""
    source = '{Source.ALERT}' AND delivered_by = '{NOBODY}' AND trigger_id LIKE '%:0'
      AND outcome IN ('{"', '".join(sorted(CALL_SOMEBODY - {Why.HELD_BACK}))}')
"""
_FAILED = f"""
    SELECT team_id, channel_id, user_id FROM orders WHERE given_at > unix_now() - {3 * MENTION_INTERVAL} AND {_UNTOLD}
    GROUP BY team_id, channel_id, user_id HAVING min(settled_at) <= unix_now() - {MENTION_INTERVAL}
"""
"""The first attempts that failed beyond MOST_CALLS, as only cards say."""
_TELL_FAILED = f"""
    UPDATE orders SET delivered_by = 'channel' WHERE team_id = :team_id AND channel_id = :channel_id
      AND user_id = :user_id AND given_at > unix_now() - {3 * MENTION_INTERVAL} AND {_UNTOLD}
    RETURNING session_id, settled_at
"""
_LAST_OF_FIRING = """
    SELECT outcome, outcome_fields FROM orders
    WHERE trigger_id >= :first AND trigger_id <= :last ORDER BY seq DESC LIMIT 1
"""
"""The last number has more digits than any: with the same beginning, every collation sorts digits alike."""


def pause_of(attempt: Attempt, session_id: SessionId, actor: Actor, reason: str) -> Order:
    """Return the order of an attempt."""
    return Order(Verb.PAUSE, session_id, actor, reason, attempt.trigger_id, source=Source.ALERT)


def attempt_of(team_id: str, session_id: str, firing: Firing, since: float) -> Attempt:
    """Return the first attempt for what fires in a session since a time (Unix seconds)."""
    return Attempt(f"{digest(json.dumps([team_id, session_id, firing.fingerprint]))[:_DIGEST]} {firing.sender}", since)


def _fires(team_id: str, content: AlertContent, attempt: Attempt) -> bool:
    """Return whether what an attempt was for still fires."""
    begun, own = partial(attempt_of, team_id, content.alert.session_id), attempt.firing.partition(" ")[2]
    of_sender = [(one, attempt.since if one[2] is None else one[2]) for one in content.firing if one.sender == own]
    return any(begun(*one).all_of_firing == attempt.all_of_firing for one in of_sender)


def _still_firing(rows: Sequence[Row]) -> Iterator[Order]:
    """Yield the next attempts for those orders whose alert still fires; the same again for each card of a session."""
    for row, content in readable(rows, lambda row: read_content(row.kind, row.content)):
        attempt = read_attempt(row.trigger_id)
        if attempt and isinstance(content, AlertContent) and _fires(row.team_id, content, attempt):
            actor = Actor(row.team_id, row.channel_id, row.user_id)
            yield pause_of(attempt.next(), SessionId(row.session_id), actor, row.reason)


def _read_held(rows: Sequence[Row]) -> list[HeldContent]:
    contents = (content for _, content in readable(rows, lambda row: read_content(row.kind, row.content)))
    return [one for one in contents if isinstance(one, HeldContent)]


def _rule_of(look: Row, now: float) -> Refusal | None:
    """Return the rule that forbids a pause, whatever else its sender has paused."""
    if look.resumed_by is not None:
        is_confirmed = look.outcome == Resumed.__name__
        return Refusal(Why.RESUMED_BEFORE, look.resumed_by, look.resumed_at, is_confirmed=is_confirmed)
    if look.ends:
        return Refusal(Why.ENDED_BEFORE)
    is_known = look.same and look.same_at is None and look.last == Paused.__name__
    if is_known and look.last_at > now - limits.SAME_FIRING_WITHIN:
        return Refusal(Why.PAUSED_BEFORE, look.last_by, look.last_at)
    return None


@dataclass(eq=False, repr=False)
class AutoPauseRows:
    """Repository of what pauses by alerts depend on. Those of a sender pause `most` sessions within `limits.WINDOW`.

    The requests of a pause have ended after `deadline` seconds.
    """

    database: Database
    most: int
    deadline: float = 20.0

    def judge(
        self, order_id: str, order: Order, channel_id: str, connection: Connection, owner: str
    ) -> Refusal | bool | None:
        """Return the rule against the pause of an alert, or True: then it is recorded as sent.

        False means that `owner` has it no more, None that the pause of the same firing, with another token, is at
        Anchor: its outcome decides, until its deadline. The transaction holds the locks of its workspace and its
        session, so one is decided after the other. If it is held back, a message in the channel says so.
        """
        now, attempt = connection.now(), read_attempt(order.trigger_id)
        assert attempt is not None  # noqa: S101 - only alerts are judged
        sender = order.actor.user_id
        about = {"team_id": order.actor.team_id, "session_id": order.session_id, "id": order_id, "user_id": sender}
        about |= {"firing": attempt.all_of_firing[:_OF_ALERT], "start": f"%:{attempt.since:.3f}:%"}
        times = {"since": min(now - limits.RESPECTED, attempt.since), "wanted": now - STILL_WANTED}
        looks = connection.fetch_each(*_LOOKS, **about, **times, owner=owner, ended_since=now - limits.ENDED_WITHIN)
        recorded, own, (look,), held_rows = looks
        if not recorded:
            raise StoreError("the workspace is not recorded yet")  # without a row nothing is counted
        if not own:
            return False
        if (rule := _rule_of(look, now)) is not None:
            return rule
        if look.same_at is not None and look.same_at > now - self.deadline:
            return None
        was_paused = look.sent or look.last == Paused.__name__
        held = _read_held(held_rows)
        recently = max(now - limits.WINDOW, *(one.until for one in held if one.until <= now), 0.0)
        admitted_at = look.admitted_at or 0.0
        is_counted = admitted_at > recently or (admitted_at > 0 and attempt.number > 0)
        if not (was_paused or is_counted):
            number = connection.fetch_all(_COUNT, **about, recently=recently)[0].number
            is_held = any(one.until > now for one in held)
            if number >= self.most and not is_held:
                held_id, content = f"{HELD}-{order_id}", HeldContent(sender, number, now, now + limits.HELD_FOR)
                part = Part(held_id, SessionId(sender), content)
                card = Card(id=held_id, team_id=order.actor.team_id, channel_id=channel_id, parts=(part,))
                add_cards([card], connection)  # the leader finds it by its next look
            if is_held or number >= self.most:
                return Refusal(Why.HELD_BACK)
        connection.queue(_SEND, {"id": order_id})
        return True

    async def call(self, order: Order, card: Card) -> bool:
        """Add the message about a pause by an alert that failed, which mentions people. Return whether it did.

        A sender has MOST_CALLS of them in a channel within MENTION_INTERVAL. After that only cards tell the failures.
        """
        locks = [workspace_lock(card.team_id), *locks_of([card])]
        is_added = await self.database.change(partial(self._call, order, card), locks=locks)
        self.database.messages_due.set()
        return is_added

    def _call(self, order: Order, card: Card, connection: Connection) -> bool:
        sender = order.actor.user_id
        where = {"team_id": card.team_id, "channel_id": card.channel_id, "sender": sender, "id": card.id}
        if len(connection.fetch_all(_CALLS, **where)) >= MOST_CALLS:
            return False
        add_cards([replace(card, mentions=True, sender=sender)], connection)
        return True

    async def tell_failed(self) -> None:
        """Add a message that counts the failed pauses of a sender that have none, and mentions people."""
        for row in await self.database.fetch_all(_FAILED):
            await self.database.change(partial(self._tell_failed, row), locks=[workspace_lock(row.team_id)])

    def _tell_failed(self, row: Row, connection: Connection) -> None:
        about, now = {"team_id": row.team_id, "channel_id": row.channel_id}, connection.now()
        if told := connection.fetch_all(_TELL_FAILED, **about, user_id=row.user_id):  # else another leader has
            since, number = min(one.settled_at for one in told), len({one.session_id for one in told})
            content = HeldContent(row.user_id, 0, since, now, number)
            part = Part(new_id(), SessionId(row.channel_id), content)  # the limit does not look at it
            add_cards([Card(**about, id=part.id, parts=(part,), mentions=True, sender=row.user_id)], connection)

    async def held(self, team_id: str, held_id: str) -> tuple[SessionId, ...] | None:
        """Return the sessions of a message that nobody has paused, and whose alerts still fire; None without it."""
        return await self.database.read(partial(self._held, team_id, held_id))

    def _held(self, team_id: str, held_id: str, connection: Connection) -> tuple[SessionId, ...] | None:
        content = next(iter(_read_held(connection.fetch_all(_READ_HELD, id=held_id, team_id=team_id))), None)
        if content is None:
            return None
        within = {"since": content.since - STILL_WANTED, "until": content.until + STILL_WANTED}
        sender = {"team_id": team_id, "user_id": content.user_id, "most": limits.MOST_HELD}
        firing = _still_firing(connection.fetch_all(_HELD_BACK, **within, **sender))
        return tuple(dict.fromkeys(order.session_id for order in firing))

    async def lift(self, team_id: str, held_id: str) -> None:
        """End the limit of the sender of a message, and count from zero: a person has paused its sessions."""
        await self.database.change(partial(self._lift, team_id, held_id), locks=[workspace_lock(team_id)])
        self.database.messages_due.set()

    def _lift(self, team_id: str, held_id: str, connection: Connection) -> None:
        now = connection.now()
        for content in _read_held(connection.fetch_all(_READ_HELD, id=held_id, team_id=team_id)):
            lifted = write_content(replace(content, until=min(now, content.until)))
            for sql in _LIFT:
                connection.queue(sql, {"id": held_id, "content": lifted, "now": now})

    async def unpaused(self) -> list[Order]:
        """Return what is to be tried again now, since it still fires."""
        return list(_still_firing(await self.database.fetch_all(_DUE_AGAIN, most=limits.MOST_DUE)))

    async def last_outcome(self, attempt: Attempt) -> Outcome | None:
        """Return the outcome of the last attempt for a firing, if it is known."""
        first = attempt.all_of_firing
        row = await self.database.fetch_one(_LAST_OF_FIRING, first=first, last=f"{first}999999")
        return None if row is None or row.outcome is None else read_outcome(row.outcome, row.outcome_fields)
