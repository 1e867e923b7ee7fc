"""The outcomes of an order to pause, resume or end a session, and what Anchor's answers say."""

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import get_args

from bot.core.fields import objects_in, text_field
from bot.core.orders import Verb

_FAILED = frozenset({"error", "fail", "failed", "failure", "not"})
_NO_ERROR: tuple[object, ...] = (None, False, "", [])


@dataclass(frozen=True, slots=True)
class Paused:
    """Anchor paused the agent; `status` is its word for the new state, if it gave one.

    `earlier_by` had paused it a moment before, at `earlier_at` (Unix seconds); "" if nobody had, or it is not known.
    If it `crossed` the resume of a person, Anchor was asked again after that.
    """

    status: str | None = None
    earlier_by: str = ""
    earlier_at: float = 0.0
    crossed: str = ""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Anchor resumed the agent; `status` as in `Paused`."""

    status: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The session was read as ended after the order; `status` is Anchor's word for that, if it gave one."""

    status: str | None = None


Done = Paused | Resumed | Ended  # Anchor confirmed the order


@dataclass(frozen=True, slots=True)
class Rejection:
    """Anchor did not do it. `status_code` is that of its answer, None without one; `retry_after` is in seconds."""

    status_code: int | None = None
    anchor_message: str | None = None
    retry_after: float | None = None


class NotRunning(Rejection):
    """Anchor knows the session, and it is not running (400)."""


class NotFound(Rejection):
    """Anchor knows no such session under this key (404)."""


class Failed(Rejection):
    """Anchor answered that the order failed."""


class KeyRejected(Rejection):
    """Anchor refused the key (401, 403). The 401 of an end, which can be about the session, is `Failed`."""


class RateLimited(Rejection):
    """Anchor accepts no more requests for now (429)."""


class Unavailable(Rejection):
    """Anchor accepted no request: no connection, or its own 503."""


class Doubt(StrEnum):
    """The reasons why the effect of a sent request is unknown."""

    NO_ANSWER = "no answer"
    """No answer of Anchor's came: a timeout, a broken connection, a gateway's answer, a stop of the bot."""
    NOT_UNDERSTOOD = "not understood"
    """Its answer can't be read, contradicts itself, or does not say that the session has ended."""
    OVERTAKEN = "overtaken"
    """An opposite order, of which nobody knows when it acts, can act after it."""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """The request was sent; its effect is unknown. `status_code` is that of the last answer, if any."""

    why: Doubt
    status_code: int | None = None
    anchor_message: str | None = None


KeyTaken = Done | NotRunning | NotFound  # the outcomes that show that Anchor accepts the key

NotConfirmed = NotRunning | NotFound | Failed | KeyRejected | RateLimited | Unavailable | Unconfirmed
"""The outcomes of asking Anchor without a confirmation."""

AnchorOutcome = Done | NotConfirmed  # the outcomes of asking Anchor. All of them are posted to the channel.


@dataclass(frozen=True, slots=True)
class Broken:
    """An unexpected exception: the effect of the order is unknown. The log has the details under `incident_id`."""

    incident_id: str


class Why(StrEnum):
    """The reasons why an order was not sent, by the names that the journal and the log have. `messages` words them."""

    NOT_MEMBER = "NotMember"
    ROLE_UNKNOWN = "RoleUnknown"
    NOT_NAMED = "NotNamed"
    """Only the people in `ids` are allowed."""
    NOT_NAMED_FOR_SEVERAL = "NotNamedForSeveral"
    """Only they are allowed to pause several sessions at once."""
    NOT_ADMIN = "NotAdmin"
    NOT_HERE = "NotHere"
    """It is allowed only in the channels in `ids`."""
    END_OFF = "EndOff"
    WRONG_WORKSPACE = "WrongWorkspace"
    NO_KEY = "NoKey"
    STORE_UNAVAILABLE = "StoreUnavailable"
    OVERLOADED = "Overloaded"
    STOPPING = "Stopping"
    LATE = "Late"
    """It came, or waited for its turn, for `seconds`: its person is asked again."""
    RESUMED_SINCE = "ResumedSince"
    """A pause waited or came late, and `user_id` resumed the session after it was given."""
    PAUSED_SINCE = "PausedSince"
    """`user_id` paused the session while a resume waited, or after the `version` that its button has."""
    ENDED_SINCE = "EndedSince"
    """`user_id` has ended the session that was to be resumed, or asked for that."""
    OBSERVED = "Observed"
    HELD_BACK = "HeldBack"
    """Alerts of the sender would have paused more sessions than its limit within a minute."""
    RESUMED_BEFORE = "ResumedBefore"
    """`user_id` resumed the session before the alert, or asked for that."""
    PAUSED_BEFORE = "PausedBefore"
    """The same firing came with another token, and its pause by `user_id` was confirmed a moment before."""
    ENDED_BEFORE = "EndedBefore"
    AUTO_PAUSE_OFF = "AutoPauseOff"
    """The workspace takes no pauses by alerts any more, or not by this sender."""


