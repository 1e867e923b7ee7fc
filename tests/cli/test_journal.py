"""The command `journal`, called as a function: which orders it prints, and in what form."""

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli.journal import table_line
from harness import OTHER_SESSION
from harness.databases import KEY
from harness.order_rows import RESPONSE_URL, OrderHistory, order_row, rows_of
from harness.order_rows import told as told_as
from harness.product import Secret, errors, journal, main, open_store, orders, outcomes

Check = Callable[[str, str], None]
NO_ANSWER = "postgresql://x@127.0.0.1:1/none"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


def told(row: Any, outcome: outcomes.Outcome) -> Any:
    return told_as(row, outcome, settled_at=row.given_at)


UNCONFIRMED = outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER)
BEGAN = time.monotonic()
BOB_S = order_row(user="U0BOB000001", age=1_700)
ROWS = [
    told(order_row(age=100_000), outcomes.Paused("paused")),
    told(order_row(session=OTHER_SESSION, age=5_000), outcomes.NotFound(404, "no such session")),
    told(order_row(orders.Verb.RESUME, team="T0OTHER0001", age=4_000), UNCONFIRMED),
    told(
        replace(BOB_S, order=replace(BOB_S.order, batch_id="0193")),
        outcomes.Refusal(outcomes.Why.NOT_NAMED, ids=frozenset({"U1"})),
    ),
    order_row(age=1),
]
"""As if a test began with this module. One is older than a day; the last one has no outcome yet."""


@pytest.fixture(autouse=True)
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A database with ROWS, named by the environment, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    asyncio.run(write(url, [replace(row, given_at=row.given_at + time.monotonic() - BEGAN) for row in ROWS]))
    return url


async def write(url: str, rows: list[Any]) -> None:
    async with open_store(Secret(url), [KEY]) as store:
        await rows_of(store).write(*rows)


Prints = Callable[..., str]


@pytest.fixture
def prints(capsys: pytest.CaptureFixture[str]) -> Prints:
    """Run the command, and return what it prints: on stdout, or on stderr if it fails."""

    def run(*arguments: str, code: int = 0) -> str:
        assert main(["journal", *arguments]) == code
        written = capsys.readouterr()
        assert (written.err if code == 0 else written.out) == ""
        return (written.out if code == 0 else written.err).removesuffix("\n")

    return run


def numbers(printed: str) -> list[int]:
    """The rows that were printed as JSON."""
    ids = [row.id for row in ROWS]
    return [ids.index(json.loads(line)["id"]) for line in printed.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", [1, 2, 3, 4]),
        ("--since 2d", [0, 1, 2, 3, 4]),
        ("--since 2d --session https://anchor/sessions/" + OTHER_SESSION, [1]),
        ("--since 2d --user U0BOB000001", [3]),
        ("--since 3060s", [3, 4]),
        ("--since 1h", [3, 4]),
        ("--since 28m", [4]),
        ("--workspace T0OTHER0001", [2]),
        ("--batch 0193", [3]),
    ],
)
def test_it_prints_the_chosen_orders_in_their_sequence(prints: Prints, arguments: str, expected: list[int]) -> None:
    assert numbers(prints("--format", "json", *arguments.split())) == expected


def test_json_has_everything_but_secrets(prints: Prints) -> None:
    written = prints("--format", "json")
    first = json.loads(written.splitlines()[0])
    moments = [first.pop(name) for name in ("given_at", "settled_at", "told_at", "id")]
    assert [bool(TIME.fullmatch(one)) for one in moments] == [True, True, True, False]
    assert first == {
        "team_id": "T0HOME00001",
        "channel_id": "C0ALERTS001",
        "thread_ts": None,
        "user_id": "U0ALICE0001",
        "home_team_id": "T0HOME00001",
        "source": "command",
        "verb": "pause",
        "session_id": OTHER_SESSION,
        "reason": "it loops",
        "outcome": "NotFound",
        "outcome_fields": {"status_code": 404, "anchor_message": "no such session", "retry_after": None},
        "delivered_by": "ack",
        "batch_id": None,
        "state": "settled",
    }
    for text in (RESPONSE_URL, "secret", "gAAAA"):
        assert text not in written + prints()


@pytest.mark.parametrize(("url", "code"), [("odd", 2), ("postgresql://[", 2), (NO_ANSWER, 1)])
def test_a_database_that_can_not_be_used_is_named(
    prints: Prints, monkeypatch: pytest.MonkeyPatch, url: str, code: int, wording: Check
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert "DATABASE_URL" in prints(code=code)
    for name, other in {"no file": "sqlite:///elsewhere.db", "keeps nothing": "sqlite://"}.items():
        monkeypatch.setenv("DATABASE_URL", other)
        wording(name, prints(code=1).replace(str(Path.cwd()), "DIRECTORY"))
    assert not Path("elsewhere.db").exists()


def test_bad_arguments_are_named(capsys: pytest.CaptureFixture[str], wording: Check) -> None:
    for arguments in (
        *("--since yesterday", "--since 5000000000w", "--session 3f2b", "--user alice"),
        "--workspace t0",
    ):
        with pytest.raises(SystemExit) as caught:
            main(["journal", *arguments.split()])
        assert caught.value.code == 2
        wording(arguments, capsys.readouterr().err.splitlines()[-1])


GONE = AsyncMock(side_effect=errors.StoreUnreachableError("gone"))


def test_a_database_that_fails_meanwhile_is_named_and_ctrl_c_ends_it(
    prints: Prints, monkeypatch: pytest.MonkeyPatch, wording: Check
) -> None:
    monkeypatch.setattr(OrderHistory, "next_page", GONE)
    wording("incomplete", prints("--format", "json", code=1))
    monkeypatch.setattr(OrderHistory, "next_page", AsyncMock(side_effect=KeyboardInterrupt))
    assert main(["journal"]) == 130


@given(st.text())
def test_whatever_people_write_an_order_is_one_line_of_100_columns_that_steers_no_terminal(reason: str) -> None:
    texts: dict[str, Any] = dict.fromkeys((one.name for one in fields(journal.PastOrder)), "x" * 99)
    past = journal.PastOrder(**texts | {"reason": reason, "given_at": 0.0, "settled_at": 0.5, "told_at": None})
    assert table_line(past).isprintable()
    assert len(table_line(past)) <= 100
