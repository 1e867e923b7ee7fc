"""Every outcome of an installation has a page of its own."""

from typing import Any, get_args

import pytest

from bot.core.installation import Installed, InstallOutcome, RefusedBySlack, ScopesDeclined
from bot.core.messages.install_pages import broken_page, page_of

FIELDS: dict[object, dict[str, Any]] = {
    Installed: {"team_id": "T1", "team_name": "Acme", "has_key": False},
    ScopesDeclined: {"missing": ("commands",)},
    RefusedBySlack: {"code": "x" * 1000},
}
OUTCOMES = [kind(**FIELDS.get(kind, {})) for kind in get_args(InstallOutcome)]


def test_no_two_are_alike() -> None:
    pages = [page_of(outcome) for outcome in OUTCOMES] + [broken_page("1234abcd")]
    assert len({page.title for page in pages}) == len(OUTCOMES) + 1
    assert len({page.lines for page in pages}) == len(OUTCOMES) + 1


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_only_an_installation_is_a_success(outcome: InstallOutcome) -> None:
    page = page_of(outcome)
    assert (page.status == 200) is isinstance(outcome, Installed)
    assert 200 <= page.status < 600
    assert max(map(len, page.lines)) < 200
