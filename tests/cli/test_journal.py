"""The command `journal`, called as a function: which orders it prints, and in what form."""

import asyncio
import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli import journal
from bot.cli.journal import Follower
from bot.cli.journal_formats import CsvWriter, JsonWriter, TableWriter
from bot.cli.main import main
from bot.core.history import OUTCOMES, HistoryFilter, PastOrder
from bot.core.outcomes import Doubt, NotFound, Outcome, Paused, Unconfirmed
from bot.core.policy import NotNamed
from bot.core.recovery import State
from bot.core.requests import Verb
from bot.core.secret import Secret
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.fields import FieldCipher
from bot.outbound.store.order_history import OrderHistory
from bot.outbound.store.order_row import OrderRow
from bot.outbound.store.order_rows import OrderRows
from bot.outbound.store.store import open_store
from harness import OTHER_SESSION
from harness.conversation import until
from harness.databases import KEY
from harness.order_rows import RESPONSE_URL, order_row

Check = Callable[[str, str], None]
TEAM = "T0FOLLOWED1"
NO_ANSWER = "postgresql://x@127.0.0.1:1/none"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


def told(row: OrderRow) -> OrderRow:
    return replace(row, state=State.TOLD, delivered_by="ack", told_at=row.settled_at)


def of_bob(row: OrderRow) -> OrderRow:
    return replace(row, order=replace(row.order, actor=replace(row.order.actor, user_id="U0BOB000001")))


ROWS = [
    told(order_row(outcome=Paused("paused"), age=100_000)),
    told(order_row(outcome=NotFound("no such session"), session=OTHER_SESSION, age=5_000)),
    told(order_row(Verb.RESUME, outcome=Unconfirmed(Doubt.STOPPED), team="T0OTHER0001", age=4_000)),
    told(of_bob(order_row(outcome=NotNamed(frozenset({"U1"})), age=3_000))),
    order_row(age=1),
]
"""One is older than a day; the last one has no outcome yet."""


@pytest.fixture(autouse=True)
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A database with ROWS, named by the environment, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    write(url, *ROWS)
    return url


def write(url: str, *rows: OrderRow) -> None:
    async def write_rows() -> None:
        async with open_store(Secret(url), [KEY]) as store:
            await OrderRows(store.database, FieldCipher([KEY]), "ours").write(rows, [])

    asyncio.run(write_rows())


