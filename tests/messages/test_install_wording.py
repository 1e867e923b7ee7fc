"""The words of the pages that end an installation, and that each outcome has a page of its own."""

from collections.abc import Callable
from typing import Any, get_args

from bot.core.installation import Installed, InstallOutcome, RefusedBySlack, ScopesDeclined
from bot.messages.install_pages import Page, broken_page, page_of

FIELDS: dict[object, dict[str, Any]] = {
    Installed: {"team_id": "T0HOME00001", "team_name": "Acme", "has_key": False},
    ScopesDeclined: {"missing": ("commands", "chat:write")},
    RefusedBySlack: {"code": "invalid_client_id"},
}
OUTCOMES: list[InstallOutcome] = [kind(**FIELDS.get(kind, {})) for kind in get_args(InstallOutcome)]
PAGES: dict[str, Page] = {
    **{type(outcome).__name__: page_of(outcome) for outcome in OUTCOMES},
    "Installed again": page_of(Installed("T0HOME00001", "Acme", has_key=True)),
    "broken": broken_page("1234abcd"),
}


def test_wording(wording: Callable[[str, str], None]) -> None:
    for name, page in PAGES.items():
        link = ["(a link to begin again)"] if page.again else []
        wording(name, "\n".join([f"{page.status} {page.title}", *page.lines, *link]))


def test_no_two_pages_are_alike_and_only_an_installation_is_a_success() -> None:
    assert len({page.title for page in PAGES.values()}) == len({page.lines for page in PAGES.values()}) == len(PAGES)
    assert {name for name, page in PAGES.items() if page.status == 200} == {"Installed", "Installed again"}


def test_a_page_repeats_only_the_beginning_of_what_slack_says() -> None:
    page = page_of(RefusedBySlack("x" * 1000))
    assert max(map(len, page.lines)) < 200