NEWER = {Verb.PAUSE: Why.PAUSED_SINCE, Verb.RESUME: Why.RESUMED_SINCE, Verb.END: Why.ENDED_SINCE}
"""The reason of a refusal because of a newer order of this verb."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The bot sent nothing, `why` says which of the other fields count.

    `given_at` is when `user_id` gave the other order (Unix seconds), `version` its id. It `is_confirmed` unless Anchor
    may not have done it.
    """

    why: Why
    user_id: str = ""
    given_at: float = 0.0
    _: KW_ONLY
    version: str = ""
    seconds: float = 0.0
    is_confirmed: bool = True
    ids: frozenset[str] = frozenset()


NotDone = NotConfirmed | Broken  # the outcomes of an allowed order that Anchor did not confirm
Answered = Done | NotDone  # the outcomes of an allowed order. Everybody in the channel sees them.
Outcome = Answered | Refusal  # only the person who asked sees a refusal

NOT_AUTOMATIC = frozenset({Why.OBSERVED, Why.HELD_BACK, Why.RESUMED_BEFORE, Why.ENDED_BEFORE, Why.AUTO_PAUSE_OFF})
"""The refusals of a pause that an alert asked for, because of a rule: only its card says so."""


DONE_NAMES = frozenset(one.__name__ for one in get_args(Done))
NAMES: frozenset[str] = frozenset({*Why, *(one.__name__ for one in get_args(Answered))})
"""The names of all outcomes."""


def name_of(outcome: Outcome) -> str:
    """Return the name of an outcome in the journal and the log: that of its type, or why it was refused."""
    return outcome.why if isinstance(outcome, Refusal) else type(outcome).__name__


NOT_ASKED, PENDING = "NotAsked", "Pending"
"""In the answer to an alert: it asked for no pause that it may, or the outcome of that is not known yet."""

CALL_SOMEBODY: frozenset[str] = frozenset(
    {
        *(one.__name__ for one in (Broken, Failed, KeyRejected, NotFound, RateLimited, Unavailable, Unconfirmed)),
        *(Why.HELD_BACK, Why.NO_KEY, Why.LATE, Why.RESUMED_SINCE, Why.OVERLOADED),
        *(Why.ROLE_UNKNOWN, Why.STOPPING, Why.STORE_UNAVAILABLE),
    }
)
"""The names of those after which an agent runs, or can run, that somebody with permission wanted to pause.

A message about such a pause by an alert mentions people.
"""


def contradiction(verb: Verb, answer: Mapping[str, object]) -> str | None:
    """Return the words of a successful answer that contradict the success, or None.

    They are an `error` or a false `success` or `ok` anywhere, or a status that says failed or what the opposite verb
    does. Anchor documents no status words, so any other one is no contradiction, and none is one of an end.
    """
    fields = [field for one in objects_in(answer) for field in one.items()]
    for name, value in fields:
        if name in {"error", "errors"} and value not in _NO_ERROR:
            text = value if isinstance(value, str) else text_field(value, "message")
            return text.strip() or name
    for name, value in fields:
        if name in {"success", "ok"} and value is False:
            return f"{name}: false"
    wrong = {verb.opposite.past, *_FAILED} if verb.opposite else set[str]()
    for holder in (answer.get("data"), answer):
        status = text_field(holder, "status")
        if not wrong.isdisjoint(re.findall("[a-z]+", status.casefold())):
            return status
    return None
