"""`anchor-bot doctor --probe`: what a session shows of Anchor, with each answer that Anchor can give."""

import sys
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.cli.parser import NotDoneError
from bot.demo.sandbox import environment
from bot.sim.anchor import DEFAULT_KEY, ResetAfterReading, SessionState, SimAnchor
from bot.sim.slack import SimSlack
from harness.doctor import probed
from harness.product import checks
from harness.texts import SESSION

pytestmark = pytest.mark.anyio

SECOND = "sk-second"
BOTH = {"PROBE_KEY": SECOND}
N, Good, Skipped = checks.CheckName, checks.Good, checks.Skipped


@pytest.fixture
async def anchor() -> AsyncIterator[SimAnchor]:
    async with SimAnchor() as anchor:
        anchor.add_key(SECOND, team_of=DEFAULT_KEY)
        yield anchor
        assert anchor.violations == []


def add(anchor: SimAnchor, key: str = DEFAULT_KEY, **fields: Any) -> None:
    """Add a session whose idle timeout ends it before its other limit."""
    usual: dict[str, Any] = {
        "created_at": datetime.fromtimestamp(time.time(), UTC),
        "idle_timeout": 5,
        "max_duration": 60,
    }
    anchor.add_session(session_id=SESSION, key=key, **(usual | fields))


def settings_for(anchor: SimAnchor, **settings: str) -> dict[str, str]:
    return environment(SimSlack(), anchor, **settings)


def line(name: checks.CheckName, kind: checks.Kind, **values: str) -> str:
    return checks.check_line(checks.Checked(name, checks.Finding(kind, values)))


@pytest.mark.parametrize("awake", [True, False])
@pytest.mark.parametrize(("ended", "unknown"), [(200, 401), (404, 404)])
@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("ordered", [200, 403])
async def test_each_combination_of_the_four_answers_is_found_out(
    anchor: SimAnchor,
    capsys: pytest.CaptureFixture[str],
    *,
    awake: bool,
    ended: int,
    unknown: int,
    listed: bool,
    ordered: int,
) -> None:
    add(anchor, key=SECOND if listed is awake else DEFAULT_KEY)
    of = anchor.unknowns
    of.pause_keeps_awake, of.end_of_ended, of.end_of_unknown = awake, ended, unknown
    of.others_listed, of.others_ordered = listed, ordered
    assert await probed(settings_for(anchor, **BOTH), SESSION, "--yes") == (
        0,
        [
            line(N.OTHERS_LISTED, Good.YES if listed else Good.NO),
            line(N.OTHERS_PAUSED, Good.YES if ordered == 200 else Good.NO),
            line(N.IDLE_TIMEOUT, Good.KEPT_AWAKE if awake else Good.ENDED_IDLE, minutes="6"),
            line(N.END_OF_ENDED, Good.ANSWERED, status=str(ended)),
            line(N.END_OF_UNKNOWN, Good.ANSWERED, status=str(unknown)),
        ],
    )
    assert "6 min" in capsys.readouterr().err
    assert anchor.session(SESSION).state is SessionState.ENDED


@pytest.mark.parametrize(("read", "ordered"), [(200, 200), (404, 200), (404, 404)])
async def test_a_key_that_made_a_session_pauses_and_ends_it_if_the_bots_own_cannot(
    anchor: SimAnchor, read: int, ordered: int
) -> None:
    add(anchor, key=SECOND)
    anchor.unknowns.others_read, anchor.unknowns.others_ordered = read, ordered
    _, lines = await probed(settings_for(anchor, **BOTH), SESSION, "--yes")
    assert lines[:2] == [
        line(N.OTHERS_LISTED, Good.NO),
        line(N.OTHERS_PAUSED, Good.YES if ordered == 200 else Good.NO),
    ]
    assert anchor.session(SESSION).state is SessionState.ENDED


@pytest.mark.parametrize(
    ("made_by", "ordered", "listed", "paused"),
    [
        (DEFAULT_KEY, 200, Skipped.NO_OTHER_KEY, Skipped.NO_OTHER_KEY),
        (SECOND, 200, Good.NO, Good.YES),
        (SECOND, 403, Good.NO, Good.NO),
    ],
)
async def test_one_key_tells_of_others_only_if_another_one_made_the_session(
    anchor: SimAnchor, made_by: str, ordered: int, listed: checks.Kind, paused: checks.Kind
) -> None:
    add(anchor, key=made_by)
    anchor.unknowns.others_ordered = ordered
    _, lines = await probed(settings_for(anchor, PROBE_KEY=DEFAULT_KEY), SESSION, "--yes")
    assert lines[:2] == [line(N.OTHERS_LISTED, listed), line(N.OTHERS_PAUSED, paused)]
    refused = [line(N.IDLE_TIMEOUT, Skipped.NO_FACT), line(N.END_OF_ENDED, Skipped.STILL_RUNS, status="403")]
    assert (lines[2:4] == refused) is (ordered == 403)


@pytest.mark.parametrize(
    "fields", [{"idle_timeout": None}, {"idle_timeout": 16}, {"max_duration": 6}, {"created_at": None}]
)
async def test_no_wait_is_made_that_tells_nothing(anchor: SimAnchor, fields: Mapping[str, Any]) -> None:
    began = time.monotonic()
    add(anchor, **fields)
    code, lines = await probed(settings_for(anchor), SESSION, "--yes")
    assert (code, lines[2]) == (0, line(N.IDLE_TIMEOUT, Skipped.IDLE_UNKNOWN, minutes="15"))
    assert anchor.session(SESSION).state is SessionState.ENDED
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("is_cut_off", [False, True])
async def test_what_anchor_does_not_answer_stays_unknown(
    anchor: SimAnchor, monkeypatch: pytest.MonkeyPatch, *, is_cut_off: bool
) -> None:
    def answer(_: str) -> str:
        anchor.fault = ResetAfterReading() if is_cut_off else None
        return SESSION[:8]

    add(anchor, key=SECOND)
    anchor.unknowns.others_ordered = 500
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", answer)
    code, lines = await probed(settings_for(anchor), SESSION)
    assert (code, lines[1:]) == (
        0,
        [
            line(N.OTHERS_PAUSED, Skipped.NO_FACT),
            line(N.IDLE_TIMEOUT, Skipped.NO_FACT),
            line(N.END_OF_ENDED, Skipped.STILL_RUNS, status="none" if is_cut_off else "500"),
            line(N.END_OF_UNKNOWN, Skipped.NO_FACT if is_cut_off else Good.ANSWERED, status="401"),
        ],
    )


@pytest.mark.parametrize(
    ("typed", "state", "settings"),
    [
        (None, SessionState.RUNNING, {}),
        ("", SessionState.RUNNING, {}),
        ("3f2b8c1", SessionState.RUNNING, {}),
        (SESSION[:8], SessionState.ENDED, {}),
        (SESSION[:8], SessionState.RUNNING, {"PROBE_KEY": "no key"}),
    ],
)
async def test_nothing_is_sent_without_a_yes_a_session_and_a_key(
    anchor: SimAnchor,
    monkeypatch: pytest.MonkeyPatch,
    typed: str | None,
    state: SessionState,
    settings: Mapping[str, str],
) -> None:
    add(anchor, state=state)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: typed is not None)
    monkeypatch.setattr("builtins.input", lambda _: typed)
    with pytest.raises(NotDoneError):
        await probed(settings_for(anchor, **settings), SESSION)
    assert anchor.orders == []
