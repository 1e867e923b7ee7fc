"""Slack's grants and refusals, read without a network."""

from typing import Any

import pytest

from bot.outbound.slack.oauth import read_date, read_grant
from harness.install_browser import pages as about
from harness.product import Secret, workspace
from harness.samples import sample

NOW = 1_785_000_000.9
WORKSPACE: dict[str, Any] = sample("webapi.oauth.v2.access.workspace")
SILENT = about.unavailable_page(about.SLACK_SILENT)
ALL_DECLINED = about.declined_page(about.scopes_declined("commands, chat:write, users:read"))
NOT_AN_OBJECT: list[object] = [None, b"", "<html>", []]
INSTALLATION = {
    "team_id": "T0HOME00001",
    "team_name": "Acme",
    "enterprise_id": None,
    "app_id": "A0ANCHOR001",
    "bot_user_id": "U0ANCHORBOT",
    "bot_token": Secret("xoxb-SIMULATED"),
    "scopes": ("commands", "chat:write", "users:read", "incoming-webhook"),
    "installed_by": "U0ALICE0001",
    "installed_at": 1_785_000_000,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"enterprise": {"id": "E0GRID00001", "name": "Grid"}}, {"enterprise_id": "E0GRID00001"}),
        ({"team": {"id": "T0HOME00001"}, "authed_user": None}, {"team_name": "T0HOME00001", "installed_by": ""}),
    ],
    ids=["a workspace", "a workspace of a grid", "a workspace without a name"],
)
def test_a_grant_becomes_an_installation(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read_grant(WORKSPACE | changes, now=NOW) == workspace.Installation(**INSTALLATION | expected)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (sample("webapi.oauth.v2.access.org"), about.declined_page(about.ORG_WIDE)),
        (sample("webapi.oauth.v2.access.rotation"), about.operator_page(about.TOKEN_ROTATES)),
        ({}, ALL_DECLINED),
        (WORKSPACE | {"scope": "commands,users:read"}, about.declined_page(about.scopes_declined("chat:write"))),
        (WORKSPACE | {"scope": None}, ALL_DECLINED),
        *((odd, SILENT) for odd in NOT_AN_OBJECT),
        *((WORKSPACE | {name: None}, SILENT) for name in ("team", "access_token", "bot_user_id", "app_id")),
        *((WORKSPACE | {"access_token": odd}, SILENT) for odd in ("", 7)),
        *((WORKSPACE | {"team": odd}, SILENT) for odd in ("T1", {}, {"id": 7}, {"id": "t0"}, {"id": "T" * 41})),
    ],
)
def test_any_other_grant_is_a_problem(answer: object, problem: object) -> None:
    assert read_grant(answer, now=NOW) == problem


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({"Date": "Sat, 25 Jul 2026 17:20:05 GMT"}, 1_785_000_005.0), ({"Date": "yesterday"}, NOW), ({}, NOW)],
    ids=["named", "unreadable", "not named"],
)
def test_the_date_of_an_answer(headers: dict[str, str], expected: float) -> None:
    assert read_date(headers, otherwise=NOW) == expected
