"""The words of `anchor-bot doctor`."""

from collections.abc import Callable

import pytest

from bot.core.checks import Checked, CheckName, Finding, Good, Kind, Questionable, Skipped, Unanswered, Wrong
from bot.messages.checks import check_line, check_record, fix

KINDS: list[Kind] = [*Good, *Questionable, *Wrong, *Unanswered, *Skipped]
VALUES = {
    "transport": "HTTP",
    "tenancy": "one workspace",
    "permissions": "everybody",
    "database": "/srv/anchor-bot.db",
    "warnings": "PAUSE_USER is no setting of the bot.",
    "problems": "PORT is not a port.",
    "host": "slack.com",
    "why": "a reason",
    "seconds": "7",
    "url": "https://bot.example.com/slack/events",
    "reasons": "Slack can't be reached.",
    "who": "Slack",
    "setting": "SLACK_API_URL",
    "team": "T0HOME00001",
    "name": "Acme",
    "bot": "anchor",
    "code": "invalid_auth",
    "scopes": "users:read",
    "channel": "C0ALERTS001",
    "status": "401",
    "problem": "BASE_URL is not a valid https URL",
    "revision": "0005",
    "head": "0006",
    "sentence": "DATABASE_URL: the bot cannot use the database (a reason).",
    "first": CheckName.BOT_TOKEN,
}
SAY_IT_THEMSELVES = {Wrong.DATABASE_UNUSABLE, Unanswered.DATABASE_DOWN}


def test_wording(wording: Callable[[str, str], None]) -> None:
    for kind in KINDS:
        wording(kind, check_line(Checked(CheckName.SETTINGS, Finding(kind, VALUES))))
    wording("of a workspace", check_line(Checked(CheckName.SCOPES, Finding(Wrong.KEY_UNSET), "T0HOME00001")))


@pytest.mark.parametrize(
    ("warnings", "ending"), [("Is it?", "Is it?"), ("It is.", "It is."), ("It is", "It is.")], ids=["?", ".", ""]
)
def test_a_line_ends_with_one_mark(warnings: str, ending: str) -> None:
    line = check_line(Checked(CheckName.SETTINGS, Finding(Questionable.SETTINGS_ODD, {"warnings": warnings})))
    assert line.endswith(f": {ending}")


@pytest.mark.parametrize("kind", [*Wrong, *Unanswered])
def test_each_failure_says_how_to_fix_it(kind: Kind) -> None:
    assert fix(Finding(kind, VALUES)) or kind in SAY_IT_THEMSELVES


def test_codes_are_unique() -> None:
    """Programs know them by these."""
    assert len(set(map(str, KINDS))) == len(KINDS)


def test_nothing_steers_a_terminal() -> None:
    check = Checked(CheckName.PUBLIC_URL, Finding(Wrong.URL_REJECTS, VALUES | {"why": "x\x1b[2J\n"}))
    assert all(text.isprintable() for text in [check_line(check), *check_record(check).values()])
