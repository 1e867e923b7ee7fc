"""The pages that a browser shows during an installation."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.core.requests import Verb
from bot.messages.usage import COMMANDS

_NOTHING = "Nothing was installed here."
_LONGEST = 100  # characters of Slack's own text
_OPERATOR = "Tell the operator of this bot."
_KEY_MISSING = (
    "One thing is left: the Anchor API key of your workspace.",
    "An admin sets it in Slack: in the sidebar, under Apps, in the Home tab of this app.",
)
_TRY = f"Try it in any channel: {COMMANDS[Verb.PAUSE]} help"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of plain text, not yet escaped; `status` is the HTTP status. `again` adds a link to start over.

    The log has `outcome`, the workspace that was installed, and the reason `why` of Slack, but for "".
    """

    status: int
    title: str
    lines: tuple[str, ...]
    again: bool = True
    outcome: str = field(default="", compare=False)
    team_id: str = field(default="", compare=False)
    why: str = field(default="", compare=False)


def _failed(outcome: str, status: int, title: str, *lines: str, again: bool = True, **log: str) -> Page:
    return Page(status, f"Not installed: {title}", (_NOTHING, *lines), again, outcome, **log)


DENIED = _failed("Denied", 403, "it was not allowed", "You may allow it another time.")
UNKNOWN_STATE = _failed(
    "UnknownState",
    400,
    "this is no way back from Slack",
    "This address is only for the way back from Slack, right after an installation was begun.",
)
FOREIGN_BROWSER = _failed(
    "ForeignBrowser",
    403,
    "it was begun in another browser",
    "An installation ends in the browser that it began in, with cookies allowed.",
    "If somebody sent you this link, don't go on.",
)
REPLAYED = Page(
    409,
    "This link was used before",
    ("It works once, and nothing was changed this time.", "If the app is in your workspace, all is well."),
    outcome="Replayed",
)
EXPIRED = _failed("Expired", 410, "it took too long", "An installation must end within 10 minutes.")
STRANGE = {UNKNOWN_STATE, FOREIGN_BROWSER, REPLAYED, EXPIRED}  # the pages that strangers can cause

CODE_REFUSED = _failed(
    "CodeRefused", 409, "Slack does not take the code any more", "Slack's code works once, for 10 minutes."
)
WRONG_REDIRECT = _failed(
    "WrongRedirect",
    502,
    "Slack does not know this address",
    _OPERATOR,
    "Among the Slack app's redirect URLs must be BASE_URL with /slack/oauth_redirect.",
    again=False,
)
ORG_WIDE = _failed(
    "OrgWide",
    403,
    "this is for single workspaces",
    "The app was installed for a whole organisation, but each workspace has its own Anchor key.",
    "Please remove it from the organisation, and install it in the workspace that needs it.",
)
TOKEN_ROTATES = _failed(
    "TokenRotates",
    502,
    "the Slack app rotates its tokens",
    _OPERATOR,
    "Token rotation can't be turned off again: make another Slack app, without it.",
    again=False,
)
SLACK_SILENT = _failed(
    "SlackSilent", 502, "Slack did not answer", "Slack could not be reached, or its answer could not be read."
)
NO_DATABASE = _failed("StoreUnavailable", 503, "the bot's database is away", "Please try again in a moment.", _OPERATOR)


def refused_page(code: str) -> Page:
    """Return the page for another error `code` of Slack."""
    reason = f"Slack's reason is: {code[:_LONGEST]}"
    return _failed("RefusedBySlack", 502, "Slack refuses", _OPERATOR, reason, why=code)


def not_allowed_page(team_id: str) -> Page:
    """Return the page for a workspace that ALLOWED_WORKSPACES does not name."""
    return _failed(
        "NotAllowed",
        403,
        "this bot does not serve your workspace",
        f"Its operator decides which it serves. The id of yours is {team_id}.",
        "Slack may list the app in your workspace, where it does nothing: remove it there.",
        again=False,
        team_id=team_id,
    )


def declined_page(missing: Sequence[str]) -> Page:
    """Return the page for an installation without all scopes."""
    return _failed(
        "ScopesDeclined",
        403,
        "a permission is missing",
        f"The app can't do its work without {', '.join(missing)}. Please allow everything that it asks for.",
        "Slack may still list the app in your workspace: install it again to fix that.",
    )


def installed_page(team_id: str, team_name: str, *, has_key: bool) -> Page:
    """Return the page for an installation; `has_key`: an Anchor key is stored from an earlier one."""
    where = f"The app is in {team_name} ({team_id})."
    more = ("Its Anchor API key is still known.",) if has_key else _KEY_MISSING
    title = "Installed again" if has_key else "Installed"
    return Page(200, title, (where, *more, _TRY), again=False, outcome="Installed", team_id=team_id)


def broken_page(incident_id: str) -> Page:
    """Return the page for an unexpected exception."""
    return Page(
        500,
        "Something broke in the bot itself",
        ("Whether anything was installed is not known.", f"{_OPERATOR} The log has the details under {incident_id}."),
    )
