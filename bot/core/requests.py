"""What a person asks for, whatever surface they asked on."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.secret import Secret
from bot.core.session_id import SessionId


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, and where: Slack's ids of the installed workspace, the conversation and the person.

    `own_team_id` is the person's own workspace, `enterprise_id` the Grid organisation of the installed one; "" where
    Slack says nothing. In a view there is no conversation: `channel_id` is "".
    """

    team_id: str
    channel_id: str
    user_id: str
    own_team_id: str = ""
    enterprise_id: str = ""


class Verb(StrEnum):
    """What can be asked of a session's agent, by Anchor's names."""

    PAUSE = "pause"
    RESUME = "resume"

    @property
    def opposite(self) -> "Verb":
        """What undoes it."""
        return Verb.RESUME if self is Verb.PAUSE else Verb.PAUSE

    @property
    def past(self) -> str:
        """The word for having been done."""
        return "paused" if self is Verb.PAUSE else "resumed"


@dataclass(frozen=True, slots=True)
class Order:
    """Do this to that session. `trigger_id` is Slack's id of the one invocation, `reason` what the person wrote."""

    verb: Verb
    session_id: SessionId
    asker: Asker
    reason: str = ""
    trigger_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """Where an answer belongs, and in which thread of it, if it is for everybody.

    Whoever holds `response_url` can post there for 30 minutes, so it is a secret.
    """

    asker: Asker
    response_url: Secret | None = None
    thread_ts: str | None = None
