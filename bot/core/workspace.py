"""A workspace that the bot serves, and its Anchor API key."""

from dataclasses import dataclass
from enum import StrEnum

from bot.core.fields import Secret
from bot.core.policy import EVERYBODY, Policy

SHOWN = 4
_LEAST_HIDDEN = 8  # characters; the ending of a shorter key would reveal too much


def is_key(text: str) -> bool:
    """Return whether `text` can be sent in an HTTP header, as keys are."""
    return text.isascii() and text.isprintable() and " " not in text and bool(text)


class KeyCheck(StrEnum):
    """Anchor's last answer about a key."""

    UNVERIFIED = "unverified"
    VERIFIED = "verified"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AnchorKey:
    """An API key. `set_by` is the admin who set it at `set_at` (Unix seconds); None if an operator did."""

    value: Secret
    check: KeyCheck = KeyCheck.UNVERIFIED
    set_by: str | None = None
    set_at: int | None = None

    @property
    def ending(self) -> str:
        """Return the last four characters, which identify it to people; "" if the key is too short to show any."""
        text = self.value.reveal()
        return text[-SHOWN:] if len(text) >= SHOWN + _LEAST_HIDDEN else ""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace and its settings. `team_id` is "" until Slack has said whose the bot token is.

    `enterprise_id` is its Grid organisation, by Slack's answer to its own token; "" if it has none.
    Programs with the token of `alerts_token_digest` can post alerts, to `alerts_channel` unless they name another.
    Each version counts the changes of its setting. If `is_managed`, admins change the settings in Slack; otherwise
    the operator does.
    """

    team_id: str
    bot_token: Secret
    anchor_key: AnchorKey | None
    policy: Policy = EVERYBODY
    alerts_token_digest: str | None = None
    alerts_channel: str | None = None
    key_version: int = 0
    policy_version: int = 0
    alerts_token_version: int = 0
    installed_by: str | None = None
    is_managed: bool = False
    enterprise_id: str = ""

    def serves(self, team_id: str) -> bool:
        """Return whether a verified request of the installing team `team_id` can use the workspace's key.

        Until Slack has said whose the bot token is, every verified request can: its signature shows that it is for
        this app, and a pause must not wait for Slack.
        """
        return self.team_id in {"", team_id}
