"""Whose request it is: the installation's team, wherever the payload has it, and never the person's own."""

import pytest

from bot.inbound.installed_team import installed_team
from bot.inbound.payloads import BadPayloadError, pick_command, pick_event, pick_interaction
from harness.samples import sample

HOME, PARTNER = "T0HOME00001", "T0PARTNER01"


@pytest.mark.parametrize(
    ("name", "team"),
    [
        ("block_actions.slack_connect_foreign_user.payload", HOME),
        ("block_actions.grid_member_workspace.payload", HOME),
        ("block_actions.org_install.payload", ""),
        ("view_submission.slack_connect_foreign_user.payload", HOME),
    ],
)
def test_of_an_interaction(name: str, team: str) -> None:
    payload = sample(name)
    assert PARTNER not in team
    assert installed_team(pick_interaction(payload)) == team


@pytest.mark.parametrize("name", ["slash_command.fields", "slash_command.grid.fields"])
def test_of_a_command(name: str) -> None:
    assert installed_team(pick_command(sample(name))) == HOME


@pytest.mark.parametrize("name", ["event.app_uninstalled", "event.tokens_revoked"])
def test_of_an_event(name: str) -> None:
    assert installed_team(pick_event(sample(name))) == HOME


def test_of_an_event_that_happened_in_a_partners_workspace() -> None:
    event = sample("event.app_uninstalled") | {"team_id": PARTNER}
    assert installed_team(pick_event(event)) == HOME


def test_of_an_event_of_an_organisations_installation() -> None:
    event = sample("event.app_uninstalled")
    event["authorizations"][0]["team_id"] = None
    assert installed_team(pick_event(event)) == ""


def test_of_an_event_that_names_no_installation() -> None:
    event = sample("event.app_uninstalled")
    del event["authorizations"]
    assert installed_team(pick_event(event)) == HOME


def test_of_a_view_that_names_no_installation_it_is_nobodys() -> None:
    """Its `team` is that of whoever submitted it."""
    payload = sample("view_submission.slack_connect_foreign_user.payload")
    assert payload["team"]["id"] == PARTNER
    del payload["view"]["app_installed_team_id"]
    assert installed_team(pick_interaction(payload)) == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("authorizations", {}),
        ("authorizations", [7]),
        ("authorizations", [{"team_id": ["T1"]}]),
        ("event_time", "1785000000"),
        ("event_time", -1),
        ("event_time", 10**20),
        ("event", {"type": "tokens_revoked", "tokens": []}),
        ("event", {"type": "tokens_revoked", "tokens": {"bot": "U1"}}),
        ("event", {"type": "tokens_revoked", "tokens": {"bot": [7]}}),
    ],
)
def test_an_event_in_another_shape_is_refused(field: str, value: object) -> None:
    with pytest.raises(BadPayloadError):
        pick_event(sample("event.app_uninstalled") | {field: value})


@pytest.mark.parametrize("view", [[], "V1", {"app_installed_team_id": 7}, {"app_installed_team_id": "t 1"}])
def test_a_view_in_another_shape_is_refused(view: object) -> None:
    with pytest.raises(BadPayloadError):
        pick_interaction(sample("view_submission.slack_connect_foreign_user.payload") | {"view": view})
