"""Installing the app in a workspace and uninstalling it: the values and the outcomes."""

from dataclasses import dataclass

from bot.core.fields import Secret
from bot.core.outcomes import StoreUnavailable

SCOPES = ("commands", "chat:write", "users:read")
"""The scopes that the app asks for, as manifest.yml declares them."""


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation, by Slack's field names; `installed_at` is in Unix seconds.

    `team_id` identifies it: a team keeps its id when it joins an Enterprise Grid.
    https://docs.slack.dev/reference/methods/oauth.v2.access
    """

    team_id: str
    team_name: str
    enterprise_id: str | None
    app_id: str
    bot_user_id: str
    bot_token: Secret
    scopes: tuple[str, ...]
    installed_by: str
    installed_at: int


@dataclass(frozen=True, slots=True)
class Uninstall:
    """The app was uninstalled, or bot tokens were revoked, at `happened_at` (Unix seconds).

    `bot_user_ids` are the bots whose tokens were revoked; None if the app was uninstalled.
    """

    team_id: str
    happened_at: int
    bot_user_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Installed:
    """The app is installed; `has_key` says whether an Anchor key is stored from an earlier installation."""

    team_id: str
    team_name: str
    has_key: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """The person or the workspace's rules declined."""


@dataclass(frozen=True, slots=True)
class UnknownState:
    """The callback has no state that this bot issued."""


@dataclass(frozen=True, slots=True)
class ForeignBrowser:
    """The callback comes from another browser than the one that started the installation."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The callback was already used."""


@dataclass(frozen=True, slots=True)
class Expired:
    """The callback came too late."""


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """Slack rejects the code: it is used, expired or unknown."""


@dataclass(frozen=True, slots=True)
class WrongRedirect:
    """The callback URL is not one of the Slack app's redirect URLs."""


@dataclass(frozen=True, slots=True)
class ScopesDeclined:
    """The app was installed without all scopes."""

    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrgWide:
    """The app was installed for a whole Enterprise Grid organisation, which is not supported."""


@dataclass(frozen=True, slots=True)
class TokenRotates:
    """The Slack app has token rotation on: its tokens expire within hours."""


@dataclass(frozen=True, slots=True)
class RefusedBySlack:
    """Slack refuses with another error `code`."""

    code: str


@dataclass(frozen=True, slots=True)
class SlackSilent:
    """Slack gave no usable answer."""


StateProblem = UnknownState | ForeignBrowser | Replayed | Expired
GrantProblem = ScopesDeclined | OrgWide | TokenRotates | SlackSilent
ExchangeProblem = CodeRefused | WrongRedirect | RefusedBySlack | SlackSilent
InstallOutcome = Installed | Denied | StateProblem | GrantProblem | ExchangeProblem | StoreUnavailable
