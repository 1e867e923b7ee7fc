"""What a person asks for, whatever surface they asked on."""

from dataclasses import dataclass

from bot.core.secret import Secret
from bot.core.session_id import SessionId


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, and where: Slack's ids of the installed workspace, the conversation and the person."""

    team_id: str
    channel_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class PauseRequest:
    """Pause this session. `trigger_id` is Slack's id of the one invocation, `reason` what the person wrote with it."""

    session_id: SessionId
    asker: Asker
    reason: str = ""
    trigger_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyAddress:
    """Where an answer belongs. Whoever holds `response_url` can post there for 30 minutes, so it is a secret."""

    asker: Asker
    response_url: Secret | None = None
