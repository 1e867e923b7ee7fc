"""An order in work: in the memory of the process that has it, and in a row of the journal."""

import asyncio
import dataclasses
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from bot.core import outcomes
from bot.core.cards import CardNames, SessionName
from bot.core.recovery import RowFate, State, row_fate
from bot.core.requests import Opposition, Order, ReplyAddress, Source, Verb
from bot.core.sessions import Session
from bot.outbound.store.connections import Statement, listed
from bot.outbound.store.errors import UnreadableError
from bot.request_id import order_id

_TYPES: dict[str, Callable[..., outcomes.Outcome]] = {one.__name__: one for one in get_args(outcomes.Outcome)}
_hints_of = cache(get_type_hints)


def write_outcome(outcome: outcomes.Outcome) -> tuple[str, str]:
    """Return the name of the outcome's type, and its fields as JSON."""
    fields = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
    return type(outcome).__name__, json.dumps(fields, default=sorted)


def read_outcome(name: str, fields: str) -> outcomes.Outcome:
    """Decode an outcome. Raises UnreadableError for one of another version of the bot."""
    try:
        read, outcome_type = json.loads(fields), _TYPES[name]
        hints = _hints_of(outcome_type)
        return outcome_type(**{key: _as_field(hints[key], value) for key, value in read.items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreadableError(f"this version cannot read the outcome {name}") from None


def _as_field(hint: object, value: Any) -> Any:  # noqa: ANN401 - a value of JSON
    """Return the value of a field: JSON has no enums and no sets."""
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    return frozenset(value) if get_origin(hint) is frozenset else value


def new_future() -> asyncio.Future[bool]:
    """Return a future for `Entry.written`."""
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True, eq=False)
class Entry:
    """An order in work. Times are monotonic, in seconds."""

    order: Order
    address: ReplyAddress
    given_at: float
    written: asyncio.Future[bool] = field(default_factory=new_future)
    """Ends when the last change is stored; False if the order is lost, or its workspace was uninstalled."""
    id: str = field(default_factory=order_id)
    state: State = State.WAITING
    outcome: outcomes.Outcome | None = None
    delivered_by: str | None = None
    settled_at: float | None = None
    told_at: float | None = None
    is_opposed: bool = False
    """Somebody gave the opposite order for the session later, as was found when this one was taken over."""
    has_company: bool = False
    """Another one of the same verb can be sent for this one as well: it joined that, or this was found then."""
    has_crossed: bool = False
    """A resume of another process has crossed this pause, which was sent again after it."""
    is_allowed: bool = False
    """Its person was found to be allowed to give it, and it is being sent."""
    offers_end: bool = False
    """Its workspace lets people end sessions."""
    was_paused: bool = False
    """Its session was paused before an alert asked for this pause, or a pause was at Anchor."""
    shows: bool = False
    """The next transaction marks the cards of its session, of which `cards` then has the names."""
    cards: CardNames = frozenset()
    has_lost_card: bool = False
    """Slack has refused to update a card of its session since the last outcome."""
    known: Session | None = None
    """What was known of its session when its result was written."""
    on_card: Session | None = None
    """What a card of its session shows of it."""
    stored: State | None = None
    """The state in its row; None if it has none."""
    is_lost: bool = False
    """Another process has the order, and tells its outcome.

    Slack sent it twice, or this process was frozen or cut off until another one took it over.
    """
    opposition: Opposition | None = None
    """That of an order when it was last to be sent, or inserted; None until then."""
    asked_at: float | None = None
    """When it was first asked whether another process has the order: then the answer waits for the database."""
    inserted: asyncio.Future[bool] = field(init=False)
    """The first `written`."""

    def __post_init__(self) -> None:
        self.inserted = self.written

    @property
    def is_stored(self) -> bool:
        """Return whether it has a row."""
        return self.stored is not None

    @property
    def is_being_sent(self) -> bool:
        """Return whether it is to be recorded as sent; a pause that was inserted so is not changed for that."""
        return self.state is State.SENT and (self.order.verb is not Verb.PAUSE or self.stored is State.WAITING)

    @property
    def age(self) -> float:
        """Return the seconds since it was given."""
        return time.monotonic() - self.given_at

    @property
    def session(self) -> SessionName:
        """Return the name of its session."""
        return self.order.actor.team_id, self.order.session_id

    @property
    def concerns_cards(self) -> bool:
        """Return whether it has changed its session, or a card may be out of date."""
        is_refusal = isinstance(self.outcome, outcomes.Refusal)
        is_shown = isinstance(self.outcome, outcomes.PausedSince | outcomes.ResumedSince)
        is_shown |= self.order.source is Source.ALERT
        return self.is_allowed or not is_refusal or is_shown or bool(self.order.batch_id)


OWNERS = "SELECT id, owner FROM orders WHERE id IN (SELECT value FROM json_each(:ids))"
_INSTALLED = """
    SELECT team_id, CASE WHEN bot_token = '' THEN 0 ELSE installed_at END AS installed_at FROM workspaces
    WHERE team_id IN (SELECT value FROM json_each(:teams))
"""
"""The workspace of the settings is never uninstalled."""


def find_fates(asked: Statement, entries: Collection[Entry], owner: str, offset: float) -> dict[str, RowFate]:
    """Return what became of those rows that are not, or no longer, `owner`'s, by id. `asked` is OWNERS.

    `offset` is the database's time minus the monotonic one.
    """
    owners = dict(asked.fetch_all())
    teams = {entry.order.actor.team_id for entry in entries if entry.id not in owners}
    installed = dict(asked.connection.fetch_all(_INSTALLED, teams=listed(teams))) if teams else {}
    fates = {
        entry.id: row_fate(
            owners.get(entry.id), owner, installed.get(entry.order.actor.team_id), entry.given_at + offset
        )
        for entry in entries
    }
    return {name: fate for name, fate in fates.items() if fate is not RowFate.OURS}
