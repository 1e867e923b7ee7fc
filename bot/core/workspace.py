"""A workspace that the bot serves, its Anchor API key, and installations of the app."""

import hmac
from dataclasses import dataclass
from enum import StrEnum

from bot.core.alert_tokens import AlertToken
from bot.core.fields import SHOWN, Secret, digest
from bot.core.mentions import read_groups
from bot.core.permissions import EVERYBODY, Policy

SCOPES = ("commands", "chat:write", "users:read")  # the scopes that the app asks for, as manifest.yml declares them
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


class AutoPause(StrEnum):
    """The effect of alerts that ask for a pause."""

    OFF = "off"
    OBSERVE = "observe"
    """What would be done is recorded, and nothing is sent to Anchor."""
    ON = "on"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace and its settings. `team_id` is "" until it is known whose the bot token is.

    `enterprise_id` is its Grid organisation, by Slack's answer to its own token; "" if it has none.
    Programs with one of `alert_tokens` can post alerts, to `alerts_channel` unless they name another.
    `alerts_groups` are the user groups that are mentioned, as `read_groups` reads them.
    Each version counts the changes of its setting. If `is_managed`, admins change the settings in Slack; otherwise
    the operator does.
    """

    team_id: str
    bot_token: Secret
    anchor_key: AnchorKey | None
    policy: Policy = EVERYBODY
    alert_tokens: tuple[AlertToken, ...] = ()
    alerts_channel: str | None = None
    alerts_groups: str = ""
    auto_pause: AutoPause = AutoPause.OFF
    key_version: int = 0
    policy_version: int = 0
    alerts_token_version: int = 0
    installed_by: str | None = None
    is_managed: bool = False
    enterprise_id: str = ""

    def find_token(self, text: str) -> AlertToken | None:
        """Return the alert token with this text, in the same time for each."""
        given = digest(text)
        found = [one for one in self.alert_tokens if hmac.compare_digest(given, one.digest)]
        return found[0] if found else None

    def named_token(self, name: str) -> AlertToken | None:
        """Return the alert token of this name."""
        return next((one for one in self.alert_tokens if one.name == name), None)

    def lets_pause(self, sender: str) -> bool:
        """Return whether alerts with the token of this name pause sessions."""
        token = self.named_token(sender)
        return self.auto_pause is AutoPause.ON and token is not None and token.may_pause

    def group_of(self, channel_id: str) -> str:
        """Return the user group that messages in a channel mention, or ""."""
        groups = read_groups(self.alerts_groups)
        return groups.get(channel_id) or groups.get("", "")

    @property
    def pauses_in_vain(self) -> bool:
        """Return whether alerts are to pause sessions, and none can."""
        return self.auto_pause is AutoPause.ON and not any(one.may_pause for one in self.alert_tokens)

    def serves(self, team_id: str) -> bool:
        """Return whether a verified request of the installing team `team_id` can use the workspace's key.

        Until the team of the bot token is known, it can be that of any verified request: its signature shows only that
        it is for this app. Then people are served whom Slack confirms as members.
        """
        return self.team_id in {"", team_id}


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation. `team_id` identifies it: a team keeps its id when it joins an Enterprise Grid."""

    # https://docs.slack.dev/reference/methods/oauth.v2.access

    team_id: str
    team_name: str
    enterprise_id: str | None
    app_id: str
    bot_user_id: str
    bot_token: Secret
    scopes: tuple[str, ...]
    installed_by: str
    installed_at: int  # Unix seconds
