"""The workspace of a request is that of the installation; a submitted modal can have anything in it."""

from typing import Any

import pytest

from bot.inbound.slack import request as under_test
from harness.samples import sample

HOME, PARTNER = "T0HOME00001", "T0PARTNER01"
VIEW = sample("view_submission.slack_connect_foreign_user.payload")
MODAL = {"type": "view_submission", "team": {"id": HOME}}
OWN = MODAL | {"user": {"id": "U0ALICE0001", "team_id": HOME}, "view": {"team_id": HOME}}
EVENT = sample("event.app_uninstalled")


def team_of(payload: dict[str, Any]) -> str:
    view = {"view": {"id": "V0MODAL0001"} | payload["view"]} if "view" in payload else {}
    kind = "command" if "command" in payload else "event" if "event" in payload else "interaction"
    return under_test.read_address(under_test.pick(kind, payload | view)).actor.team_id


@pytest.mark.parametrize(
    ("payload", "team"),
    [
        (sample("block_actions.slack_connect_foreign_user.payload"), HOME),
        (sample("block_actions.grid_member_workspace.payload"), HOME),
        (sample("block_actions.org_install.payload"), ""),
        (VIEW, HOME),
        (VIEW | {"view": {}}, ""),
        (VIEW | {"view": {"team_id": HOME}}, ""),
        (OWN, HOME),
        (OWN | {"view": {"team_id": PARTNER}}, ""),
        (OWN | {"view": {}}, ""),
        (OWN | {"view": {"team_id": [HOME]}}, ""),
        (OWN | {"user": {"id": "U0MALLORY01", "team_id": PARTNER}}, ""),
        (OWN | {"user": {"id": "U0MALLORY01"}}, ""),
        (OWN | {"team": {"id": PARTNER}}, ""),
        (OWN | {"team": None}, ""),
    ],
)
def test_the_team_of_an_interaction(payload: dict[str, Any], team: str) -> None:
    assert team_of(payload) == team


def test_the_team_of_a_command_and_of_an_event() -> None:
    for name in ("slash_command.fields", "slash_command.grid.fields"):
        assert team_of(sample(name)) == HOME
    for changes, team in (
        ({}, HOME),
        ({"team_id": PARTNER}, HOME),
        ({"authorizations": [{"team_id": None}]}, ""),
        ({"authorizations": None}, HOME),
    ):
        assert team_of(EVENT | changes) == team


def submitted(**view: Any) -> Any:
    return under_test.read_submission(VIEW | {"view": VIEW["view"] | view}, 0.0)


@pytest.mark.parametrize(
    ("metadata", "seen"),
    [("0", 0), ("17", 17), ("9" * 9, 999_999_999), *((odd, -1) for odd in ("", None, "-1", "１", "1" * 10, "1.0", 3))],
)
def test_the_version_that_was_seen_is_a_number_or_none(metadata: object, seen: int) -> None:
    assert submitted(private_metadata=metadata).expected_version == seen
