"""Home: the status first, each notice and list in its place, and rules of very many people and channels."""

from dataclasses import replace

import pytest

from bot.messages.home import home_view
from bot.sim.slack.content import mrkdwn_objects
from harness.cards import View
from harness.examples import (
    ADMINS,
    EMPTY,
    FIRST,
    FULL,
    KEY,
    LONG_POLICY,
    LONGEST,
    OVERVIEW_BLOCKS,
    elements,
    with_key,
)
from harness.product import policy, workspace


def lines_of(view: View) -> list[str]:
    return [line for text in mrkdwn_objects(list(view.blocks)) for line in text.splitlines()]


def test_the_lists_of_sessions_stand_between_the_notice_and_the_alerts() -> None:
    lines = lines_of(home_view(replace(FIRST, sessions=OVERVIEW_BLOCKS, notice="News")))
    assert lines[lines.index("News") + 1].startswith("*Running now")
    assert len(home_view(replace(FIRST, sessions=LONGEST["longest overview"].blocks)).blocks) < 100


def test_the_status_names_the_missing_scope() -> None:
    lines = lines_of(home_view(replace(FIRST, role=policy.Role.SCOPE_MISSING)))
    assert [place for place, line in enumerate(lines) if "users:read" in line] == [1]


@pytest.mark.parametrize(
    ("shown", "controls"),
    [
        (EMPTY, {"anchor_set_key": "primary"}),
        (FULL, {"anchor_key_menu": None}),
        (
            with_key(replace(KEY, check=workspace.KeyCheck.REFUSED)),
            {"anchor_key_menu": None, "anchor_set_key": "primary"},
        ),
    ],
    ids=["no key", "a key", "a refused key"],
)
def test_the_status_stands_first_and_the_step_that_it_asks_for_is_a_primary_button(
    shown: workspace.Workspace, controls: dict[str, str | None]
) -> None:
    blocks = home_view(replace(ADMINS, workspace=shown)).blocks
    status = list(blocks[: blocks.index({"type": "divider"})])
    assert status[0]["type"] == "section"
    assert {one["action_id"]: one.get("style") for one in elements(status)} == controls


def test_a_notice_of_a_policy_of_very_many_fits_into_a_message() -> None:
    assert len(LONG_POLICY.text) < 40_000