@pytest.fixture
def prints(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command, and return what it prints: on stdout, or on stderr if it fails."""

    def run(*arguments: str, code: int = 0) -> str:
        assert main(["journal", *arguments]) == code
        written = capsys.readouterr()
        assert (written.err if code == 0 else written.out) == ""
        return (written.out if code == 0 else written.err).removesuffix("\n")

    return run


Prints = Callable[..., str]


def numbers(printed: str) -> list[int]:
    """The rows that were printed as JSON."""
    ids = [row.id for row in ROWS]
    return [ids.index(json.loads(line)["id"]) for line in printed.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", [1, 2, 3, 4]),
        ("--since 2d", [0, 1, 2, 3, 4]),
        ("--since 2026-01-01T00:00Z --session https://anchor/sessions/" + OTHER_SESSION, [1]),
        ("--since 2026-01-01 --user U0BOB000001", [3]),
        ("--user os:alice", []),
        ("--since 75m", [2, 3, 4]),
        ("--workspace T0OTHER0001", [2]),
        ("--outcome not-done", [1]),
        ("--outcome Failed", []),
        ("--outcome notfound", [1]),
        ("--outcome unconfirmed", [2]),
        ("--outcome refused", [3]),
        ("--outcome unfinished", [4]),
        ("--outcome done --since 1w", [0]),
        ("--outcome Resumed", []),
    ],
)
def test_it_prints_the_chosen_orders_in_their_sequence(
    prints: Prints, monkeypatch: pytest.MonkeyPatch, arguments: str, expected: list[int]
) -> None:
    monkeypatch.setattr(journal, "_PAGE", 2)
    assert numbers(prints("--format", "json", *arguments.split())) == expected


def test_without_settings_it_reads_the_file_of_a_bot_of_one_workspace(
    prints: Prints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    Path("bot.db").rename("anchor-bot.db")
    assert numbers(prints("--format", "json")) == [1, 2, 3, 4]


def test_each_outcome_is_of_one_kind() -> None:
    names = sorted(name for kind in OUTCOMES.values() for name in kind)
    assert names == sorted(outcome.__name__ for outcome in get_args(Outcome))


def test_json_and_csv_have_everything_but_secrets(prints: Prints) -> None:
    written = prints("--format", "json")
    first = json.loads(written.splitlines()[0])
    moments = [first.pop(name) for name in ("given_at", "settled_at", "told_at", "id")]
    assert [bool(TIME.fullmatch(one)) for one in moments] == [True, True, True, False]
    assert first == {
        "workspace": "T0HOME00001",
        "channel": "C0ALERTS001",
        "thread": None,
        "user": "U0ALICE0001",
        "home_workspace": "T0HOME00001",
        "source": "command",
        "verb": "pause",
        "session": OTHER_SESSION,
        "reason": "it loops",
        "outcome": "NotFound",
        "details": {"anchor_message": "no such session"},
        "seconds": 0.0,
        "delivered_by": "ack",
        "state": "told",
    }
    cells = list(csv.DictReader(io.StringIO(prints("--format", "csv"))))
    assert [cell["id"] for cell in cells] == [json.loads(line)["id"] for line in written.splitlines()]
    assert cells[-1]["outcome"] == ""
    for text in (RESPONSE_URL, "secret", "gAAAA"):
        assert text not in written + str(cells) + prints()


def test_a_narrow_terminal_gets_fewer_columns(prints: Prints, monkeypatch: pytest.MonkeyPatch, wording: Check) -> None:
    for columns in (None, "120", "80", "40"):
        if columns:
            monkeypatch.setenv("COLUMNS", columns)
        wording(f"{columns or 'all'} columns", TIME.sub("2026-11-26T10:00:00Z", prints("--outcome", "refused")))


def past(reason: str) -> PastOrder:
    texts = dict.fromkeys((one.name for one in fields(PastOrder)), "x")
    return PastOrder(**{**texts, "reason": reason, "given_at": 0.0, "settled_at": 0.5, "told_at": None})  # type: ignore[arg-type]


@given(st.text(), st.integers(30, 200))
def test_whatever_people_write_the_table_fits_and_steers_no_terminal(reason: str, width: int) -> None:
    out = io.StringIO()
    TableWriter(out, width).write([past(reason)])
    heading, line, end = out.getvalue().split("\n")
    assert (line.isprintable(), end) == (True, "")
    assert sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line) <= width >= len(heading)


@given(st.one_of(st.text(), st.text("=+-@ \t\r\n＝", min_size=1)))
def test_no_cell_of_csv_is_a_formula(reason: str) -> None:
    out = io.StringIO()
    CsvWriter(out).write([past(reason)])
    _, cells = csv.reader(io.StringIO(out.getvalue()))
    assert [cell for cell in cells if cell.lstrip()[:1] in set("=+-@＝＋－＠") or not cell.isprintable()] == []


def test_what_an_encoding_lacks_is_escaped() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    TableWriter(out, None).write([past("zu spät")])
    assert b"zu sp\\xe4t" in raw.getvalue()


def test_without_a_database_it_says_so(prints: Prints, monkeypatch: pytest.MonkeyPatch, wording: Check) -> None:
    for name, url in {"no file": "sqlite:///elsewhere.db", "keeps nothing": "sqlite://"}.items():
        monkeypatch.setenv("DATABASE_URL", url)
        wording(name, prints(code=1).replace(str(Path.cwd()), "DIRECTORY"))
    assert not Path("elsewhere.db").exists()


@pytest.mark.parametrize(("url", "code"), [("odd", 2), ("postgresql://[", 2), (NO_ANSWER, 1)])
def test_a_database_that_can_not_be_used_is_named(
    prints: Prints, monkeypatch: pytest.MonkeyPatch, url: str, code: int
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert "DATABASE_URL" in prints(code=code)


async def failing(*_: object, **__: object) -> list[PastOrder]:
    raise StoreUnreachableError("gone")


def test_a_database_that_fails_meanwhile_is_named(
    prints: Prints, monkeypatch: pytest.MonkeyPatch, wording: Check
) -> None:
    monkeypatch.setattr(OrderHistory, "next_page", failing)
    wording("incomplete", prints("--format", "json", code=1))


@pytest.mark.parametrize(("follow", "code"), [([], 130), (["--follow"], 0)])
def test_ctrl_c_ends_it(monkeypatch: pytest.MonkeyPatch, follow: list[str], code: int) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(journal, "show_journal", interrupt)
    assert main(["journal", *follow]) == code


def test_bad_arguments_are_named(capsys: pytest.CaptureFixture[str], wording: Check) -> None:
    for arguments in (
        *("--since yesterday", "--since 5000000000w", "--session 3f2b", "--user alice", "--outcome good"),
        "--workspace t0",
    ):
        with pytest.raises(SystemExit) as caught:
            main(["journal", *arguments.split()])
        assert caught.value.code == 2
        wording(arguments, capsys.readouterr().err.splitlines()[-1])


@pytest.mark.anyio
async def test_changes_are_followed_also_those_that_come_late_because_the_database_failed(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    monkeypatch.setattr(journal, "_INTERVAL", 0.01)
    monkeypatch.setattr(journal, "_LOOK_BACK", 0.5)
    out, open_row, chosen = io.StringIO(), order_row(age=10, team=TEAM), HistoryFilter(team_id=TEAM, since=0.0)

    async def until_printed(*expected: tuple[OrderRow, str | None]) -> None:
        wanted = {(row.id, outcome) for row, outcome in expected}
        await until(lambda: len(out.getvalue().splitlines()) == len(wanted))
        assert {(one["id"], one["outcome"]) for one in map(json.loads, out.getvalue().splitlines())} == wanted

    async with open_store(Secret(database_url), [KEY]) as store:
        rows = OrderRows(store.database, FieldCipher([KEY]), "ours")
        await rows.write([open_row], [])
        history = OrderHistory(store.database)
        following = asyncio.create_task(Follower(history, chosen, JsonWriter(out), out).run())
        await until_printed(shown := (open_row, None))
        await asyncio.sleep(0.6)  # from now on it looks only for later orders, and for this one
        later = order_row(team=TEAM)
        await rows.write([later], [told(replace(open_row, outcome=Paused(), settled_at=open_row.given_at))])
        await until_printed(shown, (later, None), (open_row, "Paused"))
        with monkeypatch.context() as patch:
            patch.setattr(OrderHistory, "next_page", failing)
            late = order_row(team=TEAM)
            await rows.write([late], [])
            await asyncio.sleep(0.6)
        await until_printed(shown, (later, None), (open_row, "Paused"), (late, None))
        await asyncio.sleep(0.1)  # it looks again, and still looks back
        following.cancel()
        await asyncio.wait({following})
    wording("it goes on", capsys.readouterr().err.strip())
