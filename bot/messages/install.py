"""The pages that a browser shows during an installation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core import installation
from bot.core.outcomes import StoreUnavailable
from bot.core.requests import Verb
from bot.messages.usage import COMMANDS


@dataclass(frozen=True, slots=True)
class Page:
    """A page of plain text, not yet escaped; `status` is the HTTP status. `again` adds a link to start over."""

    status: int
    title: str
    lines: tuple[str, ...]
    again: bool = True


_NOTHING = "Nothing was installed here."
_LONGEST = 100  # characters of Slack's own text
_OPERATOR = "Tell the operator of this bot."
_KEY_MISSING = (
    "One thing is left: the Anchor API key of your workspace.",
    "An admin sets it in Slack: in the sidebar, under Apps, in the Home tab of this app.",
)
_TRY = f"Try it in any channel: {COMMANDS[Verb.PAUSE]} help"


_PAGES: Mapping[type[installation.InstallOutcome], Page] = {
    installation.Denied: Page(403, "Not installed: it was not allowed", (_NOTHING, "You may allow it another time.")),
    installation.UnknownState: Page(
        400,
        "Not installed: this is no way back from Slack",
        (_NOTHING, "This address is only for the way back from Slack, right after an installation was begun."),
    ),
    installation.ForeignBrowser: Page(
        403,
        "Not installed: it was begun in another browser",
        (
            _NOTHING,
            "An installation ends in the browser that it began in, with cookies allowed.",
            "If somebody sent you this link, don't go on.",
        ),
    ),
    installation.Replayed: Page(
        409,
        "This link was used before",
        ("It works once, and nothing was changed this time.", "If the app is in your workspace, all is well."),
    ),
    installation.Expired: Page(
        410, "Not installed: it took too long", (_NOTHING, "An installation must end within 10 minutes.")
    ),
    installation.CodeRefused: Page(
        409,
        "Not installed: Slack does not take the code any more",
        (_NOTHING, "Slack's code works once, for 10 minutes."),
    ),
    installation.WrongRedirect: Page(
        502,
        "Not installed: Slack does not know this address",
        (
            _NOTHING,
            _OPERATOR,
            "Among the Slack app's redirect URLs must be BASE_URL with /slack/oauth_redirect.",
        ),
        again=False,
    ),
    installation.OrgWide: Page(
        403,
        "Not installed: this is for single workspaces",
        (
            _NOTHING,
            "The app was installed for a whole organisation, but each workspace has its own Anchor key.",
            "Please remove it from the organisation, and install it in the workspace that needs it.",
        ),
    ),
    installation.TokenRotates: Page(
        502,
        "Not installed: the Slack app rotates its tokens",
        (_NOTHING, _OPERATOR, "Token rotation can't be turned off again: make another Slack app, without it."),
        again=False,
    ),
    installation.SlackSilent: Page(
        502,
        "Not installed: Slack did not answer",
        (_NOTHING, "Slack could not be reached, or its answer could not be read."),
    ),
    StoreUnavailable: Page(
        503, "Not installed: the bot's database is away", (_NOTHING, "Please try again in a moment.", _OPERATOR)
    ),
}


def page_of(outcome: installation.InstallOutcome) -> Page:
    """Return the page for the outcome of an installation."""
    match outcome:
        case installation.Installed():
            return _installed(outcome)
        case installation.ScopesDeclined(missing=missing):
            return _declined(missing)
        case installation.RefusedBySlack(code=code):
            why = f"Slack's reason is: {code[:_LONGEST]}"
            return Page(502, "Not installed: Slack refuses", (_NOTHING, _OPERATOR, why))
        case _:
            return _PAGES[type(outcome)]


def _declined(missing: Sequence[str]) -> Page:
    return Page(
        403,
        "Not installed: a permission is missing",
        (
            _NOTHING,
            f"The app can't do its work without {', '.join(missing)}. Please allow everything that it asks for.",
            "Slack may still list the app in your workspace: install it again to fix that.",
        ),
    )


def _installed(outcome: installation.Installed) -> Page:
    where = f"The app is in {outcome.team_name} ({outcome.team_id})."
    if outcome.has_key:
        return Page(200, "Installed again", (where, "Its Anchor API key is still known.", _TRY), again=False)
    return Page(200, "Installed", (where, *_KEY_MISSING, _TRY), again=False)


def broken_page(incident_id: str) -> Page:
    """Return the page for an unexpected exception."""
    return Page(
        500,
        "Something broke in the bot itself",
        ("Whether anything was installed is not known.", f"{_OPERATOR} The log has the details under {incident_id}."),
    )
