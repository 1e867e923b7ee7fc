"""The five pages that a browser shows during an installation."""

from dataclasses import dataclass, field

from bot.core.orders import Verb
from bot.messages.outcomes import COMMANDS

_NOTHING = "Nothing was installed here."
_LONGEST = 100  # characters of Slack's own text
_OPERATOR, _AGAIN = "Tell the operator of this bot.", "If this happens again, tell the operator of this bot."
_KEY_KNOWN = ("Its Anchor API key is still known.",)
_KEY_MISSING = (
    "One thing is left: the Anchor API key of your workspace.",
    "An admin sets it in Slack: in the sidebar, under Apps, in the Home tab of this app.",
)
_TRY = f"Try it in any channel: {COMMANDS[Verb.PAUSE]} help"

DENIED = "Somebody cancelled it in Slack, or Slack did not allow it."
ORG_WIDE = (
    "It was for a whole organization, but each workspace has its own Anchor key. Please remove the app from the "
    "organization, and install it in the workspace that needs it."
)
TOKEN_ROTATES = "its Slack app rotates tokens, which can't be turned off again. It needs another app."  # noqa: S105 - a text
SLACK_SILENT = "Slack could not be reached, or its answer could not be read."
NO_DATABASE = "The database of the bot does not answer."


@dataclass(frozen=True, slots=True)
class Page:
    """A page of plain text, not yet escaped; `status` is the HTTP status. `again` adds a link to start over.

    The log has `outcome`, the workspace that was installed, and the reason `why`, but for "".
    """

    status: int
    title: str
    lines: tuple[str, ...]
    again: bool = True
    outcome: str = field(default="", compare=False)
    team_id: str = field(default="", compare=False)
    why: str = field(default="", compare=False)


BEGIN_AGAIN = Page(
    400,
    "Not installed: begin again",
    (
        "An installation ends once, within 10 minutes, in the browser that it began in, with cookies allowed.",
        "Nothing was changed this time. If the app is in your workspace, all is well.",
        "If somebody sent you this link, don't go on.",
    ),
    outcome="BeginAgain",
)
"""The page that strangers can cause."""


def declined_page(why: str, *, team_id: str = "", again: bool = True) -> Page:
    """Return the page for an installation that somebody has not allowed."""
    title = "Not installed: something was not allowed"
    return Page(403, title, (_NOTHING, why), again, "Declined", team_id=team_id, why=why)


def workspace_declined(team_id: str) -> str:
    """Return why a workspace that ALLOWED_WORKSPACES does not name is not served."""
    return (
        f"The operator of this bot decides which workspaces it serves, and yours is {team_id}. Slack may list the app "
        "there, where it does nothing: remove it."
    )


def operator_page(why: str) -> Page:
    """Return the page if the operator has to change something: `why` is Slack's error code, or a sentence."""
    reason = f"The reason is: {why[:_LONGEST]}"
    title = "Not installed: the operator of this bot has to change something"
    return Page(502, title, (_NOTHING, _OPERATOR, reason), again=False, outcome="NotSetUp", why=why)


def unavailable_page(why: str) -> Page:
    """Return the page for what may pass."""
    return Page(503, "Not finished: try again in a moment", (why, _AGAIN), outcome="Unavailable")


def broken(incident_id: str) -> str:
    """Return what is said of an unexpected exception."""
    return f"Something broke in the bot (incident {incident_id})."


def installed_page(team_id: str, team_name: str, *, has_key: bool) -> Page:
    """Return the page for an installation; `has_key`: an Anchor key is stored from an earlier one."""
    lines = (f"The app is in {team_name} ({team_id}).", *(_KEY_KNOWN if has_key else _KEY_MISSING), _TRY)
    return Page(200, "Installed", lines, again=False, outcome="Installed", team_id=team_id)
