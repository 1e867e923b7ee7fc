"""The outcomes of an order to pause, resume or end a session, and what Anchor's answers say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.core.fields import objects_in, text_field
from bot.core.policy import Denial, RoleUnknown
from bot.core.requests import Verb

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
class NotRunning:
    """Anchor knows the session, and it is not running."""

    anchor_message: str | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """Anchor knows no such session under this key."""

    anchor_message: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """Anchor answered that the order failed."""

    status_code: int
    anchor_message: str | None = None


UNAUTHORIZED = 401
"""Anchor documents it for an end as "Invalid API Key or browser session ID", and for no other order.

https://docs.anchorbrowser.io/api-reference/browser-sessions/end-browser-session
"""


@dataclass(frozen=True, slots=True)
class KeyRejected:
    """Anchor refused the key (401, 403); the 401 of an end can be about the session. `by_admins`: they replace it."""

    status_code: int
    anchor_message: str | None = None
    by_admins: bool = False


@dataclass(frozen=True, slots=True)
class RateLimited:
    """Anchor accepts no more requests for now (429): nothing was done. `retry_after` is in seconds."""

    retry_after: float | None = None
    anchor_message: str | None = None


class Unreachable(StrEnum):
    """The reasons why nothing reached Anchor."""

    NO_CONNECTION = "no connection"
    OUT_OF_SERVICE = "out of service"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Anchor accepted no request (no connection, or its own 503): nothing was done. `retry_after` is in seconds."""

    why: Unreachable
    retry_after: float | None = None


class Doubt(StrEnum):
    """The reasons why the effect of a sent request is unknown."""

    TIMED_OUT = "timed out"
    CONNECTION_LOST = "connection lost"
    GATEWAY = "gateway"
    UNREADABLE = "unreadable"
    CONTRADICTED = "contradicted"
    STOPPED = "stopped"
    RACED = "crossed"
    STILL_LISTED = "still listed"
    """Anchor accepted an end, and still lists the session."""
    NOT_READ = "not read"
    """Anchor accepted an end, and it was not found out whether the session has ended."""


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


class WhyNot(StrEnum):
    """The reasons why the bot did not send an order that is allowed."""

    LATE = "late"
    """A resume or an end was `seconds` old before it could be sent: its person is asked again."""
    RESUMED_SINCE = "resumed since"
    """A pause waited or came late, and `user_id` resumed the session after it was given."""
    PAUSED_SINCE = "paused since"
    """`user_id` paused the session while a resume waited, or after the `version` that its button has."""
    ENDING = "being ended"
    """`user_id` is ending the session that was to be resumed."""
    ENDED = "ended"
    """`user_id` has ended it."""
    NO_TURN = "no turn"
    """It waited `seconds` behind other orders of the same person."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The bot did not send an allowed order, because of its age, or of the order of `user_id`, with the id `version`.

    `given_at` is when that was given (Unix seconds). A pause is not confirmed if Anchor may not have done it. `reason`
    and `channel_id` are "" unless this person is allowed to see them.
    """

    why: WhyNot
    user_id: str = ""
    given_at: float = 0.0
    version: str = ""
    seconds: float = 0.0
    is_confirmed: bool = True
    reason: str = ""
    channel_id: str = ""


@dataclass(frozen=True, slots=True)
class EndOff:
    """Nobody can end sessions in this workspace; `by_admins` says who can change that."""

    by_admins: bool = False


@dataclass(frozen=True, slots=True)
class WrongWorkspace:
    """The bot does not serve the workspace of the request."""


@dataclass(frozen=True, slots=True)
class NoKey:
    """The workspace has no Anchor API key yet. Nobody can set one without the scope that tells who is an admin."""

    can_set: bool = False
    scope_missing: bool = False


@dataclass(frozen=True, slots=True)
class StoreUnavailable:
    """The database gives no answer: an order was not sent; a change of settings may have been saved or not."""


@dataclass(frozen=True, slots=True)
class Overloaded:
    """The bot has reached its capacity: nothing was done."""


@dataclass(frozen=True, slots=True)
class TooManyResumes:
    """The person has resumed too many sessions within a short time: nothing was sent. `retry_after` is in seconds."""

    retry_after: float


@dataclass(frozen=True, slots=True)
class TooManyRepeats:
    """The person has resumed the session too often within a short time. `retry_after` is in seconds."""

    retry_after: float


@dataclass(frozen=True, slots=True)
class Stopping:
    """The bot is shutting down: nothing was done."""


@dataclass(frozen=True, slots=True)
class Observed:
    """The workspace wants to see only what would be paused: nothing was sent."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Alerts of the sender would have paused more than `most` sessions within a minute: nothing was sent."""

    most: int


@dataclass(frozen=True, slots=True)
class ResumedBefore:
    """Nothing was sent: a person resumed the session at `given_at` (Unix seconds), or asked for that, unconfirmed."""

    user_id: str
    given_at: float
    is_confirmed: bool = True


@dataclass(frozen=True, slots=True)
class EndedBefore:
    """Anchor said a moment before the alert that the session has ended: nothing was sent."""


@dataclass(frozen=True, slots=True)
class AutoPauseOff:
    """The workspace takes no pauses by alerts any more, or not by this sender: nothing was sent."""


NotAutomatic = Observed | HeldBack | ResumedBefore | EndedBefore | AutoPauseOff
"""The outcomes of an alert that asked for a pause, and got none because of a rule: only its card says so."""

NotDone = NotConfirmed | Broken  # the outcomes of an allowed order that Anchor did not confirm
Answered = Done | NotDone  # the outcomes of an allowed order. Everybody in the channel sees them.
Limited = TooManyResumes | TooManyRepeats  # the outcomes of an order beyond the limits of its person

_NotPossible = EndOff | WrongWorkspace | NoKey | StoreUnavailable | Overloaded
Refusal = Denial | NotSent | _NotPossible | Limited | Stopping | NotAutomatic
"""The outcomes of an order that the bot refused. Only the person who asked sees them."""

Outcome = Answered | Refusal


class PauseWord(StrEnum):
    """The words of the answer to an alert for the pause that it asked for."""

    PAUSED = "paused"
    OBSERVED = "observed"
    OFF = "off"
    NOT_ASKED = "not asked"
    """The action is none, its alert has no fingerprint, or its token may not ask for one."""
    HELD_BACK = "held back"
    REFUSED = "refused"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    PENDING = "pending"


_WORDS = {
    Paused: PauseWord.PAUSED,
    Observed: PauseWord.OBSERVED,
    AutoPauseOff: PauseWord.OFF,
    HeldBack: PauseWord.HELD_BACK,
    ResumedBefore: PauseWord.REFUSED,
    EndedBefore: PauseWord.REFUSED,
    StoreUnavailable: PauseWord.PENDING,
    Unconfirmed: PauseWord.UNCONFIRMED,
    Broken: PauseWord.UNCONFIRMED,
}


def word_of(outcome: Outcome) -> PauseWord:
    """Return the word for the outcome of a pause by an alert."""
    return _WORDS.get(type(outcome), PauseWord.FAILED)


LEAVES_RUNNING = (
    *(Broken, Failed, KeyRejected, RateLimited, Unavailable, Unconfirmed),
    *(HeldBack, NoKey, NotSent, Overloaded, RoleUnknown, Stopping, StoreUnavailable),
)
"""The outcomes after which an agent runs, or can run, that somebody with permission wanted to pause."""

CALL_SOMEBODY = (*LEAVES_RUNNING, NotFound)
"""The outcomes of a pause by an alert about which a message mentions people."""


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
