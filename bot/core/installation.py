"""The app in a workspace: how it comes there, what can go wrong on the way, and how it leaves."""

from dataclasses import dataclass

from bot.core.secret import Secret

SCOPES = ("commands", "chat:write", "users:read")
"""What the app asks for, as manifest.yml declares it."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What Slack grants, by its own field names; `installed_at` is in Unix seconds.

    A team keeps its id when it joins an Enterprise Grid, so that is its name here and `enterprise_id` is not.
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
class Departure:
    """Slack says that the app left a workspace, or that its bot's token died, at `happened_at` (Unix seconds).

    `bot_user_ids` are the bots whose tokens died; None where the whole app is gone.
    """

    team_id: str
    happened_at: int
    bot_user_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Installed:
    """The app is in; `has_key` says whether the workspace's Anchor key is known from an earlier time."""

    team_id: str
    team_name: str
    has_key: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """The person, or the workspace's rules, said no."""


@dataclass(frozen=True, slots=True)
class UnknownState:
    """The way back from Slack did not begin here, or has lost its state."""


@dataclass(frozen=True, slots=True)
class ForeignBrowser:
    """The installation was begun in another browser: somebody may have sent this link to have it finished."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """This way back was gone before."""


@dataclass(frozen=True, slots=True)
class Expired:
    """It took too long from beginning to end."""


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """Slack does not take the code: it was used before, is too old, or was never given out."""


@dataclass(frozen=True, slots=True)
class WrongRedirect:
    """The URL of the way back is none that the Slack app knows."""


@dataclass(frozen=True, slots=True)
class ScopesDeclined:
    """The app was installed with less than it asked for."""

    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrgWide:
    """The app was installed for a whole Enterprise Grid organisation, where it serves single workspaces."""


@dataclass(frozen=True, slots=True)
class TokenRotates:
    """The Slack app has token rotation on: its tokens die within hours."""


@dataclass(frozen=True, slots=True)
class RefusedBySlack:
    """Slack refuses for another reason; `code` is its own word."""

    code: str


@dataclass(frozen=True, slots=True)
class SlackSilent:
    """Slack gave no answer that can be used."""


@dataclass(frozen=True, slots=True)
class NotKept:
    """The bot's own database did not take it."""


StateProblem = UnknownState | ForeignBrowser | Replayed | Expired
GrantProblem = ScopesDeclined | OrgWide | TokenRotates | SlackSilent
ExchangeProblem = CodeRefused | WrongRedirect | RefusedBySlack | SlackSilent
InstallOutcome = Installed | Denied | StateProblem | GrantProblem | ExchangeProblem | NotKept
