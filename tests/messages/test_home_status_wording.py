"""The words of the status in Home."""

from collections.abc import Callable

import pytest

from bot.core.checks import Checked, CheckName, Finding, Good, Kind, Skipped, Wrong
from bot.core.installation import SCOPES
from bot.messages.home_status import home_status

VALUES = {"channel": "C0ALERTS001", "code": "not_in_channel"}
INSTALL = "https://bot.example.com/slack/install"


@pytest.mark.parametrize(
    ("name", "scopes", "missing", "channel", "install_url"),
    [
        ("fine", Good.SCOPES_GRANTED, [], Good.CHANNEL_OPEN, INSTALL),
        ("no channel", Good.SCOPES_GRANTED, [], Skipped.CHANNEL_UNSET, INSTALL),
        ("failures", Wrong.SCOPES_MISSING, ["commands"], Wrong.CHANNEL_REFUSED, INSTALL),
        ("older installation", Wrong.SCOPES_MISSING, SCOPES, Skipped.NOT_CHECKED, INSTALL),
        ("older installation without OAuth", Wrong.SCOPES_MISSING, ["chat:write"], Skipped.NOT_CHECKED, ""),
    ],
)
def test_the_status_in_home(
    name: str, scopes: Kind, missing: list[str], channel: Kind, install_url: str, wording: Callable[[str, str], None]
) -> None:
    checks = [
        Checked(CheckName.SCOPES, Finding(scopes, {"scopes": ", ".join(missing)})),
        Checked(CheckName.ALERT_CHANNEL, Finding(channel, VALUES)),
    ]
    status = home_status(checks, install_url=install_url)
    assert status
    wording(name, status)


def test_home_says_nothing_that_is_not_known() -> None:
    assert home_status([], install_url=INSTALL) is None
    assert home_status([Checked(CheckName.SCOPES, Finding(Skipped.SCOPES_UNKNOWN))], install_url=INSTALL) is None
