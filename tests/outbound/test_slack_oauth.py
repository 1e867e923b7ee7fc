"""What Slack grants, and what it refuses, read without a network."""

from typing import Any

import pytest

from bot.core.installation import (
    CodeRefused,
    Installation,
    OrgWide,
    RefusedBySlack,
    ScopesDeclined,
    SlackSilent,
    TokenRotates,
    WrongRedirect,
)
from bot.core.secret import Secret
from bot.outbound.slack_oauth import read_date, read_grant, read_refusal
from harness.samples import sample

NOW = 1_785_000_000.9


def grant(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = sample(f"webapi.oauth.v2.access.{name}")
    return loaded


WORKSPACE = grant("workspace")


def test_a_workspace() -> None:
    assert read_grant(WORKSPACE, now=NOW) == Installation(
        team_id="T0HOME00001",
        team_name="Acme",
        enterprise_id=None,
        app_id="A0ANCHOR001",
        bot_user_id="U0ANCHORBOT",
        bot_token=Secret("xoxb-SIMULATED"),
        scopes=("commands", "chat:write", "users:read", "incoming-webhook"),
        installed_by="U0ALICE0001",
        installed_at=1_785_000_000,
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Date": "Sat, 25 Jul 2026 17:20:05 GMT"}, 1_785_000_005.0),
        ({"Date": "yesterday"}, NOW),
        ({}, NOW),
    ],
    ids=["named", "unreadable", "not named"],
)
def test_the_date_of_an_answer(headers: dict[str, str], expected: float) -> None:
    assert read_date(headers, otherwise=NOW) == expected


def test_a_workspace_of_a_grid() -> None:
    granted = read_grant(WORKSPACE | {"enterprise": {"id": "E0GRID00001", "name": "Grid"}}, now=NOW)
    assert isinstance(granted, Installation)
    assert granted.enterprise_id == "E0GRID00001"


def test_an_organisation() -> None:
    assert read_grant(grant("org"), now=NOW) == OrgWide()


def test_tokens_that_rotate() -> None:
    assert read_grant(grant("rotation"), now=NOW) == TokenRotates()


@pytest.mark.parametrize(
    ("scope", "missing"),
    [("", ("commands", "chat:write", "users:read")), ("commands,users:read", ("chat:write",)), (None, ("commands",))],
)
def test_scopes_that_are_missing(scope: str | None, missing: tuple[str, ...]) -> None:
    granted = read_grant(WORKSPACE | {"scope": scope}, now=NOW)
    assert isinstance(granted, ScopesDeclined)
    assert granted.missing[: len(missing)] == missing


@pytest.mark.parametrize(
    "odd",
    [
        *(None, b"", [], {}),
        *({**WORKSPACE, name: None} for name in ("team", "access_token", "bot_user_id", "app_id")),
        *({**WORKSPACE, "access_token": odd} for odd in ("", 7)),
        *({**WORKSPACE, "team": odd} for odd in ("T0HOME00001", {}, {"id": 7}, {"id": "t0"}, {"id": "T" * 41})),
    ],
)
def test_what_can_not_be_read_is_no_installation(odd: object) -> None:
    expected = ScopesDeclined(("commands", "chat:write", "users:read")) if odd == {} else SlackSilent()
    assert read_grant(odd, now=NOW) == expected


def test_a_workspace_without_a_name_goes_by_its_id() -> None:
    granted = read_grant(WORKSPACE | {"team": {"id": "T0HOME00001"}, "authed_user": None}, now=NOW)
    assert isinstance(granted, Installation)
    assert (granted.team_name, granted.installed_by) == ("T0HOME00001", "")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"error": "invalid_code"}, CodeRefused()),
        ({"error": "code_already_used"}, CodeRefused()),
        ({"error": "bad_redirect_uri"}, WrongRedirect()),
        ({"error": "oauth_authorization_url_mismatch"}, WrongRedirect()),
        ({"error": "bad_client_secret"}, RefusedBySlack("bad_client_secret")),
        ({"error": "scope_not_allowed_on_enterprise"}, RefusedBySlack("scope_not_allowed_on_enterprise")),
        ({"error": 7}, SlackSilent()),
        ({}, SlackSilent()),
        (None, SlackSilent()),
        ("<html>", SlackSilent()),
    ],
)
def test_what_slack_refuses(answer: object, problem: object) -> None:
    assert read_refusal(answer) == problem
